"""Leave-one-item-out on the published data, on bare arrays: the solvers' numbers and times beside paper A's.

    python benchmarks/solvers_parity.py [twin] [movielens] [--float64] [--mirror DIR]

The order of operations is the paper's: drop the target from both sources, impute each source, standardise each by
its own item means and floored sds, fit on twins, predict humans, undo with the twin target's mean and sd.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from truetwin.solvers.elastic_net import ElasticNetDesign
from truetwin.solvers.low_rank import als, hard_impute, soft_impute
from truetwin.solvers.neural_net import NetworkOptions, train_networks
from truetwin.solvers.ridge import ridge
from truetwin.solvers.simplex import simplex_least_squares, simplex_mirror_descent_paper

SHARED = Path("/work/shared")
FOLDERS = {
    "twin": "2K500/synthetic_control/Text Persona - GPT4.1-mini",
    "movielens": "MovieLens-20M/synthetic_control",
}
PRESETS = {"twin": "twin-2k-500", "movielens": "movielens"}
METHODS = [
    "ridge", "lasso", "elastic-net", "synthetic-control", "synthetic-intervention",
    "hard-svd", "soft-svd", "als", "synthetic-prior", "neural-net",
]  # fmt: skip
REFERENCE_SECONDS = {
    "twin": [795, 797, 796, 825, 796, 250, 213, 239, 385, 1118],
    "movielens": [587, 588, 588, 626, 591, 329, 515, 227, 258, 852],
}
SD_FLOOR = 1.0
NETWORKS_AT_ONCE = 32


@dataclass
class Score:
    """Predictions become correlations as they arrive; CPU seconds are booked per method."""

    human: np.ndarray
    correlations: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def clock(self, name: str) -> Iterator[None]:
        begin = time.process_time()
        yield
        self.seconds[name] += time.process_time() - begin

    def add(self, name: str, j: int, prediction: np.ndarray) -> None:
        self.correlations[name][j] = paper_pearson(prediction, self.human[:, j])


def paper_pearson(prediction: np.ndarray, truth: np.ndarray) -> float:
    seen = ~np.isnan(truth)
    a, b = prediction[seen].astype(float), truth[seen]
    if len(a) < 2 or a.std() <= 1e-2 or b.std() <= 1e-2:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def standardised(X: np.ndarray) -> np.ndarray:
    sd = np.nanstd(X, axis=0)
    return (X - np.nanmean(X, axis=0)) / np.where(sd < SD_FLOOR, 1.0, sd)


def load(name: str, mirror: Path) -> tuple[np.ndarray, np.ndarray]:
    folder = mirror / "syn-digits" / "data" / FOLDERS[name]
    human, twin = (
        pd.read_csv(folder / f).pipe(lambda d: d.set_index(d.columns[0])) for f in ("real.csv", "LLM.csv")
    )
    ids = human.index.intersection(twin.index)
    return human.loc[ids].to_numpy(float), twin.loc[ids, human.columns].to_numpy(float)


def transfer(human, twin, preset, score, dtype) -> None:
    """Six methods that fit on imputed twins and predict imputed humans."""
    waiting: list[tuple] = []
    m = human.shape[1]
    for j in range(m):
        with score.clock("imputation"):
            x_human, x_twin = (
                standardised(hard_impute(np.delete(s, j, axis=1), 5, dtype=dtype).completed)
                for s in (human, twin)
            )
        mean, sd = np.nanmean(twin[:, j]), np.nanstd(twin[:, j])
        sd = sd if sd >= SD_FLOOR else 1.0
        y = np.nan_to_num((twin[:, j] - mean) / sd)
        for name, coef, intercept in linear_fits(x_twin, y, preset, score):
            score.add(name, j, (x_human @ coef + intercept) * sd + mean)
        waiting.append((j, x_human.astype("f4"), x_twin.astype("f4"), y, mean, sd))
        if len(waiting) == NETWORKS_AT_ONCE or j == m - 1:
            with score.clock("neural-net"):
                p = preset["neural-net"]
                options = NetworkOptions(tuple(p["hidden"]), p["weight_decay"], epochs=p["epochs"])
                nets = train_networks(
                    np.stack([w[2] for w in waiting]), np.stack([w[3] for w in waiting]), options
                )
                outputs = nets.predict(np.stack([w[1] for w in waiting]))
            for w, output in zip(waiting, outputs, strict=True):
                score.add("neural-net", w[0], output * w[5] + w[4])
            waiting = []


def linear_fits(X, y, preset, score):
    with score.clock("ridge"):
        fit = ridge(X, y, preset["ridge"]["alpha"])
    yield "ridge", *fit
    with score.clock("lasso"):
        design = ElasticNetDesign(X)
        r = design.solve(y, preset["lasso"]["alpha"], 1.0)
    yield "lasso", r.coef, r.intercept
    with score.clock("elastic-net"):
        r = design.solve(y, preset["elastic-net"]["alpha"], preset["elastic-net"]["l1_ratio"])
    yield "elastic-net", r.coef, r.intercept
    with score.clock("synthetic-control"):
        gram, xty = X.T @ X, X.T @ y
        alpha = preset["synthetic-control"]["alpha"]
        weights = simplex_least_squares(gram, xty, alpha).weights
    yield "synthetic-control-exact", weights, 0.0
    with score.clock("synthetic-control"):
        weights = simplex_mirror_descent_paper(gram, xty, alpha, n_samples=len(X)).weights
    yield "synthetic-control", weights, 0.0
    with score.clock("synthetic-intervention"):
        p = preset["synthetic-intervention"]
        V = np.linalg.eigh(gram)[1][:, ::-1][:, : p["rank"]]
        coef, intercept = ridge(X @ V, y, p["alpha"])
    yield "synthetic-intervention", V @ coef, intercept


def completion(human, twin, preset, score, dtype) -> None:
    """Four methods that read the target off a completed matrix."""
    n, m = human.shape
    z_human, z_twin = standardised(human), standardised(twin)
    stacked = np.concatenate([z_human, z_twin])
    start = np.nan_to_num(z_twin)
    for j in range(m):
        mean, sd = np.nanmean(twin[:, j]), np.nanstd(twin[:, j])
        sd = sd if sd >= SD_FLOOR else 1.0
        hidden = stacked.copy()
        hidden[:n, j] = np.nan
        with score.clock("hard-svd"):
            done = hard_impute(hidden, preset["hard-svd"]["rank"], dtype=dtype).completed
        score.add("hard-svd", j, done[:n, j] * sd + mean)
        with score.clock("soft-svd"):
            done = soft_impute(hidden, *preset["soft-svd"].values(), dtype=dtype).completed
        score.add("soft-svd", j, done[:n, j] * sd + mean)
        with score.clock("als"):
            done = als(hidden, *preset["als"].values(), start=done, dtype=dtype).completed
        score.add("als", j, done[:n, j] * sd + mean)
        with score.clock("synthetic-prior"):
            done = hard_impute(
                hidden[:n], preset["synthetic-prior"]["rank"], start=start, dtype=dtype
            ).completed
        score.add("synthetic-prior", j, done[:, j] * sd + mean)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="*", default=list(FOLDERS))
    parser.add_argument("--float64", action="store_true", help="impute in double precision (default: single)")
    parser.add_argument("--mirror", type=Path, default=SHARED / "data" / "mirror")
    parser.add_argument("--tables", type=Path, default=SHARED / "reference" / "syn_digits_tables.json")
    args = parser.parse_args()
    tables = json.loads(args.tables.read_text())
    published = {
        "twin": tables["table_4_twin2k500_new_question"]["Text Persona - GPT4.1-mini"]["mean"],
        "movielens": tables["table_2_movielens_new_question"]["mean"],
    }
    dtype = np.float64 if args.float64 else np.float32
    for name in args.datasets:
        human, twin = load(name, args.mirror)
        score = Score(human)
        preset = tables["tables_7_8_hyperparameters"][PRESETS[name]]["new_question"]
        transfer(human, twin, preset, score, dtype)
        completion(human, twin, preset, score, dtype)
        report(name, score, published[name])


def report(name: str, score: Score, published: dict[str, float]) -> None:
    print(f"\n{name}: {'method':24} mean    se     paper  diff     cpu s  reference s")
    reference = dict(zip(METHODS, REFERENCE_SECONDS[name], strict=True))
    for method in [*METHODS, "synthetic-control-exact"]:
        r = np.array(list(score.correlations[method].values()))
        paper = published.get(method, {"twin": 0.2193, "movielens": 0.5014}.get(name, np.nan))
        print(
            f"{'':8} {method:24} {r.mean():.4f}  {r.std(ddof=1) / np.sqrt(len(r)):.3f}  {paper:.4f} "
            f"{r.mean() - paper:+.4f} {score.seconds[method]:7.1f} {reference.get(method, 0):8d}"
        )
    print(f"{'':8} imputation shared by six methods {score.seconds['imputation']:.1f} s; "
          f"all {sum(score.seconds.values()):.1f} s (reference {sum(reference.values())} s)", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

"""Measure how well auto predicts new respondents, beside the plain twin and the item means of other people.

Usage: python benchmarks/new_people.py [--all]; needs the public data (TRUETWIN_DATA_MIRROR or the network).

Some people are drawn as known, all others are new; figures are means over four draws of people. An item's correlation
runs over the new people. "item r" is the mean over the items whose twins vary, so that all methods are compared on the
same items; "all" is the mean over all items, an undefined correlation counting 0. "rmse" is in sds of the item's
answers. The rows of worlds are generated people with known truth and 30 five-point items: twins that are the people
("perfect"), that have nothing to do with them ("noise"), and in between ("base"). "New items" rows hide items besides
people and score the answers of new people to new items; "level" is the predicted item mean alone.
"""

from __future__ import annotations

import sys
import time
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from truetwin.calibration import calibrate
from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.data import Panel, ResponseMatrix, Target
from truetwin.datasets import generate_world, movielens, twin_2k_500
from truetwin.evaluation import evaluate, interval_coverage

Array = NDArray[np.float64]
DRAWS = 4
N_NEW = 300
N_ITEMS = 30


@dataclass(frozen=True)
class Scores:
    """Mean correlation over items, its counterpart over people, and the error in sds."""

    item: float
    all_items: float
    person: float
    rmse: float

    def __str__(self) -> str:
        return f"item r {self.item:.4f} (all {self.all_items:.4f})  person r {self.person:.4f}  rmse {self.rmse:.3f}"


def correlations(truth: Array, predicted: Array) -> Array:
    """Compute the correlation of each column; 0 if it is undefined."""
    found = np.zeros(truth.shape[1])
    for k in range(truth.shape[1]):
        both = np.isfinite(truth[:, k]) & np.isfinite(predicted[:, k])
        y, f = truth[both, k], predicted[both, k]
        if y.size > 2 and min(np.ptp(y), np.ptp(f)) > 1e-9:
            found[k] = np.corrcoef(y, f)[0, 1]
    return found


def score(truth: Array, predicted: Array, twin: Array) -> Scores:
    sd = np.nanstd(truth, axis=0)
    error = np.sqrt(np.nanmean((truth - predicted) ** 2, axis=0))
    varies = sd > 1e-9
    by_item = correlations(truth, predicted)
    common = (np.nanmax(twin, axis=0) > np.nanmin(twin, axis=0)) & varies
    return Scores(
        float(by_item[common].mean()),
        float(by_item.mean()),
        float(correlations(truth.T, predicted.T).mean()),
        float((error[varies] / sd[varies]).mean()),
    )


def one_draw(human: Array, twin: Array, known: NDArray[np.intp]) -> dict[str, Scores]:
    """Score the predictions of people who are not known, made from those who are."""
    n, p = human.shape
    new = np.setdiff1d(np.arange(n), known)
    seen = np.full(human.shape, np.nan)
    seen[known] = human[known]
    rows, columns = [f"r{k:05d}" for k in range(n)], [f"q{k:03d}" for k in range(p)]
    panel = Panel(ResponseMatrix(seen, rows, columns), ResponseMatrix(twin, rows, columns))
    auto = Auto().fit(panel, [Target("respondent", rows[k]) for k in new]).predict().values.T
    mean = np.broadcast_to(np.nanmean(seen, axis=0), (len(new), p))
    return {
        name: score(human[new], f, twin[new])
        for name, f in (("auto", auto), ("twin", twin[new]), ("mean", mean))
    }


def report(name: str, draws: list[dict[str, Scores]]) -> None:
    for method in draws[0]:
        values = [d[method] for d in draws]
        mean = Scores(*(float(np.mean(each)) for each in zip(*map(astuple, values), strict=True)))
        print(f"{name:44s} {method:5s} {mean}", flush=True)


def drawn(name: str, panel: Panel, n: int) -> None:
    found = []
    for seed in range(DRAWS):
        order = np.random.default_rng(seed).permutation(len(panel.respondent_ids))
        found.append(one_draw(panel.human_values, panel.twin_values, np.sort(order[:n])))
    report(f"{name}, {n} known", found)


def world(kind: str, n: int, seed: int) -> tuple[Array, Array]:
    """Generate answers of people and their twins to five-point items. The first ``n`` people miss 10% of theirs."""
    made = generate_world(kind, n + N_NEW, N_ITEMS, n_new_items=0, n_new_respondents=N_NEW, random_state=seed)
    human = made.truth.values.copy()
    human[:n] = made.panel.human_values[:n]
    return human, made.panel.twin_values


def worlds() -> None:
    for kind in ("perfect", "base", "noise"):
        for n in (30, 60, 200):
            found = [one_draw(*world(kind, n, seed), np.arange(n)) for seed in range(DRAWS)]
            report(f"world with {kind} twins, {n} known", found)
        both_new(f"world with {kind} twins, 60 known", *world(kind, 60, 0), N_NEW / (N_NEW + 60), 10)


def both_new(name: str, human: Array, twin: Array, share: float, n_items: int) -> None:
    """Score the predicted answers of new people to new items, with the share of them that 90% intervals cover."""
    found, covered = [], []
    (n, p), span = human.shape, range(DRAWS)
    rows, columns = [f"r{k:05d}" for k in range(n)], [f"q{chr(97 + k % 26)}{k}" for k in range(p)]
    for seed in span:
        rng = np.random.default_rng(seed)
        people, items = np.sort(rng.permutation(n)[: int(share * n)]), np.sort(rng.permutation(p)[:n_items])
        seen = human.copy()
        seen[people], seen[:, items] = np.nan, np.nan
        result = calibrate(Panel(ResponseMatrix(seen, rows, columns), ResponseMatrix(twin, rows, columns)))
        cells = np.ix_(people, items)
        truth, own = human[cells], twin[cells]
        level = np.broadcast_to(
            [result.new_cells.errors(i).level.mean for i in result.new_cells.item_ids], truth.shape
        )
        found.append(
            {
                m: score(truth, f, own)
                for m, f in (("auto", result.grid[cells]), ("twin", own), ("level", level))
            }
        )
        ends = result.intervals(0.9)
        low, high = (np.array([ends[columns[k]][e][people] for k in items]).T for e in (0, 1))
        covered.append(np.nanmean(np.where(np.isfinite(truth), (low <= truth) & (truth <= high), np.nan)))
    report(f"{name}, new items", found)
    print(f"{name}, new items: 90% intervals cover {np.mean(covered):.3f}", flush=True)


def left_out(name: str, panel: Panel) -> None:
    start = time.process_time()
    table = evaluate(
        panel,
        ["auto", "human-item-mean"],
        "leave-one-respondent-out",
        metric=["pearson", "centred-pearson"],
    )
    seconds = time.process_time() - start
    found = interval_coverage(panel, "leave-one-respondent-out")
    label = f"{name}, all but one known"
    for row in table.summary():
        print(f"{label:44s} {row['method']:16s} {row['metric']:16s} {row['mean']:.4f}", flush=True)
    print(
        f"{label:44s} 90% intervals cover {found.mean:.3f}, median width {np.nanmedian(found.width):.2f} sd; "
        f"evaluation took {seconds:.1f} s",
        flush=True,
    )


def main() -> None:
    with threadpool_limits(1):
        worlds()
        others = twin_2k_500.available_constructions()[1:] if "--all" in sys.argv else []
        panels = {"MovieLens": movielens.load(), "Twin-2K default": twin_2k_500.load()}
        panels |= {f"Twin-2K {name}": twin_2k_500.load(name) for name in others}
        for name, panel in panels.items():
            for n in (60, 300):
                drawn(name, panel, n)
            left_out(name, panel)
            both_new(name, panel.human_values, panel.twin_values, 0.3, panel.human_values.shape[1] // 10)


if __name__ == "__main__":
    main()

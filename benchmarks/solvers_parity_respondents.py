"""Leave-one-respondent-out on bare arrays: paper A's Table 5 (linear methods and completion).

    python benchmarks/solvers_parity_respondents.py [twin] [movielens] [--every K]

Rows are targets; imputation and standardisation stay item-wise. Respondents are imputed in groups whose members
do not influence one another (`hard_impute_rows_apart`), so one imputation serves a group's folds without a leak.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict

import numpy as np

from solvers_parity import PRESETS, SHARED, load, paper_pearson
from truetwin.solvers.elastic_net import ElasticNetDesign
from truetwin.solvers.low_rank import hard_impute_rows_apart
from truetwin.solvers.ridge import ridge
from truetwin.solvers.simplex import simplex_least_squares, simplex_mirror_descent_paper

N_GROUPS = 16


def scaled(X, mean, sd):
    return (X - mean) / sd


def fold(human, twin, twin_row, human_row, preset, scores, seconds):
    """One respondent: donors' completed answers, human and twin, without the respondent."""
    moments = [(X.mean(axis=0), np.where(X.std(axis=0) < 1.0, 1.0, X.std(axis=0))) for X in (human, twin)]
    H, T = (scaled(X, *m).T for X, m in zip((human, twin), moments, strict=True))
    mean, sd = moments[1]
    y = np.nan_to_num(scaled(twin_row, mean, sd))

    def add(name, prediction, begin):
        seconds[name] += time.process_time() - begin
        scores[name].append(paper_pearson(prediction * sd + mean, human_row))

    begin = time.process_time()
    coef, intercept = ridge(T, y, preset["ridge"]["alpha"])
    add("ridge", H @ coef + intercept, begin)
    begin = time.process_time()
    design = ElasticNetDesign(T)
    r = design.solve(y, preset["lasso"]["alpha"], 1.0)
    add("lasso", H @ r.coef + r.intercept, begin)
    begin = time.process_time()
    r = design.solve(y, preset["elastic-net"]["alpha"], preset["elastic-net"]["l1_ratio"])
    add("elastic-net", H @ r.coef + r.intercept, begin)
    begin = time.process_time()
    p = preset["synthetic-intervention"]
    U, s, _ = np.linalg.svd(T @ T.T)
    V = (T.T @ U[:, : p["rank"]]) / np.sqrt(s[: p["rank"]])
    coef, intercept = ridge(T @ V, y, p["alpha"])
    add("synthetic-intervention", H @ (V @ coef) + intercept, begin)
    if (
        len(twin) < 1000
    ):  # the exact simplex needs a Gram matrix of donors per fold: seconds here, minutes there
        begin = time.process_time()
        gram, xty, alpha = T.T @ T, T.T @ y, preset["synthetic-control"]["alpha"]
        add("synthetic-control-exact", H @ simplex_least_squares(gram, xty, alpha).weights, begin)
        begin = time.process_time()
        w = simplex_mirror_descent_paper(gram, xty, alpha, n_samples=len(T)).weights
        add("synthetic-control", H @ w, begin)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="*", default=["movielens", "twin"])
    parser.add_argument("--every", type=int, default=1, help="score every K-th respondent only")
    args = parser.parse_args()
    tables = json.loads((SHARED / "reference" / "syn_digits_tables.json").read_text())
    for name in args.datasets:
        human, twin = load(name, SHARED / "data" / "mirror")
        key = next(k for k in tables["table_5_new_user"] if k.startswith(PRESETS[name]))
        preset = tables["tables_7_8_hyperparameters"][PRESETS[name]]["new_user"]
        scores, seconds = defaultdict(list), defaultdict(float)
        for group in range(N_GROUPS):
            apart = np.arange(len(human)) % N_GROUPS == group
            begin = time.process_time()
            done = [hard_impute_rows_apart(s, apart, 5, dtype=np.float32).completed for s in (human, twin)]
            seconds["imputation"] += time.process_time() - begin
            for i in np.flatnonzero(apart)[:: args.every]:
                donors = (np.delete(x, i, axis=0) for x in done)
                fold(*donors, twin[i], human[i], preset, scores, seconds)
        print(name, {k: round(v, 1) for k, v in seconds.items()})
        for method, values in scores.items():
            paper = tables["table_5_new_user"][key]["mean"].get(method, float("nan"))
            print(
                f"  {method:24} {np.mean(values):.4f}  paper {paper:.3f}  {np.mean(values) - paper:+.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Measure whether draws keep the relations between items, beside point predictions used as answers.

Usage: python benchmarks/draws.py [--repeats 3]; needs the public data (TRUETWIN_DATA_MIRROR or the network).

500 people are drawn, and 60 answered items are hidden, their scales declared; method auto predicts them, and 20 data
sets are drawn. Figures are over people who answered. "sd ratio": sd of predicted over true answers, median over
items. "new-new": correlations of two hidden items, the mean over draws against the true one; "zero" assumes 0.
"new-donor": of a hidden item and a donor. "gap": difference of a hidden item's mean between the upper and the lower
half of a donor, in sds. "on two donors": regressions of a hidden item on two donors, and "on new" on another hidden
item and a donor; "covered" is the share of coefficients of the same people inside the 90% interval, by Rubin's rules
for draws; "slope" that of true on pooled ones.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import truetwin as tt
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import movielens, twin_2k_500

Array = NDArray[np.float64]
PEOPLE, HIDDEN, DRAWS = 500, 60, 20
LEAST = 30
REGRESSIONS = 5


def correlations(A: Array, B: Array) -> Array:
    """Correlate columns over pairwise complete answers; NaN with fewer than 30 pairs or without variation."""
    found = np.full((A.shape[1], B.shape[1]), np.nan)
    for j in range(A.shape[1]):
        for k in range(B.shape[1]):
            both = np.isfinite(A[:, j]) & np.isfinite(B[:, k])
            a, b = A[both, j], B[both, k]
            if a.size >= LEAST:
                with np.errstate(invalid="ignore", divide="ignore"):
                    found[j, k] = np.corrcoef(a, b)[0, 1] if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0
    return found


def gaps(Y: Array, D: Array, scale: Array) -> Array:
    """Compute the difference of each item's mean between the upper and lower half of each donor, in sds."""
    found = np.full((Y.shape[1], D.shape[1]), np.nan)
    for k in range(D.shape[1]):
        high = np.nanmedian(D[:, k]) < D[:, k]
        low = np.isfinite(D[:, k]) & ~high
        if min(high.sum(), low.sum()) >= LEAST:
            with np.errstate(invalid="ignore"):
                n = np.minimum(np.isfinite(Y[high]).sum(axis=0), np.isfinite(Y[low]).sum(axis=0))
                gap = np.where(
                    n > 9,
                    np.nansum(Y[high], 0) / np.maximum(np.isfinite(Y[high]).sum(0), 1)
                    - np.nansum(Y[low], 0) / np.maximum(np.isfinite(Y[low]).sum(0), 1),
                    np.nan,
                )
            found[:, k] = gap / scale
    return found


def regression(y: Array, X: Array) -> tuple[Array, Array, float]:
    """Fit least squares with a constant; return slopes, their variances, and degrees of freedom."""
    Z = np.column_stack([np.ones(len(y)), X])
    inverse = np.linalg.pinv(Z.T @ Z, rcond=1e-10, hermitian=True)  # predictions may be constant
    b = inverse @ Z.T @ y
    df = len(y) - Z.shape[1]
    return b[1:], (float(np.sum((y - Z @ b) ** 2)) / df * np.diag(inverse))[1:], df


def covered(
    truth: Array,
    draws: Sequence[Array],
    hidden: NDArray[np.intp],
    donors: NDArray[np.intp],
    new: bool,
    seed: int,
) -> Array:
    """Regress hidden items on others; rows of (true, pooled, covered) for each coefficient."""
    rng, rows = np.random.default_rng(seed), []
    for j in np.repeat(hidden, REGRESSIONS):
        others = rng.choice(np.setdiff1d(hidden, [j]), 1) if new else rng.choice(donors, 1)
        use = np.array([others[0], rng.choice(np.setdiff1d(donors, others))])
        who = np.isfinite(truth[:, [j, *use]]).all(axis=1)
        if who.sum() < LEAST or (np.ptp(truth[who][:, [j, *use]], axis=0) == 0).any():
            continue
        true = regression(truth[who, j], truth[np.ix_(who, use)])[0]
        pooled = tt.pool(lambda x, j=j, who=who, use=use: regression(x[who, j], x[np.ix_(who, use)]), draws)
        low, high = pooled.interval(0.9)
        scale = truth[np.ix_(who, use)].std(axis=0) / truth[who, j].std()
        rows += list(zip(true * scale, pooled.estimate * scale, (low <= true) & (true <= high), strict=True))
    return np.array(rows, dtype=np.float64)


def measure(panel: Panel, seed: int) -> dict[str, dict[str, float]]:
    """Hide items once, and score points and draws."""
    rng = np.random.default_rng(seed)
    people = np.sort(rng.permutation(len(panel.respondent_ids))[:PEOPLE])
    truth, twin = panel.human_values[people], panel.twin_values[people]
    usable = np.flatnonzero((np.isfinite(truth).sum(axis=0) >= LEAST) & (np.nanstd(truth, axis=0) > 1e-9))
    hidden = np.sort(rng.choice(usable, HIDDEN, replace=False))
    donors = np.setdiff1d(usable, hidden)
    seen = truth.copy()
    seen[:, hidden] = np.nan
    ids = [panel.respondent_ids[k] for k in people]
    items = [replace(panel.items[i], scale=panel.scales[i]) for i in panel.item_ids]
    result = tt.calibrate(Panel(ResponseMatrix(seen, ids, items), ResponseMatrix(twin, ids, items)))
    start = time.process_time()
    drawn = result.draws(DRAWS, seed=seed)
    seconds = time.process_time() - start
    completed = []
    for k in range(DRAWS):
        grid = np.full(truth.shape, np.nan)
        grid[np.ix_(drawn.rows, drawn.columns)] = drawn.values_of(k)
        completed.append(grid)
    points = [np.where(np.isfinite(result.grid), result.grid, seen)] * 2
    return {
        "point": scores(truth, points, hidden, donors, seed),
        "draws": {**scores(truth, completed, hidden, donors, seed), "seconds": seconds},
    }


def scores(
    truth: Array, tables: Sequence[Array], hidden: NDArray[np.intp], donors: NDArray[np.intp], seed: int
) -> dict[str, float]:
    """Compare tables with the true answers, over the people who answered."""
    there = np.isfinite(truth)
    tables = [np.where(there, table, np.nan) for table in tables]
    upper = np.triu_indices(len(hidden), 1)
    Y, D = truth[:, hidden], truth[:, donors]
    sd = np.nanstd(Y, axis=0)
    new = correlations(Y, Y)[upper]
    each = np.array([correlations(x[:, hidden], x[:, hidden])[upper] for x in tables])
    mixed, gap = correlations(Y, D), gaps(Y, D, sd)
    donor = np.mean([correlations(x[:, hidden], x[:, donors]) for x in tables[:5]], axis=0)
    gap_found = np.mean([gaps(x[:, hidden], x[:, donors], sd) for x in tables], axis=0)
    on_donors = covered(truth, tables, hidden, donors, False, seed)
    on_new = covered(truth, tables, hidden, donors, True, seed)
    size = float(np.mean(on_donors[:, 1] ** 2))
    return {
        "sd ratio": float(np.median([np.nanstd(x[:, hidden], axis=0) / sd for x in tables])),
        "mean abs r": float(np.nanmean(np.abs(each.mean(axis=0)))),
        "true": float(np.nanmean(np.abs(new))),
        "new-new": float(np.nanmean(np.abs(each.mean(axis=0) - new))),
        "new-donor": float(np.nanmean(np.abs(donor - mixed))),
        "gap": float(np.nanmean(np.abs(gap_found - gap))),
        "gap zero": float(np.nanmean(np.abs(gap))),
        "on two donors": float(on_donors[:, 2].mean()),
        "slope": float(np.mean(on_donors[:, 0] * on_donors[:, 1]) / size),
        "on new": float(on_new[:, 2].mean()),
    }


def main() -> None:
    """Print one line for points and one for draws, means over the repeats."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    for name, load in (("Twin-2K default", twin_2k_500.load), ("MovieLens", movielens.load)):
        panel = load()
        found = [measure(panel, seed) for seed in range(repeats)]
        for kind in ("point", "draws"):
            means = {key: np.mean([each[kind][key] for each in found]) for key in found[0][kind]}
            print(f"{name:16s} {kind}  " + "  ".join(f"{k} {v:.3f}" for k, v in means.items()), flush=True)


if __name__ == "__main__":
    main()

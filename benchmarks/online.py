"""Measure on published data how the first human answers to a new item improve the predictions for everybody else.

    python benchmarks/online.py [--only NAME] [--orders 1]

Every answered item is hidden and calibrated as a new item (leave-one-item-out, method auto). People then answer in
random order. After k answers, the people who are not among the first 200 to answer are predicted. Printed are means
over items: the change of squared error (in units of the item's variance) and of correlation, against no answer, with
standard errors; both changes if only level and slope are corrected; and the coverage of 90% intervals for single
answers and for the mean over everybody who has answered (prediction-powered estimate).
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.design import Preprocessing
from truetwin.calibration.error_conditioning import donor_covariates
from truetwin.calibration.online_items import OnlineItem
from truetwin.data import Panel
from truetwin.datasets import movielens, twin_2k_500
from truetwin.evaluation.hiding_protocols import protocols

ANSWERS = (0, 1, 5, 20, 50, 200)
LEAST = 260


def calibrated(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Predict every answered item as if nobody had answered it. Returns predictions and the spread of their errors."""
    folds = protocols["leave-one-item-out"].folds(panel, None)
    found = Auto().predict_folds(panel, folds, Preprocessing())
    laws = Auto().fold_errors(panel, folds)
    grid, spread = np.full(panel.human_values.shape, np.nan), np.full(len(panel.item_ids), np.nan)
    for fold, part, (law,) in zip(folds, found, laws, strict=True):
        low, high = law.quantiles(0.6827)
        grid[:, fold.targets[0]] = part.values[:, 0]
        spread[fold.targets[0]] = (high - low) / 2
    return grid, spread


def one_item(
    panel: Panel, predictions: np.ndarray, spread: float, j: int, seed: int
) -> list[tuple[float, ...]]:
    """Measure errors, correlations and coverage for each number of answers, with and without donors.

    Donors are the other answered items from which an item is predicted.
    """
    truth = panel.human_values[:, j]
    who = np.flatnonzero(np.isfinite(truth) & np.isfinite(predictions))
    human = panel.human_values.copy()
    human[:, j] = np.nan
    covariates = donor_covariates(human, panel.twin_values, j)
    assert covariates is not None
    y, ids = truth[who], [str(k) for k in who]
    order = np.random.default_rng(seed).permutation(who.size)
    test, variance = order[max(ANSWERS) :], float(y.var())
    rows = []
    for k in ANSWERS:
        answers = {ids[o]: float(y[o]) for o in order[:k]}
        row: list[float] = []
        for known in (covariates[who], None):
            online = OnlineItem(predictions[who], ids, spread=spread, covariates=known).update(answers)
            predicted = online.predictions[test]
            low, high = online.intervals(0.9)
            row += [
                float(np.mean((predicted - y[test]) ** 2)) / variance,
                float(np.corrcoef(predicted, y[test])[0, 1]) if np.ptp(predicted) > 1e-9 else np.nan,
                float(np.mean((low[test] <= y[test]) & (y[test] <= high[test]))),
            ]
        mean = online.mean(0.9) if k > 1 else None
        row.append(float(mean.low <= y.mean() <= mean.high) if mean else np.nan)
        rows.append(tuple(row))
    return rows


def show(name: str, panel: Panel, orders: int) -> None:
    """Print one line for each number of answers."""
    grid, spread = calibrated(panel)
    items = [j for j in range(len(panel.item_ids)) if np.isfinite(panel.human_values[:, j]).sum() >= LEAST]
    found = np.array(
        [[one_item(panel, grid[:, j], spread[j], j, 1000 * j + o) for o in range(orders)] for j in items]
    ).mean(axis=1)  # (items, answers, figures)
    print(f"{name}: {len(items)} items")
    for a, k in enumerate(ANSWERS):
        change = found[:, a] - found[:, 0]
        parts = [
            f"{label} {np.nanmean(change[:, c]):+.4f} +- {np.nanstd(change[:, c], ddof=1) / len(items) ** 0.5:.4f}"
            for label, c in (("error", 0), ("correlation", 1), ("| level only: error", 3), ("correlation", 4))
        ]
        print(
            f"  k {k:3d}  {'  '.join(parts)}  | error {np.mean(found[:, a, 0]):.3f}, correlation "
            f"{np.nanmean(found[:, a, 1]):.4f}; covered: answers {np.mean(found[:, a, 2]):.3f}, mean "
            f"{np.mean(found[:, a, 6]):.3f}",
            flush=True,
        )


def main() -> None:
    """Run all panels and print their tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="datasets whose name holds this text")
    parser.add_argument("--orders", type=int, default=1, help="random orders of answering an item")
    arguments = parser.parse_args()
    for name, load in (("Twin-2K-500 default", twin_2k_500.load), ("MovieLens", movielens.load)):
        if arguments.only in name:
            show(name, load(), arguments.orders)


if __name__ == "__main__":
    main()

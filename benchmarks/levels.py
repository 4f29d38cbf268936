"""Measure how often 90% intervals of new items cover: mean and sd over items, and the share of items below .8.

Usage: python benchmarks/levels.py [--all]; needs the public data (TRUETWIN_DATA_MIRROR or the network).

"Level" is the mean absolute error of the predicted item means, in sds of the item's answers; "log sd" that of the
predicted log sds. Each item is hidden in turn.
"""

from __future__ import annotations

import sys

import numpy as np
from threadpoolctl import threadpool_limits

from truetwin.calibration.auto.levels import ItemLevels
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.data import Panel
from truetwin.datasets import movielens, twin_2k_500
from truetwin.evaluation import interval_coverage
from truetwin.instrument.batteries import complete_blocks


def report(name: str, panel: Panel) -> None:
    blocks = complete_blocks(None, panel.item_ids)
    problem = Problem(panel.human_values, panel.twin_values, blocks, panel.respondent_ids)
    levels = ItemLevels(problem)
    found = [levels.fold([k]).of(k) for k in range(len(blocks))]
    mean, sd = problem.people.mean, problem.people.sd
    level = np.nanmean(np.abs(np.array([each.mean for each in found]) - mean) / sd)
    log_sd = np.nanmean(np.abs(np.log(np.array([each.sd for each in found]) / sd)))
    coverage = interval_coverage(panel)
    covered = coverage.covered[np.isfinite(coverage.covered)]
    print(
        f"{name:45s} covered {covered.mean():.3f}, sd {covered.std():.3f}, below .8 {np.mean(covered < 0.8):.3f}, "
        f"width {np.nanmedian(coverage.width):.2f} sd; level {level:.3f}, log sd {log_sd:.3f}",
        flush=True,
    )


def main() -> None:
    with threadpool_limits(1):
        report("MovieLens", movielens.load())
        names = twin_2k_500.available_constructions()
        for name in names if "--all" in sys.argv else names[:1]:
            report(f"Twin-2K {name}", twin_2k_500.load(name))


if __name__ == "__main__":
    main()

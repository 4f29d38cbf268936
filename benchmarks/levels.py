"""Measure how far predicted levels and single answers are off, and how often 90% intervals of new items cover.

Usage: python benchmarks/levels.py [--all]; needs the public data (TRUETWIN_DATA_MIRROR or the network).

Items are hidden one at a time, then in whole batteries. "level" is the mean absolute error of the predicted item means,
and "rmse" the root mean squared error of single predictions, both in sds of the item's answers; "log sd" is the mean
absolute error of predicted log sds. "covered" is the share of answers inside 90% intervals: its mean and sd over items,
and the share of items below .8. Twin-2K-500 is measured with one table of twins, with all as sources, and with their
average as one table; --all adds every other table by itself.
"""

from __future__ import annotations

import sys

import numpy as np
from threadpoolctl import threadpool_limits

from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.auto.levels import ItemLevels
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.data import Panel
from truetwin.datasets import movielens, twin_2k_500
from truetwin.evaluation import evaluate, interval_coverage
from truetwin.instrument.battery_evidence import resolve_blocks


def level_errors(panel: Panel, blocks: dict[str, str], whole_batteries: bool) -> tuple[float, float]:
    """Mean absolute errors of means, in sds, and of log sds."""
    several = panel.source_values if len(panel.sources) > 1 else panel.twin_values[None]
    problem = Problem.of_sources(
        panel.human_values,
        several,
        tuple(blocks[i] for i in panel.item_ids),
        panel.respondent_ids,
        panel.item_ids,
    )
    levels = ItemLevels(problem)
    groups = problem.block if whole_batteries else np.arange(len(panel.item_ids))
    mean, sd = np.empty(groups.size), np.empty(groups.size)
    for group in np.unique(groups):
        hidden = np.flatnonzero(groups == group)
        fold = levels.fold(hidden)
        mean[hidden], sd[hidden] = fold.mean[hidden], fold.sd[hidden]
    people = problem.people
    return (
        float(np.nanmean(np.abs(mean - people.mean) / people.sd)),
        float(np.nanmean(np.abs(np.log(sd / people.sd)))),
    )


def report(name: str, panel: Panel) -> None:
    """Print one line for items hidden one at a time, and one for whole batteries."""
    blocks = dict(resolve_blocks(panel, "auto")[0])
    for what, protocol in (("item out", "leave-one-item-out"), ("battery out", "leave-block-out")):
        coverage = interval_coverage(panel, protocol, blocks=blocks)
        covered = coverage.covered[np.isfinite(coverage.covered)]
        scores = evaluate(panel, {"auto": Auto(blocks=blocks)}, protocol, metric="rmse-sd", blocks=blocks)
        rmse = next(row["mean"] for row in scores.summary() if row["method"] == "auto")
        level, log_sd = level_errors(panel, blocks, protocol == "leave-block-out")
        print(
            f"{name:30s} {what:12s} level {level:.3f}, log sd {log_sd:.3f}, rmse {rmse:.3f}; covered "
            f"{covered.mean():.3f}, sd {covered.std():.3f}, below .8 {np.mean(covered < 0.8):.3f}, "
            f"width {np.nanmedian(coverage.width):.2f} sd",
            flush=True,
        )


def main() -> None:
    """Print the lines of every panel."""
    with threadpool_limits(1):
        report("MovieLens", movielens.load())
        panels = {name: twin_2k_500.load(name) for name in twin_2k_500.available_constructions()}
        for name in panels if "--all" in sys.argv else list(panels)[:1]:
            report(f"Twin-2K {name}"[:30], panels[name])
        human = max((panel.human for panel in panels.values()), key=lambda each: len(each.respondent_ids))
        together = Panel(human, {name: panel.twin for name, panel in panels.items()})
        report(f"Twin-2K, {len(panels)} sources", together)
        report("Twin-2K, average as one table", Panel(human, together.twin))


if __name__ == "__main__":
    main()

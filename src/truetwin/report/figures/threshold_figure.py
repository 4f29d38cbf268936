"""Draw adaptive transfer over all thresholds (paper A, figure 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from truetwin.evaluation.threshold_sweep import ThresholdSweep
from truetwin.report.figures.theme import CHANCE, HUMAN, TWIN, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HONEST_COLOUR = "#5b3a8c"


def threshold_figure(sweeps: Sequence[ThresholdSweep]) -> Figure:
    """Draw mean correlation and share of calibrated items over the threshold, one column a method.

    The top of the curve is an optimum in hindsight, because its threshold is chosen on the scored items. Horizontal
    lines show the score of a threshold that is chosen on other items, and on items of other blocks.
    """
    from truetwin.report.figures.shown_figure import ShownFigure

    figure = ShownFigure(figsize=(4.7 * len(sweeps) + 0.6, 5.2), layout="constrained")
    grid = figure.subplots(2, len(sweeps), sharex="col", sharey="row", squeeze=False, height_ratios=[3, 1])
    for column, sweep in enumerate(sweeps):
        _draw_scores(grid[0, column], sweep)
        _draw_share(grid[1, column], sweep)
        grid[0, column].set_title(f"{sweep.method} ({len(sweep.item_ids)} items)", fontsize=11)
    grid[0, 0].set_ylabel("mean correlation, items hidden in turn")
    grid[1, 0].set_ylabel("share of items\ncalibrated")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _draw_scores(axes: Axes, sweep: ThresholdSweep) -> None:
    rows = sweep.rows()
    x = np.array([row["threshold"] for row in rows])
    mean, error = (np.array([row[k] for row in rows]) for k in ("mean", "standard_error"))
    best, hindsight = sweep.best()
    axes.fill_between(x, mean - error, mean + error, step="post", color=HUMAN, alpha=0.12, linewidth=0)
    axes.step(x, mean, where="post", color=HUMAN, linewidth=1.6, label="adaptive, +- 1 SE over items")
    axes.plot(
        best, hindsight.mean, "o", color=HUMAN, markersize=7, markerfacecolor="white",
        label="best threshold in hindsight", zorder=5,
    )  # fmt: skip
    axes.annotate(
        f"{hindsight.mean:.3f}", (best, hindsight.mean), xytext=(7, 4), textcoords="offset points",
        color=HUMAN, fontsize=9,
    )  # fmt: skip
    # Every item has a threshold of its own here, so that these are lines and not points of the curve.
    for name, score, colour, line in (
        ("threshold chosen on other items", sweep.honest("item")[1].mean, HONEST_COLOUR, (0, (6, 2))),
        ("threshold chosen on other blocks", sweep.honest("block")[1].mean, HONEST_COLOUR, "-"),
        ("twin as it is", sweep.at(0.0).mean, TWIN, "--"),
        ("always calibrated", sweep.at(float("inf")).mean, CHANCE, ":"),
    ):
        axes.axhline(score, color=colour, linestyle=line, linewidth=1.4, label=name, zorder=1)
        axes.annotate(
            f"{score:.3f}", (1.0, score), xycoords=("axes fraction", "data"), xytext=(3, -3),
            textcoords="offset points", color=colour, fontsize=8.5, annotation_clip=False,
        )  # fmt: skip
    tidy(axes)


def _draw_share(axes: Axes, sweep: ThresholdSweep) -> None:
    rows = sweep.rows()
    axes.step(
        [row["threshold"] for row in rows], [row["share_calibrated"] for row in rows], where="post",
        color=HUMAN, linewidth=1.4,
    )  # fmt: skip
    axes.set(xlabel="threshold of the training error on twins", ylim=(0, 1.03))
    tidy(axes)

"""Draw a leaderboard: models with intervals, beside the best rule that knows no person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truetwin.report.figures.theme import CALIBRATED, CHANCE, TWIN, new_figure, one_row_each, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from truetwin.voice.scoring.leaderboard import Standing


def leaderboard_figure(standings: Sequence[Standing]) -> Figure:
    """Draw the accuracies of one dimension and protocol with their intervals, the best model on top.

    A diamond marks the best rule without persona on the same items, a dotted line what guessing gives.
    """
    rows = list(reversed(standings))
    figure, axes = new_figure(6.2, 1.3 + 0.42 * len(rows))
    for place, each in enumerate(rows):
        if each.accuracy_all is None:
            continue
        if each.ci_low is not None and each.ci_high is not None:
            axes.plot([each.ci_low, each.ci_high], [place, place], color=CALIBRATED, linewidth=2.2)
        axes.plot(
            [each.accuracy_all],
            [place],
            "o",
            color=CALIBRATED,
            markersize=7,
            label=_once(place, "model, 95%"),
        )
        if each.baseline_accuracy is not None:
            label = _once(place, "best rule without persona")
            axes.plot([each.baseline_accuracy], [place], "D", color=TWIN, markersize=6, label=label)
        if each.chance is not None:
            axes.plot(
                [each.chance] * 2,
                [place - 0.4, place + 0.4],
                ":",
                color=CHANCE,
                label=_once(place, "guessing"),
            )
    one_row_each(axes, [shorten(each.model or "unnamed", 30) for each in rows])
    axes.set_xlim(0, 100)
    axes.set_xlabel("right, percent of all items")
    figure.set_layout_engine("constrained")  # it makes room for what is outside of plots
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=8)
    return figure


def _once(place: int, label: str) -> str:
    return label if place == 0 else f"_{label}"

"""Draw figures about scores of methods on hidden targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.evaluation.target_gains import Z_95
from truetwin.report.figures.theme import CALIBRATED, CHANCE, GRID, TWIN, new_figure, one_row_each, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_NAMED = 3


def target_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw calibrated against twin scores, one point a target, with intervals where the rows have them.

    ``rows`` are those of :func:`truetwin.evaluation.target_gains.target_rows`. Targets without both scores are left
    out, which the caption must say.
    """
    figure, axes = new_figure(5.2, 4.8)
    shown = [row for row in rows if np.isfinite(row["gain"])]
    for row in shown:
        better = row["gain"] >= 0
        colour = CALIBRATED if better else TWIN
        x, y = row["twin"], row["calibrated"]
        if "twin_low" in row:
            axes.hlines(y, row["twin_low"], row["twin_high"], color=colour, linewidth=0.6, alpha=0.35)
            axes.vlines(
                x, row["calibrated_low"], row["calibrated_high"], color=colour, linewidth=0.6, alpha=0.35
            )
        axes.plot([x], [y], marker="o" if better else "D", color=colour, markersize=4.5, linestyle="none")
    ends = [row[k] for row in shown for k in ("twin", "calibrated")] or [0.0, 1.0]
    low, high = min(-0.05, *ends) - 0.06, max(0.3, *ends) + 0.06
    axes.plot([low, high], [low, high], color=CHANCE, linewidth=1, zorder=0)
    axes.annotate("no change", (high, high), xytext=(-6, -4), textcoords="offset points", ha="right", va="top",
                  fontsize=8, color=CHANCE, rotation=0)  # fmt: skip
    by_gain = sorted(shown, key=lambda row: row["gain"])
    for row in [*by_gain[:N_NAMED], *by_gain[-N_NAMED:]] if len(by_gain) > 2 * N_NAMED else []:
        axes.annotate(
            shorten(row["target"], 18), (row["twin"], row["calibrated"]), xytext=(5, 4),
            textcoords="offset points", fontsize=7,
        )  # fmt: skip
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal", xlabel="twin as it is", ylabel="calibrated")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    return figure


def method_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the paired gain of every method over the baseline, with 95% intervals.

    ``rows`` are those of ``Evaluation.summary``.
    """
    shown = sorted(
        (r for r in rows if np.isfinite(r.get("difference") or np.nan)), key=lambda r: r["difference"]
    )
    figure, axes = new_figure(5.2, max(1.6, 0.3 * len(shown) + 0.9))
    for k, row in enumerate(shown):
        half = Z_95 * row["difference_standard_error"]
        clear = abs(row["difference"]) > half
        colour = CHANCE if not clear else CALIBRATED if row["difference"] > 0 else TWIN
        axes.hlines(k, row["difference"] - half, row["difference"] + half, color=colour, linewidth=2)
        axes.plot([row["difference"]], [k], "o", color=colour, markersize=5.5)
    axes.axvline(0, color=CHANCE, linewidth=1)
    one_row_each(axes, [shorten(row["method"]) for row in shown])
    axes.set_xlabel("paired gain over the baseline, with 95% interval")
    return figure

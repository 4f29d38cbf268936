"""Draw figures about scores of methods on hidden targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.report.figures.theme import (
    CALIBRATED,
    CHANCE,
    GRID,
    TWIN,
    finding,
    legend_below,
    new_figure,
    one_row_each,
    shorten,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_NAMED = 3


def target_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw calibrated against twin scores, one point a target, with intervals where the rows have them.

    ``rows`` are those of :func:`truetwin.evaluation.target_gains.target_rows`. Targets without both scores are left
    out, which the caption must say.
    """
    figure, axes = new_figure(5.2, 4.8)
    shown = [row for row in rows if np.isfinite(row["gain"])]
    _draw_targets(axes, [row for row in shown if row["gain"] >= 0], CALIBRATED, "o")
    _draw_targets(axes, [row for row in shown if row["gain"] < 0], TWIN, "D")
    ends = [row[k] for row in shown for k in ("twin", "calibrated")] or [0.0, 1.0]
    low, high = min(-0.05, *ends) - 0.06, max(0.3, *ends) + 0.06
    axes.plot([low, high], [low, high], color=CHANCE, linewidth=1, zorder=0)
    axes.annotate("no change", (high, high), xytext=(-6, -4), textcoords="offset points", ha="right", va="top",
                  fontsize=8, color=CHANCE, rotation=0)  # fmt: skip
    for row in _named(shown, high - low):
        axes.annotate(
            shorten(row["target"], 18), (row["twin"], row["calibrated"]), xytext=(5, 4),
            textcoords="offset points", fontsize=7,
        )  # fmt: skip
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal", xlabel="twin as it is", ylabel="calibrated")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    better = sum(row["gain"] > 0 for row in shown)
    finding(axes, f"Calibration is better at {better} of {len(shown)} targets")
    return figure


def _draw_targets(axes: Axes, rows: Sequence[Mapping[str, Any]], colour: str, marker: str) -> None:
    banded = [row for row in rows if "twin_low" in row]
    for lines, at, along in ((axes.hlines, "calibrated", "twin"), (axes.vlines, "twin", "calibrated")):
        lows, highs = ([row[f"{along}_{end}"] for row in banded] for end in ("low", "high"))
        lines([row[at] for row in banded], lows, highs, color=colour, linewidth=0.6, alpha=0.35)
    x, y = ([row[source] for row in rows] for source in ("twin", "calibrated"))
    axes.plot(x, y, marker=marker, color=colour, markersize=4.5, linestyle="none")


def _named(rows: Sequence[Mapping[str, Any]], width: float) -> list[Mapping[str, Any]]:
    """Choose the targets to name: the largest losses and gains, as far as their names do not overlap."""
    by_gain = sorted(rows, key=lambda row: row["gain"])
    if len(by_gain) <= 2 * N_NAMED:
        return []
    named: list[Mapping[str, Any]] = []
    for row in [*by_gain[:N_NAMED], *by_gain[: -N_NAMED - 1 : -1]]:
        apart = [
            abs(row["twin"] - other["twin"]) > 0.25 * width
            or abs(row["calibrated"] - other["calibrated"]) > 0.03 * width
            for other in named
        ]
        if all(apart):
            named.append(row)
    return named


def method_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the gain of every method over the baseline, with 95% intervals.

    Two marks a method: on the targets that every method scores, and on all targets with an undefined score as 0.
    ``rows`` are those of ``Evaluation.summary``.
    """
    shown = sorted(
        (r for r in rows if np.isfinite(r.get("common_difference") or np.nan)),
        key=lambda r: r["common_difference"],
    )
    figure, axes = new_figure(5.2, max(1.9, 0.42 * len(shown) + 1.1))
    marks = [("common", "o", "every method scores", 0.14), ("zero", "D", "undefined as 0", -0.14)]
    axes.axvline(0, color=CHANCE, linewidth=1, zorder=0)
    for name, mark, _, shift in marks:
        _draw_gains(axes, shown, shift, name, mark)
    labels = [shorten(row["method"]) for row in shown]
    one_row_each(axes, labels)
    axes.set_xlabel("gain over the baseline, with 95% interval")
    for name, mark, label, _ in marks:
        filled = "none" if name == "zero" else CHANCE
        axes.plot([], [], mark, color=CHANCE, markerfacecolor=filled, markersize=5, label=label)
    legend_below(axes, ncols=2)
    finding(axes, _best_gain(shown), labels)
    return figure


def _best_gain(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say which method gains most where that is clear; ``rows`` are ordered by gain."""
    if not rows:
        return "No method can be compared"
    best = rows[-1]
    if np.isfinite(low := best.get("common_difference_low", np.nan)) and low > 0:
        return f"{best['method']} gains most: {best['common_difference']:+.3f}"
    return "No method is clearly better than the baseline"


def _draw_gains(axes: Axes, rows: Sequence[Mapping[str, Any]], shift: float, name: str, mark: str) -> None:
    """Draw one gain a row with its interval, grey where the interval holds 0 or is not known."""
    places = np.arange(len(rows)) + shift
    values, lows, highs = (
        np.array([row.get(f"{name}_difference{end}", np.nan) for row in rows], dtype=np.float64)
        for end in ("", "_low", "_high")
    )
    clear = (lows > 0) | (highs < 0)
    colours = np.where(clear, np.where(values > 0, CALIBRATED, TWIN), CHANCE)
    known, main = np.isfinite(lows), name == "common"
    axes.hlines(
        places[known], lows[known], highs[known], colors=colours[known].tolist(), linewidth=2 if main else 1.2
    )
    axes.scatter(
        values,
        places,
        s=5.5**2 if main else 4.5**2,
        marker=mark,
        facecolors=colours.tolist() if main else "none",
        edgecolors=colours.tolist(),
        linewidths=1,
    )

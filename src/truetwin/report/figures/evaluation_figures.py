"""Figures about scores of methods on hidden targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.evaluation import Evaluation
from truetwin.report.figures.theme import CALIBRATED, CHANCE, GRID, TWIN, new_figure, one_row_each, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Z_95 = 1.96
N_NAMED = 3


def target_rows(evaluation: Evaluation, method: str, *, metric: str = "pearson") -> list[dict[str, Any]]:
    """Each target's score with the baseline and with ``method``, and for correlations their 95% intervals.

    The interval of a correlation is Fisher's, from the number of answers it was computed over.
    """
    baseline = str(evaluation.settings.get("baseline", "twin"))
    rows = []
    for k, target in enumerate(evaluation.target_ids):
        row: dict[str, Any] = {"target": target}
        for name, source in (("twin", baseline), ("calibrated", method)):
            score = float(evaluation.scores[source, metric][k])
            row[name] = score
            if metric == "pearson":
                row[f"{name}_low"], row[f"{name}_high"] = fisher_interval(
                    score, int(evaluation.n_answers[source][k])
                )
        row["gain"] = row["calibrated"] - row["twin"]
        row["n_answers"] = int(evaluation.n_answers[method][k])
        row["reason"] = evaluation.reasons[method].get(target)
        rows.append(row)
    return rows


def fisher_interval(correlation: float, n: int) -> tuple[float, float]:
    """95% interval of a correlation over ``n`` pairs, by Fisher's transformation; NaN for fewer than four.

    Examples
    --------
    >>> [round(end, 3) for end in fisher_interval(0.5, 103)]
    [0.339, 0.632]
    """
    if n < 4 or not np.isfinite(correlation):
        return float("nan"), float("nan")
    centre = np.arctanh(np.clip(correlation, -0.999999, 0.999999))
    half = Z_95 / np.sqrt(n - 3)
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))


def target_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Calibrated against twin, one point a target, with intervals where the rows have them.

    ``rows`` as :func:`target_rows` gives them; targets without both scores are left out, which the caption must say.
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
    """Paired gain of every method over the baseline, with 95% intervals (rows as ``Evaluation.summary`` gives them)."""
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

"""Draw figures about predictions of new items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.report.figures.theme import CALIBRATED, CHANCE, HUMAN, TWIN, new_figure, one_row_each, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ITEMS = 40
SOURCES = (
    ("human", "people", HUMAN),
    ("calibrated", "twins, calibrated", CALIBRATED),
    ("twin", "twins as they are", TWIN),
)


def expectation_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the expected correlation of each new item's predictions, with its interval.

    ``rows`` have ``item``, ``expected``, ``low`` and ``high``; of more than forty, the highest and lowest are drawn.
    """
    shown = sorted((r for r in rows if np.isfinite(r["expected"])), key=lambda r: r["expected"])
    if len(shown) > MOST_ITEMS:
        shown = [*shown[: MOST_ITEMS // 2], *shown[-(MOST_ITEMS // 2) :]]
    figure, axes = new_figure(5.2, max(1.8, 0.22 * len(shown) + 0.9))
    for k, row in enumerate(shown):
        axes.hlines(k, row["low"], row["high"], color=CALIBRATED, linewidth=1.6)
        axes.plot([row["expected"]], [k], "o", color=CALIBRATED, markersize=4.5)
    axes.axvline(0, color=CHANCE, linewidth=1)
    one_row_each(axes, [shorten(row["item"], 24) for row in shown], fontsize=8)
    axes.set_xlabel("expected correlation with people's answers")
    return figure


def shares_figure(rows: Sequence[Mapping[str, Any]], item: str) -> Figure:
    """Draw the shares of one item's categories: people where known, calibrated, and twins as they are.

    ``rows`` have ``item``, ``category`` and any of ``human``, ``calibrated`` and ``twin``.
    """
    here = [row for row in rows if row["item"] == item]
    known = [s for s in SOURCES if any(row.get(s[0]) is not None for row in here)]
    figure, axes = new_figure(5.2, 3.0)
    places, width = np.arange(len(here)), 0.8 / max(len(known), 1)
    for k, (name, label, colour) in enumerate(known):
        shares = [np.nan if row.get(name) is None else row[name] for row in here]
        axes.bar(
            places + width * (k - (len(known) - 1) / 2), shares, width=0.92 * width, label=label, color=colour
        )
    axes.set_xticks(places, [shorten(str(row["category"]), 14) for row in here], fontsize=8)
    axes.set_ylabel("share of answers")
    axes.set_title(shorten(item, 48), loc="left", fontsize=10)
    axes.margins(y=0.25)
    axes.legend(frameon=False, fontsize=8, ncols=len(known), loc="upper left")
    return figure


def ratio_figure(ratios: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the share of people's variance that twins and predictions keep, over hidden items; 1 is right."""
    figure, axes = new_figure(5.2, 3.2)
    shown = {name: np.array([v for v in values if np.isfinite(v)]) for name, values in ratios.items()}
    top = max([1.2, *(float(np.quantile(v, 0.98)) for v in shown.values() if v.size)])
    edges = [float(e) for e in np.linspace(0.0, 1.05 * top, 30)]
    for (name, values), colour in zip(shown.items(), (TWIN, CALIBRATED, CHANCE), strict=False):
        median = f" (median {np.median(values):.2f}, n {values.size})" if values.size else " (none)"
        axes.hist(np.minimum(values, edges[-1]), bins=edges, alpha=0.7, label=f"{name}{median}", color=colour)
    axes.axvline(1.0, color=HUMAN, linewidth=1.4, label="as people")
    axes.set_xlabel("variance of answers / variance of people's answers")
    axes.set_ylabel("items")
    axes.margins(y=0.35)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure

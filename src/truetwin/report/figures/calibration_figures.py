"""Draw figures about predictions of new items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.report.figures.theme import (
    CALIBRATED,
    CHANCE,
    HUMAN,
    TWIN,
    finding,
    item_grid,
    new_figure,
    one_row_each,
    shorten,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ITEMS = 40
SOURCES = (
    ("human", "people", HUMAN),
    ("calibrated", "twins, calibrated", CALIBRATED),
    ("twin", "twins as they are", TWIN),
)
#: Sources in titles.
SHORT = {"calibrated": "calibrated", "twin": "twins"}


def expectation_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the expected correlation of each new item's predictions, with its interval.

    ``rows`` have ``item``, ``expected``, ``low`` and ``high``; of more than forty, the highest and lowest are drawn.
    """
    shown = sorted((r for r in rows if np.isfinite(r["expected"])), key=lambda r: r["expected"])
    if len(shown) > MOST_ITEMS:
        shown = [*shown[: MOST_ITEMS // 2], *shown[-(MOST_ITEMS // 2) :]]
    figure, axes = new_figure(5.2, max(1.8, 0.22 * len(shown) + 0.9))
    places = range(len(shown))
    lows, values, highs = ([row[name] for row in shown] for name in ("low", "expected", "high"))
    axes.hlines(places, lows, highs, color=CALIBRATED, linewidth=1.6)
    axes.plot(values, places, "o", color=CALIBRATED, markersize=4.5)
    axes.axvline(0, color=CHANCE, linewidth=1)
    labels = [shorten(row["item"], 24) for row in shown]
    one_row_each(axes, labels, fontsize=8)
    axes.set_xlabel("expected correlation with people's answers")
    above = sum(row["low"] > 0 for row in shown)
    finding(axes, f"{above} of {len(shown)} items drawn are expected above 0", labels, 8)
    return figure


def shares_figure(rows: Sequence[Mapping[str, Any]], item: str) -> Figure:
    """Draw the shares of one item's categories: people where known, calibrated, and twins as they are.

    ``rows`` have ``item``, ``category`` and any of ``human``, ``calibrated`` and ``twin``.
    """
    figure, axes = new_figure(5.2, 3.0)
    _draw_shares(axes, rows, item)
    return figure


def shares_grid(rows: Sequence[Mapping[str, Any]], items: Iterable[str] | None = None) -> Figure:
    """Draw the shares of several items' categories, one panel an item; ``rows`` as for :func:`shares_figure`."""
    there = list(dict.fromkeys(row["item"] for row in rows))

    def draw(axes: Axes, item: str, first: bool) -> None:
        tidy(axes)
        _draw_shares(axes, rows, item, legend=first)

    return item_grid(items, there, "share of answers", draw)


def _draw_shares(axes: Axes, rows: Sequence[Mapping[str, Any]], item: str, *, legend: bool = True) -> None:
    here = [row for row in rows if row["item"] == item]
    known = [s for s in SOURCES if any(row.get(s[0]) is not None for row in here)]
    places, width = np.arange(len(here)), 0.8 / max(len(known), 1)
    for k, (name, label, colour) in enumerate(known):
        shares = [np.nan if row.get(name) is None else row[name] for row in here]
        axes.bar(
            places + width * (k - (len(known) - 1) / 2), shares, width=0.92 * width, label=label, color=colour
        )
    axes.set_xticks(places, [shorten(str(row["category"]), 14) for row in here], fontsize=8)
    axes.set_ylabel("share of answers")
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    finding(axes, f"{item}: {_most(here, known)}" if known else item)
    if legend:
        axes.margins(y=0.25)
        axes.legend(frameon=False, fontsize=8, ncols=len(known), loc="upper left")


def _most(rows: Sequence[Mapping[str, Any]], known: Sequence[tuple[str, str, str]]) -> str:
    """Say which category each source chooses most often."""
    told = []
    for name, label, _ in known:
        top = max(rows, key=lambda row: row.get(name) or 0.0)
        told.append(f"{SHORT.get(name, label)} “{shorten(str(top['category']), 16)}”")
    return f"most often {', '.join(told)}"


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
    kept = [f"{name} {np.median(values):.0%}" for name, values in shown.items() if values.size]
    finding(axes, f"Of people's variance is kept: {', '.join(kept)}" if kept else "No variance is known")
    axes.set_xlabel("variance of answers / variance of people's answers")
    axes.set_ylabel("items")
    axes.margins(y=0.35)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure

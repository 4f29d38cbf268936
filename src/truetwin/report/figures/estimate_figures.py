"""Draw estimates with error bars: shares of one item or several, by group if there are groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from truetwin.errors import ParameterError
from truetwin.estimation.crosstab import number
from truetwin.report.figures.theme import (
    CALIBRATED,
    CATEGORICAL,
    GRID,
    HUMAN,
    TWIN,
    finding,
    item_grid,
    shorten,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours of groups, in their order; everybody has the first.
COLOURS = (CALIBRATED, HUMAN, TWIN, *(c for c in CATEGORICAL if c != TWIN))


def estimates_figure(
    rows: Sequence[Mapping[str, Any]],
    level: float | None,
    items: Iterable[str] | None = None,
    *,
    by: str | None = None,
    statistic: str = "share",
) -> Figure:
    """Draw shares (or another statistic) with their intervals, one panel an item; see :func:`truetwin.plot.shares`."""
    grouped = [row["by"] for row in rows if row["by"]]
    column = by if by is not None else (grouped[0] if grouped else None)
    shown = [
        row
        for row in rows
        if row["statistic"] == statistic and (row["by"] == column if column else not row["by"])
    ]
    there = list(dict.fromkeys(row["item"] for row in shown))
    if not there:
        raise ParameterError(f"there are no estimates of {statistic!r} to draw")
    figure = item_grid(
        items,
        there,
        f"estimate of {statistic!r}",
        lambda axes, item, first: draw_estimates(axes, [r for r in shown if r["item"] == item], legend=first),
    )
    figure.supxlabel(f"{statistic}, with {level:.0%} intervals" if level else statistic, fontsize=9)
    return figure


def draw_estimates(axes: Axes, rows: Sequence[Mapping[str, Any]], *, legend: bool = True) -> None:
    """Draw the rows of one item: a point with its interval for each category and group."""
    categories = list(dict.fromkeys(row["category"] or row["statistic"] for row in rows))
    groups = list(dict.fromkeys(row["group"] for row in rows))
    step = min(0.8 / len(groups), 0.22)
    for g, group in enumerate(groups):
        here = {row["category"] or row["statistic"]: row for row in rows if row["group"] == group}
        colour = COLOURS[g % len(COLOURS)]
        for c, category in enumerate(categories):
            row = here.get(category)
            if row is None:
                continue
            height = c + step * (g - (len(groups) - 1) / 2)
            if row["lower"] is not None:
                axes.hlines(height, row["lower"], row["upper"], color=colour, linewidth=1.6)
            name = shorten(str(group), 28) if c == 0 else None
            axes.plot([row["estimate"]], [height], "o", color=colour, markersize=4.5, label=name)
    axes.set_yticks(range(len(categories)), [shorten(text, 22) for text in categories], fontsize=8)
    axes.set_ylim(len(categories) - 0.4, -0.6)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    if number(str(rows[0]["statistic"]), 0.0).endswith("%"):
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    finding(axes, _most(rows) if len(groups) == 1 else str(rows[0]["item"]))
    if legend and len(groups) > 1:
        axes.legend(frameon=False, fontsize=8, loc="best")


def _most(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say which category is expected most often, or what the statistic is expected to be."""
    item, top = rows[0]["item"], max(rows, key=lambda row: float(row["estimate"]))
    value = number(str(top["statistic"]), float(top["estimate"]))
    of = f" expected for “{shorten(str(top['category']), 22)}”" if top["category"] else ""
    return f"{item}: {value}{of}"

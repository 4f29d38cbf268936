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
    below_all,
    finding,
    item_grid,
    legend_above,
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
    below_all(figure, f"{statistic}, with {level:.0%} intervals" if level else statistic)
    return figure


def draw_estimates(axes: Axes, rows: Sequence[Mapping[str, Any]], *, legend: bool = True) -> None:
    """Draw the rows of one item: a point with its interval for each category and group."""
    categories = list(dict.fromkeys(row["category"] or row["statistic"] for row in rows))
    groups = list(dict.fromkeys(row["group"] for row in rows))
    step = min(0.8 / len(groups), 0.22)
    for g, group in enumerate(groups):
        here = [row for row in rows if row["group"] == group]
        shift, colour = step * (g - (len(groups) - 1) / 2), COLOURS[g % len(COLOURS)]
        heights = [categories.index(row["category"] or row["statistic"]) + shift for row in here]
        bands = [(at, row["lower"], row["upper"]) for at, row in zip(heights, here, strict=True)]
        bands = [band for band in bands if band[1] is not None]
        if bands:
            axes.hlines(*zip(*bands, strict=True), color=colour, linewidth=1.6)
        estimates = [row["estimate"] for row in here]
        axes.plot(estimates, heights, "o", color=colour, markersize=4.5, label=shorten(str(group), 28))
    labels = [shorten(text, 22) for text in categories]
    axes.set_yticks(range(len(categories)), labels, fontsize=8)
    axes.set_ylim(len(categories) - 0.4, -0.6)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    if number(str(rows[0]["statistic"]), 0.0).endswith("%"):
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    finding(axes, _most(rows) if len(groups) == 1 else str(rows[0]["item"]), labels, 8)
    if legend and len(groups) > 1:
        legend_above(axes, labels, 8)


def _most(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say which category is expected most often, or what the statistic is expected to be."""
    item, top = rows[0]["item"], max(rows, key=lambda row: float(row["estimate"]))
    value = number(str(top["statistic"]), float(top["estimate"]))
    of = f" expected for “{shorten(str(top['category']), 22)}”" if top["category"] else ""
    return f"{item}: {value}{of}"

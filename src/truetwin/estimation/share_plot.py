"""Draw estimates with error bars: shares of one item or several, by group if there are groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from truetwin.errors import ParameterError
from truetwin.estimation.crosstab import number
from truetwin.registry import closest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours of groups, in their order; everybody has the first.
COLOURS = ("#1f8f80", "#1f4e79", "#c2571a", "#8a4fa3", "#b3862b", "#4d5560", "#c0447c", "#5b7f2b")
MOST_ITEMS = 12
EVERYBODY = "all"


class EstimatePlots:
    """Plots of estimates. Each returns a matplotlib figure."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], level: float) -> None:
        self._rows, self._level = rows, level

    def shares(
        self, items: Iterable[str] | None = None, *, by: str | None = None, statistic: str = "share"
    ) -> Figure:
        """Draw shares (or another statistic) with their intervals, one panel an item.

        Parameters
        ----------
        items : iterable of str, optional
            By default the first twelve items that have the statistic.
        by : str, optional
            Column of groups; by default the first one, if there is any.
        statistic : str, default="share"

        Raises
        ------
        ParameterError
            If there is nothing of that kind to draw.
        """
        from matplotlib.figure import Figure

        grouped = [row["by"] for row in self._rows if row["by"]]
        column = by if by is not None else (grouped[0] if grouped else None)
        shown = [
            row
            for row in self._rows
            if row["statistic"] == statistic and (row["by"] == column if column else not row["by"])
        ]
        there = list(dict.fromkeys(row["item"] for row in shown))
        wanted = (there if items is None else list(items))[:MOST_ITEMS]
        if not there or not wanted:
            raise ParameterError(f"there are no estimates of {statistic!r} to draw")
        for item in wanted:
            if item not in there:
                raise ParameterError(
                    f"there is no estimate of {statistic!r} of item {item!r}.{closest(item, there)}"
                )
        columns = min(len(wanted), 2)
        lines = -(-len(wanted) // columns)
        figure = Figure(figsize=(4.6 * columns + 0.6, 2.9 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False)
        for k, axes in enumerate(grid.reshape(-1)):
            if k >= len(wanted):
                axes.set_axis_off()
                continue
            draw_estimates(axes, [row for row in shown if row["item"] == wanted[k]], legend=k == 0)
        figure.supxlabel(f"{statistic}, with {self._level:.0%} intervals", fontsize=9)
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
            axes.hlines(height, row["lower"], row["upper"], color=colour, linewidth=1.6)
            name = _plain(str(group), 28) if c == 0 else None
            axes.plot([row["estimate"]], [height], "o", color=colour, markersize=4.5, label=name)
    axes.set_yticks(range(len(categories)), [_plain(text, 22) for text in categories], fontsize=8)
    axes.set_ylim(len(categories) - 0.4, -0.6)
    axes.grid(axis="x", color="#e3e6ea", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    if number(str(rows[0]["statistic"]), 0.0).endswith("%"):
        axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_title(_plain(str(rows[0]["item"]), 40), loc="left", fontsize=10)
    if legend and len(groups) > 1:
        axes.legend(frameon=False, fontsize=8, loc="best")


def _plain(text: str, most: int) -> str:
    """Shorten a label; dollar signs are escaped, so that they start no formula."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return cut.replace("$", r"\$")

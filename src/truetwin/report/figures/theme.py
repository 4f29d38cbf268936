"""Share one look between all figures: colours with a meaning, and conversion for pages in light and dark."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, cast
from unicodedata import east_asian_width

from truetwin.errors import ParameterError
from truetwin.io import replacing
from truetwin.registry import closest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

#: Colours of people, calibrated predictions, twins as they are, chance and other baselines, lines in the background.
HUMAN, CALIBRATED, TWIN, CHANCE, SHUFFLED, GRID = (
    "#1f4e79",
    "#1f8f80",
    "#c2571a",
    "#8a8f98",
    "#4d5560",
    "#e3e6ea",
)
#: Colours of what stands back, such as the labels of rings; and of error bars and edges.
SOFT, INK = SHUFFLED, "#1d2733"
#: Colours, in this order, of things without a colour of their own, such as models.
CATEGORICAL = (
    "#0b6e99",
    "#c2571a",
    "#5b7f2b",
    "#8a4fa3",
    "#b3862b",
    "#4d5560",
    "#c0447c",
    "#2a9d8f",
    "#1d2733",
    "#d1495b",
)
VERDICTS = {"calibrate": CALIBRATED, "use the twin": TWIN, "do not trust": CHANCE}
#: Panels of one figure at most.
MOST_PANELS = 12
#: Room around a figure, and between its plots, in lines of text.
MARGIN, BETWEEN = 0.4, 1.0
#: Height of tick labels and label of a horizontal axis, in points.
BELOW_LABEL = 36
#: Height of a line of a legend, in points.
LEGEND_LINE = 13
#: Width of a letter of 10 points, in points.
LETTER = 6.0
_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
_VARIABLES = {
    "#000000": "var(--ink)",
    HUMAN: "var(--human)",
    CALIBRATED: "var(--calibrated)",
    TWIN: "var(--twin)",
    CHANCE: "var(--chance)",
    SHUFFLED: "var(--soft)",
    GRID: "var(--line)",
    "#ffffff": "var(--paper)",
}
_COLOUR = re.compile("|".join(_VARIABLES))


def new_figure(width: float = 5.2, height: float = 3.5) -> tuple[Figure, Axes]:
    """Make an empty figure with one plot and few frame lines; sizes in inches."""
    figure = blank_figure(width, height)
    axes = figure.subplots()
    tidy(axes)
    return figure, axes


def blank_figure(width: float, height: float) -> Figure:
    """Make a figure without plots; margins will fit what is written around them. Sizes in inches."""
    from truetwin.report.figures.shown_figure import ShownFigure

    figure = ShownFigure(figsize=(width, height))
    # With a rectangle, which is the default, every text would be measured once more.
    figure.set_layout_engine("tight", pad=MARGIN, h_pad=BETWEEN, w_pad=BETWEEN, rect=None)
    return figure


def tidy(axes: Axes) -> None:
    """Remove the frame above and to the right, and put a faint grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def one_row_each(axes: Axes, labels: Sequence[str], *, fontsize: float | None = None) -> None:
    """Make the vertical axis a list of labels, one row each from the bottom up, with a grid for the values only."""
    axes.set_yticks(range(len(labels)), labels, fontsize=fontsize)
    axes.set_ylim(-0.7, len(labels) - 0.3)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def finding(axes: Axes, text: str, labels: Sequence[str] = (), fontsize: float = 10) -> None:
    """Write above a plot what it shows, in a few words, on two lines if need be.

    ``labels`` of rows, in their font size, take room from the left.
    """
    shown = shorten(text, 200)
    room = _letters(axes, labels, fontsize) * (len(shown) / _width(shown) if shown else 1)
    lines = fill(shown, int(room), max_lines=2, placeholder=" …")
    axes.set_title(lines, loc="left", fontsize=10, y=1.0)


def _width(text: str) -> int:
    """Return how many letters are as wide as a text; characters of Chinese and the like count as two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _letters(axes: Axes, labels: Sequence[str], fontsize: float) -> float:
    """Return how many letters of 10 points are as wide as a plot beside the labels of its rows."""
    place = axes.get_subplotspec()
    columns = place.get_gridspec().ncols if place else 1
    letters = 72 * axes.figure.bbox.width / axes.figure.dpi / columns / LETTER - 4
    return max(24.0, letters - max(map(len, labels), default=0) * fontsize / 10)


def overall(figure: Figure, text: str, **place: Any) -> None:
    """Write what the plots of a figure show above all of them."""
    top = 1 - MARGIN * 10 / 72 / figure.get_figheight()
    figure.suptitle(text, fontsize=10, y=top, **place)


def below_all(figure: Figure, text: str) -> None:
    """Label the horizontal axes of all plots of a figure at once."""
    figure.supxlabel(text, fontsize=9, y=MARGIN * 10 / 72 / figure.get_figheight())


def heading(axes: Axes, text: str) -> None:
    """Write above a plot, in its middle, what is drawn."""
    axes.set_title(text, y=1.0)


def legend_below(axes: Axes, ncols: int) -> None:
    """Explain marks in one line below the label of the horizontal axis."""
    _legend(axes, "upper center", (0.5, 0.0), -BELOW_LABEL, ncols)


def legend_above(axes: Axes, labels: Sequence[str] = (), fontsize: float = 10) -> None:
    """Explain marks above the title that :func:`finding` wrote, in as many columns as there is room for.

    The figure grows by these lines, so that its plots stay as high as they were.
    """
    marks = axes.get_legend_handles_labels()[1]
    columns = max(int(1.25 * _letters(axes, labels, fontsize) / (max(map(len, marks)) + 7)), 1)
    figure, lines = cast("Figure", axes.figure), -(-len(marks) // columns)
    figure.set_figheight(figure.get_figheight() + lines * LEGEND_LINE / 72)
    lines_of_title = axes.get_title(loc="left").count("\n") + 1
    _legend(axes, "lower left", (0.0, 1.0), 8 + 12 * lines_of_title, columns)


def _legend(axes: Axes, loc: Any, corner: tuple[float, float], up: float, ncols: int) -> None:
    """Explain marks outside of a plot, ``up`` points above a corner of it."""
    from matplotlib.transforms import ScaledTranslation

    axes.legend(
        loc=loc,
        bbox_to_anchor=corner,
        bbox_transform=axes.transAxes + ScaledTranslation(0, up / 72, axes.figure.dpi_scale_trans),
        borderaxespad=0,
        borderpad=0,
        ncols=ncols,
        frameon=False,
        fontsize=8,
    )


def item_grid(
    items: Iterable[str] | None, there: Sequence[str], what: str, draw: Callable[[Axes, str, bool], None]
) -> Figure:
    """Make a figure with one panel an item, two beside each other.

    Parameters
    ----------
    items : iterable of str, optional
        Items to draw, of which the first twelve are; by default the first twelve there are.
    there : sequence of str
        Items that can be drawn.
    what : str
        What is drawn of an item, for errors.
    draw : callable
        Draws an item into its panel; the last argument says whether it is the first.

    Raises
    ------
    ParameterError
        If an item is not there, or none is asked for.
    """
    wanted = (list(there) if items is None else list(items))[:MOST_PANELS]
    if not wanted:
        raise ParameterError("there must be at least one item to draw")
    for item in wanted:
        if item not in there:
            raise ParameterError(f"there is no {what} of item {item!r}.{closest(item, list(there))}")
    columns = min(len(wanted), 2)
    lines = -(-len(wanted) // columns)
    figure = blank_figure(4.6 * columns + 0.6, 2.9 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).reshape(-1)
    for k, (axes, item) in enumerate(zip(grid, wanted, strict=False)):
        draw(axes, item, k == 0)
    for axes in grid[len(wanted) :]:
        axes.set_axis_off()
    return figure


def whole_numbers(axis: Axis) -> None:
    """Put ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def shorten(text: str, most: int = 28) -> str:
    """Shorten a label to at most ``most`` characters; dollar signs are escaped, so that they start no formula."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return cut.replace("$", r"\$")


def save_figures(figures: Mapping[Path, Figure], dpi: int = 150) -> None:
    """Write each figure to its path, all or none: PNG, SVG or PDF by ending, without the time of writing."""
    from matplotlib import rc_context

    with replacing(*figures) as drafts:
        for (path, figure), draft in zip(figures.items(), drafts, strict=True):
            kind = path.suffix.removeprefix(".")
            with rc_context({"svg.hashsalt": path.name}):  # ids in SVG that are the same from run to run
                figure.savefig(draft, format=kind, dpi=dpi, metadata=_UNDATED.get(kind))


@contextmanager
def _on_page(figure: Figure) -> Iterator[FigureCanvasSVG]:
    """Give a figure a canvas that writes SVG, and no ground, so that the page's shows."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    dpi, canvas = figure.get_dpi(), figure.canvas
    patches = [figure.patch, *(axes.patch for axes in figure.axes)]
    grounds = [patch for patch in patches if patch.get_visible()]
    for ground in grounds:
        ground.set_visible(False)
    try:
        yield FigureCanvasSVG(figure)
    finally:
        for ground in grounds:
            ground.set_visible(True)
        figure.set_dpi(dpi)
        figure.set_canvas(canvas)


def to_svg(figure: Figure, name: str) -> str:
    """Convert a figure to SVG text for a page; it takes the page's colours, so that it follows light and dark.

    ``name`` becomes part of the ids in the SVG. Figures on one page thus have different ids, the same in every run.
    """
    import matplotlib

    buffer = io.StringIO()
    with (
        matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}),
        warnings.catch_warnings(),
        _on_page(figure) as canvas,
    ):
        # Texts stay texts, which the reader's fonts show. `savefig` would draw the figure twice.
        warnings.filterwarnings("ignore", "Glyph .* missing from ", UserWarning)
        canvas.print_svg(buffer, metadata=_UNDATED["svg"])  # type: ignore[no-untyped-call]
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"font: ([0-9.]+px)[^;\"]*", r"font-size: \1", text)
    # Markers and tick marks carry ids that count from one in every figure.
    text = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{name}-", text)
    return _COLOUR.sub(lambda found: _VARIABLES[found.group()], text)

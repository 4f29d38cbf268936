"""One self-contained HTML page about a calibration."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin import __version__
from truetwin.calibration.job import DISCLOSURE
from truetwin.evaluation import Evaluation
from truetwin.io import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TWIN_COLOUR, METHOD_COLOUR, LINE_COLOUR = "#8a8f98", "#0b6e99", "#c9ced6"


def gain_figure(
    evaluation: Evaluation, method: str, *, baseline: str = "twin", metric: str = "pearson"
) -> Figure:
    """Score of each target with the uncalibrated and the calibrated twin, sorted by the gain.

    Parameters
    ----------
    evaluation : Evaluation
        Scores that hold both methods.
    method, baseline : str
        Methods to compare.
    metric : str
        Score to draw.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import numpy as np
    from matplotlib.figure import Figure

    before, after = (evaluation.scores[name, metric] for name in (baseline, method))
    both = np.flatnonzero(np.isfinite(before) & np.isfinite(after))
    order = both[np.argsort(after[both] - before[both])]
    height = max(2.2, 0.19 * order.size + 1.1)
    figure = Figure(figsize=(6.4, height), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(order.size)
    axes.hlines(rows, before[order], after[order], color=LINE_COLOUR, linewidth=2, zorder=1)
    axes.scatter(before[order], rows, color=TWIN_COLOUR, s=22, label=f"{baseline}, uncalibrated", zorder=2)
    axes.scatter(
        after[order], rows, color=METHOD_COLOUR, s=26, marker="D", label=f"calibrated ({method})", zorder=3
    )
    axes.set_yticks(rows, [_short(evaluation.target_ids[k]) for k in order], fontsize=8)
    axes.set_ylim(-0.8, order.size - 0.2)
    axes.set_xlabel("Pearson correlation with the hidden human answers" if metric == "pearson" else metric)
    axes.axvline(0, color=LINE_COLOUR, linewidth=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, 1 + 0.42 / height), ncols=2, frameon=False, fontsize=8
    )
    return figure


def svg(figure: Figure) -> str:
    """A figure as inline SVG text."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def write_page(
    output: Path,
    *,
    title: str,
    lead: str,
    facts: Sequence[tuple[str, str]],
    tables: Sequence[Mapping[str, Any]],
    figures: Sequence[tuple[str, str]],
) -> None:
    """Write the page, whole or not at all.

    Parameters
    ----------
    output : Path
        The HTML file.
    title, lead : str
        Heading, and the answer in one sentence.
    facts : sequence of (name, value)
        Short facts under the lead.
    tables : sequence of {"title", "columns", "rows"}
        Tables of texts.
    figures : sequence of (svg, caption)
        Pictures.
    """
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    text = template.render(
        title=title,
        lead=lead,
        facts=facts,
        tables=tables,
        figures=figures,
        disclosure=DISCLOSURE,
        version=__version__,
    )
    with replacing(output) as (draft,):
        draft.write_text(text, encoding="utf-8")


def _short(text: str, most: int = 28) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

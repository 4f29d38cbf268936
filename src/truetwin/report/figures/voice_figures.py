"""Draw the six capabilities of voices: radars and bars (paper B, figure 3 and appendix D)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError
from truetwin.report.figures import theme
from truetwin.report.figures.theme import CATEGORICAL, GRID, INK, SOFT, save_figures, shorten
from truetwin.voice.protocols.capability_annotation import CAPABILITIES
from truetwin.voice.protocols.outcomes import FOUR_WAY, Protocol
from truetwin.voice.scoring.capability_results import COMBINED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
#: What guessing gives in results of earlier versions, whose items all had four options.
AMONG_FOUR = 25.0
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
_WHAT = {
    COMBINED: "average over three protocols",
    Protocol.CHOICE.value: "choice: share right",
    Protocol.REPLY_VS_DISTRACTORS.value: "ranking, reply among distractors: share right",
    Protocol.MAP_TO_OPTIONS.value: "ranking, reply mapped to options: share right",
    Protocol.SCORING.value: "scoring: mean mark, 1 to 5 put on 0 to 100",
}


def capability_radar(rows: Rows, dimension: str, protocol: str, ranking: str | None = None) -> Figure:
    """Draw one polygon a model over the six capabilities, in percent; a capability without items leaves a gap.

    Parameters
    ----------
    rows : sequence of dict
        Result of :func:`~truetwin.voice.scoring.capability_results.capability_results`.
    dimension, protocol : str
        Dimension and protocol to draw; the protocol may be ``"combined"``.
    ranking : str, optional
        Which ranking the combination holds.

    Raises
    ------
    DataError
        If no row is of this dimension, protocol and ranking.
    """
    from truetwin.report.figures.shown_figure import ShownFigure

    chosen = _chosen(rows, protocol, ranking, dimension)
    models = list(dict.fromkeys(r["model"] for r in chosen))
    angles = np.linspace(0, 2 * np.pi, len(CAPABILITIES), endpoint=False)
    # Laid out by hand: automatic layouts do not see the labels of the spokes.
    figure = ShownFigure(figsize=(8.8, 4.9))
    axes: Any = figure.add_axes((0.17, 0.1, 0.41, 0.72), projection="polar")
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    for k, model in enumerate(models):
        values = _by_capability(chosen, model, "value")
        axes.plot(
            [*angles, angles[0]], [*values, values[0]], color=CATEGORICAL[k % len(CATEGORICAL)],
            marker=MARKERS[k % len(MARKERS)], markersize=5, linewidth=1.8, label=_label(model),
        )  # fmt: skip
    _label_rings(axes, chosen)
    _label_spokes(axes, angles, [_spoke(chosen, name) for name in CAPABILITIES])
    axes.grid(color=GRID)
    axes.spines["polar"].set_color(GRID)
    if protocol in FOUR_WAY and np.isfinite(guessed := _chance(chosen)):
        around = np.linspace(0, 2 * np.pi, 200)
        axes.plot(
            around, np.full(200, guessed), color=theme.CHANCE, linestyle=":", linewidth=1.2, label="guessing"
        )
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="center left",
        bbox_to_anchor=(0.74, 0.46),
        frameon=False,
        fontsize=9,
    )
    what = _WHAT.get(protocol, protocol)
    extra = f"\n(with ranking: {ranking})" if protocol == COMBINED and ranking else ""
    figure.suptitle(f"{dimension.capitalize()}: {what}{extra}", fontsize=11, x=0.03, ha="left")
    return figure


def _label_rings(axes: Any, rows: Rows) -> None:
    """Rings at every 20 percent, as far as the values reach and at least to 40."""
    shown = [r["value"] for r in rows if r["value"] == r["value"]]
    top = max(40.0, min(100.0, 20 * np.ceil((max(shown, default=0.0) + 4) / 20)))
    axes.set_ylim(0, top)
    axes.set_yticks(np.arange(20, top + 1, 20))
    axes.tick_params(axis="y", labelsize=8, labelcolor=SOFT)
    for ring in axes.get_yticklabels():
        ring.set_bbox({"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8})
    axes.set_rlabel_position(30)  # between two spokes


def _label_spokes(axes: Any, angles: NDArray[np.float64], labels: Sequence[str]) -> None:
    """Labels that point outwards, clear of the outer ring."""
    axes.set_xticks(angles, labels, fontsize=9)
    for label, angle in zip(axes.get_xticklabels(), angles, strict=True):
        label.set_horizontalalignment(
            ("left" if np.sin(angle) > 0 else "right") if abs(np.sin(angle)) > 0.1 else "center"
        )
    axes.tick_params(axis="x", pad=4)


def capability_bars(rows: Rows, protocol: str = COMBINED, ranking: str | None = None) -> Figure:
    """Draw one panel a capability: bars by model and dimension with intervals, diamonds at each model's mean.

    Raises
    ------
    DataError
        If no row is of this protocol and ranking.
    """
    from truetwin.report.figures.shown_figure import ShownFigure

    chosen = _chosen(rows, protocol, ranking)
    models = list(dict.fromkeys(r["model"] for r in chosen))
    dimensions = list(dict.fromkeys(r["dimension"] for r in chosen))
    figure = ShownFigure(figsize=(max(7.5, 2.2 + 1.5 * len(models)), 6.6), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True, sharex=True)
    width = 0.8 / len(dimensions)
    for axes, capability in zip(panels.ravel(), CAPABILITIES, strict=True):
        here = [r for r in chosen if r["capability"] == capability]
        for k, dimension in enumerate(dimensions):
            found = {r["model"]: r for r in here if r["dimension"] == dimension}
            middle, low, high = (
                np.array([found[m][name] if m in found else np.nan for m in models])
                for name in ("value", "ci_low", "ci_high")
            )
            places = np.arange(len(models)) + (k - (len(dimensions) - 1) / 2) * width
            axes.bar(places, middle, 0.92 * width, color=CATEGORICAL[k], label=dimension, alpha=0.85)
            axes.errorbar(
                places, middle, yerr=np.abs([middle - low, high - middle]), fmt="none", ecolor=INK,
                elinewidth=0.9, capsize=2,
            )  # fmt: skip
        _draw_means(axes, here, models, dimensions)
        axes.set_title(_title(capability), fontsize=10)
        axes.set_xticks(
            np.arange(len(models)), [shorten(m, 16) for m in models], rotation=35, ha="right", fontsize=8
        )
        if protocol in FOUR_WAY and np.isfinite(guessed := _chance(chosen)):
            axes.axhline(guessed, color=theme.CHANCE, linestyle="--", linewidth=1)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(bottom=0)
    for axes in panels[:, 0]:
        axes.set_ylabel("percent")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    extra = f" (with ranking: {ranking})" if ranking else ""
    guessing = "; dashed: guessing" if protocol in FOUR_WAY else ""
    figure.suptitle(f"{_WHAT.get(protocol, protocol).capitalize()}{extra}{guessing}", fontsize=11)
    return figure


def capability_figures(rows: Rows) -> dict[str, Figure]:
    """Draw a radar for every dimension and protocol, and bars for every protocol, by the name of its file."""
    figures = {}
    for dimension, protocol, ranking in dict.fromkeys(
        (r["dimension"], r["protocol"], r.get("ranking")) for r in rows
    ):
        name = "-".join(part for part in (protocol, ranking) if part)
        figures[f"radar-{dimension or 'unknown'}-{name}"] = capability_radar(
            rows, dimension, protocol, ranking
        )
        if f"capabilities-{name}" not in figures:
            figures[f"capabilities-{name}"] = capability_bars(rows, protocol, ranking)
    return figures


def write_capability_figures(rows: Rows, folder: Path, ending: str = ".png") -> list[Path]:
    """Write every figure to an existing folder, all or none; PNG, SVG or PDF by ending."""
    figures = {folder / f"{name}{ending}": figure for name, figure in capability_figures(rows).items()}
    save_figures(figures)
    return list(figures)


def _draw_means(axes: Any, rows: Rows, models: Sequence[str], dimensions: Sequence[str]) -> None:
    """Draw diamonds at the mean over dimensions, for models that have them all; none with one dimension only."""
    if len(dimensions) < 2:
        return
    means = []
    for model in models:
        values = [r["value"] for r in rows if r["model"] == model and r["value"] == r["value"]]
        means.append(float(np.mean(values)) if len(values) == len(dimensions) else np.nan)
    axes.scatter(
        np.arange(len(models)), means, marker="D", s=34, color=CATEGORICAL[3], edgecolor="white", linewidth=0.8,
        zorder=5, label="mean over dimensions",
    )  # fmt: skip


def _chosen(
    rows: Rows, protocol: str, ranking: str | None, dimension: str | None = None
) -> list[Mapping[str, Any]]:
    chosen = [
        r
        for r in rows
        if r["protocol"] == protocol
        and (ranking is None or r.get("ranking") == ranking)
        and dimension in (None, r["dimension"])
    ]
    if not chosen:
        raise DataError(f"there must be results of protocol {protocol!r} to draw; there are none")
    if len({r.get("ranking") for r in chosen}) > 1:
        raise DataError(
            "the two rankings are different estimands: name the one whose combination is to be drawn"
        )
    return chosen


def _chance(rows: Rows) -> float:
    """Average what guessing gives over rows that have items; NaN where it is not known."""
    known = [chance for r in rows if np.isfinite(chance := r.get("chance", AMONG_FOUR))]
    return float(np.mean(known)) if known else float("nan")


def _by_capability(rows: Rows, model: str, field: str) -> Any:
    found = {r["capability"]: r[field] for r in rows if r["model"] == model}
    return np.array([found.get(name, np.nan) for name in CAPABILITIES], dtype=np.float64)


def _spoke(rows: Rows, capability: str) -> str:
    counts = [r["n"] for r in rows if r["capability"] == capability]
    low, high = min(counts, default=0), max(counts, default=0)
    return f"{_title(capability)}\nn = {low}" + (f" to {high}" if high > low else "")


def _title(capability: str) -> str:
    return capability.replace("_", " ").capitalize()


def _label(model: str) -> str:
    shown = shorten(model, 24)
    return f" {shown}" if shown.startswith("_") else shown  # legends hide names that start with an underscore

"""Draw the figures of a diagnosis: spectra, alignment, verdicts, faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from truetwin.diagnosis import Diagnosis
from truetwin.diagnosis.alignment import Alignment
from truetwin.diagnosis.faults import CONCENTRATED, LEVEL_BIAS
from truetwin.diagnosis.spectrum import Spectrum
from truetwin.report.figures.theme import (
    CHANCE,
    GRID,
    HUMAN,
    SHUFFLED,
    TWIN,
    VERDICTS,
    blank_figure,
    heading,
    new_figure,
    overall,
    save_figures,
    tidy,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".pdf")
_SPACE_NAMES = {"row": "items (row space)", "column": "respondents (column space)"}
_LABELS = {"twin": "twins", "gaussian": "Gaussian noise", "shuffled": "people, columns shuffled"}
_STYLES = {
    "twin": (TWIN, "o", "-"),
    "gaussian": (CHANCE, "s", ":"),
    "shuffled": (SHUFFLED, "^", "--"),
}


def spectrum_figure(spectra: Mapping[str, Spectrum], size: str = "") -> Figure:
    """Draw the cumulative variance of both sources, and the validation error that the effective rank minimises.

    Source: paper A, figure 10.
    """
    figure, (left, right) = _two_panels()
    for source, colour, marker in (("human", HUMAN, "o"), ("twin", TWIN, "D")):
        found = spectra[source]
        share = found.cumulative_variance
        name = "people" if source == "human" else "twins"
        left.plot(np.arange(1, share.size + 1), share, color=colour, linewidth=2, label=name)
        errors = found.validation_error.mean(axis=1)
        right.plot(np.arange(errors.size), errors, color=colour, marker=marker, markersize=4, label=name)
        right.plot(
            found.effective_rank,
            errors[found.effective_rank],
            marker=marker,
            markersize=11,
            markerfacecolor="none",
            color=colour,
        )
    left.set(xlabel="rank", ylabel="share of variance", ylim=(0, 1.02))
    heading(left, "Cumulative variance")
    left.legend(frameon=False, loc="lower right")
    ranks = {s: spectra[s].effective_rank for s in ("human", "twin")}
    right.set(
        xlabel="rank",
        ylabel="error on hidden answers,\nrelative to item means",
    )
    heading(right, f"Effective rank: people {ranks['human']}, twins {ranks['twin']}")
    overall(figure, _joined(size, "rings: effective rank, the smallest error"))
    top = max(float(s.validation_error.mean(axis=1).max()) for s in spectra.values())
    right.set_ylim(top=min(top * 1.05, 1.3))
    right.legend(frameon=False)
    whole_numbers(right.xaxis)
    return figure


def alignment_figure(found: Alignment, size: str = "") -> Figure:
    """Draw cosines of principal angles, and projection-Frobenius distances, beside those by chance.

    Source: paper A, figures 3 and 4 (row space), 6 and 7 (column space).
    """
    ranks = np.arange(1, found.n_ranks + 1)
    figure, (left, right) = _two_panels()
    for name in found.cosines:
        colour, marker, line = _STYLES[name]
        for axes, values, errors in (
            (left, found.cosines[name], found.cosine_errors[name]),
            (right, found.distances[name], found.distance_errors[name]),
        ):
            axes.errorbar(
                ranks, values, yerr=2 * errors, color=colour, marker=marker, linestyle=line, markersize=5,
                capsize=2, label=_LABELS[name],
            )  # fmt: skip
    left.set(
        xlabel="principal angle",
        ylabel="cosine (1: same direction)",
        ylim=(-0.03, 1.03),
    )
    heading(left, "Leading angles")
    right.set(
        xlabel="number of leading directions",
        ylabel="projection distance (0: same space)",
        ylim=(0, 1.58),
    )
    heading(right, "Distance of spaces")
    right.axhline(2**0.5, color=CHANCE, linewidth=0.8, zorder=0)
    right.annotate(
        "spaces at right angles", (0.0, 2**0.5), xycoords=("axes fraction", "data"), xytext=(4, 3),
        textcoords="offset points", color=CHANCE, fontsize=8,
    )  # fmt: skip
    left.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        whole_numbers(axes.xaxis)
    overall(
        figure, _joined(f"Twins beside people: {_SPACE_NAMES[found.space]}", size, "bars: 2 standard errors")
    )
    return figure


def verdict_figure(diagnosis: Diagnosis) -> Figure:
    """Draw the expected correlation of calibrated predictions against that of twins.

    New items are shown with their verdicts, and answered items as a check.
    """
    figure, axes = new_figure(7.6, 4.8)
    for verdict, colour in VERDICTS.items():
        for rows, marker, size, alpha, what in (
            (diagnosis.record, "o", 20, 0.45, "answered"),
            (diagnosis.verdicts, "D", 46, 1.0, "new"),
        ):
            here = [r for r in rows if r["verdict"] == verdict and r["expected_calibrated"] is not None]
            if here:
                axes.scatter(
                    [r["expected_twin"] for r in here],
                    [r["expected_calibrated"] for r in here],
                    s=size, marker=marker, color=colour, alpha=alpha, linewidths=0,
                    label=f"{verdict}: {len(here)} {what}",
                )  # fmt: skip
    rows = [r for r in (*diagnosis.record, *diagnosis.verdicts) if r["expected_calibrated"] is not None]
    values = [r[k] for r in rows for k in ("expected_twin", "expected_calibrated")] or [0.0, 1.0]
    low, high = min(0.0, *values) - 0.03, max(0.15, *values) + 0.05
    axes.plot([low, high], [low, high], color=GRID, zorder=0)
    axes.plot([low, 0.1, 0.1], [0.1, 0.1, low], color=CHANCE, linewidth=0.8, linestyle=":", zorder=0)
    for text, place, turn in (("both below .1", (low, 0.1), 0), ("equal", (high, high), 45)):
        axes.annotate(
            text, place, xytext=(4, 3) if not turn else (-30, -22), textcoords="offset points", rotation=turn,
            color=CHANCE, fontsize=8,
        )  # fmt: skip
    axes.set(
        xlim=(low, high), ylim=(low, high), aspect="equal", anchor="W",
        xlabel="expected correlation of the twin as it is",
        ylabel="expected correlation after calibration",
    )  # fmt: skip
    heading(axes, _verdicts_in_words(diagnosis))
    silent = sum(r["expected_calibrated"] is None for r in diagnosis.verdicts)
    if silent:
        axes.annotate(
            f"not shown: {silent} new items of which nothing\ncan be expected", (1.02, 0.0), xycoords="axes fraction",
            color=CHANCE, fontsize=8,
        )  # fmt: skip
    if rows:
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    else:
        axes.text(0.5, 0.5, "too few answered items to learn from", ha="center", transform=axes.transAxes)
    return figure


def _verdicts_in_words(diagnosis: Diagnosis) -> str:
    given = [row["verdict"] for row in diagnosis.verdicts]
    told = [f"{given.count(verdict)} {verdict}" for verdict in VERDICTS if verdict in given]
    return f"New items: {', '.join(told)}" if told else "Answered items, hidden in turn"


def fault_figure(diagnosis: Diagnosis) -> Figure:
    """Draw spread and level of twins' answers to each answered item, relative to people's."""
    figure, (left, right) = _two_panels()
    rows = [r for r in diagnosis.faults if r.get("sd_ratio") is not None]
    ratio = np.array([r["sd_ratio"] for r in rows])
    bias = np.array([r["level_bias_sd"] for r in rows])
    for axes, values, usual, label, title in (
        (left, ratio, 1.0, "sd of twins / sd of people", "Spread"),
        (right, bias, 0.0, "twin mean - human mean, in human sds", "Level"),
    ):
        if values.size:
            axes.hist(values, bins=min(30, max(8, values.size // 4)), color=TWIN, alpha=0.85)
        low, high = (CONCENTRATED, 1 / CONCENTRATED) if usual else (-LEVEL_BIAS, LEVEL_BIAS)
        left_edge, right_edge = axes.get_xlim()
        margin = 0.25 * (right_edge - left_edge)  # room for the words beside the line
        left_edge, right_edge = min(left_edge, usual - margin), max(right_edge, usual + margin)
        for begin, end in ((left_edge, low), (high, right_edge)):
            if begin < end:
                axes.axvspan(begin, end, color=GRID, alpha=0.6, linewidth=0, zorder=0)
        axes.set_xlim(left_edge, right_edge)
        axes.margins(y=0.18)
        whole_numbers(axes.yaxis)
        axes.axvline(usual, color=HUMAN, linewidth=1.5)
        axes.annotate(
            "as people", (usual, 1), xycoords=("data", "axes fraction"), xytext=(4, -10),
            textcoords="offset points", color=HUMAN, fontsize=9,
        )  # fmt: skip
        axes.set(xlabel=label, ylabel="items")
        heading(axes, title)
    spread = int(((ratio < CONCENTRATED) | (ratio > 1 / CONCENTRATED)).sum())
    level = int((np.abs(bias) > LEVEL_BIAS).sum())
    overall(
        figure,
        f"Of {len(rows)} items, {spread} vary too little or too much among twins, {level} are off in level (shaded)",
    )
    return figure


def diagnosis_figures(diagnosis: Diagnosis) -> dict[str, Figure]:
    """Draw every figure of a diagnosis, by the name of its file."""
    return {
        "spectrum": spectrum_figure(diagnosis.spectra, _size(diagnosis)),
        "alignment-items": alignment_figure(diagnosis.alignments["row"], _size(diagnosis)),
        "alignment-respondents": alignment_figure(diagnosis.alignments["column"], _size(diagnosis)),
        "verdicts": verdict_figure(diagnosis),
        "faults": fault_figure(diagnosis),
    }


def write_figures(diagnosis: Diagnosis, folder: Path, ending: str = ".png") -> list[Path]:
    """Write every figure to a folder, all or none; PNG, SVG or PDF by ending."""
    figures = {folder / f"{name}{ending}": figure for name, figure in diagnosis_figures(diagnosis).items()}
    save_figures(figures)
    return list(figures)


def _size(diagnosis: Diagnosis) -> str:
    return f"{diagnosis.settings['n_respondents']} respondents, {diagnosis.settings['n_items']} items"


def _two_panels() -> tuple[Figure, tuple[Axes, Axes]]:
    figure = blank_figure(9, 3.8)
    left, right = figure.subplots(1, 2)
    tidy(left)
    tidy(right)
    return figure, (left, right)


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)

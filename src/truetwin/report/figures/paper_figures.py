"""Compute the papers' figures anew: description, data and drawing of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.errors import ParameterError
from truetwin.report.figures.theme import HUMAN, TWIN, blank_figure, heading, tidy
from truetwin.reproduction.structure import DATASETS, Structure, reproduce_structure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Progress = Callable[[int, int], None]
Made = tuple["Figure", list[dict[str, Any]]]
VOICE_FIGURE = "voice-figure-3"


@dataclass(frozen=True)
class PaperFigure:
    """Figure of a paper: what it shows, and a function that returns drawing and data."""

    title: str
    make: Callable[[Progress | None], Made]


def _alignment(dataset: str, space: str) -> Callable[[Progress | None], Made]:
    def make(progress: Progress | None) -> Made:
        from truetwin.report.figures.diagnosis_figures import alignment_figure

        found = reproduce_structure(dataset)
        return alignment_figure(found.alignments[space]), found.alignment_rows(space)

    return make


def _spectra(progress: Progress | None) -> Made:
    found = []
    for k, dataset in enumerate(DATASETS):
        found.append(reproduce_structure(dataset))
        if progress:
            progress(k + 1, len(DATASETS))
    return cumulative_variance_figure(found), [row for each in found for row in each.spectrum_rows()]


def _thresholds(progress: Progress | None) -> Made:
    from truetwin.report.figures.threshold_figure import threshold_figure
    from truetwin.reproduction.adaptive_sweep import reproduce_figure_5

    sweeps = reproduce_figure_5(progress=progress)
    return threshold_figure(sweeps), [row for sweep in sweeps for row in sweep.rows()]


def _example(progress: Progress | None) -> Made:
    from truetwin.report.figures.marginal_figures import example_item_figure
    from truetwin.reproduction.marginal_examples import figure_data

    example = figure_data().example
    return example_item_figure(example), example.rows()


def _variance_ratios(progress: Progress | None) -> Made:
    from truetwin.report.figures.marginal_figures import variance_ratio_figure
    from truetwin.reproduction.marginal_examples import figure_data

    ratios = figure_data().ratios
    return variance_ratio_figure(ratios), ratios.rows()


PAPER_FIGURES: Mapping[str, PaperFigure] = {
    "figure-3": PaperFigure("Row space alignment on MovieLens", _alignment("movielens", "row")),
    "figure-4": PaperFigure("Row space alignment on Twin-2K-500", _alignment("twin-2k-500", "row")),
    "figure-5": PaperFigure("Adaptive transfer on Twin-2K-500", _thresholds),
    "figure-6": PaperFigure("Column space alignment on MovieLens", _alignment("movielens", "column")),
    "figure-7": PaperFigure("Column space alignment on Twin-2K-500", _alignment("twin-2k-500", "column")),
    "figure-8": PaperFigure("Rating shares of a held-out MovieLens item", _example),
    "figure-9": PaperFigure("Variance ratios on MovieLens", _variance_ratios),
    "figure-10": PaperFigure("Cumulative variance of both datasets", _spectra),
}


def voice_figure(answers: Sequence[Path], annotations: Path | None) -> PaperFigure:
    """Draw figure 3 of paper B, from stored answers and annotations of what each item tests.

    The paper published neither its annotations nor the answers of all models, so both must be given.

    Raises
    ------
    ParameterError
        If one of them is not given.
    """
    if not answers or annotations is None:
        raise ParameterError(
            f"{VOICE_FIGURE} needs --answers (stored answers, at least one file) and --annotations (from `truetwin "
            f"voice annotate`): the paper published no annotations"
        )
    known_path = annotations

    def make(progress: Progress | None) -> Made:
        from truetwin.report.figures.voice_figures import capability_bars
        from truetwin.voice.scoring.capability_results import capability_results, read_annotations
        from truetwin.voice.scoring.stored_answers import read_answers

        outcomes = [outcome for path in answers for outcome in read_answers(path).outcomes]
        rows = capability_results(outcomes, read_annotations(known_path))
        return capability_bars(rows), rows

    return PaperFigure("Results by capability, averaged over the three protocols", make)


def cumulative_variance_figure(found: list[Structure]) -> Figure:
    """Draw the share of variance in the leading directions, one panel a dataset (paper A, figure 10)."""
    figure = blank_figure(9, 3.6)
    for axes, each in zip(figure.subplots(1, len(found), sharey=True), found, strict=True):
        tidy(axes)
        for source, label, colour, line in (("human", "people", HUMAN, "-"), ("twin", "twins", TWIN, "--")):
            share = each.spectra[source].cumulative_variance
            rank = each.spectra[source].effective_rank
            axes.plot(np.arange(1, share.size + 1), share, line, color=colour, linewidth=2,
                      label=f"{label} (effective rank {rank})")  # fmt: skip
        axes.set(xscale="log", ylim=(0, 1.02), xlabel="leading directions")
        heading(axes, DATASETS[each.dataset])
        ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200) if t <= share.size]
        axes.set_xticks(ticks, [str(t) for t in ticks])
        axes.minorticks_off()
        axes.legend(frameon=False, loc="lower right")
    figure.axes[0].set_ylabel("share of variance")
    return figure

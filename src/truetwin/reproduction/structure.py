"""Figures 3, 4, 6, 7 and 10 of paper A as data: spectra, and how close the twins' leading directions are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from truetwin.datasets import datasets
from truetwin.diagnosis.alignment import Alignment, Space, alignment
from truetwin.diagnosis.diagnosis import spectrum_records
from truetwin.diagnosis.spectrum import Spectrum, errors_at, spectrum_at
from truetwin.diagnosis.standardised_panel import Array, demeaned, prepare
from truetwin.solvers.low_rank import hard_impute

DATASETS = {"movielens": "MovieLens", "twin-2k-500": "Twin-2K-500"}
RANKS = (1, 3, 5, 7, 9, 11)
HIDDEN_SHARE = 0.2
SPACES: tuple[Space, ...] = ("row", "column")


@dataclass(frozen=True, eq=False)
class Structure:
    """Spectra and alignments of one dataset, prepared as in the paper.

    Attributes
    ----------
    dataset : str
        Name of the dataset.
    spectra : dict of str to Spectrum
        "human" and "twin".
    alignments : dict of str to Alignment
        "row" and "column".
    """

    dataset: str
    spectra: Mapping[str, Spectrum]
    alignments: Mapping[str, Alignment]

    def alignment_rows(self, space: str) -> list[dict[str, Any]]:
        """Return one row a rank and source."""
        return [{"dataset": self.dataset, **row} for row in self.alignments[space].records()]

    def spectrum_rows(self) -> list[dict[str, Any]]:
        """Return one row a source and rank."""
        return [{"dataset": self.dataset, **row} for row in spectrum_records(self.spectra)]


def reproduce_structure(dataset: str, *, random_state: int = 0) -> Structure:
    """Compute the spectra and alignments of a dataset of the paper (its default construction).

    Each source is standardised over its observed answers, an sd below 1 replaced by 1, as the paper does before
    calibration. A fifth of the answers are hidden to choose the rank, at which gaps are then filled. The number of
    directions compared is the human rank plus two. Source: paper A, sections 4.2, 6 and A.1.
    """
    panel = datasets[dataset].load()
    donors = prepare(panel).donors
    sources = {"human": panel.human_values[:, donors], "twin": panel.twin_values[:, donors]}
    both = np.logical_and(*(np.isfinite(values).any(axis=1) for values in sources.values()))
    spectra, full = {}, {}
    for name, values in sources.items():
        scaled = floored(values[both])
        errors = errors_at(scaled, RANKS, share=HIDDEN_SHARE, random_state=random_state)
        spectra[name] = spectrum_at(scaled, errors)
        full[name] = demeaned(hard_impute(scaled, spectra[name].effective_rank).completed)
    count = spectra["human"].effective_rank + 2
    return Structure(
        dataset,
        spectra,
        {
            space: alignment(full["human"], full["twin"], count, space, random_state=random_state)
            for space in SPACES
        },
    )


def floored(values: Array) -> Array:
    """Demean columns and divide them by their sds (ddof 0), where these are 1 or more.

    Examples
    --------
    >>> floored(np.array([[1.0, 0.0], [5.0, 1.0]])).tolist()
    [[-1.0, -0.5], [1.0, 0.5]]
    """
    centred = demeaned(values)
    seen = np.isfinite(centred)
    sd = np.sqrt(np.sum(centred**2, axis=0, where=seen) / np.maximum(seen.sum(axis=0), 1))
    return np.asarray(centred / np.maximum(sd, 1.0))

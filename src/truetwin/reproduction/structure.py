"""Figures 3, 4, 6, 7 and 10 of paper A as data: spectra, and how close the twins' leading directions are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from truetwin.datasets import datasets
from truetwin.diagnosis.alignment import Alignment
from truetwin.diagnosis.diagnosis import spectrum_records, structure
from truetwin.diagnosis.spectrum import Spectrum
from truetwin.diagnosis.standardised_panel import prepare

DATASETS = {"movielens": "MovieLens", "twin-2k-500": "Twin-2K-500"}


@dataclass(frozen=True, eq=False)
class Structure:
    """Spectra and alignments of one dataset, columns demeaned and not scaled, as in the paper.

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

    Source: paper A, sections 4.2, 6 and A.1. The paper does not say how it fills gaps before the SVD; here it is the
    rank-5 imputation of its calibration.
    """
    spectra, alignments = structure(
        prepare(datasets[dataset].load()), scaled=False, random_state=random_state
    )
    return Structure(dataset, spectra, alignments)

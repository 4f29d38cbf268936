"""Record of known people who were predicted as if they were new."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.known_cells import KnownCells
from truetwin.calibration.orientation import Array


@dataclass(frozen=True, eq=False)
class PeopleRecord:
    """Predictions of known people from their twins and from other people, and the errors.

    Attributes
    ----------
    item_ids : tuple of str, p of them
    respondent_ids : tuple of str, n of them
        The people.
    predicted : ndarray of shape (p, n)
        On the items' scales.
    errors : ndarray of shape (p, n)
        Answer minus prediction; NaN where there is no answer.
    """

    item_ids: tuple[str, ...]
    respondent_ids: tuple[str, ...]
    predicted: Array
    errors: Array

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def weight(self) -> Array:
        """Weight of each item: items with answers count alike, (p,)."""
        there = (self.counts > 1).astype(np.float64)
        return np.asarray(there / max(there.sum(), 1.0))

    @cached_property
    def ordered(self) -> Array:
        """Errors of each item in ascending order, NaN at the end, (p, n)."""
        return np.sort(self.errors, axis=1)

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """Number of errors of each item, (p,)."""
        return np.asarray(np.isfinite(self.errors).sum(axis=1), dtype=np.intp)

    @cached_property
    def _answers(self) -> Array:
        return np.sort(self.predicted + self.errors, axis=1)

    def shares_below(self, k: int, cuts: Array) -> Array | None:
        """Compute the share of people's answers to one item below each cut, (c,); None if nobody answered."""
        n = self.counts[k]
        return np.asarray(np.searchsorted(self._answers[k, :n], cuts) / n) if n else None

    def chances(self, cells: KnownCells) -> tuple[Array, Array]:
        """Compute the chance of each known answer as other people have it.

        Returns
        -------
        tuple of two ndarrays of shape (p, c)
            From all answers to the item, and from the errors around the prediction; both without the person's own.
        """
        result = []
        for ordered, shift in ((self._answers, 0.0 * self.predicted), (self.ordered, self.predicted)):
            found = np.zeros(cells.people.shape)
            for k, n in enumerate(self.counts):
                centre = shift[k, cells.people[k]]
                ends = [np.searchsorted(ordered[k, :n], end[k] - centre) for end in (cells.low, cells.high)]
                found[k] = np.maximum(ends[1] - ends[0] - 1, 0) / max(n - 1, 1)
            result.append(found)
        return result[0], result[1]

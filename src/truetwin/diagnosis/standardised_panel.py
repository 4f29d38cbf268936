"""Prepare a panel for diagnosis: standardised answers, twin correlations, batteries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel
from truetwin.errors import AlignmentError, DataError
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.solvers.low_rank import hard_impute

Array = NDArray[np.float64]
Positions = NDArray[np.intp]
IMPUTATION_RANK = 5


@dataclass(frozen=True, eq=False)
class Prepared:
    """Panel made ready for diagnosis.

    Attributes
    ----------
    panel : Panel
        The panel itself.
    donors, new : ndarray of int
        Items that both sources have answered, and items that only twins have.
    blocks : tuple of str
        Battery of each item of the panel.
    human, twin : ndarray of shape (n_respondents, n_items)
        Answers standardised item by item within each source; NaN where missing, 0 where an item is constant.
    weights : ndarray of shape (n_respondents,)
        Survey weights, by which correlations between sources count people.
    """

    panel: Panel
    donors: Positions
    new: Positions
    blocks: tuple[str, ...]
    human: Array
    twin: Array
    weights: Array

    @cached_property
    def twin_correlations(self) -> Array:
        """Correlations of items among twins, (n_items, n_items); see :func:`correlations`."""
        return correlations(self.twin)

    @cached_property
    def groups(self) -> Positions:
        """Number of each item's battery."""
        return np.unique(self.blocks, return_inverse=True)[1].astype(np.intp)

    def pair(self, *, scaled: bool = True) -> tuple[Array, Array]:
        """Return the donor items of both sources with demeaned columns (paper A, footnote 4), NaN where missing.

        Only respondents who have answered in both sources are used. Items are divided by their sds if ``scaled``, so
        that an item with answers in hundreds does not outweigh a hundred items answered by yes or no.
        """
        sources = (
            (self.human[:, self.donors], self.twin[:, self.donors])
            if scaled
            else tuple(demeaned(v[:, self.donors]) for v in (self.panel.human_values, self.panel.twin_values))
        )
        both = np.isfinite(sources[0]).any(axis=1) & np.isfinite(sources[1]).any(axis=1)
        return sources[0][both], sources[1][both]


def prepare(panel: Panel, blocks: Mapping[str, str] | None = None, weights: Array | None = None) -> Prepared:
    """Standardise both sources and find donors, new items and batteries.

    Parameters
    ----------
    panel : Panel
        Human and twin answers.
    blocks : mapping from item id to block name, optional
        Batteries; by default as declared with the items, or else guessed from the ids.
    weights : ndarray of shape (n_respondents,), optional
        Survey weights; by default everybody counts alike.

    Raises
    ------
    AlignmentError
        If no item has answers from both sources.
    DataError
        If only one item has answers from both sources: nothing can be compared.
    """
    seen = [np.isfinite(v).any(axis=0) for v in (panel.human_values, panel.twin_values)]
    donors, new = np.flatnonzero(seen[0] & seen[1]), np.flatnonzero(seen[1] & ~seen[0])
    if not donors.size:
        raise AlignmentError(
            "a diagnosis needs items that both humans and twins have answered; there is none"
        )
    if donors.size < 2:
        raise DataError(
            f"a diagnosis needs at least two items that both humans and twins have answered; there is only "
            f"{panel.item_ids[donors[0]]!r}"
        )
    both = np.isfinite(panel.human_values).any(axis=1) & np.isfinite(panel.twin_values).any(axis=1)
    if both.sum() < 3:
        raise DataError(
            f"a diagnosis needs at least three respondents with answers from humans and twins; got {both.sum()}"
        )
    members, _ = resolve_blocks(panel, blocks)
    return Prepared(
        panel,
        donors.astype(np.intp),
        new.astype(np.intp),
        tuple(members[i] for i in panel.item_ids),
        standardised(panel.human_values),
        standardised(panel.twin_values),
        np.ones(len(panel.respondent_ids)) if weights is None else weights,
    )


def demeaned(values: Array) -> Array:
    """Subtract from each column the mean of its observed entries; columns without entries stay NaN."""
    seen = np.isfinite(values)
    total = np.sum(values, axis=0, where=seen)
    return np.asarray(values - total / np.maximum(seen.sum(axis=0), 1))


def standardised(values: Array) -> Array:
    """Demean columns and divide them by their sds (ddof 0); a constant column becomes 0.

    Examples
    --------
    >>> standardised(np.array([[1.0, 5.0], [3.0, 5.0]]))
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    centred = demeaned(values)
    seen = np.isfinite(centred)
    squares = np.sum(centred**2, axis=0, where=seen)
    sd = np.sqrt(squares / np.maximum(seen.sum(axis=0), 1))
    constant = sd <= 1e-9 * np.maximum(1.0, np.nanmax(np.abs(np.nan_to_num(values)), axis=0))
    return np.asarray(np.where(constant & seen, 0.0, centred / np.where(constant, 1.0, sd)))


def correlations(z: Array) -> Array:
    """Correlate standardised columns over pairs observed together; the result is made positive semi-definite.

    Negative eigenvalues, which gaps cause, are set to zero and the diagonal is put back to 1. A column that never
    varies, or is empty, is uncorrelated with everything.
    """
    seen = np.isfinite(z).astype(np.float64)
    filled = np.nan_to_num(z, nan=0.0)
    raw = filled.T @ filled / np.maximum(seen.T @ seen, 1.0)
    np.fill_diagonal(raw, 1.0)
    values, vectors = np.linalg.eigh(raw)
    if values[0] >= 0:
        return np.asarray(raw)
    clipped = (vectors * np.maximum(values, 0.0)) @ vectors.T
    size = np.sqrt(np.diagonal(clipped))
    return np.asarray(clipped / np.outer(size, size))


def completed(values: Array, rank: int = IMPUTATION_RANK) -> Array:
    """Fill gaps by iterative SVD, as calibration does (paper A, section 3.3)."""
    return hard_impute(values, rank, dtype=np.float32).completed

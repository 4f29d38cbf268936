r"""Compute features of a person who has answered nothing, from the twin and from other people.

All are deviations from the item means of other people. With t the twins' answers, standardised over everybody:

- *own*: the twin's own answer to the item, less the mean of the twins of the people who answered it;
- *ridge*: for each penalty :math:`\lambda` the regression of the deviations on all answers of the twin,

.. math:: b_k = (\rho_k T'T + \lambda I)^{-1} \sum_i t_i (y_{ik} - m_k),

with T the twins of everybody, and :math:`\rho_k` the share of them who answered item k. What twins say is hidden from
nobody, so one decomposition of :math:`T'T` serves all items, penalties and people. A person who is among those learned
from is taken out of the sums: their features are those that they would have if they had answered nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.item_links import Standardised, standardise_items
from truetwin.calibration.orientation import Array

PENALTIES = (300.0, 3000.0, 30000.0)


@dataclass(frozen=True, eq=False)
class PeopleTable:
    """Answers of people and of their twins to the same items.

    Parameters
    ----------
    human, twin : ndarray of shape (n, p)
        Answers on their scales, NaN where there are none.
    """

    human: Array
    twin: Array

    @cached_property
    def seen(self) -> Array:
        """1 where a person has answered, 0 elsewhere."""
        return np.isfinite(self.human).astype(np.float64)

    @cached_property
    def y(self) -> Array:
        """Human answers, 0 where there are none."""
        return np.where(np.isfinite(self.human), self.human, 0.0)

    @cached_property
    def x(self) -> Array:
        """Human answers in sds from the mean of all twins, 0 where there are none."""
        return np.where(self.seen > 0, (self.y - self._twins.mean) / self._twins.sd, 0.0)

    @cached_property
    def t(self) -> Array:
        """Twin answers, standardised over everybody, gaps at 0."""
        return self._twins.values

    @cached_property
    def _twins(self) -> Standardised:
        return standardise_items(self.twin)

    @cached_property
    def paired(self) -> Array:
        """1 where both the person and the twin have answered."""
        return self.seen * np.isfinite(self.twin)

    @cached_property
    def eigenvalues(self) -> Array:
        """Eigendecomposition of :math:`T'T`."""
        return self._decomposition[0]

    @cached_property
    def rotated(self) -> Array:
        """T in the directions of its eigenvectors, (n, p)."""
        return np.asarray(self.t @ self._decomposition[1])

    @cached_property
    def _decomposition(self) -> tuple[Array, Array]:
        values, vectors = np.linalg.eigh(self.t.T @ self.t)
        return np.maximum(values, 0.0), vectors


@dataclass(frozen=True, eq=False)
class PeopleSums:
    """Sums over people; those of several groups add up.

    Attributes
    ----------
    count, total, squares : ndarray of shape (p,)
        Of the human answers to each item.
    twin_count, twin_total, twin_squares : ndarray of shape (p,)
        Of the standardised twin answers of those who answered.
    cross, overlap : ndarray of shape (p, p)
        Rotated twin answers times human answers, and times whether there is one.
    pairs, first, second, products : ndarray of shape (p, p)
        Over people who answered both items: their number, and sums of the row item's answers, of their squares, and of
        products with the column item's. Answers are in sds from the twins' mean here, for precision alone.
    """

    count: Array
    total: Array
    squares: Array
    twin_count: Array
    twin_total: Array
    twin_squares: Array
    cross: Array
    overlap: Array
    pairs: Array
    first: Array
    second: Array
    products: Array

    @classmethod
    def of(cls, table: PeopleTable, rows: NDArray[np.intp]) -> Self:
        """Add up some people."""
        y, x, seen, paired, t, R = (
            v[rows] for v in (table.y, table.x, table.seen, table.paired, table.t, table.rotated)
        )
        return cls(
            seen.sum(axis=0),
            y.sum(axis=0),
            (y**2).sum(axis=0),
            paired.sum(axis=0),
            (t * paired).sum(axis=0),
            (t**2 * paired).sum(axis=0),
            R.T @ y,
            R.T @ seen,
            seen.T @ seen,
            x.T @ seen,
            (x**2).T @ seen,
            x.T @ x,
        )

    def __add__(self, other: PeopleSums) -> PeopleSums:
        mine, theirs = vars(self), vars(other)
        return PeopleSums(**{name: mine[name] + theirs[name] for name in mine})

    def correlations(self) -> tuple[Array, Array]:
        """Correlate the human answers over pairwise complete ones, 0 where undefined, and numbers of pairs."""
        n = np.maximum(self.pairs, 1)
        mean = self.first / n
        variance = np.maximum(self.second / n - mean**2, 0.0)
        size = np.sqrt(variance * variance.T)
        r = np.divide(self.products / n - mean * mean.T, size, out=np.zeros_like(size), where=size > 1e-9)
        return np.clip(r, -1.0, 1.0), self.pairs


def spread(count: Array, total: Array, squares: Array) -> Array:
    """Compute sds from sums; 0 where there are fewer than two answers or they do not vary."""
    n = np.maximum(count, 1)
    mean = total / n
    variance = squares / n - mean**2
    return np.where(
        (count > 1) & (variance > 1e-9 * np.maximum(1.0, mean**2)), np.sqrt(np.maximum(variance, 0)), 0.0
    )


@dataclass(frozen=True, eq=False)
class PeopleFeatures:
    """Features of some people, as if they had answered nothing.

    Attributes
    ----------
    mean : ndarray of shape (n, p)
        Item means of the other people; NaN where nobody else has answered.
    own : ndarray of shape (n, p)
        In sds of the standardised twin answers, before they are divided by them.
    ridge : ndarray of shape (3, n, p)
        Deviations from the mean on the item's scale, one layer a penalty.
    """

    mean: Array
    own: Array
    ridge: Array


def features_of(table: PeopleTable, rows: NDArray[np.intp], sums: PeopleSums) -> PeopleFeatures:
    """Compute features of some people from sums that they are in, if they have answered anything."""
    R, seen, y, paired = (v[rows] for v in (table.rotated, table.seen, table.y, table.paired))
    count = sums.count - seen
    mean = np.divide(sums.total - y, count, out=np.zeros_like(y), where=count > 0)
    twin_count = sums.twin_count - paired
    twin_mean = (sums.twin_total - table.t[rows] * paired) / np.maximum(twin_count, 1)
    own = np.where(np.isfinite(table.twin[rows]) & (twin_count > 0), table.t[rows] - twin_mean, 0.0)
    ridge = np.stack([_ridge(table, R, seen, y, mean, sums, penalty) for penalty in PENALTIES])
    return PeopleFeatures(np.where(count > 0, mean, np.nan), own, ridge)


def _ridge(
    table: PeopleTable, R: Array, seen: Array, y: Array, mean: Array, sums: PeopleSums, penalty: float
) -> Array:
    def shrinkage(count: Array) -> Array:
        return np.asarray(
            1.0 / (np.outer(table.eigenvalues, count / len(table.human)) + penalty)
        )  # (p, items)

    def predicted(by: Array) -> Array:
        return np.asarray(R @ (sums.cross * by) - mean * (R @ (sums.overlap * by)))

    everybody = predicted(shrinkage(sums.count))
    if not seen.any():
        return everybody
    one_less = shrinkage(np.maximum(sums.count - 1, 0))
    without = predicted(one_less) - (R**2 @ one_less) * (y - mean)
    return np.where(seen > 0, without, everybody)

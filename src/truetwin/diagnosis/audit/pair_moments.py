"""Sum products of pairs of items by group of people: the stuff of correlations, loadings and regressions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.diagnosis.audit.left_out_people import Array
from truetwin.diagnosis.audit.paired_answers import FEWEST, Codes, PairedAnswers

#: Pairs are formed of so many items at most, drawn at random.
MOST_ITEMS = 300


@dataclass(frozen=True, eq=False)
class PairMoments:
    """Sums over pairs of items, by group of people.

    Attributes
    ----------
    items : ndarray of shape (m,)
        Positions of the items among those of the paired answers.
    in_first_half : ndarray of shape (n_groups,)
        Which groups are the first half of the people.
    human, twin : ndarray of shape (n_groups, 4, m, m)
        Sums over the people who answered both items: of weights, of the answers to the first item, of their squares,
        and of products.
    """

    items: Codes
    in_first_half: NDArray[np.bool_]
    human: Array
    twin: Array

    @classmethod
    def of(cls, paired: PairedAnswers, *, random_state: int = 0) -> PairMoments:
        """Sum the answers, in people's standard deviations, of at most 300 items."""
        items = np.arange(len(paired.items))
        if items.size > MOST_ITEMS:
            rng = np.random.default_rng(random_state)
            items = np.sort(rng.choice(items, MOST_ITEMS, replace=False))
        human, twin = (
            _sums(side[:, items], paired.weights, paired.groups.numbers, paired.groups.count)
            for side in paired.numbers
        )
        return cls(items, paired.groups.in_first_half, human, twin)

    @cached_property
    def pairs(self) -> tuple[Codes, Codes]:
        """Pairs of items with enough common answers."""
        enough = self.human[:, 0].sum(axis=0) >= FEWEST
        first, second = np.nonzero(np.triu(enough, 1))
        return first, second

    def correlations_off(self) -> Array:
        """Compute correlations among twins minus those among people, (m, m); NaN but for the pairs."""
        human, twin = (correlations(side.sum(axis=0)) for side in (self.human, self.twin))
        found = np.full(human.shape, np.nan)
        found[self.pairs] = (twin - human)[self.pairs]
        return np.asarray(np.fmax(found, found.T))


def _sums(z: Array, weights: Array, groups: Codes, count: int) -> Array:
    m = z.shape[1]
    found = np.zeros((count, 4, m, m))
    for g in range(count):
        rows = groups == g
        part = z[rows]
        seen = np.isfinite(part).astype(np.float64)
        x, heavy = np.nan_to_num(part), weights[rows, None]
        found[g, 0], found[g, 1] = seen.T @ (heavy * seen), x.T @ (heavy * seen)
        found[g, 2], found[g, 3] = (x * x).T @ (heavy * seen), x.T @ (heavy * x)
    return found


def covariances(sums: Array) -> Array:
    """Return covariances of pairs from sums over people, (..., 4, m, m) to (..., m, m)."""
    n = np.maximum(sums[..., 0, :, :], 1e-12)
    mean = sums[..., 1, :, :] / n
    return np.asarray(sums[..., 3, :, :] / n - mean * np.swapaxes(mean, -1, -2))


def correlations(sums: Array) -> Array:
    """Return correlations of pairs from sums over people; 0 where an item does not vary, 1 on the diagonal.

    Examples
    --------
    >>> z = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    >>> correlations(_sums(z, np.ones(3), np.zeros(3, dtype=int), 1)[0]).round(6).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    n = np.maximum(sums[..., 0, :, :], 1e-12)
    mean = sums[..., 1, :, :] / n
    variance = sums[..., 2, :, :] / n - mean**2
    product = variance * np.swapaxes(variance, -1, -2)
    covariance = sums[..., 3, :, :] / n - mean * np.swapaxes(mean, -1, -2)
    varied = product > 1e-18
    found = np.where(varied, covariance / np.sqrt(np.where(varied, product, 1.0)), 0.0)
    places = np.arange(found.shape[-1])
    found[..., places, places] = 1.0
    return np.asarray(np.clip(found, -1.0, 1.0))

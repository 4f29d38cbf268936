r"""Raking: weights whose margins are those of a population, as close to the base weights as they can be.

Minimises

.. math:: \sum_i w_i \log \frac{w_i}{d_i} - w_i + d_i

over weights :math:`w \ge 0`, subject to :math:`\sum_{i: c_v(i) = k} w_i = n \pi_{vk}` for every category k of every
variable v, by iterative proportional fitting: the weights of each variable's categories are scaled to their totals in
turn until all totals are met. No weight is trimmed.

Source: Deming and Stephan (1940); Deville and Särndal (1992), case 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TOLERANCE = 1e-9
MOST_SWEEPS = 2000


@dataclass(frozen=True, eq=False)
class Raked:
    """Raked weights.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        Weights with the mean 1.
    n_sweeps : int
        Times that all variables were scaled.
    gaps : tuple of ndarray of shape (K_v,)
        Share that each category has minus the share that it should have, by variable.
    """

    weights: Array
    n_sweeps: int
    gaps: tuple[Array, ...]

    @property
    def converged(self) -> bool:
        """Whether every share is met."""
        return max(float(np.abs(gap).max()) for gap in self.gaps) <= TOLERANCE


def rake_weights(
    categories: Sequence[NDArray[np.intp]], shares: Sequence[Array], base: Array, sweeps: int = MOST_SWEEPS
) -> Raked:
    """Rake weights to the shares of several variables.

    Parameters
    ----------
    categories : sequence of ndarray of int of shape (n,)
        Number of each person's category, one array a variable.
    shares : sequence of ndarray of shape (K_v,)
        Share of each category in the population; they sum to 1. Somebody must be in every category whose share is
        positive.
    base : ndarray of shape (n,)
        Weights to start from, >= 0.
    sweeps : int
        Most times that all variables are scaled.

    Examples
    --------
    >>> sex, age = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1])
    >>> found = rake_weights([sex, age], [np.array([0.5, 0.5]), np.array([0.25, 0.75])], np.ones(4))
    >>> found.weights.round(6).tolist(), found.converged
    ([1.0, 0.5, 0.5, 2.0], True)
    """
    weights, done = base / base.sum(), 0
    while done < sweeps:
        done += 1
        for category, share in zip(categories, shares, strict=True):
            now = np.bincount(category, weights, share.size)
            factor = np.divide(share, now, out=np.zeros_like(share), where=now > 0)
            weights = weights * factor[category]
            weights = weights / weights.sum() if weights.sum() > 0 else weights
        gaps = tuple(
            np.bincount(category, weights, share.size) - share
            for category, share in zip(categories, shares, strict=True)
        )
        if max(np.abs(gap).max() for gap in gaps) <= TOLERANCE:
            break
    return Raked(weights * base.size, done, gaps)

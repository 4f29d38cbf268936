r"""Predict how human means and sds differ from those of twins, by Gaussian process regression over items.

In units of an item's scale, the difference y_k has the covariance

.. math:: \sigma^2 \big(I + \beta B + \gamma (X X' + 1 1')\big),

with B saying which items belong to the same block and X the features of items: where the twins' mean lies on the scale,
whether the item has two categories, whether all twins agree, how far they spread. The block and linear variances
maximise the marginal likelihood over a grid; the noise follows in closed form. Every point of the grid has one inverse.
Hidden items are taken out of it, and what is expected of an item without itself, or its block, follows from it as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.orientation import Array

BLOCK_VARIANCES = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)
LINEAR_VARIANCES = (0.0, 1.0, 5.0, 25.0, 125.0)


@dataclass(frozen=True, eq=False)
class Expected:
    """Expectations of the regression for every item without its own value.

    Attributes
    ----------
    mean : ndarray of shape (p,)
        For known items without their own value (or without their block's), for hidden ones given all known.
    evidence : float
        Log marginal likelihood of the known values, but for a constant.
    """

    mean: Array
    evidence: float


@dataclass(frozen=True, eq=False)
class LevelRegression:
    """Inverse covariances of all items over the grid.

    Attributes
    ----------
    inverses : ndarray of shape (g, p, p)
    log_determinants : ndarray of shape (g,)
        Of the covariances, in units of the noise.
    """

    inverses: Array
    log_determinants: Array

    @classmethod
    def of(cls, features: Array, block: NDArray[np.intp]) -> LevelRegression:
        """Prepare the regression of p items on (p, d) features."""
        p = len(features)
        same = (block[:, None] == block).astype(np.float64)
        linear = features @ features.T + 1.0
        grid = [np.eye(p) + b * same + c * linear for b in BLOCK_VARIANCES for c in LINEAR_VARIANCES]
        covariances = np.stack(grid)
        return cls(np.linalg.inv(covariances), np.linalg.slogdet(covariances)[1])

    def expect(self, y: Array, hidden: NDArray[np.bool_], groups: NDArray[np.intp]) -> Expected:
        """Expect every item from the known ones outside its group.

        Parameters
        ----------
        y : ndarray of shape (p,)
            Values; those of ``hidden`` items are not looked at.
        hidden : ndarray of bool of shape (p,)
        groups : ndarray of int of shape (p,)
            Known items of one group are left out together when one of them is expected.
        """
        known, H = np.flatnonzero(~hidden), np.flatnonzero(hidden)
        values = np.where(hidden, 0.0, y)
        toward = self.inverses @ values
        core = self.inverses[:, H[:, None], H]
        pulled = np.linalg.solve(core, toward[:, H, None])[..., 0]
        squares = toward @ values - (toward[:, H] * pulled).sum(axis=1)
        determinants = self.log_determinants + (np.linalg.slogdet(core)[1] if H.size else 0.0)
        n = max(len(known), 1)
        loss = n * np.log(np.maximum(squares, 1e-12) / n) + determinants
        best = int(np.argmin(loss))
        inverse = self.inverses[best]
        mean = np.zeros(len(y))
        mean[H] = -pulled[best]
        across = inverse[H[:, None], known]
        A = inverse[known[:, None], known] - across.T @ np.linalg.solve(core[best], across)
        a = toward[best][known] - across.T @ pulled[best]
        mean[known] = _left_out(A, a, values[known], groups[known])
        return Expected(mean, -float(loss[best]) / 2)


def _left_out(A: Array, a: Array, values: Array, groups: NDArray[np.intp]) -> Array:
    """Expect every value without its group, from the inverse covariance A and a = A y."""
    mean = values - a / np.diag(A)
    for group in np.flatnonzero(np.bincount(groups) > 1):
        S = np.flatnonzero(groups == group)
        mean[S] = values[S] - np.linalg.solve(A[S[:, None], S], a[S])
    return np.asarray(mean)

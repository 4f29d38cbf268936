r"""Law of a numeric item: quantiles of the errors around each prediction, limited to the scale.

The answer at rank u is :math:`\mathrm{clip}(c_i + e(u))`, with e the quantiles of the errors. Errors have a mean, and
ends of the scale cut them off, so that the centre :math:`c_i` is chosen for the mean to be the predicted point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.category_law import LEAST_ROOM
from truetwin.calibration.laws.law import Law, population_weights
from truetwin.calibration.laws.prediction_errors import ErrorQuantiles
from truetwin.calibration.orientation import Array
from truetwin.data import Scale
from truetwin.errors import ParameterError

RANKS = (np.arange(400) + 0.5) / 400
N_CENTRES = 513


@dataclass(frozen=True, eq=False)
class NumberErrors:
    """Quantiles of the errors of some respondents, on a regular grid of ranks, between the ends of a scale.

    Attributes
    ----------
    rows : ndarray of int of shape (r,)
        The respondents.
    values : ndarray of shape (400,)
        Errors at :data:`RANKS`.
    low, high : float
        Ends of the scale; may be infinite.
    """

    rows: NDArray[np.intp]
    values: Array
    low: float
    high: float

    @classmethod
    def of(cls, rows: NDArray[np.intp], errors: ErrorQuantiles, scale: Scale) -> NumberErrors:
        """Read the quantiles at the ranks of the grid."""
        return cls(rows, np.interp(RANKS, errors.shares, errors.values), scale.low, scale.high)

    @cached_property
    def _centres(self) -> Array:
        """Centres between which an end of the scale cuts errors off; beyond them, means move with centres."""
        low, high = (
            end if np.isfinite(end) else other
            for end, other in ((self.low, self.high), (self.high, self.low))
        )
        if not np.isfinite(low):
            low = high = 0.0
        return np.asarray(np.linspace(low - self.values[-1], high - self.values[0], N_CENTRES))

    @cached_property
    def _cut(self) -> Array:
        return np.clip(self._centres[:, None] + self.values, self.low, self.high)

    @cached_property
    def _means(self) -> Array:
        return np.asarray(self._cut.mean(axis=1))

    def centres(self, means: Array) -> Array:
        """Find the centres that give the means."""
        inside = np.clip(means, self._means[0], self._means[-1])
        return np.asarray(np.interp(inside, self._means, self._centres) + (means - inside))

    def sds(self, centres: Array) -> Array:
        """Compute the standard deviations at some centres."""
        return np.asarray(np.interp(centres, self._centres, self._cut.std(axis=1)))


@dataclass(frozen=True, eq=False, repr=False)
class NumberLaw(Law):
    """Law of a numeric item.

    Attributes
    ----------
    points : ndarray of shape (n,)
        Means of the distributions.
    errors : tuple of NumberErrors
        Of all respondents, or of some each.
    """

    points: Array
    errors: tuple[NumberErrors, ...]

    @cached_property
    def _centres(self) -> Array:
        found = np.full(len(self.points), np.nan)
        for each in self.errors:
            there = each.rows[np.isfinite(self.points[each.rows])]
            found[there] = each.centres(self.points[there])
        return found

    def mean(self) -> Array:
        """See the base class."""
        return self.points.copy()

    def sd(self) -> Array:
        """See the base class."""
        found = np.full(len(self.points), np.nan)
        for each in self.errors:
            there = each.rows[np.isfinite(self.points[each.rows])]
            found[there] = each.sds(self._centres[there])
        return found

    def mode(self) -> Array:
        """Return the middle of the narrowest interval that holds half of each distribution."""
        half = len(RANKS) // 2
        found = np.full(len(self.points), np.nan)
        for each in self.errors:
            k = int(np.argmin(each.values[half:] - each.values[:-half]))
            middle = (each.values[k] + each.values[k + half]) / 2
            found[each.rows] = np.clip(self._centres[each.rows] + middle, each.low, each.high)
        return found

    def quantile(self, u: float | Array) -> Array:
        """See the base class."""
        wanted = np.broadcast_to(np.asarray(u, dtype=np.float64), self.points.shape)
        found = np.full(len(self.points), np.nan)
        for each in self.errors:
            error = np.interp(wanted[each.rows], RANKS, each.values)
            found[each.rows] = np.clip(self._centres[each.rows] + error, each.low, each.high)
        return found

    def probabilities(self) -> Array:
        """See the base class."""
        raise ParameterError(f"item {self.item!r} is numeric; only items with categories have probabilities")

    def with_shares(self, shares: Any, weights: Array | None = None) -> Self:
        """See the base class: all points shift by one number, so that their mean is the one given."""
        goal = np.asarray(shares, dtype=np.float64)
        if goal.ndim or not np.isfinite(goal):
            raise ParameterError(
                f"item {self.item!r} is numeric: it takes a wanted mean, one number, and no shares"
            )
        there = np.isfinite(self.points)
        w = population_weights(there, weights)[there]
        low, high = self.errors[0].low, self.errors[0].high
        points, shift = self.points.copy(), 0.0
        for _ in range(60):
            points[there] = limited_numbers(self.points[there] + shift, low, high)
            shift += float(goal - w @ points[there])
        return replace(self, points=points)


def limited_numbers(points: Array, low: float, high: float) -> Array:
    """Limit points to the scale; where both ends are known, they keep a little room to them."""
    room = LEAST_ROOM * (high - low) if np.isfinite(high - low) else 0.0
    return np.clip(points, low + room, high - room)

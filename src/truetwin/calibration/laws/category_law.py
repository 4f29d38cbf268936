"""Law of an item with categories: a table of probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.category_tables import tilted, with_margins
from truetwin.calibration.laws.law import Law, check_level, population_weights
from truetwin.calibration.orientation import Array
from truetwin.errors import ParameterError

#: How close to an end of its scale a mean may lie, as a share of the scale: nobody's answer is certain.
LEAST_ROOM = 0.02
#: The same where all means are shifted by one number: less, so that nearly all of them can be.
LEAST_SHIFTED_ROOM = 0.002


@dataclass(frozen=True, eq=False, repr=False)
class CategoryLaw(Law):
    """Law of an ordinal, binary or nominal item.

    Attributes
    ----------
    codes : ndarray of shape (K,)
        Codes of the categories, ascending.
    table : ndarray of shape (n, K)
        Probabilities; NaN rows where nothing is predicted.
    ordered : bool
        Whether the categories have an order. Without one there are no means, medians and sds.
    known : bool
        Whether people have answered the item, so that only respondents are new.

    Examples
    --------
    >>> table = np.array([[0.5, 0.5], [0.1, 0.9]])
    >>> law = CategoryLaw("Q1", ("ann", "bob"), None, {}, np.array([1.0, 2.0]), table, True)
    >>> law.mean(), law.mode(), law.interval(0.9)[0]
    (array([1.5, 1.9]), array([1., 2.]), array([1. , 1.9]))
    """

    codes: Array
    table: Array
    ordered: bool
    known: bool = False

    def mean(self) -> Array:
        """See the base class."""
        self._need_order("mean")
        return np.asarray(self.table @ self.codes)

    def sd(self) -> Array:
        """See the base class."""
        self._need_order("standard deviation")
        return np.sqrt(np.maximum(self.table @ self.codes**2 - self.mean() ** 2, 0.0))

    def median(self) -> Array:
        """See the base class."""
        self._need_order("median")
        return self.quantile(0.5)

    def mode(self) -> Array:
        """See the base class."""
        there = self._there
        return np.where(there, self.codes[np.argmax(np.nan_to_num(self.table), axis=1)], np.nan)

    def quantile(self, u: float | Array) -> Array:
        """See the base class."""
        self._need_order("quantiles")
        wanted = np.broadcast_to(np.asarray(u, dtype=np.float64), (len(self.table),))
        at = (self._below[:, :-1] < wanted[:, None] - 1e-12).sum(axis=1)
        return np.where(self._there, self.codes[at], np.nan)

    def interval(self, level: float = 0.9) -> tuple[Array, Array]:
        """See the base class: from the first to the last category inside, the median and the mean at least.

        A category is inside if its mid-distribution, the probability of lower categories and half its own, lies between
        two tails (Ma, Genton and Parzen, 2011). Since whole categories are inside or outside, intervals hold too much
        with plain tails. The largest tails with which the law itself holds the wanted share of all respondents' answers
        are right where an item's shares are known. Of a new item they leave out just those categories whose
        probability happens to be too low, so that there the tails lie halfway.
        """
        self._need_order("interval")
        check_level(level)
        table = np.nan_to_num(self.table)
        middle = np.cumsum(table, axis=1) - table / 2
        median = np.searchsorted(self.codes, np.nan_to_num(self.median(), nan=self.codes[0]))
        plain = (1 - level) / 2
        largest = max(_largest_tail(table, middle, median, level * float(self._there.sum())), plain)
        tail = plain + (largest - plain) * (1.0 if self.known else 0.5)
        first, last = _inside(middle, tail * (1 - 1e-12), median)
        mean = self.mean()
        return np.minimum(self.codes[first] + 0 * mean, mean), np.maximum(self.codes[last] + 0 * mean, mean)

    def probabilities(self) -> Array:
        """See the base class."""
        return self.table.copy()

    def with_shares(self, shares: Any, weights: Array | None = None) -> Self:
        """See the base class: points shift by one number; rows keep their means, columns get the shares."""
        wanted = np.asarray(shares, dtype=np.float64)
        if wanted.shape != self.codes.shape or not np.isfinite(wanted).all() or (wanted < 0).any():
            raise ParameterError(
                f"item {self.item!r} has {len(self.codes)} categories; its shares must be as many numbers >= 0"
            )
        if wanted.sum() <= 0:
            raise ParameterError(f"the shares of item {self.item!r} must not all be 0")
        wanted = wanted / wanted.sum()
        there = self._there
        w = population_weights(there, weights)[there]
        means = (
            _shifted(self.table[there] @ self.codes, self.codes, float(wanted @ self.codes), w)
            if self.ordered
            else None
        )
        table = self.table.copy()
        table[there] = with_margins(self.table[there], self.codes, means, wanted, w)
        return replace(self, table=table)

    def describe(self, weights: Array | None = None) -> dict[str, Any]:
        """See the base class; also the share of each category."""
        there = self._there
        found = {"n": int(there.sum()), **self.details} if not self.ordered else super().describe(weights)
        if there.any():
            shares = self.shares(weights)
            found["shares"] = {f"{c:g}": float(s) for c, s in zip(self.codes, shares, strict=True)}
        return found

    @property
    def _there(self) -> Array:
        return np.isfinite(self.table[:, 0])

    @cached_property
    def _below(self) -> Array:
        """Probability of each category and all lower ones: draws ask for many quantiles of one law."""
        return np.cumsum(np.nan_to_num(self.table), axis=1)

    def _need_order(self, what: str) -> None:
        if not self.ordered:
            raise ParameterError(
                f"item {self.item!r} is nominal: its categories have no order, and so no {what}; "
                "use mode() or probabilities()"
            )


def _largest_tail(table: Array, middle: Array, median: NDArray[np.intp], least: float) -> float:
    """Find the largest tail with which the categories inside have at least the wanted probability in all."""
    depth = np.minimum(middle, 1 - middle)
    depth[np.arange(len(depth)), median] = 0.5
    deepest = np.argsort(-depth, axis=None)
    held = np.cumsum(table.ravel()[deepest])
    at = min(int(np.searchsorted(held, least)), held.size - 1)
    return float(depth.ravel()[deepest[at]])


def _inside(
    middle: Array, tail: float, median: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the first and the last category whose mid-distribution lies between the tails; the median is one of them."""
    first = (middle < tail).sum(axis=1)
    last = (middle <= 1 - tail).sum(axis=1) - 1
    return np.minimum(first, median), np.maximum(last, median)


def limited(means: Array, codes: Array) -> Array:
    """Limit means to the scale; they keep a little room to its ends, since no answer is certain.

    Examples
    --------
    >>> limited(np.array([0.0, 2.0, 9.0]), np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    array([1.08, 2.  , 4.92])
    """
    room = LEAST_ROOM * (codes[-1] - codes[0])
    return np.clip(means, codes[0] + room, codes[-1] - room)


def table_with_means(table: Array, codes: Array, means: Array) -> Array:
    """Tilt the rows of a table to the given means, limited as points are; NaN rows where there is no mean."""
    there = np.isfinite(means)
    result = np.full(table.shape, np.nan)
    result[there] = tilted(table[there], codes, limited(means[there], codes))[0]
    return result


def _shifted(means: Array, codes: Array, goal: float, weights: Array) -> Array:
    """Shift means by one number so that their weighted mean is the goal.

    They keep a little room to the ends of the scale, or half that of the goal if it has less.
    """
    span = float(codes[-1] - codes[0])
    goal = float(np.clip(goal, codes[0] + 1e-5 * span, codes[-1] - 1e-5 * span))
    room = min(LEAST_SHIFTED_ROOM * span, (goal - codes[0]) / 2, (codes[-1] - goal) / 2)
    low_end, high_end = codes[0] + room, codes[-1] - room
    low, high = -span, span
    for _ in range(60):
        middle = (low + high) / 2
        reached = float(weights @ np.clip(means + middle, low_end, high_end))
        low, high = (middle, high) if reached < goal else (low, middle)
    return np.clip(means + (low + high) / 2, low_end, high_end)

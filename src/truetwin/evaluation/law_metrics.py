"""Metrics of laws (predictive distributions): their probabilities, and how often and how tightly intervals hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from truetwin.evaluation.target_metrics import Metric, PairLaws, Pairs, weighted_mean

Array = NDArray[np.float64]
#: A smaller probability of the answer that was given counts as this one: the logarithm of 0 would decide every mean.
LEAST_CHANCE = 0.001


def log_score(truth: Array, laws: PairLaws) -> Array:
    """Minus the logarithm of the probability of each answer; NaN for numeric items.

    Examples
    --------
    >>> half = PairLaws(np.array([[1.0, 2.0]]), np.array([[0.5, 0.5]]), np.ones(1), np.ones(1))
    >>> log_score(np.array([2.0]), half).round(3)
    array([0.693])
    """
    chance = np.nansum(np.where(laws.codes == truth[:, None], laws.chances, 0.0), axis=1)
    known = np.isfinite(laws.chances).any(axis=1)
    return np.where(known, -np.log(np.maximum(chance, LEAST_CHANCE)), np.nan)


def ranked_probability_score(truth: Array, laws: PairLaws) -> Array:
    """Mean squared error of the probabilities of answering at most k, over all k but the last; NaN without an order.

    Examples
    --------
    >>> sure = PairLaws(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 0.0, 0.0]]), np.ones(1), np.ones(1))
    >>> ranked_probability_score(np.array([2.0]), sure)
    array([0.5])
    """
    known = np.isfinite(laws.chances)
    below = np.cumsum(np.nan_to_num(laws.chances), axis=1)
    squares = np.where(known, (below - (truth[:, None] <= laws.codes)) ** 2, 0.0)
    steps = known.sum(axis=1) - 1
    ordered = (steps > 0) & np.isfinite(laws.low)
    found: Array = np.divide(squares.sum(axis=1), steps, out=np.full(truth.shape, np.nan), where=ordered)
    return found


def interval_score(truth: Array, laws: PairLaws) -> Array:
    r"""Width of the interval, plus :math:`2 / (1 - level)` times the distance of an answer outside.

    Examples
    --------
    >>> laws = PairLaws(np.empty((2, 0)), np.empty((2, 0)), np.zeros(2), np.ones(2), level=0.8)
    >>> interval_score(np.array([0.5, 1.5]), laws)
    array([1., 6.])
    """
    outside = np.maximum(laws.low - truth, 0.0) + np.maximum(truth - laws.high, 0.0)
    return laws.high - laws.low + 2 / (1 - laws.level) * outside


def inside_interval(truth: Array, laws: PairLaws) -> Array:
    """1 where the answer lies in the interval, else 0; NaN where there is no interval."""
    inside = (truth >= laws.low) & (truth <= laws.high)
    return np.where(np.isfinite(laws.low + laws.high), inside, np.nan)


def _mean_of(measure: Callable[[Array, PairLaws], Array]) -> Callable[[Pairs], float]:
    def score(pairs: Pairs) -> float:
        if pairs.laws is None:
            return float("nan")
        values = measure(pairs.truth, pairs.laws)
        fine = np.isfinite(values)
        return weighted_mean(values[fine], None if pairs.weights is None else pairs.weights[fine])

    return score


LAW_METRICS = (
    Metric(
        "log-score",
        _mean_of(log_score),
        "minus the log of the answer's probability (at least .001); smaller is better",
        kinds=("ordinal", "nominal"),
        needs=("laws",),
    ),
    Metric(
        "rps",
        _mean_of(ranked_probability_score),
        "ranked probability score: error of the cumulated probabilities, 0 to 1; smaller is better",
        kinds=("ordinal",),
        needs=("laws",),
    ),
    Metric(
        "interval-score",
        _mean_of(interval_score),
        "width of the 90% interval, plus 20 times the distance of answers outside it; smaller is better",
        kinds=("ordinal", "numeric"),
        needs=("laws",),
    ),
    Metric(
        "coverage",
        _mean_of(inside_interval),
        "share of the answers in the 90% interval; .9 is right",
        kinds=("ordinal", "numeric"),
        needs=("laws",),
    ),
)

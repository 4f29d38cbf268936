r"""Conformal intervals and category probabilities for new items, from prediction errors on pseudo-targets.

For a fold and one of its targets, every pseudo-target k gives scores

.. math:: r_{ik} = (y_{ik} - \hat m_k) / \hat s_k - \hat z_{ik},

with level :math:`\hat m_k`, spread :math:`\hat s_k` and prediction :math:`\hat z_{ik}` made as if nobody had answered
k or the fold's targets. The items are the exchangeable unit: each counts by its weight, however many people
answered it. Which quantiles of the pooled scores to take is learned too. Every pseudo-target in turn gets the
interval that the others give it. The level is raised until these intervals hold the wanted share of answers, counting
one more item that no interval holds. Sources: conformal prediction with hierarchical data (Dunn, Wasserman and
Ramdas, 2023, pooled quantiles); its recalibration for unequal weights (Guan, 2023).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.levels import FoldLevels, ItemLevels, Level
from truetwin.calibration.auto.new_items import FoldPrediction, pseudo_target_weights
from truetwin.calibration.auto.pseudo_targets import FoldFeatures, Problem, PseudoSink, Situation
from truetwin.calibration.auto.stacking import Stack
from truetwin.calibration.orientation import Array
from truetwin.calibration.predictive_law import ONE_SD, Law
from truetwin.errors import ParameterError

EDGE = 8.0
STEP = 0.02
BINS = round(2 * EDGE / STEP)
EDGES = np.linspace(-EDGE, EDGE, BINS + 1)
GRID = (EDGES[1:] + EDGES[:-1]) / 2
TAILS = np.concatenate([[0.0], np.geomspace(2e-4, 0.5, 160)])
MAX_PEOPLE = 500
SIBLINGS_FOR_HALF = 3
GROUPS = 20


@dataclass(frozen=True, eq=False)
class ErrorLaw:
    """Distribution of prediction errors for one target, in units of its predicted spread.

    Attributes
    ----------
    total : ndarray of shape (BINS,)
        Probabilities of errors between :data:`EDGES`, with the errors of the predicted level: for intervals.
    within : ndarray of shape (BINS,)
        Probabilities of errors around each pseudo-target's own mean error: for the shape of the answers.
    n_items : int
        Number of pseudo-targets that it was learned from.
    held : ndarray of shape (len(TAILS),)
        Expected share of a new item's answers between the quantiles ``TAILS`` and ``1 - TAILS`` of ``total``.
    """

    total: Array
    within: Array
    n_items: int
    held: Array

    def quantiles(self, level: float) -> tuple[float, float]:
        """Return the lower and upper error that enclose ``level`` of a new item's answers.

        With too few pseudo-targets, these are the widest errors that there are.
        """
        if not 0 < level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
        tail = float(np.interp(level, self.held[::-1], TAILS[::-1])) if self.held[0] >= level else 0.0
        low, high = _ends(np.cumsum(self.total), tail)
        return float(EDGES[low]), float(EDGES[high])


def _ends(cumulative: Array, tail: float) -> tuple[int, int]:
    """Return the positions of the edges outside of which at most ``tail`` of the probability lies on either side."""
    if tail <= 0:
        return 0, BINS
    low, high = np.searchsorted(cumulative, [tail * cumulative[-1], (1 - tail) * cumulative[-1]])
    return int(low), int(min(high + 1, BINS))


@dataclass(frozen=True, eq=False)
class Residuals:
    """Predictions of the pseudo-targets of one target, for a sample of people.

    Attributes
    ----------
    problem : Problem
        Answers to all items.
    target : int
        Position of the target.
    fold : tuple of int
        Positions of all targets of the fold.
    situation : str
        What the target faces.
    block_blind : bool
        Whether items of the target's own block are left out of the learning.
    who : ndarray of int of shape (n,)
        Positions of the people in the sample.
    predicted : ndarray of shape (p, n)
        Standardised predictions of every pseudo-target; NaN where there is none.
    """

    problem: Problem
    levels: ItemLevels
    target: int
    fold: tuple[int, ...]
    situation: Situation
    block_blind: bool
    who: NDArray[np.intp]
    predicted: Array

    @cached_property
    def importance(self) -> Array:
        """Weight of every item in the learning, (p,); 0 for items that are not pseudo-targets."""
        weights = pseudo_target_weights(
            self.problem, self.target, self.fold, self.situation, block_blind=self.block_blind
        )
        there = (weights > 0) & np.isfinite(self.predicted).any(axis=1)
        return np.asarray(self._shared(there[None], self.problem.block[[self.target]])[0])

    def _shared(self, usable: NDArray[np.bool_], block: NDArray[np.intp]) -> Array:
        """Compute the weights of usable items for targets in ``block``, (m, p).

        A row sums to 1 where there is a usable item. Every item counts the same, except that for a known battery its
        own items count the more, the more of them there are.
        """
        everything = usable.sum(axis=1, keepdims=True)
        weights = np.divide(usable, everything, out=np.zeros(usable.shape), where=everything > 0)
        if self.situation == "known battery" and not self.block_blind:
            siblings = usable & (block[:, None] == self.problem.block)
            count = siblings.sum(axis=1, keepdims=True)
            share = count / (count + SIBLINGS_FOR_HALF)
            weights = weights * (1 - share) + siblings * share / np.maximum(count, 1)
        return np.asarray(weights)

    @cached_property
    def scores(self) -> tuple[NDArray[np.intp], Array]:
        """Return the pseudo-targets with a level, and their errors, (m, n); NaN where nobody answered."""
        levels = self._levels
        fine = (self.importance > 0) & np.isfinite(levels.mean) & np.isfinite(levels.sd)
        items = np.flatnonzero(fine)
        answers = self.problem.human[self.who[:, None], items]
        rows = ((answers - levels.mean[items]) / levels.sd[items]).T - self.predicted[items]
        return items, rows

    @cached_property
    def _levels(self) -> FoldLevels:
        """Levels of the pseudo-targets, and of the target."""
        return self.levels.fold(self.fold, by_block=self.situation == "new battery")

    def law(self) -> ErrorLaw:
        """Estimate the distribution of the errors, and the shares of answers that its quantiles hold."""
        items, scores = self.scores
        if not items.size:
            uniform = np.full(BINS, 1 / BINS)
            return ErrorLaw(uniform, uniform, 0, np.zeros(len(TAILS)))
        weight = self.importance[items] / self.importance[items].sum()
        shapes = _histograms(scores)
        within = weight @ _histograms(scores - np.nanmean(scores, axis=1, keepdims=True))
        return ErrorLaw(weight @ shapes, within, items.size, self._held(items, shapes, weight))

    @property
    def level(self) -> Level:
        """Predicted mean and sd of the target."""
        return self._levels.of(self.target)

    def _held(self, items: NDArray[np.intp], shapes: Array, weight: Array) -> Array:
        """Compute the average share of a pseudo-target's answers inside the interval from the other pseudo-targets.

        Returns one share for each tail.
        """
        block = self.problem.block[items]
        others = np.zeros((items.size, len(self.importance)), dtype=bool)
        others[:, items] = True
        others[np.arange(items.size), items] = False
        if self.situation == "new battery" or self.block_blind:
            others[block[:, None] == self.problem.block] = False
        pooled = np.cumsum(self._shared(others, block)[:, items] @ shapes, axis=1)
        own = np.concatenate([np.zeros((items.size, 1)), np.cumsum(shapes, axis=1)], axis=1)
        held = np.zeros(len(TAILS))
        for each, inside, share in zip(pooled, own, weight, strict=True):
            if each[-1] <= 0:
                continue
            low = np.searchsorted(each, TAILS * each[-1])
            high = np.minimum(np.searchsorted(each, (1 - TAILS) * each[-1]) + 1, BINS)
            low[0], high[0] = 0, BINS
            held += share * (inside[high] - inside[low])
        return np.asarray(held * items.size / (items.size + 1))

    def correlation_error(self) -> float:
        """Standard error of the mean correlation over pseudo-targets, from a delete-a-group jackknife over people.

        The weights of the features are held fixed. The result is scaled from the sample of people to all people.
        """
        items = np.flatnonzero(self.importance > 0)
        if not items.size or len(self.who) < 2 * GROUPS:
            return float("nan")
        f, y = self.predicted[items], self.problem.people.values[np.ix_(self.who, items)].T
        fine = np.isfinite(f)
        f, y = np.where(fine, f, 0.0), np.where(fine, y, 0.0)
        group = np.eye(GROUPS)[np.arange(len(self.who)) % GROUPS]
        sums = np.stack([v @ group for v in (fine.astype(np.float64), f, y, f * f, y * y, f * y)])
        n, a, b, aa, bb, ab = sums.sum(axis=2, keepdims=True) - sums
        n = np.maximum(n, 1)
        size = np.sqrt(np.maximum((aa - a * a / n) * (bb - b * b / n), 0.0))
        r = np.divide(ab - a * b / n, size, out=np.zeros_like(size), where=size > 1e-9)
        means = self.importance[items] @ r / self.importance[items].sum()
        error = np.sqrt((GROUPS - 1) * float(means.var()))
        return float(error * np.sqrt(len(self.who) / len(self.problem.sample_ids)))


def _histograms(scores: Array) -> Array:
    """Compute the shares of each row's finite scores between :data:`EDGES`, (m, BINS)."""
    fine = np.isfinite(scores)
    bins = np.clip((np.where(fine, scores, 0.0) + EDGE) / STEP, 0, BINS - 1).astype(np.intp)
    flat = (np.arange(len(scores))[:, None] * BINS + bins)[fine]
    counts = np.bincount(flat, minlength=len(scores) * BINS).reshape(len(scores), BINS)
    return np.asarray(counts / np.maximum(fine.sum(axis=1, keepdims=True), 1))


def residuals(
    problem: Problem, folds: Sequence[Sequence[int]], found: Sequence[FoldPrediction], *, block_blind: bool
) -> list[list[Residuals]]:
    """Predict the pseudo-targets of every target of every fold, in a second pass over the folds.

    In large tables this is done for a sample of 500 people, drawn by their ids.
    """
    if problem.inconsistent and any(problem.answered[list(fold)].any() for fold in folds):
        return [
            residuals(problem.hiding(fold), [fold], [each], block_blind=block_blind)[0]
            for fold, each in zip(folds, found, strict=True)
        ]
    features = FoldFeatures(problem, folds)
    who, levels = _drawn(problem), ItemLevels(problem)
    place = np.full(len(problem.sample_ids), -1)
    place[who] = np.arange(who.size)
    result = [
        [
            Residuals(
                problem,
                levels,
                t,
                fold,
                s,
                block_blind,
                who,
                np.full((len(problem.blocks), who.size), np.nan),
            )
            for t, s in zip(fold, each.situations, strict=True)
        ]
        for fold, each in zip(features.folds, found, strict=True)
    ]

    def sink_for(s: Situation) -> PseudoSink:
        def sink(item: int, at: NDArray[np.intp], people: NDArray[np.intp], variables: Array) -> None:
            for m, k in enumerate(at):
                for each, stack in zip(result[k], found[k].stacks, strict=True):
                    if each.situation == s:
                        each.predicted[item, place[people]] = _predicted(stack, item, variables[m, :-1])

        return sink

    chosen = np.zeros(len(problem.sample_ids), dtype=bool)
    chosen[who] = True
    features.walk(chosen, {s: sink_for(s) for s in features.facing}, None)
    return result


def _predicted(stack: Stack, item: int, F: Array) -> Array:
    spread = np.nan_to_num(stack.spreads[[item]])
    return np.asarray(stack.weights @ F * stack.widening(spread))


def _drawn(problem: Problem) -> NDArray[np.intp]:
    n = len(problem.sample_ids)
    order = sorted(range(n), key=lambda k: zlib.crc32(problem.sample_ids[k].encode()))
    return np.array(order[:MAX_PEOPLE], dtype=np.intp)


@dataclass(frozen=True, eq=False)
class TargetLaw(Law):
    """Level, errors and expected correlation of one new item.

    Attributes
    ----------
    level : Level
        Predicted mean and sd of the item's answers.
    errors : ErrorLaw
        Errors around the predictions.
    situation : str
        What the target faces: a known battery, a new one, or no batteries.
    correlation : float
        Expected correlation with the people's answers: the mean over pseudo-targets.
    correlation_low, correlation_high : float
        Interval that holds the correlation of nine new items in ten: quantiles of the pseudo-targets' correlations,
        counting one more item at either end of the range.
    correlation_standard_error : float
        Standard error of ``correlation``, from a delete-a-group jackknife over people. It does not cover differences
        between items.
    """

    level: Level
    errors: ErrorLaw
    situation: Situation
    correlation: float
    correlation_low: float
    correlation_high: float
    correlation_standard_error: float

    def quantiles(self, level: float) -> tuple[float, float]:
        """See the base class; one number for everybody."""
        low, high = self.errors.quantiles(level)
        return self.level.sd * low, self.level.sd * high

    def probabilities(self, prediction: Array, categories: Sequence[float]) -> Array:
        """See the base class."""
        return category_probabilities(prediction, self.level.sd, self.errors, categories)

    def error_sd(self) -> float:
        """See the base class."""
        low, high = self.errors.quantiles(ONE_SD)
        return self.level.sd * (high - low) / 2

    def expected_correlation(self) -> tuple[float, float, float]:
        """See the base class."""
        return self.correlation_low, self.correlation, self.correlation_high

    def describe(self) -> dict[str, Any]:
        """See the base class."""
        return {
            "level": self.level.mean,
            "spread": self.level.sd,
            "expected_correlation": list(self.expected_correlation()),
        }


def target_laws(
    problem: Problem, folds: Sequence[Sequence[int]], found: Sequence[FoldPrediction], *, block_blind: bool
) -> list[list[TargetLaw]]:
    """Estimate level, errors and expected correlation of every target of every fold, one list a fold."""
    pseudo = residuals(problem, folds, found, block_blind=block_blind)
    return [
        [target_law(each, stack) for each, stack in zip(row, part.stacks, strict=True)]
        for row, part in zip(pseudo, found, strict=True)
    ]


def target_law(each: Residuals, stack: Stack) -> TargetLaw:
    """Estimate level, errors and expected correlation of one target."""
    fine = (each.importance > 0) & np.isfinite(stack.correlations)
    expected = _expected(stack.correlations[fine], each.importance[fine])
    return TargetLaw(each.level, each.law(), each.situation, *expected, each.correlation_error())


def _expected(values: Array, weights: Array) -> tuple[float, float, float]:
    """Return a weighted mean, and the quantiles that hold the value of one more item nine times in ten."""
    if not values.size:
        return float("nan"), float("nan"), float("nan")
    order = np.argsort(values)
    ordered = np.concatenate([[-1.0], values[order], [1.0]])
    one_more = 0.5 / (values.size + 1)
    shares = np.concatenate([[one_more], weights[order] / weights.sum() * (1 - 2 * one_more), [one_more]])
    cumulative = np.cumsum(shares)
    low = ordered[max(0, int(np.searchsorted(cumulative, 0.05, side="right")))]
    high = ordered[min(int(np.searchsorted(cumulative, 0.95)), values.size + 1)]
    return float(values @ weights / weights.sum()), float(low), float(high)


def category_probabilities(prediction: Array, sd: float, law: ErrorLaw, categories: Sequence[float]) -> Array:
    """Compute the probability of each category for each person, (n, K); rows sum to 1.

    The law of errors around the prediction is cut halfway between categories; the outer categories take the tails. It
    is shifted so that the mean over people stays the mean of the predictions (inside the scale).

    Parameters
    ----------
    prediction : ndarray of shape (n,)
        Predictions on the item's scale; NaN rows stay NaN.
    sd : float
        Predicted spread of the item.
    law : ErrorLaw
        Errors in units of ``sd``.
    categories : sequence of float
        Codes in ascending order.

    Examples
    --------
    >>> narrow = np.where(np.abs(GRID) < STEP, 0.5, 0.0)
    >>> law = ErrorLaw(narrow, narrow, 10, np.ones(len(TAILS)))
    >>> category_probabilities(np.array([1.0, 2.9]), 0.1, law, [1, 2, 3]).round(2)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    codes = np.asarray(categories, dtype=np.float64)
    cuts = (codes[1:] + codes[:-1]) / 2
    cumulative = np.concatenate([[0.0], np.cumsum(law.within)])
    fine = np.isfinite(prediction)
    centre = prediction[fine]
    scale = max(sd, 1e-9)

    def shares(shift: float) -> Array:
        below = np.interp((cuts - centre[:, None] - shift) / scale, EDGES, cumulative)
        return np.diff(below, axis=1, prepend=0.0, append=1.0)

    result = np.full((len(prediction), len(codes)), np.nan)
    if centre.size:
        goal = float(np.clip(centre.mean(), codes[0], codes[-1]))
        low, high = -3.0 * scale, 3.0 * scale
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if float((shares(middle) @ codes).mean()) < goal else (low, middle)
        result[fine] = shares((low + high) / 2)
    return result

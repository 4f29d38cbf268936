r"""How far answers lie from their predictions, learned on pseudo-targets; intervals and category probabilities from it.

For a fold and one of its targets, every pseudo-target k gives scores

.. math:: r_{ik} = (y_{ik} - \hat m_k) / \hat s_k - w' f_{ik},

with level :math:`\hat m_k`, spread :math:`\hat s_k` and features :math:`f_{ik}` predicted as if nobody had answered k,
and neither the fold's targets. The items are the exchangeable unit: each counts by its weight in the stack, however
many people answered it. Source: conformal prediction with hierarchical data (Dunn, Wasserman and Ramdas, 2023,
pooled quantiles).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration._orient import Array
from truetwin.calibration.levels import Level, predict_level
from truetwin.calibration.new_items import FoldPrediction, pseudo_target_weights
from truetwin.calibration.pseudo_targets import FoldFeatures, Problem, PseudoSink, Situation
from truetwin.errors import ParameterError

EDGE = 8.0
STEP = 0.02
BINS = round(2 * EDGE / STEP)
GRID = np.linspace(-EDGE + STEP / 2, EDGE - STEP / 2, BINS)
MAX_PEOPLE = 500
SIBLINGS_FOR_HALF = 3


@dataclass(frozen=True, eq=False)
class ErrorLaw:
    """Distribution of prediction errors for one target, in units of its predicted spread.

    Attributes
    ----------
    total : ndarray of shape (BINS,)
        Probabilities on :data:`GRID`, errors of the predicted level included: for intervals.
    within : ndarray of shape (BINS,)
        The same around each pseudo-target's own mean error: for the shape of the answers.
    n_items : int
        Number of pseudo-targets behind it.
    """

    total: Array
    within: Array
    n_items: int

    def quantiles(self, level: float) -> tuple[float, float]:
        """Lower and upper error that enclose ``level`` of a new item's answers, corrected for few items."""
        if not 0 < level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
        tail = (1 - level) / 2
        if self.n_items:  # one more item, at infinity: half at each end
            tail = max(0.0, tail - (0.5 - tail) / self.n_items)
        cumulative = np.cumsum(self.total)
        low, high = np.searchsorted(cumulative, [tail, 1 - tail])
        return float(GRID[min(low, BINS - 1)]), float(GRID[min(high, BINS - 1)])


def error_laws(
    problem: Problem, folds: Sequence[Sequence[int]], found: Sequence[FoldPrediction], *, block_blind: bool
) -> list[list[ErrorLaw]]:
    """Error law of every target of every fold, from a second pass over the pseudo-targets.

    Large tables are represented by 500 people drawn by id.
    """
    if problem.inconsistent and any(problem.answered[list(fold)].any() for fold in folds):
        return [
            error_laws(problem.hiding(fold), [fold], [each], block_blind=block_blind)[0]
            for fold, each in zip(folds, found, strict=True)
        ]
    features = FoldFeatures(problem, folds)
    collectors = [
        [
            _Collector(problem, t, fold, s, stack.weights, block_blind)
            for t, s, stack in zip(fold, each.situations, each.stacks, strict=True)
        ]
        for fold, each in zip(features.folds, found, strict=True)
    ]

    def sink_for(s: Situation) -> PseudoSink:
        def sink(item: int, at: NDArray[np.intp], who: NDArray[np.intp], variables: Array) -> None:
            answers = problem.human[who, item]
            for m, k in enumerate(at):
                for collector in collectors[k]:
                    if collector.situation == s:
                        collector.add(item, answers, variables[m, :-1])

        return sink

    features.walk(_drawn(problem), {s: sink_for(s) for s in features.facing}, None)
    return [[collector.law() for collector in each] for each in collectors]


class _Collector:
    """Gathers the scores of one target's pseudo-targets."""

    def __init__(
        self,
        problem: Problem,
        target: int,
        fold: Sequence[int],
        s: Situation,
        weights: Array,
        block_blind: bool,
    ) -> None:
        self.problem, self.fold, self.situation, self.weights = problem, fold, s, weights
        self.importance = _importance(problem, target, fold, s, block_blind)
        self.scores: dict[int, list[Array]] = {}
        self.levels: dict[int, Level] = {}

    def add(self, item: int, answers: Array, F: Array) -> None:
        if not self.importance[item] > 0:
            return
        if item not in self.levels:
            hidden = list(self.fold)
            if self.situation == "new battery":
                hidden += [int(k) for k in np.flatnonzero(self.problem.block == self.problem.block[item])]
            self.levels[item] = predict_level(self.problem, item, hidden)
        level = self.levels[item]
        self.scores.setdefault(item, []).append((answers - level.mean) / level.sd - self.weights @ F)

    def law(self) -> ErrorLaw:
        total, within = np.zeros(BINS), np.zeros(BINS)
        used = []
        for item, parts in self.scores.items():
            scores = np.concatenate(parts)
            if np.isfinite(scores).all():
                share = float(self.importance[item])
                total += share * _histogram(scores)
                within += share * _histogram(scores - scores.mean())
                used.append(share)
        if not used:
            return ErrorLaw(np.full(BINS, 1 / BINS), np.full(BINS, 1 / BINS), 0)
        weight = np.array(used)
        return ErrorLaw(total / weight.sum(), within / weight.sum(), len(used))


def _importance(problem: Problem, target: int, fold: Sequence[int], s: Situation, block_blind: bool) -> Array:
    """Every pseudo-target counts the same; siblings, as far as there are several, count above all others."""
    weights = (pseudo_target_weights(problem, target, fold, s, block_blind=block_blind) > 0).astype(
        np.float64
    )
    siblings = (weights > 0) & (problem.block == problem.block[target])
    count = int(siblings.sum())
    if s == "known battery" and count:
        share = count / (count + SIBLINGS_FOR_HALF)
        weights *= (1 - share) / weights.sum()
        weights[siblings] += share / count
    return weights


def _histogram(scores: Array) -> Array:
    bins = np.clip(((scores + EDGE) / STEP).astype(int), 0, BINS - 1)
    return np.bincount(bins, minlength=BINS) / scores.size


def _drawn(problem: Problem) -> NDArray[np.bool_]:
    n = len(problem.sample_ids)
    order = sorted(range(n), key=lambda k: zlib.crc32(problem.sample_ids[k].encode()))
    chosen = np.zeros(n, dtype=bool)
    chosen[order[:MAX_PEOPLE]] = True
    return chosen


@dataclass(frozen=True, eq=False)
class TargetLaw:
    """What is known of one new item beyond the predictions.

    Attributes
    ----------
    level : Level
        Predicted mean and sd of the item's answers.
    errors : ErrorLaw
        Errors around the predictions.
    situation : str
        What the target faces.
    correlation : float
        Correlation to expect with the people's answers: the pseudo-targets' mean.
    correlation_low, correlation_high : float
        Central 90% of the pseudo-targets' correlations.
    """

    level: Level
    errors: ErrorLaw
    situation: Situation
    correlation: float
    correlation_low: float
    correlation_high: float


def target_laws(
    problem: Problem, folds: Sequence[Sequence[int]], found: Sequence[FoldPrediction], *, block_blind: bool
) -> list[list[TargetLaw]]:
    """Level, errors and expected correlation of every target of every fold."""
    errors = error_laws(problem, folds, found, block_blind=block_blind)
    result = []
    for fold, each, laws in zip(folds, found, errors, strict=True):
        row = []
        for target, s, stack, law in zip(fold, each.situations, each.stacks, laws, strict=True):
            weights = _importance(problem, target, fold, s, block_blind)
            fine = (weights > 0) & np.isfinite(stack.correlations)
            expected = _weighted(stack.correlations[fine], weights[fine])
            row.append(TargetLaw(predict_level(problem, target, fold), law, s, *expected))
        result.append(row)
    return result


def _weighted(values: Array, weights: Array) -> tuple[float, float, float]:
    """Weighted mean, 5% and 95% quantiles."""
    if not values.size:
        return float("nan"), float("nan"), float("nan")
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order]) / weights.sum()
    last = len(order) - 1
    low, high = (float(values[order[min(int(np.searchsorted(cumulative, q)), last)]]) for q in (0.05, 0.95))
    return float(values @ weights / weights.sum()), low, high


def category_probabilities(prediction: Array, sd: float, law: ErrorLaw, categories: Sequence[float]) -> Array:
    """Probability of each category for each person, (n, K); rows sum to 1.

    The law of errors around the prediction is cut halfway between categories, the outer ones taking the tails, and
    shifted so that the mean over people stays the mean of the predictions (inside the scale).

    Parameters
    ----------
    prediction : ndarray of shape (n,)
        On the item's scale; NaN rows stay NaN.
    sd : float
        Predicted spread of the item.
    law : ErrorLaw
    categories : sequence of float
        Codes in ascending order.

    Examples
    --------
    >>> narrow = np.where(np.abs(GRID) < STEP, 0.5, 0.0)
    >>> law = ErrorLaw(narrow, narrow, 10)
    >>> category_probabilities(np.array([1.0, 2.9]), 0.1, law, [1, 2, 3]).round(2)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    codes = np.asarray(categories, dtype=np.float64)
    cuts = (codes[1:] + codes[:-1]) / 2
    cumulative = np.concatenate([[0.0], np.cumsum(law.within)])
    edges = np.linspace(-EDGE, EDGE, BINS + 1)
    fine = np.isfinite(prediction)
    centre = prediction[fine]
    scale = max(sd, 1e-9)

    def shares(shift: float) -> Array:
        below = np.interp((cuts - centre[:, None] - shift) / scale, edges, cumulative)
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

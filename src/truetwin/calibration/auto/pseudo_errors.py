"""Predict the pseudo-targets of every target, and keep the errors."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.levels import FoldLevels, ItemLevels
from truetwin.calibration.auto.many_stacks import ManyStacks
from truetwin.calibration.auto.new_items import FoldPrediction, pseudo_target_weights
from truetwin.calibration.auto.pseudo_targets import FoldFeatures, Problem, PseudoSink, Situation
from truetwin.calibration.auto.stacking import Stack
from truetwin.calibration.laws.error_record import ErrorRecord, shared_weights
from truetwin.calibration.laws.item_errors import ItemErrors, Level, Outcomes, visible
from truetwin.calibration.orientation import Array

MAX_PEOPLE = 500
GROUPS = 20


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
        """Compute the weights of usable items for targets in ``block``, (m, p)."""
        siblings = self.situation == "known battery" and not self.block_blind
        return shared_weights(usable, self.problem.block, block, siblings=siblings)

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

    @cached_property
    def record(self) -> ErrorRecord:
        """Errors on the pseudo-targets that have a level."""
        items, scores = self.scores
        levels, block = self._levels, self.problem.block[items]
        others = np.zeros((items.size, len(self.importance)), dtype=bool)
        others[:, items] = True
        others[np.arange(items.size), items] = False
        if self.situation == "new battery" or self.block_blind:
            others[block[:, None] == self.problem.block] = False
        weight = self.importance[items]
        return ErrorRecord(
            items,
            tuple(self.problem.item_ids[k] for k in items) if self.problem.item_ids else (),
            self.who,
            levels.mean[items],
            levels.sd[items],
            self.predicted[items],
            scores,
            weight / weight.sum() if items.size else weight,
            self._shared(others, block)[:, items],
        )

    @property
    def level(self) -> Level:
        """Predicted mean and sd of the target."""
        return self._levels.of(self.target)

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
    kept = _Kept(problem, features, found, who)
    chosen = np.zeros(len(problem.sample_ids), dtype=bool)
    chosen[who] = True
    features.walk(chosen, {s: kept.sink(s) for s in features.facing}, None)
    return [
        [
            Residuals(problem, levels, t, fold, s, block_blind, who, kept.predicted[kept.first[k] + j])
            for j, (t, s) in enumerate(zip(fold, each.situations, strict=True))
        ]
        for k, (fold, each) in enumerate(zip(features.folds, found, strict=True))
    ]


class _Kept:
    """Predictions of pseudo-targets for some people, kept for every target of every fold, one after the other.

    Attributes
    ----------
    first : ndarray of int
        Row of the first target of each fold.
    predicted : ndarray of shape (m, p, n)
        Standardised predictions; NaN where there is none.
    """

    def __init__(
        self, problem: Problem, features: FoldFeatures, found: Sequence[FoldPrediction], who: NDArray[np.intp]
    ) -> None:
        sizes = [len(fold) for fold in features.folds]
        self.first = np.cumsum([0, *sizes])
        self.predicted = np.full((sum(sizes), len(problem.blocks), who.size), np.nan)
        self._fold = np.repeat(np.arange(len(sizes)), sizes)
        self._situations = [s for each in found for s in each.situations]
        self._stacks = [stack for each in found for stack in each.stacks]
        self._place = np.full(len(problem.sample_ids), -1)
        self._place[who] = np.arange(who.size)

    def sink(self, s: Situation) -> PseudoSink:
        """Return what takes the features of pseudo-targets of targets that face ``s``."""
        rows = np.flatnonzero([each == s for each in self._situations])
        stacks = ManyStacks([self._stacks[row] for row in rows])
        position = np.full(len(self.first), -1)

        def sink(item: int, at: NDArray[np.intp], people: NDArray[np.intp], variables: Array) -> None:
            position[:] = -1
            position[at] = np.arange(at.size)
            place = position[self._fold[rows]]
            which = np.flatnonzero(place >= 0)
            made = stacks.of_pseudo_target(which, item, variables[place[which], :-1])
            self.predicted[rows[which, None], item, self._place[people]] = made

        return sink


def _drawn(problem: Problem) -> NDArray[np.intp]:
    n = len(problem.sample_ids)
    order = sorted(range(n), key=lambda k: zlib.crc32(problem.sample_ids[k].encode()))
    return np.array(order[:MAX_PEOPLE], dtype=np.intp)


def item_errors(each: Residuals, stack: Stack, points: Array, rows: NDArray[np.intp]) -> ItemErrors:
    """Estimate level, errors and expected correlation of one target, with standardised points for some people.

    Where all twins agree and nobody has answered an item of the battery, nothing says how the item goes with others: no
    correlation is expected then, for what other items reached would promise too much.
    """
    problem, items = each.problem, np.flatnonzero(each.importance > 0)
    if problem.twin_constant[each.target] and each.situation != "known battery":
        return ItemErrors(each.level, each.record, None)
    twins = problem.twins
    answers = np.where(twins.seen, twins.values, np.nan)
    features = [visible(each.predicted[k], answers[each.who, k]) for k in items]
    outcomes = Outcomes(
        stack.correlations[items],
        each.importance[items],
        np.array([*features, visible(points, answers[rows, each.target])]),
        np.append(problem.block[items], problem.block[each.target]),
        each.correlation_error(),
    )
    return ItemErrors(each.level, each.record, outcomes.expected(new_battery=each.situation == "new battery"))

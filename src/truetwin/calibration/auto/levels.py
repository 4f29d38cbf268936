"""Predict the level and spread of a new item: how human answers differ from twin answers on other items.

Two predictions are stacked. One is a regression on features of the items
(:mod:`truetwin.calibration.auto.level_regression`). The other is the shift and the ratio of sds of the item's siblings,
or of all blocks as far as these agree. How much the first counts is learned by least squares on known items, each
without itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.level_regression import Expected, LevelRegression
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.laws.item_errors import Level
from truetwin.calibration.orientation import Array

LARGEST_SHIFT = 2.0
LARGEST_LOG_RATIO = 1.0
#: Averages of twins may differ so little that one item, in units of their range, would outweigh all others.
LARGEST_DIFFERENCE = 3.0
EDGE = 0.02


@dataclass(frozen=True, eq=False)
class FoldLevels:
    """Levels of all items for one fold: of its targets, and of every known item as if nobody had answered it.

    Attributes
    ----------
    mean, sd : ndarray of shape (p,)
        As in :class:`Level`; NaN where no twin has answered.
    """

    mean: Array
    sd: Array

    def of(self, item: int) -> Level:
        """Pick one item's level."""
        return Level(float(self.mean[item]), float(self.sd[item]))


@dataclass(frozen=True, eq=False)
class ItemLevels:
    """Quantities that the levels of all folds share.

    Parameters
    ----------
    problem : Problem
    """

    problem: Problem

    def fold(self, hidden: Sequence[int], *, by_block: bool = False) -> FoldLevels:
        """Predict levels without the human answers to ``hidden``, each item without itself or without its block."""
        out, plain = self._unknown(hidden), self.pooled(hidden, by_block=by_block)
        if out.all():
            return plain
        groups = self.problem.block if by_block else np.arange(len(out))
        mean = _stacked(self.problem.people.mean, plain.mean, self._regressed(out, groups), self._range, out)
        log_sd = self._spreads(mean, out, groups, np.log(plain.sd))
        return self._answered_by_twins(mean, log_sd)

    def pooled(self, hidden: Sequence[int], *, by_block: bool = False) -> FoldLevels:
        """Predict levels from the shift and the ratio of sds of siblings, or of blocks as far as these agree."""
        out, people, unit = self._unknown(hidden), self.problem.people, self.problem.twin_unit
        twins = self.problem.twins.mean
        shift = np.where(out, 0.0, np.clip((people.mean - twins) / unit, -LARGEST_SHIFT, LARGEST_SHIFT))
        ratio = np.clip(np.log(np.where(out, 1.0, people.sd / unit)), -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)
        mean = twins + unit * self._pooled(shift, out, by_block)
        return self._answered_by_twins(mean, np.log(unit) + self._pooled(ratio, out, by_block))

    def _unknown(self, hidden: Sequence[int]) -> NDArray[np.bool_]:
        """Mark items without human answers to look at."""
        out = ~self.problem.answered
        out[list(hidden)] = True
        return out

    def _regressed(self, out: NDArray[np.bool_], groups: NDArray[np.intp]) -> Array:
        """Predict means, in the unit in which known items are most alike."""
        difference = np.where(out, 0.0, self.problem.people.mean - self.problem.twins.mean)
        found = []
        for unit in (self._range, self.problem.twin_unit):
            shift = np.clip(difference / unit, -LARGEST_DIFFERENCE, LARGEST_DIFFERENCE)
            expected = self._means.expect(shift, out, groups)
            found.append((expected.evidence - float(np.log(unit[~out]).sum()), unit, expected))
        _, unit, expected = max(found, key=lambda each: each[0])
        return np.asarray(self.problem.twins.mean + unit * expected.mean)

    def _spreads(self, mean: Array, out: NDArray[np.bool_], groups: NDArray[np.intp], plain: Array) -> Array:
        """Predict log sds; the room that a predicted mean leaves on the scale is taken as given."""
        people = self.problem.people
        log_sd = np.log(np.where(out, 1.0, people.sd))
        y = np.where(out, 0.0, log_sd - np.log(self._range) - self._room(people.mean))
        expected: Expected = self._sds.expect(y, out, groups)
        regressed = expected.mean + np.log(self._range) + self._room(mean)
        return _stacked(log_sd, plain, regressed, np.ones(len(mean)), out)

    def _answered_by_twins(self, mean: Array, log_sd: Array) -> FoldLevels:
        nobody = ~self.problem.twins.seen.any(axis=0)
        return FoldLevels(*(np.where(nobody, np.nan, v) for v in (mean, np.exp(log_sd))))

    def _pooled(self, values: Array, out: NDArray[np.bool_], by_block: bool) -> Array:
        """Pool known values for every item, without itself or its block: among items whose twins vary alike if any."""
        constant = self.problem.twin_constant
        result = _pooled(values, ~out, self.problem.block, by_block)
        for alike in (constant, ~constant):
            among = _pooled(values, alike & ~out, self.problem.block, by_block)
            result = np.where(alike & np.isfinite(among), among, result)
        return np.nan_to_num(result)

    @cached_property
    def _range(self) -> Array:
        """Range of twin answers; if all twins agree, the usual one of the block's items where their answer occurs.

        If their answer occurs nowhere in the block, the block mixes scales, and the usual range of all items counts.
        """
        scales, span, block = self.problem.twin_scales, self.problem.twin_range, self.problem.block
        usual = float(np.median(span[span > 0])) if (span > 0).any() else 1.0
        result = span.copy()
        for k in np.flatnonzero(span <= 0):
            shared = (scales.low <= scales.low[k]) & (scales.low[k] <= scales.high)
            near = span[(block == block[k]) & (span > 0) & shared]
            result[k] = float(np.median(near)) if near.size else usual
        return result

    @cached_property
    def _low(self) -> Array:
        """Lower end of the scale; an answer that all twins gave is taken to lie in the middle."""
        low = self.problem.twin_scales.low
        low = np.where(np.isfinite(low), low, 0.0)
        return np.where(self.problem.twin_constant, low - self._range / 2, low)

    @cached_property
    def _position(self) -> Array:
        """Compute where twin means lie between the ends of the scale."""
        return np.clip((self.problem.twins.mean - self._low) / self._range, 0.0, 1.0)

    def _room(self, mean: Array) -> Array:
        """Log of the sd that a binary item of this mean has, in units of the range."""
        m = np.clip((mean - self._low) / self._range, EDGE, 1 - EDGE)
        return np.asarray(0.5 * np.log(m * (1 - m)))

    @cached_property
    def _binary(self) -> Array:
        return self.problem.twin_scales.binary * ~self.problem.twin_constant

    @cached_property
    def _log_twin_sd(self) -> Array:
        return np.asarray(np.log(np.maximum(self.problem.twin_unit / self._range, 0.05)))

    @cached_property
    def _means(self) -> LevelRegression:
        p, constant = self._position - 0.5, self.problem.twin_constant.astype(np.float64)
        features = [
            p,
            np.sign(p) * 2 * p**2,
            self._binary,
            self._binary * p,
            constant * p,
            self._log_twin_sd * p,
        ]
        return LevelRegression.of(np.stack(features, axis=1), self.problem.block)

    @cached_property
    def _sds(self) -> LevelRegression:
        p = np.clip(self._position, EDGE, 1 - EDGE)
        constant = self.problem.twin_constant.astype(np.float64)
        features = [
            self._log_twin_sd,
            0.5 * np.log(p * (1 - p)),
            constant,
            self._binary,
            np.log(np.maximum(self.problem.twin_scales.n_values, 1)),
        ]
        return LevelRegression.of(np.stack(features, axis=1), self.problem.block)


def _stacked(truth: Array, plain: Array, regressed: Array, scale: Array, out: NDArray[np.bool_]) -> Array:
    """Stack two predictions with a weight from known items, for each of these without itself."""
    unknown = out | ~np.isfinite(plain)
    difference = np.where(unknown, 0.0, (regressed - plain) / scale)
    wanted = np.where(unknown, 0.0, (truth - plain) / scale)
    products, squares = difference * wanted, difference**2
    rest = np.maximum(squares.sum() - squares, 1e-12)
    weight = np.clip((products.sum() - products) / rest, 0.0, 1.0)
    return np.asarray(plain + weight * (regressed - plain))


def _pooled(values: Array, among: NDArray[np.bool_], block: NDArray[np.intp], by_block: bool) -> Array:
    """Pool values for every item without itself, or without its block; NaN where nothing is left.

    The mean over blocks is shrunk to 0 by its standard error, and then to the mean of the item's block.
    """
    size = int(block.max()) + 1
    count = np.bincount(block[among], minlength=size)
    total = np.bincount(block[among], values[among], minlength=size)
    means = total / np.maximum(count, 1)
    there = count > 0
    own_count = np.zeros(len(block)) if by_block else count[block] - among
    own_mean = (total[block] - np.where(among, values, 0.0)) / np.maximum(own_count, 1)
    own = own_count > 0
    n = there.sum() - there[block] + own
    first = (means * there).sum() - (means * there)[block] + np.where(own, own_mean, 0.0)
    second = (means**2 * there).sum() - (means**2 * there)[block] + np.where(own, own_mean**2, 0.0)
    overall = first / np.maximum(n, 1)
    error = np.maximum(second - n * overall**2, 0.0) / np.maximum(n - 1, 1) / np.maximum(n, 1)
    kept = np.maximum(0.0, 1.0 - np.divide(error, overall**2, out=np.zeros_like(error), where=overall != 0))
    overall = np.where(n > 1, overall * kept, overall)
    pooled = np.where(own, (overall + own_count * own_mean) / (1 + own_count), overall)
    return np.where(n > 0, pooled, np.nan)

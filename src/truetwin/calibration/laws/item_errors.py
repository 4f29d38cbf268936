"""Errors, level and expected correlation of one new item, from the record of its pseudo-targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.error_record import BINS, EDGES, TAILS, ErrorRecord
from truetwin.calibration.laws.item_expectation import expect
from truetwin.calibration.laws.prediction_errors import LEVELS, ErrorQuantiles, Errors
from truetwin.calibration.orientation import Array
from truetwin.errors import ParameterError


@dataclass(frozen=True)
class Level:
    """Predicted mean and standard deviation of the human answers to one item, on its scale."""

    mean: float
    sd: float


@dataclass(frozen=True)
class ExpectedCorrelation:
    """Correlation to expect between predictions and people's answers.

    Attributes
    ----------
    mean : float
        As pseudo-targets have it that look like the target.
    low, high : float
        Interval that holds the correlation of nine new items in ten.
    standard_error : float
        Standard error of the mean over pseudo-targets, from a delete-a-group jackknife over people. It does not cover
        differences between items.
    """

    mean: float
    low: float
    high: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class ItemErrors(Errors):
    """Level, errors and expected correlation of one new item.

    Attributes
    ----------
    level : Level
        Predicted mean and sd of the item's answers; errors are in units of this sd.
    pseudo : ErrorRecord
        Predictions of known items as if nobody had answered them.
    correlation : ExpectedCorrelation, optional
        None where the method does not say.
    """

    level: Level
    pseudo: ErrorRecord
    correlation: ExpectedCorrelation | None

    @cached_property
    def total(self) -> Array:
        """Probabilities of errors between the edges of the record, errors of the predicted level included, (BINS,)."""
        return self.pseudo.weight @ self.pseudo.shapes() if len(self.pseudo) else np.full(BINS, 1 / BINS)

    @cached_property
    def held(self) -> Array:
        """Share of a new item's answers to expect between the quantiles ``TAILS`` and ``1 - TAILS`` of ``total``."""
        return self.pseudo.held() if len(self.pseudo) else np.zeros(len(TAILS))

    def quantiles(self, level: float) -> tuple[float, float]:
        """See the base class; one number for everybody.

        With too few pseudo-targets, these are the widest errors that there are.
        """
        if not 0 < level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
        low, high = self._ends(np.array([level]))
        return float(low[0]), float(high[0])

    def distribution(self) -> ErrorQuantiles:
        """See the base class."""
        low, high = self._ends(LEVELS)
        shares = np.concatenate([(1 - LEVELS[::-1]) / 2, (1 + LEVELS) / 2])
        return ErrorQuantiles(shares, np.concatenate([low[::-1], high]))

    def _ends(self, levels: Array) -> tuple[Array, Array]:
        """Compute lower and upper errors for several levels at once."""
        tails = np.interp(levels, self.held[::-1], TAILS[::-1])
        tails = np.where(self.held[0] >= levels, tails, 0.0)
        cumulative = np.cumsum(self.total)
        low = np.searchsorted(cumulative, tails * cumulative[-1])
        high = np.minimum(np.searchsorted(cumulative, (1 - tails) * cumulative[-1]) + 1, BINS)
        low, high = np.where(tails <= 0, 0, low), np.where(tails <= 0, BINS, high)
        return self.level.sd * EDGES[low], self.level.sd * EDGES[high]

    def record(self) -> ErrorRecord | None:
        """See the base class."""
        return self.pseudo if len(self.pseudo) else None

    def level_shares(self, cuts: Array, sample: int | None) -> Array | None:
        """See the base class."""
        if not len(self.pseudo):
            return None
        return np.interp((cuts - self.level.mean) / self.level.sd, EDGES, self.pseudo.level_shares())

    def expected_correlation(self) -> tuple[float, float, float] | None:
        """See the base class."""
        found = self.correlation
        return None if found is None or np.isnan(found.mean) else (found.low, found.mean, found.high)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Correlations that predictions of known items reached, and what is visible of them without people's answers.

    Attributes
    ----------
    reached : ndarray of shape (m,)
        Correlation of the predictions of each pseudo-target with people's answers.
    weight : ndarray of shape (m,)
    features : ndarray of shape (m + 1, 2)
        How far predictions agree with the item's own twins, and how far they spread; the last row is the target's.
    block : ndarray of int of shape (m + 1,)
        Block of each item; the last is the target's.
    standard_error : float
        Of the mean of ``reached``, from people.
    """

    reached: Array
    weight: Array
    features: Array
    block: NDArray[np.intp]
    standard_error: float

    def expected(self, *, new_battery: bool) -> ExpectedCorrelation:
        """Expect the target's correlation: that of items like it, or the mean if the target's battery is new.

        With whole batteries hidden, features say nothing of how one battery compares with others.
        The interval is as wide as nine known items in ten need around their mean, counting one more at either end.
        """
        fine = np.isfinite(self.reached) & (self.weight > 0)
        values, weights = self.reached[fine], self.weight[fine]
        if not values.size:
            return ExpectedCorrelation(*(float("nan"),) * 4)
        mean = float(values @ weights / weights.sum())
        low, high = _nine_in_ten(values, weights)
        if new_battery:
            return ExpectedCorrelation(mean, low, high, self.standard_error)
        outcomes = np.append(np.where(fine, self.reached, np.nan), np.nan)
        record, target = np.flatnonzero(fine), len(self.reached)
        found = expect(self.features, np.stack([outcomes, outcomes], axis=1), record, target, self.block)
        shift = 0.0 if found is None else float(np.clip(found.calibrated, -1, 1)) - mean
        return ExpectedCorrelation(
            mean + shift, float(max(low + shift, -1.0)), float(min(high + shift, 1.0)), self.standard_error
        )


def visible(predicted: Array, twin: Array) -> tuple[float, float]:
    """Compute what is visible of an item without people's answers: agreement with its twins, and spread.

    Examples
    --------
    >>> round(visible(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 4.0]))[0], 3)
    0.982
    """
    both = np.isfinite(predicted) & np.isfinite(twin)
    f, t = predicted[both], twin[both]
    if f.size < 3:
        return 0.0, 0.0
    spread = float(f.std())
    size = spread * float(t.std())
    return (float(((f - f.mean()) * (t - t.mean())).mean()) / size if size > 1e-9 else 0.0), spread


def _nine_in_ten(values: Array, weights: Array) -> tuple[float, float]:
    """Find the quantiles that hold the value of one more item nine times in ten."""
    order = np.argsort(values)
    ordered = np.concatenate([[-1.0], values[order], [1.0]])
    one_more = 0.5 / (values.size + 1)
    shares = np.concatenate([[one_more], weights[order] / weights.sum() * (1 - 2 * one_more), [one_more]])
    cumulative = np.cumsum(shares)
    low = ordered[max(0, int(np.searchsorted(cumulative, 0.05, side="right")))]
    high = ordered[min(int(np.searchsorted(cumulative, 0.95)), values.size + 1)]
    return float(low), float(high)

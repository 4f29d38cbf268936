"""Errors: where answers lie around the points that a method predicts, whatever method says so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.error_record import ErrorRecord
from truetwin.calibration.laws.people_record import PeopleRecord
from truetwin.calibration.orientation import Array

ONE_SD = 0.6827  # a normal error's share within one sd
#: Levels of the intervals from which the quantiles of an error are read.
LEVELS = np.concatenate([[1e-6], np.arange(1, 200) / 200, [0.999]])


@dataclass(frozen=True, eq=False)
class ErrorQuantiles:
    """Quantiles of an error.

    Attributes
    ----------
    shares : ndarray of shape (s,)
        Ascending, between 0 and 1.
    values : ndarray of shape (s,) or (s, n_samples)
        The same for all samples, or one column a sample; NaN where no finite error is known.
    """

    shares: Array
    values: Array

    def of_sample(self, k: int) -> ErrorQuantiles:
        """Pick one sample's quantiles."""
        return self if self.values.ndim == 1 else ErrorQuantiles(self.shares, self.values[:, k])

    def of_samples(self, some: NDArray[np.intp]) -> ErrorQuantiles:
        """Pick some samples' quantiles."""
        return ErrorQuantiles(self.shares, self.values[:, some])


class Errors(ABC):
    """The errors to expect in the predictions of one target.

    A calibrator that declares ``error_axes`` returns one from ``errors(design)`` for each target. From predictions,
    errors, scale and the twins' answers the package composes the law of each item
    (:class:`~truetwin.calibration.laws.law.Law`).
    """

    @abstractmethod
    def quantiles(self, level: float) -> tuple[float | Array, float | Array]:
        """Return the lower and upper error that enclose a share of the answers, in units of the items' scales.

        Each is one number, or one a sample, (n_samples,); infinite where an error can be any. They are added to the
        predictions.

        Parameters
        ----------
        level : float
            The share, between 0 and 1.
        """

    def distribution(self) -> ErrorQuantiles:
        """Return the quantiles of the errors; beyond the last finite one, errors stay at it."""
        ends = [self.quantiles(float(level)) for level in LEVELS]
        low, high = (np.array(np.broadcast_arrays(*(end[k] for end in ends)), dtype=float) for k in (0, 1))
        values = np.concatenate([low[::-1], high])
        shares = np.concatenate([(1 - LEVELS[::-1]) / 2, (1 + LEVELS) / 2])
        finite = np.isfinite(values)
        smallest = np.min(values, axis=0, where=finite, initial=np.inf)
        largest = np.max(values, axis=0, where=finite, initial=-np.inf)
        limited = np.clip(values, smallest, np.maximum(largest, smallest))
        return ErrorQuantiles(shares, np.where(finite.any(axis=0), limited, np.nan))

    def record(self) -> ErrorRecord | PeopleRecord | None:
        """Return how predictions of known items fared; None if nothing is kept of it.

        From it is learned how much a category's probability owes to the twin's own answer, to shares, and to the
        errors.
        """
        return None

    def level_shares(self, cuts: Array, sample: int | None) -> Array | None:
        """Return the share of answers below each cut that the level of the item implies, (c,); None if not known.

        Parameters
        ----------
        cuts : ndarray of shape (c,)
            Ascending, on the item's scale.
        sample : int, optional
            For a new respondent, which item.
        """
        return None

    def error_sd(self) -> float | Array:
        """Return the standard deviation of an error: half the width of the interval that holds 68% of the answers."""
        low, high = self.quantiles(ONE_SD)
        return (high - low) / 2

    def expected_correlation(self) -> tuple[float, float, float] | None:
        """Return the correlation to expect with the people's answers: lower end, mean, upper end for nine in ten.

        None where nothing is known of it.
        """
        return None

    def describe(self) -> dict[str, Any]:
        """Return what a record of the predictions says of the target, ready for JSON."""
        return {}


class JointLaw(ABC):
    """Joint law of everybody's answers to all targets of a design: how far they move together."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Array:
        """Draw the rank of everybody's answer in its own law, (n_samples, n_targets), each uniform between 0 and 1."""

"""Predictive law: where the answers to a target lie around their predictions, whatever method says so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from truetwin.calibration.orientation import Array
from truetwin.errors import ParameterError

ONE_SD = 0.6827  # a normal error's share within one sd


class Law(ABC):
    """The errors to expect in the predictions of one target.

    A calibrator that declares ``law_axes`` returns one from ``laws(design)`` for each target. Intervals, category
    probabilities and the start of an :class:`~truetwin.calibration.online_items.OnlineItem` are read off it.
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

    def probabilities(self, prediction: Array, categories: Sequence[float]) -> Array:
        """Return the probability of each category for each sample, (n_samples, K); rows sum to 1.

        Parameters
        ----------
        prediction : ndarray of shape (n_samples,)
            On the item's scale; NaN rows stay NaN.
        categories : sequence of float
            Codes in ascending order.

        Raises
        ------
        ParameterError
            If this law has errors only.
        """
        raise ParameterError("these predictions come with intervals only, not with category probabilities")

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
    """Joint law of everybody's answers to all targets of a design."""

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Array:
        """Draw everybody's answers once, (n_samples, n_targets), in units of the items' scales, not limited to them."""

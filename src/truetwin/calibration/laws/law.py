"""Law of one item: the predictive distribution of every respondent's answer, from which everything else is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from truetwin.calibration.orientation import Array
from truetwin.errors import ParameterError

Point = Literal["mean", "median", "mode"]
POINTS: tuple[Point, ...] = ("mean", "median", "mode")


@dataclass(frozen=True, eq=False, repr=False)
class Law(ABC):
    """Predictive distributions of the answers to one item, on its scale.

    Every array is over ``respondent_ids``: everybody for a new item, the new respondents for an answered item. It is
    NaN where nothing is predicted.

    Attributes
    ----------
    item : str
    respondent_ids : tuple of str, n of them
    expected : tuple of float, optional
        Correlation to expect with people's answers: lower end, mean, upper end for nine items in ten.
    details : dict
        What a record of the predictions says of the item, ready for JSON.
    """

    item: str
    respondent_ids: tuple[str, ...]
    expected: tuple[float, float, float] | None
    details: dict[str, Any]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.item!r}, {len(self.respondent_ids)} respondents)"

    @abstractmethod
    def mean(self) -> Array:
        """Return the mean of each distribution: the default point prediction."""

    @abstractmethod
    def sd(self) -> Array:
        """Return the standard deviation of each distribution."""

    @abstractmethod
    def mode(self) -> Array:
        """Return the most likely answer of each respondent."""

    @abstractmethod
    def quantile(self, u: float | Array) -> Array:
        """Return the answer below which a share u of each distribution lies; u is one number, or one a respondent."""

    @abstractmethod
    def probabilities(self) -> Array:
        """Return the probability of each category, (n, K); rows sum to 1.

        Raises
        ------
        ParameterError
            If the item's answers are numbers without categories.
        """

    @abstractmethod
    def with_shares(self, shares: Any, weights: Array | None = None) -> Self:
        """Return the law of the same persons in a population with the given shares.

        Parameters
        ----------
        shares : ndarray of shape (K,), or float
            Wanted share of each category; of a numeric item the wanted mean.
        weights : ndarray of shape (n,), optional
            Weights of the respondents in the population; by default all alike.
        """

    def median(self) -> Array:
        """Return the median of each distribution."""
        return self.quantile(0.5)

    def interval(self, level: float = 0.9) -> tuple[Array, Array]:
        """Return the lower and upper ends of the central intervals that hold a share of the answers, and the mean.

        Parameters
        ----------
        level : float
            The share, between 0 and 1: of a new item's answers on average over items, of all new respondents' answers
            to an answered item.
        """
        check_level(level)
        mean = self.mean()
        ends = self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)
        return np.minimum(ends[0], mean), np.maximum(ends[1], mean)

    def point(self, kind: Point = "mean") -> Array:
        """Return one number for each distribution."""
        check_point(kind)
        found: Array = getattr(self, kind)()
        return found

    def shares(self, weights: Array | None = None) -> Array:
        """Return the share of each category in the population: the (weighted) mean of the probabilities, (K,)."""
        table = self.probabilities()
        return population_weights(np.isfinite(table[:, 0]), weights) @ np.nan_to_num(table)

    def expected_correlation(self) -> tuple[float, float, float] | None:
        """Return the correlation to expect with the people's answers: lower end, mean, upper end for nine in ten."""
        return self.expected

    def describe(self, weights: Array | None = None) -> dict[str, Any]:
        """Return what a record of the predictions says of the item, ready for JSON.

        ``mean`` and ``sd`` are those of all respondents' answers together, weighted if there are weights, (n,).
        """
        mean, sd = self.mean(), self.sd()
        there = np.isfinite(mean)
        found: dict[str, Any] = {"n": int(there.sum())}
        if there.any():
            w, points = population_weights(there, weights)[there], mean[there]
            found["mean"] = float(w @ points)
            found["sd"] = float(np.sqrt(w @ (sd[there] ** 2 + (points - w @ points) ** 2)))
        if self.expected is not None:
            found["expected_correlation"] = list(self.expected)
        return {**found, **self.details}


def check_point(kind: str | None) -> None:
    """Refuse the name of a point that is none; None stands for the default."""
    if kind is not None and kind not in POINTS:
        raise ParameterError(f"a point is one of {', '.join(POINTS)}; got {kind!r}")


def check_level(level: float) -> None:
    """Refuse a level that is no share."""
    if not 0 < level < 1:
        raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")


def population_weights(there: Array, weights: Array | None) -> Array:
    """Return weights of the respondents that have a law, (n,); they sum to 1."""
    given = np.ones(len(there)) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape != there.shape:
        raise ParameterError(f"there must be one weight a respondent; got {given.size} for {there.size}")
    kept = np.where(there & np.isfinite(given), np.nan_to_num(given), 0.0)
    if (kept < 0).any() or kept.sum() <= 0:
        raise ParameterError("weights must be >= 0, and some of those of predicted respondents must be > 0")
    return np.asarray(kept / kept.sum())

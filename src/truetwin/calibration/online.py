r"""Answers to a new item that arrive one by one: better predictions for the rest, and valid estimates for everybody.

Predictions start where a calibration left them. Each observed answer is used twice. *For people*: the predictions of
everybody else are corrected by a regression of the answers on them, shrunk towards no
correction. *For the population*: prediction-powered estimates,

.. math:: \hat\theta = \frac1N \sum_{i} \hat f_i + \frac1n \sum_{i \in \text{observed}} (y_i - \hat f_i),

are unbiased whatever the predictions are worth, if the people who answered are a random sample; their confidence
interval follows from the variances of both terms. Source: Angelopoulos et al. (2023), Prediction-powered inference,
with the power-tuned weight of Angelopoulos, Duchi and Zrnic (2023), PPI++.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration._orient import Array
from truetwin.errors import DataError, ParameterError
from truetwin.solvers.prediction_powered import prediction_powered_mean

PRIOR_ANSWERS = 4.0
PRIOR_SLOPE_ANSWERS = 20.0


@dataclass(frozen=True)
class Estimate:
    """A population quantity with its confidence interval.

    Attributes
    ----------
    value, low, high : float
    standard_error : float
    n_observed : int
        Answers behind it.
    """

    value: float
    low: float
    high: float
    standard_error: float
    n_observed: int


class OnlineItem:
    """One new item whose human answers arrive over time.

    Parameters
    ----------
    predictions : sequence of float
        Predicted answer of every respondent; NaN where there is none.
    respondent_ids : sequence of str
        Their ids.
    spread : float
        Standard deviation of a prediction's error before any answer, on the item's scale; > 0.

    Examples
    --------
    >>> item = OnlineItem([2.0, 3.0, 4.0, 3.0], ["a", "b", "c", "d"], spread=1.0)
    >>> item.update({"a": 3.0, "b": 4.0}).predictions.round(2)
    array([3.  , 4.  , 4.26, 3.32])
    """

    def __init__(
        self, predictions: Sequence[float] | Array, respondent_ids: Sequence[str], *, spread: float
    ) -> None:
        self._start = np.asarray(predictions, dtype=np.float64)
        self.respondent_ids = tuple(respondent_ids)
        if self._start.shape != (len(self.respondent_ids),):
            raise DataError(
                f"there must be one prediction a respondent; got {self._start.size} predictions and "
                f"{len(self.respondent_ids)} respondents"
            )
        if not (np.isfinite(spread) and spread > 0):
            raise ParameterError(f"'spread' must be a positive number. Got {spread!r} instead.")
        self.spread = float(spread)
        self._position = {r: k for k, r in enumerate(self.respondent_ids)}
        self._answers: dict[str, float] = {}

    @property
    def n_observed(self) -> int:
        """Number of people who have answered."""
        return len(self._answers)

    def update(self, answers: Mapping[str, float]) -> OnlineItem:
        """Add answers; the same answer twice is harmless.

        Raises
        ------
        DataError
            If an answer conflicts with an earlier one of the same person, is not a number, or comes from somebody
            who is not among the respondents. Nothing is added then.
        """
        for who, answer in answers.items():
            if who not in self._position:
                raise DataError(f"there is no respondent {who!r} among those predicted")
            if not np.isfinite(answer):
                raise DataError(f"the answer of respondent {who!r} must be a number; got {answer!r}")
            if who in self._answers and self._answers[who] != answer:
                raise DataError(
                    f"respondent {who!r} answered {self._answers[who]:g} before and {answer:g} now; "
                    f"withdraw the first answer to replace it"
                )
        self._answers.update({who: float(answer) for who, answer in answers.items()})
        return self

    def withdraw(self, respondent_id: str) -> OnlineItem:
        """Forget a person's answer."""
        if respondent_id not in self._answers:
            raise DataError(f"respondent {respondent_id!r} has not answered")
        del self._answers[respondent_id]
        return self

    @property
    def predictions(self) -> Array:
        """Answers where they are known; elsewhere predictions, corrected by what the answers showed."""
        where, observed = self._observed()
        result = self._corrected()
        result[where] = observed
        return result

    @property
    def error_sd(self) -> float:
        """Standard deviation of a prediction's error, from the residuals seen so far and the one assumed before."""
        where, observed = self._observed()
        fine = np.isfinite(self._start[where])
        n = int(fine.sum())
        if not n:
            return self.spread
        residual = observed[fine] - self._corrected()[where][fine]
        return float(np.sqrt((PRIOR_ANSWERS * self.spread**2 + residual @ residual) / (PRIOR_ANSWERS + n)))

    def intervals(self, level: float = 0.9) -> tuple[Array, Array]:
        """Lower and upper end for everybody who has not answered, normal errors; known answers are points."""
        if not 0 < level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
        half = NormalDist().inv_cdf((1 + level) / 2) * self.error_sd
        where, _ = self._observed()
        width = np.full(len(self._start), half)
        width[where] = 0.0
        return self.predictions - width, self.predictions + width

    def mean(self, level: float = 0.9) -> Estimate:
        """Prediction-powered estimate of the mean answer of all respondents."""
        return self._powered(self._start, lambda answers: answers, level)

    def share(self, category: float, probabilities: Array | None = None, level: float = 0.9) -> Estimate:
        """Prediction-powered estimate of the share that answers ``category``.

        Parameters
        ----------
        category : float
        probabilities : ndarray of shape (n_respondents,), optional
            Predicted probability of the category for everybody; without it, the plain share of those who answered.
        level : float
        """
        predicted = (
            np.zeros(len(self._start)) if probabilities is None else np.asarray(probabilities, dtype=float)
        )
        if predicted.shape != self._start.shape:
            raise DataError("there must be one probability a respondent")
        found = self._powered(predicted, lambda answers: (answers == category).astype(float), level)
        return Estimate(
            float(np.clip(found.value, 0, 1)),
            max(found.low, 0.0),
            min(found.high, 1.0),
            found.standard_error,
            found.n_observed,
        )

    def _powered(self, predicted: Array, measure: Callable[[Array], Array], level: float) -> Estimate:
        if not 0 < level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
        where, observed = self._observed()
        fine = np.isfinite(predicted[where])
        if int(fine.sum()) < 2:
            raise DataError(
                f"a confidence interval needs the answers of at least two predicted respondents; there are "
                f"{int(fine.sum())}"
            )
        y, f = measure(observed[fine]), predicted[where][fine]
        everybody = predicted[np.isfinite(predicted)]
        found = prediction_powered_mean(y, f, everybody, level=level)
        return Estimate(found.value, found.low, found.high, found.standard_error, found.n)

    def _corrected(self) -> Array:
        """Level and slope of the predictions corrected: ridge regression of the residuals on the predictions."""
        where, observed = self._observed()
        fine = np.isfinite(self._start[where])
        start, residual = self._start[where][fine], (observed - self._start[where])[fine]
        known = self._start[np.isfinite(self._start)]
        if not start.size or not known.size:
            return self._start.copy()
        centre = float(known.mean())
        unit = float(known.std()) or 1.0
        X = np.column_stack([np.ones(start.size), (start - centre) / unit])
        penalty = np.diag([PRIOR_ANSWERS, PRIOR_SLOPE_ANSWERS])
        shift, slope = np.linalg.solve(X.T @ X + penalty, X.T @ residual)
        return np.asarray(self._start + shift + slope * (self._start - centre) / unit)

    def _observed(self) -> tuple[NDArray[np.intp], Array]:
        where = np.array([self._position[r] for r in self._answers], dtype=np.intp)
        return where, np.array(list(self._answers.values()), dtype=np.float64)

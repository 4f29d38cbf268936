r"""Use answers to a new item as they arrive: correct the other predictions, and estimate population values.

Predictions start where a calibration left them. Each observed answer is used twice. *For people*: everybody else's
prediction is conditioned on the errors seen so far. They correct its level and slope, and tell how people who
answered the donors alike differ from it (:mod:`truetwin.calibration.error_conditioning`). *For the population*:
prediction-powered estimates,

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

from truetwin.calibration.error_conditioning import PRIOR_ANSWERS, Posterior, condition
from truetwin.calibration.orientation import Array
from truetwin.errors import DataError, ParameterError
from truetwin.solvers.prediction_powered import prediction_powered_mean


@dataclass(frozen=True)
class Estimate:
    """Population quantity with its confidence interval.

    Attributes
    ----------
    value, low, high : float
        The estimate, and the ends of its interval.
    standard_error : float
        Standard error of the value.
    n_observed : int
        Number of answers that it rests on.
    """

    value: float
    low: float
    high: float
    standard_error: float
    n_observed: int


class OnlineItem:
    """New item whose human answers arrive over time.

    Parameters
    ----------
    predictions : sequence of float
        Predicted answer of every respondent; NaN where there is none.
    respondent_ids : sequence of str
        Ids of the respondents.
    spread : float
        Standard deviation of a prediction's error before any answer, on the item's scale; > 0.
    covariates : ndarray of shape (n_respondents, q), optional
        What is known of each person beside the prediction
        (:func:`truetwin.calibration.error_conditioning.donor_covariates`). Without it, answers correct level and
        slope only.

    Examples
    --------
    >>> item = OnlineItem([2.0, 3.0, 4.0, 3.0], ["a", "b", "c", "d"], spread=1.0)
    >>> item.update({"a": 3.0, "b": 4.0}).predictions.round(2)
    array([3.  , 4.  , 4.26, 3.32])
    """

    def __init__(
        self,
        predictions: Sequence[float] | Array,
        respondent_ids: Sequence[str],
        *,
        spread: float,
        covariates: Array | None = None,
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
        self._covariates = None if covariates is None else np.asarray(covariates, dtype=np.float64)
        if self._covariates is not None and (
            self._covariates.ndim != 2
            or len(self._covariates) != len(self._start)
            or not np.isfinite(self._covariates).all()
        ):
            raise DataError(
                f"covariates must be finite numbers, one row a respondent; got an array of shape "
                f"{self._covariates.shape} for {len(self._start)} respondents"
            )
        self._posterior: Posterior | None = None
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
        self._posterior = None
        return self

    def withdraw(self, respondent_id: str) -> OnlineItem:
        """Forget a person's answer."""
        if respondent_id not in self._answers:
            raise DataError(f"respondent {respondent_id!r} has not answered")
        del self._answers[respondent_id]
        self._posterior = None
        return self

    @property
    def predictions(self) -> Array:
        """Answers where they are known; elsewhere predictions, corrected by the errors seen so far."""
        where, observed = self._observed()
        result = self._start + self._conditioned().mean
        result[where] = observed
        return result

    @property
    def error_sds(self) -> Array:
        """Standard deviation of the error of everybody's prediction; 0 for known answers, NaN without a prediction."""
        where, _ = self._observed()
        result = self._conditioned().sd.copy()
        result[where] = 0.0
        return result

    @property
    def error_sd(self) -> float:
        """Root mean square of :attr:`error_sds` over those who have a prediction and have not answered."""
        open_ = self.error_sds[self.error_sds > 0]
        return float(np.sqrt(np.mean(open_**2))) if open_.size else 0.0

    @property
    def explained(self) -> float:
        """Expected share of the errors' variance that the answers to donors explain, given the answers so far."""
        return self._conditioned().signal

    def intervals(self, level: float = 0.9) -> tuple[Array, Array]:
        """Return both ends of everybody's interval (Student's t errors); known answers are points."""
        if not 0 < level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
        n = self.n_observed
        factor = _student(level, PRIOR_ANSWERS + n) if n else NormalDist().inv_cdf((1 + level) / 2)
        width = factor * self.error_sds
        predictions = self.predictions
        return predictions - width, predictions + width

    def mean(self, level: float = 0.9) -> Estimate:
        """Estimate the mean answer of all respondents (prediction-powered mean).

        At least two answers are needed. While all answers are the same, their variance is no guide, and the spread
        assumed beforehand takes its place.
        """
        return self._powered(self._start, lambda answers: answers, level, self.spread)

    def share(self, category: float, probabilities: Array | None = None, level: float = 0.9) -> Estimate:
        """Estimate the share of all respondents who answer ``category`` (prediction-powered mean of an indicator).

        Parameters
        ----------
        category : float
            Code of the category.
        probabilities : ndarray of shape (n_respondents,), optional
            Predicted probability of the category for everybody; without it, the plain share of those who answered.
        level : float
            Confidence level of the interval.
        """
        predicted = (
            np.zeros(len(self._start)) if probabilities is None else np.asarray(probabilities, dtype=float)
        )
        if predicted.shape != self._start.shape:
            raise DataError("there must be one probability a respondent")
        found = self._powered(predicted, lambda answers: (answers == category).astype(float), level)
        if found.value in (0.0, 1.0) and found.standard_error == 0 and found.n_observed < len(self._start):
            return _wilson(found, level)
        return Estimate(
            float(np.clip(found.value, 0, 1)),
            max(found.low, 0.0),
            min(found.high, 1.0),
            found.standard_error,
            found.n_observed,
        )

    def _powered(
        self, predicted: Array, measure: Callable[[Array], Array], level: float, agreed: float = 0.0
    ) -> Estimate:
        """Compute a prediction-powered estimate; ``agreed`` is the sd to assume where all answers are the same."""
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
        found = prediction_powered_mean(y, f, everybody, level=level, spread_if_alike=agreed)
        return Estimate(found.value, found.low, found.high, found.standard_error, found.n)

    def _conditioned(self) -> Posterior:
        """Condition everybody's error on the errors seen; the result is kept until the answers change."""
        if self._posterior is None:
            where, observed = self._observed()
            fine = np.isfinite(self._start[where])
            where, observed = where[fine], observed[fine]
            residuals = observed - self._start[where]
            self._posterior = condition(self._start, self._covariates, where, residuals, self.spread)
        return self._posterior

    def _observed(self) -> tuple[NDArray[np.intp], Array]:
        where = np.array([self._position[r] for r in self._answers], dtype=np.intp)
        return where, np.array(list(self._answers.values()), dtype=np.float64)


def _wilson(found: Estimate, level: float) -> Estimate:
    """Wilson's score interval, for answers that all agree: their own variance would promise certainty."""
    z, n = NormalDist().inv_cdf((1 + level) / 2), found.n_observed
    centre = (found.value + z * z / (2 * n)) / (1 + z * z / n)
    half = z * z / (2 * n) / (1 + z * z / n)
    return Estimate(found.value, max(centre - half, 0.0), min(centre + half, 1.0), half / z, n)


def _student(level: float, freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, freedom))

r"""Prediction-powered mean: a costly measurement of a random sample, improved by cheap predictions of everybody.

All :math:`N` units have predictions :math:`f`. A random sample of :math:`n` units also has measurements :math:`y`:

.. math:: \hat\theta = \lambda \bar f_N + \frac1n \sum_{i \le n} (y_i - \lambda f_i).

The estimate is unbiased whatever the predictions are worth; better predictions make its interval narrower. Source:
Angelopoulos et al. (2023), Prediction-powered inference; the power-tuned weight :math:`\lambda` from Angelopoulos,
Duchi and Zrnic (2023), PPI++.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from truetwin.errors import DataError, ParameterError


@dataclass(frozen=True)
class PoweredMean:
    """Mean with its interval.

    Attributes
    ----------
    value, low, high, standard_error : float
        The estimate, the ends of its interval, and its standard error.
    weight : float
        How far the predictions were used: 0 not at all, 1 fully.
    n : int
        Number of measurements.
    """

    value: float
    low: float
    high: float
    standard_error: float
    weight: float
    n: int


def prediction_powered_mean(
    measured: ArrayLike,
    predicted: ArrayLike,
    population: ArrayLike,
    *,
    level: float = 0.9,
    spread_if_alike: float = 0.0,
) -> PoweredMean:
    """Estimate the mean of a finite population, with Student's t interval.

    Parameters
    ----------
    measured : array-like of shape (n,)
        Measurements of a random sample.
    predicted : array-like of shape (n,)
        Predictions of the same units.
    population : array-like of shape (N,)
        Predictions of everybody, the sample included.
    level : float
        Confidence level of the interval, between 0 and 1.
    spread_if_alike : float, default=0
        Standard deviation of the errors to assume where all observed errors are alike. Without it the interval would
        have no width.

    Raises
    ------
    DataError
        If fewer than two units were measured, shapes do not fit, or a value is missing.
    ParameterError
        If the level is not between 0 and 1.

    Examples
    --------
    >>> found = prediction_powered_mean([1, 2, 4], [1, 2, 3], [1, 2, 3, 4, 5, 6])
    >>> round(found.value, 2), round(found.weight, 2)
    (3.1, 0.51)
    """
    y, f, everybody = (np.asarray(v, dtype=np.float64) for v in (measured, predicted, population))
    if not 0 < level < 1:
        raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
    if y.shape != f.shape or y.ndim != 1 or len(everybody) < len(y):
        raise DataError(
            f"every measured unit needs its prediction, and the population must hold them all; got {y.size} "
            f"measurements, {f.size} predictions of them and {everybody.size} in all"
        )
    if len(y) < 2:
        raise DataError(f"an interval needs at least two measured units; there are {len(y)}")
    if not all(np.isfinite(v).all() for v in (y, f, everybody)):
        raise DataError("measurements and predictions must be numbers; leave out units without")
    n = len(y)
    rest = 1.0 - n / len(everybody)  # nothing is uncertain once everybody is measured
    weight = 0.0
    if n > 2 and f.var() > 0 and everybody.var() > 0:
        weight = float(np.clip(np.cov(y, f)[0, 1] / everybody.var(), 0.0, 1.0))
    value = weight * float(everybody.mean()) + float((y - weight * f).mean())
    variance = float((y - weight * f).var(ddof=1))
    error = float(np.sqrt(rest * (variance if variance > 0 else spread_if_alike**2) / n))
    half = _student(level, n - 1) * error
    return PoweredMean(value, value - half, value + half, error, weight, n)


def _student(level: float, freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, freedom))

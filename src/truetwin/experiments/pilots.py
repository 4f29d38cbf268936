r"""Pilots: what twins are worth in people, and how many people a human sample needs with twins and without.

A comparison of two arms of n people each has the sampling variance 2/n in units of the sd. A calibrated twin effect
whose error has the variance :math:`\sigma^2` tells as much as :math:`2 / \sigma^2` people per arm. Combined by
precision, their numbers add.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from truetwin.errors import ParameterError
from truetwin.experiments.paired_effects import Array

#: Most people per arm that a plan names.
MOST_PEOPLE = 100_000


def people_per_arm(variance: ArrayLike) -> Array:
    """Number of people per arm whose comparison errs as much as a prediction with this error variance, in sd squared.

    Examples
    --------
    >>> people_per_arm([0.08, 0.02])
    array([ 25., 100.])
    """
    return np.asarray(2.0 / np.asarray(variance, dtype=np.float64))


def people_for_power(effect: float, power: float = 0.8, significance: float = 0.05) -> float:
    r"""People per arm with which an effect is significant with a given probability, two-sided, without twins.

    :math:`n = 2 (z_{1 - \alpha/2} + z_{power})^2 / \delta^2`.

    Examples
    --------
    >>> round(people_for_power(0.5), 1)
    62.8
    """
    _check(effect, power, significance)
    reach = norm.ppf(1 - significance / 2) + norm.ppf(power)
    return float(2 * reach**2 / effect**2)


@dataclass(frozen=True)
class PilotSize:
    """People per arm that a human sample needs.

    Attributes
    ----------
    effect : float
        Smallest effect that should be found, in sd.
    without_twins : int
        People per arm without twins.
    worth : float
        People per arm that the calibrated twin effect is worth.
    with_twins : int
        People per arm with twins: as many as give the combined estimate the standard error that the sample without
        twins has.
    """

    effect: float
    without_twins: int
    worth: float
    with_twins: int


def pilot_size(
    effect: float, variance: float, *, power: float = 0.8, significance: float = 0.05
) -> PilotSize:
    """Say how many people per arm find an effect with and without twins.

    Parameters
    ----------
    effect : float
        Smallest effect that should be found, in sd; above 0.
    variance : float
        Variance of the error of the calibrated twin effect, in sd squared.
    power, significance : float
        Probability of finding it, and error rate of the two-sided test.

    Examples
    --------
    >>> pilot_size(0.5, 0.08)
    PilotSize(effect=0.5, without_twins=63, worth=25.0, with_twins=38)
    """
    alone = people_for_power(effect, power, significance)
    worth = float(people_per_arm(variance))
    return PilotSize(effect, ceil(alone), worth, max(ceil(alone - worth), 0))


def conclusive(
    mean: ArrayLike, variance: ArrayLike, people: ArrayLike, *, twins: bool, significance: float = 0.05
) -> Array:
    """Probability that an interval will exclude 0, if the effect is what the calibrated twin effect says.

    Parameters
    ----------
    mean, variance : array-like
        Calibrated effect and variance of its error, in sd.
    people : array-like
        People per arm of the human sample.
    twins : bool
        Whether the sample will be combined with the calibrated twin effect.
    significance : float
        1 - level of the interval.
    """
    m, s = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    v = 2.0 / np.asarray(people, dtype=np.float64)
    z = norm.ppf(1 - significance / 2)
    if (
        twins
    ):  # the combined estimate varies around m with s^2 / (s + v) and has the error variance s v / (s + v)
        spread, limit = np.sqrt(s**2 / (s + v)), z * np.sqrt(s * v / (s + v))
    else:
        spread, limit = np.sqrt(s + v), z * np.sqrt(v)
    return np.asarray(norm.cdf((m - limit) / spread) + norm.cdf((-m - limit) / spread))


def _check(effect: float, power: float, significance: float) -> None:
    if not effect > 0:
        raise ParameterError(f"the smallest effect must be above 0 sd; got {effect:g}")
    for name, value in (("power", power), ("significance", significance)):
        if not 0 < value < 1:
            raise ParameterError(f"{name} must lie between 0 and 1; got {value:g}")

r"""Pool an estimate over draws by Rubin's rules, with Barnard and Rubin's degrees of freedom.

With estimates :math:`Q_m` and their variances :math:`U_m` from M completed data sets, the pooled estimate is the mean
:math:`\bar Q`, and its variance is :math:`T = \bar U + (1 + 1/M) B`, with B the variance of the :math:`Q_m`. Sources:
Rubin (1987), Multiple imputation for nonresponse in surveys; Barnard and Rubin (1999), Small-sample degrees of
freedom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from truetwin.calibration.orientation import Array
from truetwin.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Pooled:
    """An estimate pooled over draws; arrays have the shape of the estimate.

    Attributes
    ----------
    estimate, standard_error : ndarray
        Mean over the draws, and the root of its total variance.
    df : ndarray
        Degrees of freedom; infinite where draws do not differ and the data are large.
    missing_information : ndarray
        Fraction of the information that is missing, because answers were drawn and not given.
    n_draws : int
        Number of draws.
    """

    estimate: Array
    standard_error: Array
    df: Array
    missing_information: Array
    n_draws: int

    def interval(self, level: float = 0.95) -> tuple[Array, Array]:
        """Return the lower and upper ends of the interval of this level."""
        if not 0 < level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
        half = student.ppf((1 + level) / 2, self.df) * self.standard_error
        return self.estimate - half, self.estimate + half


def pool(function: Callable[[Any], tuple[Any, ...]], draws: Iterable[Any]) -> Pooled:
    """Apply an estimator to every draw, and pool what it returns.

    Parameters
    ----------
    function : callable
        From a completed table to ``(value, variance)``, or ``(value, variance, df)`` with the degrees of freedom that
        the estimate would have with complete data. Numbers or arrays of one shape; the variance is the squared
        standard error.
    draws : Draws or iterable of tables
        At least two.

    Raises
    ------
    ParameterError
        If there are fewer than two draws, or the estimator returns something else.

    Examples
    --------
    >>> pooled = pool(lambda x: (x, 1.0), [1.0, 2.0, 3.0])
    >>> pooled.estimate.item(), pooled.standard_error.round(3).item(), pooled.df.round(3).item()
    (2.0, 1.528, 6.125)
    """
    found = [_checked(function(table)) for table in draws]
    m = len(found)
    if m < 2:
        raise ParameterError(f"pooling needs at least 2 draws; got {m}")
    if len({value.shape for value, _, _ in found}) > 1:
        raise ParameterError("the estimator must return values of one shape for every draw")
    values, variances, complete = (np.stack(each) for each in zip(*found, strict=True))
    within, between = variances.mean(axis=0), (1 + 1 / m) * values.var(axis=0, ddof=1)
    total = within + between
    share = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
    df = _degrees_of_freedom(share, m, complete.mean(axis=0))
    ratio = np.divide(between, within, out=np.full_like(total, np.inf), where=within > 0)
    with np.errstate(invalid="ignore"):
        missing = np.where(np.isfinite(ratio), (ratio + 2 / (df + 3)) / (ratio + 1), 1.0)
    missing = np.where(between > 0, missing, 0.0)
    return Pooled(values.mean(axis=0), np.sqrt(total), df, missing, m)


def _degrees_of_freedom(share: Array, m: int, complete: Array) -> Array:
    """Combine the degrees of freedom from the number of draws with those of the observed data."""
    with np.errstate(divide="ignore", invalid="ignore"):
        by_draws = (m - 1) / share**2
        observed = np.where(
            np.isfinite(complete), (complete + 1) / (complete + 3) * complete * (1 - share), np.inf
        )
        return np.asarray(1 / (1 / by_draws + 1 / observed))


def _checked(found: Any) -> tuple[Array, Array, Array]:
    if not isinstance(found, tuple) or len(found) not in (2, 3):
        raise ParameterError(
            "the estimator must return (value, variance) or (value, variance, degrees of freedom); "
            f"got {type(found).__name__}"
        )
    value, variance = (np.asarray(each, dtype=np.float64) for each in found[:2])
    if value.shape != variance.shape:
        raise ParameterError(
            f"value and variance must have one shape; got {value.shape} and {variance.shape}. "
            "Return the diagonal of a covariance matrix."
        )
    if (variance < 0).any():
        raise ParameterError(f"a variance must be at least 0; got {variance.min():g}")
    df = np.asarray(found[2] if len(found) == 3 else np.inf, dtype=np.float64)
    return value, variance, np.broadcast_to(df, value.shape)

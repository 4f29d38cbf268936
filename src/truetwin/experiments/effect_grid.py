r"""Likelihood of past effects on a fixed grid: slopes of both groups of kinds, spread of slopes, spread of errors.

For contrast i of study s and group k (between conditions, within persons), in units of a standard deviation,

.. math:: h_i = b_{sk} x^*_i + e_i + \varepsilon_i, \qquad b_{sk} \sim N(\beta_k, g_s \tau_b^2), \quad
    e_i \sim N(0, g_s \tau_e^2), \quad g_s \sim \mathrm{InvGamma}(2, 2),

with the human effect h, its sampling error :math:`\varepsilon \sim N(0, v_i)`, and the twins' effect
:math:`x_i = x^*_i + N(0, w_i)`. Given x, :math:`x^*_i \sim N(\lambda_i x_i, \lambda_i w_i)` with
:math:`\lambda_i = \sigma_k^2 / (\sigma_k^2 + w_i)`. There is no intercept, so exchanging treatment and control of a
contrast changes nothing. Studies are independent given the grid's parameters, so their log likelihoods add, and leaving
one out is a subtraction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import halfcauchy, halfnorm, invgamma, norm

from truetwin.experiments.paired_effects import Array, PairedEffects

#: Slopes of a group of kinds: at least 0, so that a calibrated effect never has the sign that the twins deny.
SLOPES = np.linspace(0.0, 2.0, 41)
#: Spread of slopes between studies, and spread of errors beside the slope, in sd.
SLOPE_SPREADS = np.array([0.0, 0.1, 0.2, 0.35, 0.6, 1.0])
ERROR_SPREADS = np.array([0.02, 0.05, 0.1, 0.17, 0.27, 0.42, 0.65, 1.0])
#: How unlike others a study is: factors of both variances.
STUDY_FACTORS = np.exp2(np.arange(-2.0, 7.0))
STUDY_TAIL = 2.0
SLOPE_SPREAD_SCALE, ERROR_SPREAD_SCALE = 0.5, 0.25
#: Priors of slopes: normal around "no effect" or half-way to "as the twin says", cut off below 0.
PRIOR_CENTRES, PRIOR_SD = (0.0, 0.5), 0.5
#: How far the slopes of both groups lie from what they share, if there is one a group.
GROUP_SPREADS = (0.2, 0.5)
#: Standardisers of twin effects.
STANDARDISERS = ("twin", "own")


def _cell_shares(cumulative: Array) -> Array:
    """Turn the distribution function at the middles between points into probabilities of the points."""
    return np.asarray(np.diff(np.concatenate([[0.0], cumulative, [1.0]])))


def _middles(points: Array) -> Array:
    return np.asarray(0.5 * (points[1:] + points[:-1]))


FACTOR_SHARES = _cell_shares(
    invgamma.cdf(np.sqrt(STUDY_FACTORS[1:] * STUDY_FACTORS[:-1]), STUDY_TAIL, scale=STUDY_TAIL)
)
#: Probabilities of the spreads before anything is seen, shape (spreads of slopes, spreads of errors).
SPREAD_SHARES = np.outer(
    _cell_shares(halfnorm.cdf(_middles(SLOPE_SPREADS), scale=SLOPE_SPREAD_SCALE)),
    _cell_shares(halfcauchy.cdf(_middles(ERROR_SPREADS), scale=ERROR_SPREAD_SCALE)),
)


def prior_of_slopes(centre: float, by_group: bool) -> Array:
    """Prior probabilities of the slopes of both groups, shape (slopes, slopes); on the diagonal if they are one."""
    if not by_group:
        return np.diag(_normalised(norm.pdf(SLOPES, centre, PRIOR_SD)))
    a, b = SLOPES[:, None] - centre, SLOPES[None, :] - centre
    found = np.zeros((len(SLOPES), len(SLOPES)))
    for spread in GROUP_SPREADS:
        # sum and difference of the two slopes are independent
        total = norm.pdf(a + b, 0, np.sqrt(4 * PRIOR_SD**2 + 2 * spread**2))
        found += _normalised(total * norm.pdf(a - b, 0, np.sqrt(2) * spread))
    return _normalised(found)


def _normalised(values: Array) -> Array:
    return np.asarray(values / values.sum())


@dataclass(frozen=True, eq=False)
class Regressors:
    """Twin effects moved towards 0 for their sampling error, and the variance that is left in them.

    Attributes
    ----------
    effects : ndarray of shape (C,)
        Expected true twin effects.
    doubts : ndarray of shape (C,)
        Variances of the true twin effects around them.
    groups : ndarray of shape (C,)
        Group of kinds of each contrast.
    """

    effects: Array
    doubts: Array
    groups: NDArray[np.intp]


def true_effect_variances(effects: PairedEffects, standardiser: str) -> Array:
    """Variance of true twin effects of each group, every study counting the same; of all where a group has none."""
    x, w = getattr(effects, standardiser), getattr(effects, f"{standardiser}_variance")
    known = np.isfinite(x)
    excess, weight = np.where(known, x**2 - w, 0.0), np.where(known, effects.study_weights, 0.0)
    floor = np.where(known, w, 0.0)

    def mean(values: Array, of: NDArray[np.bool_]) -> float:
        total = float(weight[of].sum())
        return float((weight * values)[of].sum() / total) if total else np.nan

    everything = np.ones(len(effects), dtype=bool)
    found = []
    for group in (0, 1):
        own = effects.groups == group
        here = own if weight[own].sum() else everything
        found.append(max(mean(excess, here), 0.1 * mean(floor, here), 1e-12))
    return np.array(found)


def regressors(effects: PairedEffects, standardiser: str, variances: Array) -> Regressors:
    """Move twin effects towards 0 as their sampling error asks, given the variances of true effects by group."""
    x, w = getattr(effects, standardiser), getattr(effects, f"{standardiser}_variance")
    trust = variances[effects.groups] / (variances[effects.groups] + w)
    return Regressors(trust * x, trust * w, effects.groups)


def study_likelihood(human: Array, human_variance: Array, twins: Regressors) -> Array:
    """Log likelihood of one study's human effects at each point of the grid.

    Returns
    -------
    ndarray of shape (slopes or 1, slopes or 1, spreads of slopes, spreads of errors)
        The first axis is the slope between conditions, the second the slope within persons. An axis has length 1 if the
        study has no contrast of the group.
    """
    parts = [
        _block_likelihood(human[at], human_variance[at], twins.effects[at], twins.doubts[at])
        for at in (np.flatnonzero(twins.groups == group) for group in (0, 1))
    ]
    log_shares = np.log(FACTOR_SHARES)
    joint = parts[0][:, None] + parts[1][None, :] + log_shares
    top = joint.max(axis=-1)
    return np.asarray(top + np.log(np.exp(joint - top[..., None]).sum(axis=-1)))


def _block_likelihood(h: Array, v: Array, x: Array, doubts: Array) -> Array:
    """Log likelihood of contrasts with one slope: (slopes, spreads of slopes, spreads of errors, study factors)."""
    if not h.size:
        return np.zeros((1, 1, 1, 1))
    errors = STUDY_FACTORS * ERROR_SPREADS[:, None] ** 2
    noise = (
        errors + (v[:, None] + SLOPES**2 * doubts[:, None])[:, :, None, None]
    )  # (C, slopes, errors, factors)
    precision = 1.0 / noise
    rest = (h[:, None] - SLOPES * x[:, None])[:, :, None, None]
    log_det = np.log(noise).sum(axis=0)
    squares = (precision * rest**2).sum(axis=0)
    cross = (precision * (rest * x[:, None, None, None])).sum(axis=0)
    reach = np.einsum("cbtg,c->btg", precision, x**2)
    between = SLOPE_SPREADS[:, None, None] ** 2 * STUDY_FACTORS  # (spreads of slopes, 1, factors)
    scale = 1.0 + between * reach[:, None]
    found = log_det[:, None] + np.log(scale) + squares[:, None] - between * cross[:, None] ** 2 / scale
    return np.asarray(-0.5 * (found + len(h) * np.log(2 * np.pi)))

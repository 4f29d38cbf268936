r"""Gaussian conditioning of prediction errors: correct everybody's prediction by the answers seen so far.

The error :math:`r_i = y_i - \hat f_i` of a prediction is modelled as

.. math:: r_i = \mu + \beta \tilde f_i + x_i^T w + \varepsilon_i,

with a normal prior on the level :math:`\mu`, the slope :math:`\beta` and the weights w of the person's answers x to
the donors (the other items). Conditioning on the observed errors then shifts people who answered the donors alike in
the same way. The share of the error that donors explain, :math:`\theta`, is unknown. A few values, 0 among them,
are averaged with their posterior probabilities; the noise variance is integrated out (normal-inverse-gamma). A few
answers therefore change little, and donors that tell nothing have no effect. Source: Bayesian linear regression
(Gelman et al., Bayesian Data Analysis, chapter 14) and model averaging (Hoeting et al., 1999).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from truetwin.calibration.auto.item_links import pairwise_correlations, standardise_items
from truetwin.calibration.orientation import Array

#: Prior variances in units of the noise: of the level, and of the slope on the standardised predictions.
LEVEL, SLOPE = 0.25, 0.05
#: Variances that donors may explain, in the same units, and their prior probabilities.
SIGNALS = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
PRIOR = np.array([0.3, 0.2, 0.15, 0.15, 0.1, 0.1])
#: Number of answers that the spread assumed beforehand counts as.
PRIOR_ANSWERS = 4.0
#: Squared twin correlation that every donor is credited with, so that donors unlike the target may still count.
LEAST_LINK = 0.02
MAX_DIMENSIONS = 100


@dataclass(frozen=True, eq=False)
class Posterior:
    """Posterior distribution of the prediction errors, after some answers.

    Attributes
    ----------
    mean, sd : ndarray of shape (n,)
        Expected error of each prediction, and the standard deviation around it; NaN where there is no prediction.
    signal : float
        Expected share of the errors' variance that donors explain.
    """

    mean: Array
    sd: Array
    signal: float


def condition(
    predictions: Array, covariates: Array | None, where: NDArray[np.intp], residuals: Array, spread: float
) -> Posterior:
    """Condition the errors of all predictions on the observed errors.

    Parameters
    ----------
    predictions : ndarray of shape (n,)
        Predicted answers; NaN where there is none.
    covariates : ndarray of shape (n, q), optional
        What is known of each person, scaled to a mean squared length of 1.
    where : ndarray of int of shape (k,)
        Positions of the people whose error is known; all of them have predictions.
    residuals : ndarray of shape (k,)
        Errors of these people's predictions.
    spread : float
        Standard deviation of an error before any answer.
    """
    fine = np.isfinite(predictions)
    known = predictions[fine]
    if not where.size or not known.size:
        return Posterior(np.where(fine, 0.0, np.nan), np.where(fine, spread, np.nan), 0.0)
    slope = (predictions - known.mean()) / (float(known.std()) or 1.0)
    base = np.column_stack([np.full(len(predictions), LEVEL**0.5), SLOPE**0.5 * slope])
    signals = SIGNALS if covariates is not None else SIGNALS[:1]
    log_weight, means, variances = [], [], []
    for signal, prior in zip(signals, PRIOR, strict=False):
        X = base if covariates is None or not signal else np.column_stack([base, signal**0.5 * covariates])
        unit = (
            spread / (1 + LEVEL + SLOPE + signal) ** 0.5
        )  # so that level, slope, donors and noise make the spread
        r, seen = residuals / unit, X[where]
        factor = np.linalg.cholesky(np.eye(X.shape[1]) + seen.T @ seen)
        half = np.linalg.solve(factor, seen.T @ r)
        left = PRIOR_ANSWERS + float(r @ r - half @ half)
        reached = np.linalg.solve(factor, X.T)
        means.append(unit * (half @ reached))
        variances.append(unit**2 * left / (PRIOR_ANSWERS + r.size) * (1 + np.sum(reached**2, axis=0)))
        log_weight.append(
            np.log(prior)
            - np.log(np.diag(factor)).sum()
            - (PRIOR_ANSWERS + r.size) / 2 * np.log(left)
            - r.size * np.log(unit)
        )
    weight = softmax(np.array(log_weight))
    mean = weight @ np.array(means)
    variance = weight @ (np.array(variances) + (np.array(means) - mean) ** 2)
    return Posterior(mean, np.sqrt(variance), float(weight @ (signals / (1 + LEVEL + SLOPE + signals))))


def donor_covariates(human: Array, twin: Array, target: int) -> Array | None:
    """Describe each person by the answers to the donors of a new item.

    Directions in which twins vary together with the new item are stretched.

    Parameters
    ----------
    human, twin : ndarray of shape (n, p)
        Answers on their scales; NaN where missing. Human answers to ``target`` are not looked at.
    target : int
        Column of the new item.

    Returns
    -------
    ndarray of shape (n, q) or None
        At most 100 leading directions, scaled to a mean squared length of 1; None without any donor.
    """
    people, twins = standardise_items(human), standardise_items(twin)
    donors = np.array(people.seen.any(axis=0))
    donors[target] = False
    if not donors.any():
        return None
    links = pairwise_correlations(twins.values, twins.seen)[0][target, donors]
    stretched = people.values[:, donors] * np.sqrt(links**2 + LEAST_LINK)
    left, size, _ = np.linalg.svd(stretched, full_matrices=False)
    reduced = left[:, :MAX_DIMENSIONS] * size[:MAX_DIMENSIONS]
    answered = people.seen[:, donors].any(axis=1)
    length = float(np.sqrt(np.mean(np.sum(reduced[answered] ** 2, axis=1)))) if answered.any() else 0.0
    return np.asarray(reduced / length) if length > 0 else None

r"""Stacking: learn the weights of several predictors on pseudo-targets (answered items treated as unanswered).

The weights w solve

.. math:: \max_w \sum_k \omega_k\, \mathrm{corr}(F_k w, z_k) - \text{ridge}

over pseudo-targets k, from the covariance matrices of (features, answer) of each pseudo-target alone. The mean
correlation does not say how far predictions should spread. That is learned on the pseudo-targets too. With
:math:`s_k` the sd of :math:`F_k w`,

.. math:: \hat z_k = c\, (s_k / \bar s)^{b - 1} F_k w,\qquad 0 \le b \le 1,

with c and b from least squares over pseudo-targets. At b = 1, predictions that hardly spread stay so; at b = 0, those
of every item spread alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.orientation import Array

_MAX_STEPS = 40
_FLOOR = 0.003
_LEAST_CORRELATION = 0.05
_NO_SPREAD = 1e-6
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Moments:
    """Counts, means and covariances of (features, answer) for every fold and pseudo-target.

    Attributes
    ----------
    count : ndarray of shape (m, p)
        Number of people.
    mean : ndarray of shape (m, p, d)
        Means of the d variables.
    covariance : ndarray of shape (m, p, d, d)
        The last of the d variables is the human answer.
    """

    count: Array
    mean: Array
    covariance: Array


class MomentSums:
    """Accumulate people into :class:`Moments`."""

    def __init__(self, n_folds: int, n_items: int, n_variables: int) -> None:
        self.count = np.zeros((n_folds, n_items))
        self.first = np.zeros((n_folds, n_items, n_variables))
        self.second = np.zeros((n_folds, n_items, n_variables, n_variables))

    def add(self, folds: NDArray[np.intp], item: int, variables: Array) -> None:
        """Add the variables, (m, d, n), of one pseudo-target in m folds."""
        self.count[folds, item] += variables.shape[2]
        self.first[folds, item] += variables.sum(axis=2)
        self.second[folds, item] += np.matmul(variables, variables.transpose(0, 2, 1))

    def moments(self) -> Moments:
        """Compute the means and covariances of everything added."""
        count = np.maximum(self.count, 1)[:, :, None]
        mean = self.first / count
        covariance = self.second / count[..., None] - mean[..., :, None] * mean[..., None, :]
        return Moments(self.count, mean, covariance)


@dataclass(frozen=True, eq=False)
class Stack:
    """Learned weights of the features, scaled so that they predict standardised answers.

    Attributes
    ----------
    weights : ndarray of shape (f,)
        Weights of the f features; all 0 if there was nothing to learn from.
    correlations : ndarray of shape (p,)
        Correlation reached on each pseudo-target; NaN where it is not one.
    spreads : ndarray of shape (p,)
        Sd of the features times ``weights`` for each pseudo-target; NaN where it is not one.
    typical : float
        Root mean square of ``spreads``.
    power : float
        The exponent b: 1 keeps the spread that the features give to an item's predictions, 0 makes all items alike.
    """

    weights: Array
    correlations: Array
    spreads: Array
    typical: float = 0.0
    power: float = 1.0

    def widening(self, spread: Array) -> Array:
        """Return the factor by which to multiply predictions with the given spread; 1 where they do not vary at all."""
        varies = spread > _NO_SPREAD * max(self.typical, _NO_SPREAD)
        ratio = np.divide(self.typical, spread, out=np.ones_like(spread), where=varies)
        return np.asarray(ratio ** (1.0 - self.power))


def fit_stack(covariance: Array, importance: Array, ridge: float) -> Stack:
    r"""Find the weights that maximise the mean correlation over pseudo-targets.

    Parameters
    ----------
    covariance : ndarray of shape (p, d, d)
        Covariances of (features, answer) of each possible pseudo-target.
    importance : ndarray of shape (p,)
        Weight of each pseudo-target, :math:`\omega_k`; 0 leaves it out.
    ridge : float
        Penalty in units of the features' mean curvature.

    Examples
    --------
    >>> covariance = np.array([[[1.0, 0.0, 0.6], [0.0, 1.0, 0.0], [0.6, 0.0, 1.0]]])
    >>> fit_stack(covariance, np.ones(1), 1e-6).weights.round(3)
    array([0.6, 0. ])
    """
    n_features = covariance.shape[1] - 1
    answer = covariance[:, -1, -1]
    usable = (importance > 0) & (answer > 1e-9)
    correlations, spreads = np.full((2, len(covariance)), np.nan)
    own = covariance[usable][:, :-1, :-1]
    root = np.sqrt(np.diagonal(own, axis1=1, axis2=2).mean(axis=0)) if usable.any() else np.zeros(n_features)
    alive = root > 1e-9
    if not alive.any():
        return Stack(np.zeros(n_features), correlations, spreads)
    own = own[:, alive][:, :, alive] / np.outer(root[alive], root[alive])
    sd = np.sqrt(answer[usable])
    cross = covariance[usable][:, :-1, -1][:, alive] / root[alive] / sd[:, None]
    share = importance[usable] / importance[usable].sum()
    mean_own, mean_cross = np.tensordot(share, own, 1), share @ cross
    identity = np.eye(int(alive.sum()))
    flat = own.reshape(len(own), -1)
    w = _unit(np.linalg.solve(mean_own + ridge * identity, mean_cross), mean_own)
    for _ in range(_MAX_STEPS):
        variance = own @ w @ w + _FLOOR
        spread = np.sqrt(variance)
        reached = np.maximum(cross @ w / spread, _LEAST_CORRELATION)
        curvature = ((share * reached / variance) @ flat).reshape(mean_own.shape)
        new = np.linalg.solve(
            curvature + ridge * np.trace(curvature) / len(w) * identity, (share / spread) @ cross
        )
        new = _unit(new, mean_own)
        moved = float(np.abs(new - w).max())
        w = new
        if moved < 1e-14:
            break
    variance = own @ w @ w
    correlations[usable] = np.divide(
        cross @ w, np.sqrt(variance), out=np.zeros_like(variance), where=variance > 1e-12
    )
    spread = np.sqrt(np.maximum(variance, 0.0))
    typical = float(np.sqrt(share @ spread**2))
    slope, power = _slope(spread / max(typical, _NO_SPREAD), cross @ w / max(typical, _NO_SPREAD), share)
    slope /= max(typical, _NO_SPREAD)
    spreads[usable] = slope * spread
    weights = np.zeros(n_features)
    weights[alive] = w * slope / root[alive]
    return Stack(weights, correlations, spreads, slope * typical, power)


def _slope(spread: Array, cross: Array, share: Array) -> tuple[float, float]:
    """Fit c and b by least squares, from the relative spreads of predictions and their covariances with answers."""
    varies = spread > _NO_SPREAD
    spread, cross, share = spread[varies], cross[varies], share[varies]
    best = (0.0, 0.0, 1.0)
    for power in POWERS:
        explained = float(share @ (spread ** (power - 1) * cross))
        size = float(share @ spread ** (2 * power))
        if explained > 0 and size > 0 and explained**2 / size >= best[0]:
            best = (explained**2 / size, explained / size, power)
    return best[1:]


def _unit(w: Array, metric: Array) -> Array:
    size = float(w @ metric @ w)
    return np.asarray(w / np.sqrt(size)) if size > 1e-20 else w

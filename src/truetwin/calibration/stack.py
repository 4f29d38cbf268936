r"""Weights of several predictors, learned on other items as pseudo-targets.

The weights w solve

.. math:: \max_w \sum_k \omega_k\, \mathrm{corr}(F_k w, z_k) - \text{ridge}

over pseudo-targets k, from the covariance matrices of (features, answer) of each pseudo-target alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration._orient import Array

_MAX_STEPS = 40
_FLOOR = 0.003
_LEAST_CORRELATION = 0.05


@dataclass(frozen=True, eq=False)
class Moments:
    """Counts, means and covariances of (features, answer) for every fold and pseudo-target.

    Attributes
    ----------
    count : ndarray of shape (m, p)
    mean : ndarray of shape (m, p, d)
    covariance : ndarray of shape (m, p, d, d)
        The last of the d variables is the human answer.
    """

    count: Array
    mean: Array
    covariance: Array


class MomentSums:
    """Adds up people into :class:`Moments`."""

    def __init__(self, n_folds: int, n_items: int, n_variables: int) -> None:
        self.count = np.zeros((n_folds, n_items))
        self.first = np.zeros((n_folds, n_items, n_variables))
        self.second = np.zeros((n_folds, n_items, n_variables, n_variables))

    def add(self, folds: NDArray[np.intp], item: int, variables: Array) -> None:
        """Add (m, d, n) variables of one pseudo-target in m folds."""
        self.count[folds, item] += variables.shape[2]
        self.first[folds, item] += variables.sum(axis=2)
        self.second[folds, item] += np.matmul(variables, variables.transpose(0, 2, 1))

    def moments(self) -> Moments:
        """Means and covariances of everything added."""
        count = np.maximum(self.count, 1)[:, :, None]
        mean = self.first / count
        covariance = self.second / count[..., None] - mean[..., :, None] * mean[..., None, :]
        return Moments(self.count, mean, covariance)


@dataclass(frozen=True, eq=False)
class Stack:
    """Weights of the features, scaled so that they predict standardised answers.

    Attributes
    ----------
    weights : ndarray of shape (f,)
        All 0 if there was nothing to learn from.
    correlations : ndarray of shape (p,)
        Correlation reached on each pseudo-target; NaN where it is not one.
    """

    weights: Array
    correlations: Array


def fit_stack(covariance: Array, importance: Array, ridge: float) -> Stack:
    """Weights that maximise the mean correlation over pseudo-targets.

    Parameters
    ----------
    covariance : ndarray of shape (p, d, d)
        Covariances of (features, answer) of each possible pseudo-target.
    importance : ndarray of shape (p,)
        Weight of each pseudo-target, :math:`\\omega_k`; 0 leaves it out.
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
    correlations = np.full(len(covariance), np.nan)
    own = covariance[usable][:, :-1, :-1]
    root = np.sqrt(np.diagonal(own, axis1=1, axis2=2).mean(axis=0)) if usable.any() else np.zeros(n_features)
    alive = root > 1e-9
    if not alive.any():
        return Stack(np.zeros(n_features), correlations)
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
    slope = max(0.0, float(mean_cross @ w) / max(float(w @ mean_own @ w), 1e-12))
    weights = np.zeros(n_features)
    weights[alive] = w * slope / root[alive]
    return Stack(weights, correlations)


def _unit(w: Array, metric: Array) -> Array:
    size = float(w @ metric @ w)
    return np.asarray(w / np.sqrt(size)) if size > 1e-20 else w

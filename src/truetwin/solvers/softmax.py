"""Softmax regression: fit shares of categories to features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SoftmaxFit:
    """Coefficients of a softmax model.

    Attributes
    ----------
    coefficients : ndarray of shape (p + 1, K)
        The first row is the intercept.
    """

    coefficients: Floats

    def predict(self, features: Floats) -> Floats:
        """Predict shares, shape ``(m, K)``; every row sums to 1."""
        return np.asarray(softmax(self.coefficients[0] + features @ self.coefficients[1:], axis=1))


def fit_softmax(
    features: Floats, shares: Floats, penalty: float, *, start: SoftmaxFit | None = None, max_steps: int = 200
) -> SoftmaxFit:
    r"""Fit a softmax regression to shares.

    Solves

    .. math:: \min_{b, W} \frac1m \sum_j \mathrm{KL}(P_j \,\|\, \mathrm{softmax}(b + W^\top \phi_j)) + \lambda
    \|W\|_F^2

    by L-BFGS; the problem is convex. The intercept is not penalised.

    Parameters
    ----------
    features : ndarray of shape (m, p)
        Features of the items.
    shares : ndarray of shape (m, K)
        Shares of the categories; every row sums to 1.
    penalty : float
        ``lambda``, >= 0.
    start : SoftmaxFit, optional
        Where to start, for example the fit of a neighbouring penalty.
    max_steps : int, default=200
        Largest number of L-BFGS steps.

    Returns
    -------
    SoftmaxFit

    Examples
    --------
    >>> import numpy as np
    >>> fit_softmax(np.zeros((2, 1)), np.array([[0.2, 0.8], [0.4, 0.6]]), 0.1).predict(np.zeros((1, 1))).round(3)
    array([[0.3, 0.7]])
    """
    m, p = features.shape
    size = shares.shape[1]
    if start is None:
        first = np.zeros((p + 1, size))
        first[0] = np.log(shares.mean(axis=0) + 1e-6)
    else:
        first = start.coefficients

    # Coordinates in which the curvature is about the same in every direction: fewer steps, same solution. Where all
    # items have the mean shares, the directions are those of the categories' covariance, for every feature.
    mean = shares.mean(axis=0)
    spread, turn = np.linalg.eigh(np.diag(mean) - np.outer(mean, mean))
    squares = np.concatenate([[1.0], (features**2).mean(axis=0)])
    penalties = np.concatenate([[0.0], np.full(p, 2.0 * penalty)])
    curvature = np.outer(squares, np.maximum(spread, 0.0)) + penalties[:, None] + 1e-12
    curvature[0] = np.maximum(curvature[0], 1e-3)  # adding a constant to all intercepts changes nothing
    scale = np.sqrt(curvature)

    def loss(flat: Floats) -> tuple[float, Floats]:
        coefficients = (flat.reshape(p + 1, size) / scale) @ turn.T
        b, weights = coefficients[0], coefficients[1:]
        scores = b + features @ weights
        scores -= scores.max(axis=1, keepdims=True)
        expo = np.exp(scores)
        total = expo.sum(axis=1, keepdims=True)
        value = -float(np.sum(shares * (scores - np.log(total)))) / m + penalty * float(np.sum(weights**2))
        error = (expo / total - shares) / m
        slope = np.concatenate([error.sum(axis=0)[None], features.T @ error + 2.0 * penalty * weights])
        return value, (slope @ turn / scale).ravel()

    options = {"maxiter": max_steps, "maxcor": 20, "gtol": 1e-6}
    begin = (first @ turn) * scale
    found = minimize(loss, begin.ravel(), jac=True, method="L-BFGS-B", options=options).x
    return SoftmaxFit((found.reshape(p + 1, size) / scale) @ turn.T)

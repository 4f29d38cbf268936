"""Mixtures of Beta distributions: quantiles of a mean that lies between 0 and 1, and whose spread is uncertain."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

Floats = NDArray[np.float64]

STEPS = 40  # halvings: the quantile is then exact to 1e-12
MOST = 1e7  # largest a + b of a component: beyond it a Beta distribution is a point
LEAST = 0.05  # smallest a + b: nearly all its mass is at 0 and 1


def mixture_quantile(
    means: ArrayLike, variances: ArrayLike, weights: ArrayLike, probability: float
) -> Floats:
    r"""Quantile of a mixture of Beta distributions that are given by their means and variances.

    Solves :math:`\sum_k w_k I_x(a_k, b_k) = p` for ``x`` by halving, for many mixtures at once. A Beta distribution
    with mean ``m`` and variance ``s`` has :math:`a + b = m (1 - m) / s - 1` and :math:`a = m (a + b)`.

    Parameters
    ----------
    means, variances : array of shape (..., L)
        Mean and variance of each of the L components. A variance above the largest possible, ``m (1 - m)``, is
        limited to nearly that. Components of mean 0 or 1 are points.
    weights : array of shape (..., L)
        Weights of the components; they sum to 1.
    probability : float
        Probability below the quantile.

    Returns
    -------
    ndarray of shape (...)

    Examples
    --------
    >>> float(mixture_quantile([0.5], [1 / 12], [1.0], 0.9).round(6))  # uniform
    0.9
    """
    means, variances, weights = np.broadcast_arrays(
        *(np.asarray(each, dtype=float) for each in (means, variances, weights))
    )
    spread = means * (1.0 - means)
    size = np.clip(spread / np.maximum(variances, 1e-300) - 1.0, LEAST, MOST)
    tiny = 1e-9
    a, b = np.maximum(means * size, tiny), np.maximum((1.0 - means) * size, tiny)
    low, high = np.zeros(means.shape[:-1]), np.ones(means.shape[:-1])
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        below = (weights * betainc(a, b, middle[..., None])).sum(axis=-1) < probability
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high))

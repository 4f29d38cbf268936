"""Tilt shares so that they have a wanted mean, changing them as little as possible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 60
STEEPEST = 700.0  # largest exponent: the share of one end is then 1 in double precision
SAME = 1e-12


def tilt_to_means(shares: Floats, values: Floats, means: Floats) -> Floats:
    r"""Tilt every row of shares exponentially to a wanted mean.

    Solves, row by row,

    .. math:: \min_Q \mathrm{KL}(Q \,\|\, P) \quad \text{with} \quad \sum_k Q_k x_k = \mu

    whose solution is :math:`Q_k \propto P_k e^{a x_k}`. ``a`` is found by Newton's method inside a bracket.

    Parameters
    ----------
    shares : ndarray of shape (m, K)
        Shares; every row sums to 1. Categories with share 0 keep it.
    values : ndarray of shape (m, K) or (K,)
        Values ``x`` of the categories.
    means : ndarray of shape (m,)
        Wanted means. Those outside the values of a row's categories are limited to just inside them.

    Returns
    -------
    ndarray of shape (m, K)

    Examples
    --------
    >>> tilt_to_means(np.array([[0.5, 0.5]]), np.array([0.0, 1.0]), np.array([0.8])).round(6).tolist()
    [[0.2, 0.8]]
    """
    there = shares > 0
    x = np.broadcast_to(np.asarray(values, dtype=float), shares.shape)
    lowest = np.where(there, x, np.inf).min(axis=1)
    span = np.where(there, x, -np.inf).max(axis=1) - lowest
    unit = np.where(span > 0, span, 1.0)
    x = np.where(there, (x - lowest[:, None]) / unit[:, None], 0.0)
    wanted = np.clip((means - lowest) / unit, 1e-9, 1.0 - 1e-9)
    fixed = span <= 0
    logs = np.log(np.where(there, shares, 1.0))
    slope, low, high = (np.full(shares.shape[0], a) for a in (0.0, -STEEPEST, STEEPEST))
    found = shares
    for _ in range(STEPS):
        power = np.where(there, logs + slope[:, None] * x, -np.inf)
        power -= power.max(axis=1, keepdims=True)
        found = np.exp(power)
        found /= found.sum(axis=1, keepdims=True)
        mean = (found * x).sum(axis=1)
        off = mean - wanted
        if (np.abs(off)[~fixed] < SAME).all():
            break
        low, high = np.where(off < 0, slope, low), np.where(off > 0, slope, high)
        variance = (found * x**2).sum(axis=1) - mean**2
        newton = slope - off / np.maximum(variance, 1e-12)
        slope = np.where((newton > low) & (newton < high), newton, 0.5 * (low + high))
    return np.where(fixed[:, None], shares, found)

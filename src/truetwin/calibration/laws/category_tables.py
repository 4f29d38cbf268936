r"""Tables of probabilities: tilt rows to given means, and columns to given shares.

A row p with codes x is tilted to :math:`p_k \exp(a x_k)`, normalised: of all rows with the wanted mean, the one closest
to p in Kullback-Leibler divergence. With shares given too, the table closest to the old one is
:math:`p_{ik} \exp(a_i x_k + b_k)`, with the :math:`a_i` of the rows' means and the :math:`b_k` of the shares. Both are
found by Newton's method.
"""

from __future__ import annotations

import numpy as np

from truetwin.calibration.orientation import Array

TOLERANCE = 1e-11
MOST_STEPS = 60
MOST_ROUNDS = 50
LEAST_SHARE = 1e-6
LARGEST_STEP = 3.0


def tilted(table: Array, codes: Array, means: Array, start: Array | None = None) -> tuple[Array, Array]:
    """Tilt every row to its mean.

    Parameters
    ----------
    table : ndarray of shape (n, K)
        Rows sum to 1; at least two positive entries in each.
    codes : ndarray of shape (K,)
    means : ndarray of shape (n,)
        Strictly between the smallest and the largest code.
    start : ndarray of shape (n,), optional
        First guess of the tilts.

    Returns
    -------
    tuple of two ndarrays, (n, K) and (n,)
        The tilted table, and the tilts in units of the codes' range.

    Examples
    --------
    >>> rows, _ = tilted(np.array([[0.25, 0.5, 0.25]]), np.array([1.0, 2.0, 3.0]), np.array([2.5]))
    >>> (rows @ [1.0, 2.0, 3.0]).round(9)
    array([2.5])
    """
    span = float(codes[-1] - codes[0])
    if span <= 0 or not len(table):
        return table.copy(), np.zeros(len(table))
    x, goal = (codes - codes[0]) / span, (means - codes[0]) / span
    a = np.zeros(len(table)) if start is None else start.copy()
    low, high = np.full(len(a), -np.inf), np.full(len(a), np.inf)
    result = np.empty_like(table)
    active = np.arange(len(a))
    for _ in range(MOST_STEPS):
        rows = table[active] * np.exp(a[active, None] * (x - (a[active, None] > 0)))
        rows /= rows.sum(axis=1, keepdims=True)
        result[active] = rows
        reached = rows @ x
        missing = goal[active] - reached
        variance = rows @ x**2 - reached**2
        left = np.abs(missing) > TOLERANCE
        active, missing, variance = active[left], missing[left], variance[left]
        if not active.size:
            break
        below = missing > 0
        low[active[below]], high[active[~below]] = a[active[below]], a[active[~below]]
        step = np.clip(missing / np.maximum(variance, 1e-300), -LARGEST_STEP, LARGEST_STEP)
        new = a[active] + step
        ends = low[active], high[active]
        outside = (new <= ends[0]) | (new >= ends[1])
        both = np.isfinite(ends[0]) & np.isfinite(ends[1])
        middle = np.where(both, (ends[0] + ends[1]) / 2, new)
        a[active] = np.where(outside, middle, new)
    return result, a


def with_margins(table: Array, codes: Array, means: Array | None, shares: Array, weights: Array) -> Array:
    """Give a table the wanted shares, its rows keeping the given means.

    Parameters
    ----------
    table : ndarray of shape (n, K)
    codes : ndarray of shape (K,)
    means : ndarray of shape (n,), optional
        Means of the rows; their weighted mean must be that of the shares. None where codes have no order.
    shares : ndarray of shape (K,)
        Wanted weighted mean of the rows.
    weights : ndarray of shape (n,)
        Sum to 1.

    Examples
    --------
    >>> rows = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    >>> found = with_margins(rows, np.arange(3.0), None, np.array([0.5, 0.25, 0.25]), np.array([0.5, 0.5]))
    >>> found.mean(axis=0).round(6)
    array([0.5 , 0.25, 0.25])
    """
    wanted = np.maximum(shares, LEAST_SHARE)
    wanted /= wanted.sum()
    b, a = np.zeros(len(codes)), np.zeros(len(table))

    def rows_at(b: Array, a: Array) -> tuple[Array, Array]:
        lifted = table * np.exp(b - b.max())
        lifted /= lifted.sum(axis=1, keepdims=True)
        return (lifted, a) if means is None else tilted(lifted, codes, means, a)

    rows, a = rows_at(b, a)
    for _ in range(MOST_ROUNDS):
        missing = wanted - weights @ rows
        size = float(np.abs(missing).max())
        if size < 1e-10:
            break
        step = np.linalg.lstsq(_curvature(rows, codes, means, weights), missing, rcond=1e-10)[0]
        step -= step.mean()
        step *= min(1.0, LARGEST_STEP / max(float(np.abs(step).max()), 1e-300))
        for _ in range(8):
            found = rows_at(b + step, a)
            if float(np.abs(wanted - weights @ found[0]).max()) < size:
                break
            step = step / 2
        b, (rows, a) = b + step, found
    return rows


def _curvature(rows: Array, codes: Array, means: Array | None, weights: Array) -> Array:
    """Compute how the shares move with b, the rows keeping their means, (K, K)."""
    curvature = np.diag(weights @ rows) - (rows * weights[:, None]).T @ rows
    if means is None:
        return np.asarray(curvature)
    x = codes - (rows @ codes)[:, None]
    variance = np.maximum((rows * x**2).sum(axis=1), 1e-12)
    across = rows * x
    return np.asarray(curvature - (across * (weights / variance)[:, None]).T @ across)


def halfway(codes: Array) -> Array:
    """Cut halfway between neighbouring codes, (K + 1,); infinite at the ends."""
    return np.concatenate([[-np.inf], (codes[1:] + codes[:-1]) / 2, [np.inf]])

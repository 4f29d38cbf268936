"""Linear pool: the mixture of several predicted shares that human shares are most likely under."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TINY = 1e-300


def pool_weights(
    components: Floats,
    human: Floats,
    item_weights: Floats,
    *,
    strength: float,
    prior: float = 0.5,
    max_steps: int = 400,
    tol: float = 1e-7,
) -> Floats:
    r"""Weights of a linear pool, by expectation-maximisation.

    Maximises over the simplex

    .. math:: s \sum_j \omega_j \sum_k P_{jk} \log \sum_c w_c Q_{cjk} + a \sum_c \log w_c

    by :math:`w_c \propto w_c \, s \sum_j \omega_j \sum_k P_{jk} Q_{cjk} / Q_{jk} + a`, with :math:`\omega` scaled to
    sum 1. The items together count as ``s`` answers, and the prior as ``a`` further answers for each component.

    Parameters
    ----------
    components : ndarray of shape (C, m, K)
        Predicted shares of each component, made without the item.
    human : ndarray of shape (m, K)
        Human shares.
    item_weights : ndarray of shape (m,)
        ``omega``, not negative.
    strength : float
        ``s``, such as the number of independent items or batteries.
    prior : float, default=0.5
        ``a``.
    max_steps : int
        Largest number of steps.
    tol : float
        Stop when no weight moves by more than this.

    Returns
    -------
    ndarray of shape (C,)

    Examples
    --------
    >>> sure = np.array([[[0.9, 0.1]], [[0.1, 0.9]]])
    >>> pool_weights(sure, np.array([[0.5, 0.5]]), np.ones(1), strength=30).round(3).tolist()
    [0.5, 0.5]
    """
    used = human > 0
    cells = components[:, used]  # only categories that people chose count
    share = (human * (item_weights / item_weights.sum())[:, None])[used]
    weights = np.full(components.shape[0], 1.0 / components.shape[0])
    for _ in range(max_steps):
        ratio = share / np.maximum(weights @ cells, TINY)
        moved = weights * strength * (cells @ ratio) + prior
        moved /= moved.sum()
        still = float(np.abs(moved - weights).max()) < tol
        weights = moved
        if still:
            break
    return weights

r"""Draw the categories of nominal items, so that they go together with other answers and have the laws' frequencies.

The indicators of an item have ranks in their own laws, drawn jointly with those of other items. One category after the
other is decided: given that none before it was chosen, category k is chosen with the chance that the law gives it then,
if the rank of its indicator is among the highest. For these decisions to be independent, what the ranks of the earlier
indicators say is taken out of each rank (as normal scores).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from truetwin.calibration.laws.copulas import positive_definite
from truetwin.calibration.orientation import Array

EDGE = 1e-9


def independent_scores(ranks: Array) -> Array:
    """Compute the matrix that turns normal scores into independent ones, each without what earlier ones say, (K, K).

    Parameters
    ----------
    ranks : ndarray of shape (n, K)
        Ranks of the indicators in many draws.
    """
    if ranks.shape[1] < 2:
        return np.eye(ranks.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations: Array = np.asarray(np.nan_to_num(np.corrcoef(_scores(ranks), rowvar=False)))
    np.fill_diagonal(correlations, 1.0)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(positive_definite(correlations))))


def drawn_categories(table: Array, ranks: Array, independent: Array) -> NDArray[np.intp]:
    """Draw the position of a category for each person, (n,).

    Parameters
    ----------
    table : ndarray of shape (n, K)
        Probabilities.
    ranks : ndarray of shape (n, K)
        Ranks of the indicators, each uniform between 0 and 1.
    independent : ndarray of shape (K, K)
        See :func:`independent_scores`.

    Examples
    --------
    >>> ranks = np.array([[0.9, 0.1, 0.1], [0.7, 0.9, 0.1], [0.1, 0.2, 0.1]])
    >>> drawn_categories(np.array([[0.2, 0.3, 0.5]] * 3), ranks, np.eye(3))
    array([0, 1, 2])
    """
    uniform = ndtr(_scores(ranks) @ independent.T)
    n, K = table.shape
    chosen, left = np.full(n, K - 1), np.ones(n)
    open_ = np.ones(n, dtype=bool)
    for k in range(K - 1):
        chance = table[:, k] / np.maximum(left, EDGE)
        now = open_ & (uniform[:, k] > 1 - chance)
        chosen[now] = k
        open_ &= ~now
        left = left - table[:, k]
    return chosen


def _scores(ranks: Array) -> Array:
    return np.asarray(ndtri(np.clip(ranks, EDGE, 1 - EDGE)))

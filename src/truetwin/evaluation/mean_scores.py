"""Mean of scores with its standard error, undefined scores counted and left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def mean_and_error(scores: Array) -> dict[str, Any]:
    """Mean and standard error (ddof 1) of the defined scores, and how many are and are not defined.

    Examples
    --------
    >>> mean_and_error(np.array([1.0, 3.0, np.nan]))
    {'mean': 2.0, 'standard_error': 1.0, 'n_scored': 2, 'n_unscored': 1}
    """
    defined = scores[np.isfinite(scores)]
    error = float(defined.std(ddof=1) / defined.size**0.5) if defined.size > 1 else float("nan")
    return {
        "mean": float(defined.mean()) if defined.size else float("nan"),
        "standard_error": error,
        "n_scored": int(defined.size),
        "n_unscored": int(scores.size - defined.size),
    }


def clustered_error(scores: Array, clusters: Sequence[str]) -> float | None:
    r"""Cluster-robust standard error of the mean of the defined scores; None below two clusters.

    With :math:`G` clusters and residuals :math:`e` summed within each,
    :math:`\sqrt{G / (G - 1) \sum_g (\sum_{i \in g} e_i)^2} / n`.

    Examples
    --------
    >>> clustered_error(np.array([1.0, 1.0, 3.0, 3.0]), ["a", "a", "b", "b"])
    1.0
    """
    fine = np.isfinite(scores)
    names, cluster = np.unique(np.asarray(clusters)[fine], return_inverse=True)
    if names.size < 2:
        return None
    residuals = scores[fine] - scores[fine].mean()
    sums = np.bincount(cluster, weights=residuals)
    return float(np.sqrt(names.size / (names.size - 1) * np.sum(sums**2)) / residuals.size)

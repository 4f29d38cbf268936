"""Means of scores with standard errors, undefined scores counted and left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class ClusteredMean:
    """Mean, or ratio of sums, with a standard error that is robust to dependence within clusters.

    Attributes
    ----------
    value : float
        The mean; NaN where nothing is defined.
    standard_error : float
        NaN below two clusters.
    n, n_clusters : int
        Number of targets and of clusters that it is over.
    """

    value: float
    standard_error: float
    n: int
    n_clusters: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the confidence interval by Student's t with one degree of freedom less than there are clusters."""
        from scipy.stats import t

        if self.n_clusters < 2:
            return float("nan"), float("nan")
        half = float(t.ppf((1 + level) / 2, self.n_clusters - 1)) * self.standard_error
        return self.value - half, self.value + half


def clustered_mean(scores: Array, clusters: Sequence[str], weights: Array | None = None) -> ClusteredMean:
    """Weighted mean of the defined scores, with a cluster-robust standard error.

    Examples
    --------
    >>> clustered_mean(np.array([1.0, 1.0, 3.0, 3.0]), ["a", "a", "b", "b"])
    ClusteredMean(value=2.0, standard_error=1.0, n=4, n_clusters=2)
    """
    fine = np.isfinite(scores)
    weight = np.where(fine, 1.0 if weights is None else weights, 0.0)
    return clustered_ratio(weight * np.where(fine, scores, 0.0), weight, clusters)


def clustered_ratio(numerators: Array, denominators: Array, clusters: Sequence[str]) -> ClusteredMean:
    r"""Ratio of two sums over targets, with its linearised standard error.

    With :math:`R = \sum_i a_i / \sum_i b_i`, residuals :math:`e_i = a_i - R b_i` and :math:`G` clusters,

    .. math:: \sqrt{\frac{G}{G - 1} \sum_g \Bigl(\sum_{i \in g} e_i\Bigr)^2} \Big/ \sum_i b_i .

    Targets whose denominator is 0 are not counted.
    """
    return _linearised(*_ratio(numerators, denominators), denominators != 0, clusters)


def clustered_difference(
    first: tuple[Array, Array], second: tuple[Array, Array], clusters: Sequence[str]
) -> ClusteredMean:
    """First minus second ratio of sums over the same targets; the standard error is that of paired values."""
    (one, first_part), (two, second_part) = (_ratio(*pair) for pair in (first, second))
    return _linearised(one - two, first_part - second_part, (first[1] != 0) | (second[1] != 0), clusters)


def mean_over_clusters(numerators: Array, denominators: Array, clusters: Sequence[str]) -> ClusteredMean:
    """Mean of the clusters' own means: every cluster counts once, however many targets it has.

    Examples
    --------
    >>> mean_over_clusters(np.array([1.0, 1.0, 4.0]), np.ones(3), ["a", "a", "b"]).value
    2.5
    """
    position = np.unique(np.asarray(clusters), return_inverse=True)[1]
    above, below = (np.bincount(position, weights=v) for v in (numerators, denominators))
    means = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return clustered_mean(means, [str(k) for k in range(means.size)])


def _ratio(numerators: Array, denominators: Array) -> tuple[float, Array]:
    """Return a ratio of sums, and how much each target adds to its error."""
    total = float(denominators.sum())
    if total == 0:
        return float("nan"), np.full(numerators.shape, np.nan)
    value = float(numerators.sum()) / total
    return value, (numerators - value * denominators) / total


def _linearised(
    value: float, parts: Array, counted: NDArray[np.bool_], clusters: Sequence[str]
) -> ClusteredMean:
    names, position = np.unique(np.asarray(clusters)[counted], return_inverse=True)
    error = float("nan")
    if names.size > 1:
        sums = np.bincount(position, weights=parts[counted])
        error = float(np.sqrt(names.size / (names.size - 1) * np.sum(sums**2)))
    return ClusteredMean(value, error, int(counted.sum()), int(names.size))

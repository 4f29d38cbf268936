"""Shares of right answers with intervals, and paired tests.

Items of one persona are not independent, so intervals and tests also come in a form that is clustered by persona.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from truetwin.errors import DataError
from truetwin.voice.stats.resampling import LEVEL, RESAMPLES, Array, by_cluster, chunks, drawn_means

UNDEFINED = float("nan")


@dataclass(frozen=True)
class Rate:
    """Share with its uncertainty; NaN where it is undefined.

    Attributes
    ----------
    value : float
        Mean of the values, between 0 and 1 for right answers.
    n : int
        Number of values.
    low, high : float
        Wilson's 95% interval, which assumes that values are independent.
    cluster_low, cluster_high : float
        95% interval of a cluster bootstrap over personas; undefined for fewer than two personas.
    standard_error : float
        Standard error, clustered by persona.
    n_clusters : int
        Number of personas.
    """

    value: float
    n: int
    low: float
    high: float
    cluster_low: float
    cluster_high: float
    standard_error: float
    n_clusters: int


def rate(values: Sequence[float] | Array, clusters: Sequence[Hashable], *, seed: int = 0) -> Rate:
    """Compute the mean of values in 0..1 with its intervals.

    Values strictly between 0 and 1 (credit shared among tied options, or among repetitions) enter Wilson's interval
    by their mean.

    Examples
    --------
    >>> found = rate([1, 0, 1, 1], ["ann", "ann", "bob", "bob"])
    >>> found.value, found.n, round(found.low, 3), round(found.high, 3)
    (0.75, 4, 0.301, 0.954)
    """
    x = np.asarray(values, dtype=np.float64)
    if x.size != len(clusters):
        raise DataError(
            f"there must be one cluster a value; got {len(clusters)} clusters and {x.size} values"
        )
    if x.size == 0:
        nothing = UNDEFINED
        return Rate(nothing, 0, nothing, nothing, nothing, nothing, nothing, 0)
    sums, counts = by_cluster(x, clusters)
    mean = float(x.mean())
    low, high = wilson(mean, x.size)
    n = sums.size
    if n < 2:
        return Rate(mean, x.size, low, high, UNDEFINED, UNDEFINED, UNDEFINED, n)
    draws = drawn_means(sums, counts, seed)
    ends = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    residuals = sums - mean * counts
    error = float(np.sqrt(n / (n - 1) * np.sum(residuals**2)) / x.size)
    return Rate(mean, x.size, low, high, float(ends[0]), float(ends[1]), error, n)


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share of ``n`` independent items.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(722 / 1187, 1187)]
    [0.58, 0.636]
    """
    from scipy.stats import norm

    if n == 0:
        return UNDEFINED, UNDEFINED
    z = float(norm.ppf((1 + LEVEL) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


@dataclass(frozen=True)
class PairedTest:
    """Paired test of two models on the same items.

    Attributes
    ----------
    difference : float
        First minus second share of right answers.
    n : int
        Number of items that both models were given.
    only_first, only_second : int
        Number of items that only the first, or only the second, has right.
    mcnemar_p : float
        p-value of McNemar's exact test, two-sided; assumes that items are independent.
    cluster_p : float
        p-value of a permutation test, two-sided: signs of whole personas' differences are flipped at random.
    low, high : float
        95% interval of the difference, from a cluster bootstrap over personas.
    n_clusters : int
        Number of personas.
    """

    difference: float
    n: int
    only_first: int
    only_second: int
    mcnemar_p: float
    cluster_p: float
    low: float
    high: float
    n_clusters: int


def paired_test(
    first: Sequence[float] | Array,
    second: Sequence[float] | Array,
    clusters: Sequence[Hashable],
    *,
    seed: int = 0,
) -> PairedTest:
    """Test whether two models differ on the items that both were given; right is 1, wrong 0.

    McNemar's exact test needs whole right and wrong answers: with credit in between (repetitions) it is undefined.

    Examples
    --------
    >>> found = paired_test([1, 1, 1, 0], [0, 0, 1, 0], ["a", "b", "c", "d"])
    >>> found.difference, found.only_first, found.only_second, found.mcnemar_p
    (0.5, 2, 0, 0.5)
    """
    from scipy.stats import binomtest

    x, y = (np.asarray(v, dtype=np.float64) for v in (first, second))
    if x.size != y.size or x.size != len(clusters):
        raise DataError(
            f"paired values and clusters must have one length; got {x.size}, {y.size}, {len(clusters)}"
        )
    if x.size == 0:
        nothing = UNDEFINED
        return PairedTest(nothing, 0, 0, 0, nothing, nothing, nothing, nothing, 0)
    ahead, behind = int(np.sum(x > y)), int(np.sum(y > x))
    whole = bool(np.isin(np.concatenate([x, y]), (0.0, 1.0)).all())
    exact = float(binomtest(ahead, ahead + behind, 0.5).pvalue) if whole and ahead + behind else 1.0
    sums, counts = by_cluster(x - y, clusters)
    low = high = p = UNDEFINED
    if sums.size > 1:
        draws = drawn_means(sums, counts, seed)
        low, high = (float(q) for q in np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
        p = _sign_flip_p(sums, seed)
    return PairedTest(
        float((x - y).mean()),
        x.size,
        ahead,
        behind,
        exact if whole else UNDEFINED,
        p,
        low,
        high,
        sums.size,
    )


def _sign_flip_p(sums: Array, seed: int) -> float:
    random = np.random.default_rng(seed)
    observed = abs(sums.sum())
    beyond = 0
    for size in chunks(sums.size):
        signs = random.integers(0, 2, size=(size, sums.size), dtype=np.int8) * 2.0 - 1.0
        beyond += int(np.sum(np.abs(signs @ sums) >= observed - 1e-12))
    return (beyond + 1) / (RESAMPLES + 1)


def percent(share: float) -> float | None:
    """Convert a share to percent; None where it is undefined."""
    return None if share != share else 100 * share

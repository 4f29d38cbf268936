"""Shares of right answers with intervals, and paired tests, items of one persona being no independent evidence."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError

Array = NDArray[np.float64]
LEVEL = 0.95
RESAMPLES = 2000
_ENTRIES = 4_000_000  # of an array of resamples by clusters held at once
UNDEFINED = float("nan")


@dataclass(frozen=True)
class Rate:
    """A share and its uncertainty; NaN where it is undefined.

    Attributes
    ----------
    value : float
        Mean of the values, between 0 and 1 for right answers.
    n : int
        Values behind it.
    low, high : float
        Wilson's 95% interval, which takes the values for independent.
    cluster_low, cluster_high : float
        95% bootstrap interval, personas drawn whole; undefined for fewer than two personas.
    standard_error : float
        Clustered by persona.
    n_clusters : int
        Personas behind it.
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
    """The mean of values in 0..1 with its intervals.

    Values strictly between 0 and 1 (credit shared among tied options, or among repetitions) enter Wilson's interval by
    their mean.

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
    draws = _drawn_means(sums, counts, seed)
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
    """Two models on the same items.

    Attributes
    ----------
    difference : float
        First minus second share of right answers.
    n : int
        Items that both have.
    only_first, only_second : int
        Items that only one of them has right.
    mcnemar_p : float
        Exact, two-sided; takes the items for independent.
    cluster_p : float
        Two-sided, signs of whole personas' differences flipped at random.
    low, high : float
        95% bootstrap interval of the difference, personas drawn whole.
    n_clusters : int
        Personas.
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
    """Whether two models differ on the items that both were given; right is 1, wrong 0.

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
        draws = _drawn_means(sums, counts, seed)
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


def by_cluster(values: Array, clusters: Sequence[Hashable]) -> tuple[Array, Array]:
    """Sum and number of the values of each cluster."""
    codes: dict[Hashable, int] = {}
    rows = np.array([codes.setdefault(c, len(codes)) for c in clusters], dtype=np.intp)
    sums = np.bincount(rows, weights=values).astype(np.float64)
    return sums, np.bincount(rows).astype(np.float64)


def _drawn_means(sums: Array, counts: Array, seed: int) -> Array:
    """Means of resamples of whole clusters."""
    # How often each cluster is drawn, one row a resample: products with sums and counts give all means at once.
    return np.concatenate([(drawn @ sums) / (drawn @ counts) for drawn in _draws(sums.size, seed)])


def _sign_flip_p(sums: Array, seed: int) -> float:
    random = np.random.default_rng(seed)
    observed = abs(sums.sum())
    beyond = 0
    for size in _chunks(sums.size):
        signs = random.integers(0, 2, size=(size, sums.size), dtype=np.int8) * 2.0 - 1.0
        beyond += int(np.sum(np.abs(signs @ sums) >= observed - 1e-12))
    return (beyond + 1) / (RESAMPLES + 1)


def _draws(n: int, seed: int) -> Iterable[Array]:
    """How often each of ``n`` clusters is drawn, resamples in rows, as many rows at once as fit in memory."""
    if n * RESAMPLES <= _ENTRIES:
        return (_all_draws(n, seed),)
    random = np.random.default_rng(seed)
    return (_drawn(random, n, size) for size in _chunks(n))


@lru_cache(maxsize=1)
def _all_draws(n: int, seed: int) -> Array:
    return _drawn(np.random.default_rng(seed), n, RESAMPLES)


def _drawn(random: np.random.Generator, n: int, size: int) -> Array:
    rows = random.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
    return np.bincount(rows.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def _chunks(n: int) -> list[int]:
    size = max(1, min(RESAMPLES, _ENTRIES // n))
    return [min(size, RESAMPLES - start) for start in range(0, RESAMPLES, size)]


def percent(share: float) -> float | None:
    """A share in percent; None where it is undefined."""
    return None if share != share else 100 * share

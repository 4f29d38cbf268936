"""Cluster bootstrap: intervals for statistics of items, drawing whole personas where items share one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError, ParameterError

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
LEVEL = 0.95
RESAMPLES = 2000
_ENTRIES = 4_000_000  # largest size of an array of resamples by clusters


@dataclass(frozen=True)
class Interval:
    """Statistic of items with its bootstrap interval.

    Attributes
    ----------
    value, low, high : float
        The statistic and the ends of its interval. NaN where the statistic is undefined; the ends are also NaN if it
        is undefined in most resamples.
    n : int
        Number of items.
    n_clusters : int
        Number of clusters: personas, or whatever is drawn together.
    n_undefined : int
        Number of resamples in which the statistic was undefined; the ends are percentiles of the others.
    """

    value: float
    low: float
    high: float
    n: int
    n_clusters: int
    n_undefined: int = 0


def bootstrap(
    statistic: Callable[[Rows], float],
    n: int,
    *,
    clusters: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of any statistic of items.

    Parameters
    ----------
    statistic : callable
        Function from row numbers (with repeats) to a number; NaN where it is undefined.
    n : int
        Number of items.
    clusters : sequence of hashable, optional
        Persona of each item. Whole clusters are drawn, because items of one person are not independent.
    resamples : int
        Number of resamples.
    level : float
        Confidence level, strictly between 0 and 1.
    seed : int
        Seed of the draws.

    Raises
    ------
    DataError
        If ``clusters`` does not name one cluster an item.

    Examples
    --------
    >>> import numpy as np
    >>> answers = np.array([1.0, 0.0, 1.0, 1.0])
    >>> found = bootstrap(lambda rows: answers[rows].mean(), 4)
    >>> found.value, found.n
    (0.75, 4)
    """
    _check(resamples, level)
    members = _members(n, clusters)
    value = float(statistic(np.arange(n))) if n else float("nan")
    if n == 0 or len(members) < 2:
        return Interval(value, float("nan"), float("nan"), n, len(members), resamples)
    random = np.random.default_rng(seed)
    draws = np.empty(resamples)
    for k in range(resamples):
        drawn = random.integers(len(members), size=len(members))
        draws[k] = statistic(np.concatenate([members[c] for c in drawn]))
    return _interval(value, draws, n, len(members), level)


def bootstrap_mean(
    values: Sequence[float] | Array,
    *,
    clusters: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """Mean of the defined values with its percentile bootstrap interval; clusters are drawn whole.

    Undefined values (NaN) are left out; the caller must show their number.

    Examples
    --------
    >>> found = bootstrap_mean([1.0, 0.0, 1.0, float("nan")], clusters=["ann", "ann", "bob", "bob"])
    >>> round(found.value, 3), found.n, found.n_clusters
    (0.667, 3, 2)
    """
    _check(resamples, level)
    numbers = np.asarray(values, dtype=np.float64)
    groups = range(numbers.size) if clusters is None else clusters
    _check_clusters(groups, numbers.size)
    fine = np.isfinite(numbers)
    sums, _ = by_cluster(np.where(fine, numbers, 0.0), groups)
    counts, _ = by_cluster(fine.astype(np.float64), groups)
    sums, counts = sums[counts > 0], counts[counts > 0]
    n = int(fine.sum())
    value = float(sums.sum() / n) if n else float("nan")
    if sums.size < 2:
        return Interval(value, float("nan"), float("nan"), n, sums.size, resamples)
    return _interval(value, drawn_means(sums, counts, seed, resamples), n, sums.size, level)


def by_cluster(values: Array, clusters: Sequence[Hashable]) -> tuple[Array, Array]:
    """Compute sum and number of the values of each cluster."""
    codes: dict[Hashable, int] = {}
    rows = np.array([codes.setdefault(c, len(codes)) for c in clusters], dtype=np.intp)
    sums = np.bincount(rows, weights=values).astype(np.float64)
    return sums, np.bincount(rows).astype(np.float64)


def drawn_means(sums: Array, counts: Array, seed: int, resamples: int = RESAMPLES) -> Array:
    """Compute the means of cluster-bootstrap resamples, (resamples,)."""
    # How often each cluster is drawn, one row a resample: products with sums and counts give all means at once.
    return np.concatenate([(drawn @ sums) / (drawn @ counts) for drawn in _draws(sums.size, seed, resamples)])


def chunks(n: int, resamples: int = RESAMPLES) -> list[int]:
    """Divide the resamples of ``n`` clusters into parts that fit in memory; returns the size of each part."""
    size = max(1, min(resamples, _ENTRIES // n))
    return [min(size, resamples - start) for start in range(0, resamples, size)]


def _draws(n: int, seed: int, resamples: int) -> Iterable[Array]:
    """Draw the resamples of a cluster bootstrap.

    Yields integer arrays of shape (rows, n): how often each of ``n`` clusters was drawn. Each array fits in memory.
    """
    if n * resamples <= _ENTRIES:
        return (_all_draws(n, seed, resamples),)
    random = np.random.default_rng(seed)
    return (_drawn(random, n, size) for size in chunks(n, resamples))


@lru_cache(maxsize=1)
def _all_draws(n: int, seed: int, resamples: int) -> Array:
    return _drawn(np.random.default_rng(seed), n, resamples)


def _drawn(random: np.random.Generator, n: int, size: int) -> Array:
    rows = random.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
    return np.bincount(rows.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def _interval(value: float, draws: Array, n: int, n_clusters: int, level: float) -> Interval:
    fine = draws[np.isfinite(draws)]
    undefined = int(draws.size - fine.size)
    if fine.size * 2 < draws.size or not np.isfinite(value):
        return Interval(value, float("nan"), float("nan"), n, n_clusters, undefined)
    low, high = np.quantile(fine, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), n, n_clusters, undefined)


def _members(n: int, clusters: Sequence[Hashable] | None) -> list[Rows]:
    if clusters is None:
        return [np.array([k]) for k in range(n)]
    _check_clusters(clusters, n)
    found: dict[Hashable, list[int]] = {}
    for k, cluster in enumerate(clusters):
        found.setdefault(cluster, []).append(k)
    return [np.array(rows) for rows in found.values()]


def _check_clusters(clusters: Sequence[Hashable], n: int) -> None:
    if len(clusters) != n:
        raise DataError(f"there must be one cluster an item; got {len(clusters)} clusters and {n} items")


def _check(resamples: int, level: float) -> None:
    if resamples < 1:
        raise ParameterError(f"'resamples' must be at least 1. Got {resamples} instead.")
    if not 0 < level < 1:
        raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")

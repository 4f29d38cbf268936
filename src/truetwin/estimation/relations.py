"""Correlations between items that nobody has answered, from completed data sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError

Floats = NDArray[np.float64]
MOST_ITEMS = 40


@dataclass(frozen=True)
class Relation:
    """Correlation of two items with the ends of its interval."""

    first: str
    second: str
    estimate: float
    lower: float
    upper: float


def correlations(
    draws: Iterable[Floats],
    items: Sequence[str],
    weights: Floats,
    level: float,
    sampling: float = 0.0,
) -> list[Relation]:
    """Pool the correlation of each pair of items over draws, by Rubin's rules on Fisher's z.

    Parameters
    ----------
    draws : iterable of ndarray of shape (n_people, n_items)
        Completed answers to the items, in their order; a pair is correlated over those who answered both.
    items : sequence of str
    weights : ndarray of shape (n_people,)
    level : float
    sampling : float, default=0
        Variance of z over samples of people; 0 if the people themselves are meant.

    Raises
    ------
    ParameterError
        If there are fewer than two items, or too many.
    """
    from scipy.stats import t as student

    if not 2 <= len(items) <= MOST_ITEMS:
        raise ParameterError(
            f"correlations need at least 2 items with an order, and are computed for at most {MOST_ITEMS}; there are "
            f"{len(items)}. Name some with --items (items)."
        )
    pairs = list(combinations(range(len(items)), 2))
    first, second = (np.array([pair[k] for pair in pairs]) for k in (0, 1))
    found = []
    for values in draws:
        correlation, missing = _pairwise(values, weights)
        found.append(np.arctanh(np.clip(correlation[first, second], -0.999, 0.999)))
    z = np.stack(found)
    m = len(z)
    between = (1 + 1 / m) * z.var(axis=0, ddof=1)
    total = between + missing[first, second] + sampling
    df = np.minimum((m - 1) * (total / np.maximum(between, 1e-9)) ** 2, 1e9)
    half = student.ppf((1 + level) / 2, np.maximum(df, m - 1)) * np.sqrt(total)
    middle = z.mean(axis=0)
    ends = [np.tanh(middle), np.tanh(middle - half), np.tanh(middle + half)]
    return [
        Relation(items[a], items[b], float(r), float(low), float(high))
        for (a, b), r, low, high in zip(pairs, *ends, strict=True)
    ]


def _pairwise(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Correlate each pair of items over those who answered both, (p, p).

    Also returns the variance of each correlation (of Fisher's z) that comes from those who answered one only, as far
    as they are like the others.
    """
    w = weights * np.isfinite(values).any(axis=1)
    seen = np.isfinite(values) & (w > 0)[:, None]
    shifted = np.where(seen, values - np.nanmean(values, axis=0), 0.0)
    weighted, counted = shifted * w[:, None], seen.astype(np.float64)
    whole = counted.T @ (counted * w[:, None])
    mean = (weighted.T @ counted) / whole  # of the row's item, among those who answered the column's too
    square = ((weighted * shifted).T @ counted) / whole - mean**2
    covariance = (weighted.T @ shifted) / whole - mean * mean.T
    spread = np.sqrt(np.maximum(square * square.T, 1e-300))
    effective = whole**2 / (counted.T @ (counted * (w**2)[:, None]))
    missing = np.maximum(1 - whole / w.sum(), 0.0) / np.maximum(effective - 3, 1.0)
    return covariance / spread, missing

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
        Completed answers to the items, in their order; people without answers are left out.
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
        whole = np.isfinite(values).all(axis=1) & (weights > 0)
        w = weights[whole] / weights[whole].sum()
        centred = values[whole] - w @ values[whole]
        covariance = centred.T @ (centred * w[:, None])
        sd = np.sqrt(np.maximum(np.diagonal(covariance), 1e-300))
        found.append(np.arctanh(np.clip(covariance[first, second] / (sd[first] * sd[second]), -0.999, 0.999)))
    z = np.stack(found)
    m = len(z)
    between = (1 + 1 / m) * z.var(axis=0, ddof=1)
    total = between + sampling
    df = (m - 1) * np.where(between > 0, (total / np.maximum(between, 1e-300)) ** 2, 1e9)
    half = student.ppf((1 + level) / 2, np.minimum(df, 1e9)) * np.sqrt(total)
    middle = z.mean(axis=0)
    ends = [np.tanh(middle), np.tanh(middle - half), np.tanh(middle + half)]
    return [
        Relation(items[a], items[b], float(r), float(low), float(high))
        for (a, b), r, low, high in zip(pairs, *ends, strict=True)
    ]

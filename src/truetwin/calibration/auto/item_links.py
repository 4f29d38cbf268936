"""Learn from twins which donors a target follows, and how much items resemble each other.

Nothing here looks at a human answer.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.design import weighted_moments
from truetwin.calibration.laws.copulas import positive_definite
from truetwin.calibration.orientation import Array

JITTER = 1e-9
TOLERANCES = (1e-4, 1e-7, 1e-11, 1e-15)
MAX_SWEEPS = 10_000
#: Added to the similarities of row-centred answers: how alike all items are because of the persons' levels.
COMMON_LEVEL = 0.5
#: The same for the second set of links, where part of it depends on how near the items' means are.
FIXED_LEVEL, NEAR_LEVEL = 0.3, 0.3
#: Penalties of the links, l1 and l2: from row-centred similarities, from these with levels, from plain correlations,
#: and from the first where whole batteries are hidden.
NEAR_PENALTIES, LEVEL_PENALTIES, PLAIN_PENALTIES = (0.05, 0.5), (0.1, 0.5), (0.05, 0.45)
BATTERY_PENALTIES = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class Standardised:
    """Answers with mean 0 and sd 1 for each item, gaps at 0.

    Attributes
    ----------
    values : ndarray of shape (n, p)
        Standardised answers.
    seen : ndarray of bool of shape (n, p)
        Which answers are there.
    mean, sd : ndarray of shape (p,)
        Item means and sds (ddof 0); a constant item has sd 1.
    """

    values: Array
    seen: NDArray[np.bool_]
    mean: Array
    sd: Array


def standardise_items(values: Array, weights: Array | None = None) -> Standardised:
    """Standardise each item over its observed answers, independently of every other item.

    ``weights`` (n,) are those of people in means and sds.
    """
    seen = np.isfinite(values)
    if weights is None:
        count = np.maximum(seen.sum(axis=0), 1)
        mean = np.where(seen, values, 0.0).sum(axis=0) / count
        deviations = np.where(seen, values - mean, 0.0)
        sd = np.sqrt((deviations**2).sum(axis=0) / count)
    else:
        mean, sd = weighted_moments(values, weights)
        mean = np.where(seen.any(axis=0), mean, 0.0)
        deviations = np.where(seen, values - mean, 0.0)
    sd = np.where(sd <= 1e-9 * np.maximum(1.0, np.abs(mean)), 1.0, sd)
    return Standardised(deviations / sd, seen, mean, sd)


def pairwise_correlations(z: Array, seen: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Correlate already centred items over pairwise complete answers, (p, p); also return the numbers of pairs.

    Entry (k, l) depends on items k and l only.
    """
    there = seen.astype(np.float64)
    pairs = there.T @ there
    squares = (z**2).T @ there
    scale = np.sqrt(squares * squares.T)
    return np.divide(z.T @ z, scale, out=np.zeros_like(pairs), where=scale > 1e-12), pairs


@dataclass(frozen=True, eq=False)
class TwinSimilarity:
    """Similarity of items in the twins' answers, (p, p) each.

    Attributes
    ----------
    plain : ndarray
        Correlations of twin answers.
    centred : ndarray
        Correlations after removing each twin's own mean: without a general tendency to answer high or low.
    level : ndarray
        Closeness of the items' twin means, in standard deviations over items, through a Gaussian.
    """

    plain: Array
    centred: Array
    level: Array


def twin_similarity(twins: Standardised) -> TwinSimilarity:
    """Compute the similarities of all items in the twins' answers, targets included: twins have answered those too."""
    seen = twins.seen
    plain = positive_definite(_unit(pairwise_correlations(twins.values, seen)[0]))
    own_mean = twins.values.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    rows = np.where(seen, twins.values - own_mean[:, None], 0.0)
    rows = np.where(seen, rows - rows.sum(axis=0) / np.maximum(seen.sum(axis=0), 1), 0.0)
    centred = positive_definite(_unit(pairwise_correlations(rows, seen)[0]))
    spread = twins.mean.std()
    place = (twins.mean - twins.mean.mean()) / (spread if spread > 0 else 1.0)
    return TwinSimilarity(plain, centred, np.exp(-0.5 * (place[:, None] - place) ** 2))


def mean_similarity(sources: Sequence[Standardised]) -> TwinSimilarity:
    """Average the similarities of items over the sources that have answers to both."""
    each = [twin_similarity(source) for source in sources]
    has = np.stack([source.seen.any(axis=0) for source in sources]).astype(np.float64)
    count = np.maximum(has.T @ has, 1.0)
    both = has[:, :, None] * has[:, None, :]
    plain, centred, level = (
        (both * np.stack([getattr(one, name) for one in each])).sum(axis=0) / count
        for name in ("plain", "centred", "level")
    )
    return TwinSimilarity(positive_definite(_unit(plain)), positive_definite(_unit(centred)), level)


def _unit(correlations: Array) -> Array:
    result = correlations.copy()
    np.fill_diagonal(result, 1.0)
    return result


def sparse_links(gram: Array, together: NDArray[np.bool_], l1: float, l2: float) -> Array:
    r"""Compute elastic-net weights of every item on the others, all at once, (p, p).

    Row k minimises :math:`\tfrac12 w'Qw - w'q_k + \lambda_1\|w\|_1 + \tfrac{\lambda_2}{2}\|w\|_2^2` with
    :math:`w_l = 0` wherever ``together[k, l]``: coordinate descent (scikit-learn) finds the support, a linear
    system the weights on it.

    Parameters
    ----------
    gram : ndarray of shape (p, p)
        Positive semi-definite, :math:`Q`; its rows are the :math:`q_k`.
    together : ndarray of bool of shape (p, p)
        Pairs of items that must not predict each other; true on the diagonal.
    l1, l2 : float
        Penalties.

    Examples
    --------
    >>> import numpy as np
    >>> gram = np.array([[1.0, 0.8], [0.8, 1.0]])
    >>> sparse_links(gram, np.eye(2, dtype=bool), 0.1, 1.0).round(2)
    array([[0.  , 0.35],
           [0.35, 0.  ]])
    """
    weights = np.zeros_like(gram)
    factor = np.asarray(np.linalg.cholesky(gram + JITTER * np.eye(len(gram))).T, dtype=np.float64)
    for k in range(len(gram)):
        donors = np.flatnonzero(~together[k])
        if donors.size:
            _solve_row(gram, factor, donors, l1, l2, weights, k)
    return weights


def _solve_row(
    gram: Array, factor: Array, donors: NDArray[np.intp], l1: float, l2: float, weights: Array, k: int
) -> None:
    """Solve row k by coordinate descent with rising accuracy until its support is known, then in closed form."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import enet_path

    part, root = np.ascontiguousarray(gram[donors[:, None], donors]), np.sqrt(len(gram))
    X, y = np.asfortranarray(factor[:, donors] * root), np.ascontiguousarray(factor[:, k] * root)
    start = None
    for tolerance in TOLERANCES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the conditions are checked below
            _, found, _ = enet_path(
                X,
                y,
                l1_ratio=l1 / (l1 + l2),
                alphas=[l1 + l2],
                precompute=part * len(gram),
                Xy=gram[donors, k] * len(gram),
                coef_init=start,
                check_input=False,
                copy_X=False,
                max_iter=MAX_SWEEPS,
                tol=tolerance,
            )
        start = found[:, 0].copy()
        weights[k, donors] = start
        if _polish(gram, donors, l1, l2, weights, k):
            return


def _polish(gram: Array, donors: NDArray[np.intp], l1: float, l2: float, weights: Array, k: int) -> bool:
    """Solve row k exactly on its support, and keep the solution if it is the optimum.

    The result then does not depend on the order of the items.
    """
    support = np.flatnonzero(weights[k])
    sign = np.sign(weights[k, support])
    system = gram[support[:, None], support] + l2 * np.eye(support.size)
    exact = np.linalg.solve(system, gram[k, support] - l1 * sign)
    gradient = gram[k] - exact @ gram[support]
    outside = np.setdiff1d(donors, support, assume_unique=True)
    optimal = bool((exact * sign >= 0).all() and (np.abs(gradient[outside]) <= l1 + 1e-9).all())
    if optimal:
        weights[k, support] = exact
    return optimal


def donor_links(alike: TwinSimilarity, alone: NDArray[np.bool_]) -> list[Array]:
    """Compute the three sets of links that predict an item from all others, (p, p) each."""
    return [
        sparse_links(alike.centred + COMMON_LEVEL, alone, *NEAR_PENALTIES),
        sparse_links(alike.centred + FIXED_LEVEL + NEAR_LEVEL * alike.level, alone, *LEVEL_PENALTIES),
        sparse_links(alike.plain, alone, *PLAIN_PENALTIES),
    ]


def links_beyond_battery(alike: TwinSimilarity, together: NDArray[np.bool_]) -> list[Array]:
    """Compute the two sets of links that predict an item without the other items of its battery, (p, p) each."""
    return [
        sparse_links(alike.centred + COMMON_LEVEL, together, *BATTERY_PENALTIES),
        sparse_links(alike.plain, together, *PLAIN_PENALTIES),
    ]


def sibling_links(similarity: Array, blocks: Sequence[str]) -> tuple[Array, Array]:
    """Average the siblings of each item (the other items of its block).

    Returns two averages, (p, p) each: weighted by twin similarity with its sign, and plain.
    """
    block = np.asarray(blocks)
    siblings = (block[:, None] == block) & ~np.eye(len(block), dtype=bool)
    signed = np.where(siblings, similarity, 0.0)
    total = np.abs(signed).sum(axis=1, keepdims=True)
    count = siblings.sum(axis=1, keepdims=True)
    return (
        np.divide(signed, total, out=np.zeros_like(signed), where=total > 1e-9),
        np.divide(siblings, count, out=np.zeros_like(signed), where=count > 0),
    )

"""Inter-rater agreement: kappa, Spearman, Krippendorff's alpha, majority votes, with bootstrap intervals over items.

A rating is a number; NaN where a rater gave none. An agreement is *undefined* (NaN), never 0 or 1, where it cannot be
measured: with fewer than two items in common, or raters who always say the same. Source: paper B, tables 4 and 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from truetwin.errors import DataError, MissingExtraError, ParameterError
from truetwin.voice.stats.resampling import Array, Interval, Rows, bootstrap

Measure = Literal["kappa", "kappa-linear", "kappa-quadratic", "spearman", "alpha-nominal", "alpha-ordinal"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
NOMINAL_MEASURES: tuple[Measure, ...] = ("kappa", "alpha-nominal")
ORDINAL_MEASURES: tuple[Measure, ...] = (
    "spearman", "kappa", "kappa-linear", "kappa-quadratic", "alpha-ordinal",
)  # fmt: skip


@dataclass(frozen=True)
class Agreement:
    """Measure of agreement, with its interval.

    Attributes
    ----------
    measure : str
        Name of the measure.
    interval : Interval
        Mean over the pairs in which it is defined (alpha: over all raters at once), bootstrapped over items.
    n_pairs, n_undefined_pairs : int
        Number of pairs of raters with a value (1 for alpha of all raters), and of pairs where it is undefined.
    """

    measure: str
    interval: Interval
    n_pairs: int
    n_undefined_pairs: int


def cohen_kappa(
    first: ArrayLike, second: ArrayLike, weights: Literal["none", "linear", "quadratic"] = "none"
) -> float:
    r"""Cohen's kappa: agreement of two raters beyond chance.

    .. math:: \kappa = 1 - \sum w_{ab} p_{ab} / \sum w_{ab} p_{a\cdot} p_{\cdot b}

    The weights :math:`w_{ab}` of a disagreement are 1, :math:`|a - b|` or :math:`(a - b)^2`, with ratings taken as
    numbers.

    Examples
    --------
    >>> round(cohen_kappa([1, 2, 3, 3], [1, 2, 3, 2]), 3)
    0.636
    >>> cohen_kappa([1, 1, 1], [1, 1, 1])
    nan
    """
    a, b = _both(first, second)
    if weights not in ("none", "linear", "quadratic"):
        raise ParameterError(f"'weights' must be 'none', 'linear' or 'quadratic'. Got {weights!r} instead.")
    if a.size == 0:
        return math.nan
    values, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    k = values.size
    joint = np.bincount(codes[: a.size] * k + codes[a.size :], minlength=k * k).reshape(k, k) / a.size
    gaps = np.abs(values[:, None] - values[None, :])
    cost = {"none": (gaps > 0).astype(float), "linear": gaps, "quadratic": gaps**2}[weights]
    expected = float((cost * np.outer(joint.sum(axis=1), joint.sum(axis=0))).sum())
    return 1.0 - float((cost * joint).sum()) / expected if expected > 0 else math.nan


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation of two raters, ties at their mean rank; NaN if one of them is constant.

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [1, 3, 2, 5]), 3)
    0.8
    """
    from scipy.stats import rankdata

    a, b = _both(first, second)
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def krippendorff_alpha(ratings: ArrayLike, level: Literal["nominal", "ordinal"] = "nominal") -> float:
    """Krippendorff's alpha of any number of raters, who need not have rated every item.

    Parameters
    ----------
    ratings : array-like of shape (n_raters, n_items)
        Ratings; NaN where a rater gave none.
    level : {"nominal", "ordinal"}
        Level of measurement.

    Raises
    ------
    MissingExtraError
        If the package krippendorff (extra ``voice``) is not installed.
    """
    try:
        import krippendorff
    except ImportError as error:
        raise MissingExtraError("krippendorff", "voice", "Krippendorff's alpha") from error
    table = np.asarray(ratings, dtype=np.float64)
    rated = table[:, np.isfinite(table).sum(axis=0) >= 2]
    if rated.size == 0 or np.unique(rated[np.isfinite(rated)]).size < 2:
        return math.nan
    return float(krippendorff.alpha(reliability_data=rated, level_of_measurement=level))


def between_raters(
    ratings: ArrayLike, measure: Measure, *, resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> Agreement:
    """Measure agreement among raters: the mean over their pairs, or alpha of all of them.

    Parameters
    ----------
    ratings : array-like of shape (n_raters, n_items)
        Ratings; NaN where a rater gave none.
    measure : str
        One of :data:`MEASURES`.

    Raises
    ------
    DataError
        If there are fewer than two raters.
    """
    table = _table(ratings)
    if len(table) < 2:
        raise DataError(f"agreement among raters needs at least two of them; got {len(table)}")
    everybody = range(len(table))
    groups = [tuple(everybody)] if measure.startswith("alpha") else list(combinations(everybody, 2))
    return _agreement(table, measure, groups, resamples, level, seed)


def with_raters(
    rater: ArrayLike,
    ratings: ArrayLike,
    measure: Measure,
    *,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Measure the agreement of one rater, such as a model, with each of the others, and average it.

    Parameters
    ----------
    rater : array-like of shape (n_items,)
        Ratings of the one rater.
    ratings : array-like of shape (n_raters, n_items)
        Ratings of the others.
    measure : str
        One of :data:`MEASURES`; alpha is that of the rater and one other, averaged like the rest.
    """
    one, table = np.asarray(rater, dtype=np.float64), _table(ratings)
    if one.shape != table.shape[1:]:
        raise DataError(
            f"both must have rated the same items; got {one.size} and {table.shape[1]} ratings a rater"
        )
    stacked = np.vstack([one[None, :], table])
    return _agreement(stacked, measure, [(0, k) for k in range(1, len(stacked))], resamples, level, seed)


@dataclass(frozen=True)
class Votes:
    """Majority vote on each item.

    Attributes
    ----------
    winners : ndarray of shape (n_items,)
        Rating given most often; NaN where nobody rated, or the vote is tied.
    n_tied, n_unrated : int
        Number of items with a tied vote, and without ratings.
    """

    winners: Array
    n_tied: int
    n_unrated: int


def majority_vote(ratings: ArrayLike) -> Votes:
    """Find the rating given most often to each item; a tie has no winner and is counted.

    Examples
    --------
    >>> votes = majority_vote([[1, 2, 1], [1, 3, 1], [2, 4, 1]])
    >>> votes.winners, votes.n_tied
    (array([ 1., nan,  1.]), 1)
    """
    table = _table(ratings)
    winners = np.full(table.shape[1], math.nan)
    tied = unrated = 0
    for item, column in enumerate(table.T):
        values, counts = np.unique(column[np.isfinite(column)], return_counts=True)
        if values.size == 0:
            unrated += 1
        elif (counts == counts.max()).sum() > 1:
            tied += 1
        else:
            winners[item] = values[counts.argmax()]
    return Votes(winners, tied, unrated)


def _agreement(
    table: Array, measure: Measure, groups: Sequence[tuple[int, ...]], resamples: int, level: float, seed: int
) -> Agreement:
    if measure not in MEASURES:
        raise ParameterError(f"'measure' must be one of {', '.join(MEASURES)}. Got {measure!r} instead.")
    compare = _comparison(measure)

    def statistic(rows: Rows) -> float:
        values = [compare(table[list(group)][:, rows]) for group in groups]
        defined = [v for v in values if not math.isnan(v)]
        return sum(defined) / len(defined) if defined else math.nan

    shared = np.zeros(table.shape[1], dtype=bool)
    for group in groups:
        shared |= np.isfinite(table[list(group)]).sum(axis=0) >= 2
    kept = np.flatnonzero(shared)
    interval = bootstrap(
        lambda rows: statistic(kept[rows]), kept.size, resamples=resamples, level=level, seed=seed
    )
    undefined = sum(math.isnan(compare(table[list(group)])) for group in groups)
    return Agreement(measure, interval, len(groups), undefined)


def _comparison(measure: Measure) -> Callable[[Array], float]:
    if measure == "spearman":
        return lambda table: spearman(table[0], table[1])
    if measure == "alpha-nominal":
        return lambda table: krippendorff_alpha(table, "nominal")
    if measure == "alpha-ordinal":
        return lambda table: krippendorff_alpha(table, "ordinal")
    if measure == "kappa-linear":
        return lambda table: cohen_kappa(table[0], table[1], "linear")
    if measure == "kappa-quadratic":
        return lambda table: cohen_kappa(table[0], table[1], "quadratic")
    return lambda table: cohen_kappa(table[0], table[1])


def _both(first: ArrayLike, second: ArrayLike) -> tuple[Array, Array]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise DataError(f"both raters must have rated the same items; got {a.size} and {b.size} ratings")
    both: NDArray[np.bool_] = np.isfinite(a) & np.isfinite(b)
    return a[both], b[both]


def _table(ratings: ArrayLike) -> Array:
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise DataError(f"ratings must be a table of raters by items; got {table.ndim} dimensions")
    return table

"""Metrics of a whole table of predictions: correlations between items, and gaps between groups of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.registry import Registry, must_be

Array = NDArray[np.float64]
MIN_PEOPLE = 20


@dataclass(frozen=True, eq=False)
class Table:
    """Hidden answers and their predictions, people in rows and items in columns.

    Attributes
    ----------
    truth, prediction : ndarray of shape (n, q)
        NaN where there is none. Only cells that both have are used.
    weights : ndarray of shape (n,)
        Weights of the people.
    groups : mapping from a name to ndarray of shape (n,)
        Groupings of the people; None where a person's group is not known.
    """

    truth: Array
    prediction: Array
    weights: Array
    groups: Mapping[str, NDArray[np.object_]]


@dataclass(frozen=True, eq=False)
class Compared:
    """Several quantities of each item, in the answers and in the predictions.

    Attributes
    ----------
    true, predicted : ndarray of shape (q, k)
        ``true`` is NaN where the quantity does not exist; ``predicted`` also where the predictions leave it undefined.
    """

    true: Array
    predicted: Array


@dataclass(frozen=True)
class TableMetric:
    """Table metric: a score for the predictions of all targets together, a ratio of two sums over quantities.

    Attributes
    ----------
    name : str
        Name on the command line.
    compare : callable
        Function from a table to the quantities that are compared.
    ratio : callable
        Function from true and predicted quantities to each one's numerator and denominator.
    summary : str
        Description in one line.
    needs_groups : bool
        Whether it compares groups of people (--by).
    is_mean : bool
        Whether every quantity counts alike, so that a mean over batteries makes sense.
    of_pairs : bool
        Whether a quantity belongs to two items and is listed with both. The standard error is then twice that of
        quantities of one item each, as of any mean over pairs.
    """

    name: str
    compare: Callable[[Table], Compared]
    ratio: Callable[[Array, Array], tuple[Array, Array]]
    summary: str
    needs_groups: bool = False
    is_mean: bool = True
    of_pairs: bool = False


table_metrics: Registry[TableMetric] = Registry(
    "table metric",
    hint="Known: {names}.",
    entry_point_group="truetwin.table_metrics",
    check=must_be(TableMetric),
)


def item_correlations(values: Array, both: NDArray[np.bool_], weights: Array) -> Array:
    """Weighted correlations between items, (q, q), each over the people with both; NaN on the diagonal.

    A correlation is defined for at least 20 people, and if both items vary among them.

    Parameters
    ----------
    values : ndarray of shape (n, q)
    both : ndarray of shape (n, q), bool
        The cells to use.
    weights : ndarray of shape (n,)
    """
    seen = both.astype(float)
    heavy = seen * weights[:, None]
    centre = np.sum(np.where(both, values, 0.0) * weights[:, None], axis=0) / np.maximum(
        heavy.sum(axis=0), 1e-300
    )
    x = np.where(both, values - centre, 0.0)  # far from 0, sums of squares would lose their digits
    total = heavy.T @ seen
    mean = np.divide((x * weights[:, None]).T @ seen, total, out=np.zeros(total.shape), where=total > 0)
    square = np.divide((x**2 * weights[:, None]).T @ seen, total, out=np.zeros(total.shape), where=total > 0)
    product = np.divide((x * weights[:, None]).T @ x, total, out=np.zeros(total.shape), where=total > 0)
    variance = square - mean**2  # [a, b]: of item a among the people with both
    size = np.maximum(1.0, np.nanmax(np.where(both, np.abs(values), 0.0), axis=0, initial=0.0))[:, None]
    varies = variance > (1e-6 * size) ** 2
    fine = (seen.T @ seen >= MIN_PEOPLE) & varies & varies.T & ~np.eye(len(total), dtype=bool)
    found = np.full(total.shape, np.nan)
    found[fine] = ((product - mean * mean.T) / np.sqrt(np.where(fine, variance * variance.T, 1.0)))[fine]
    return found.clip(-1.0, 1.0)


def _correlations(table: Table) -> Compared:
    both = np.isfinite(table.truth) & np.isfinite(table.prediction)
    true = item_correlations(table.truth, np.isfinite(table.truth), table.weights)
    matched, predicted = (item_correlations(v, both, table.weights) for v in (table.truth, table.prediction))
    return Compared(
        np.where(np.isfinite(matched), matched, true), np.where(np.isfinite(matched), predicted, np.nan)
    )


def subgroup_gaps(
    values: Array, both: NDArray[np.bool_], weights: Array, groups: Mapping[str, NDArray[np.object_]]
) -> Array:
    """Mean of each group minus mean of everybody, (q, number of groups); NaN for groups below 20 answers."""
    columns = []
    heavy = np.where(both, weights[:, None], 0.0)
    filled = np.where(both, values, 0.0)
    mean = _means(filled, heavy)
    for grouping in groups.values():
        for name in sorted({g for g in grouping if g is not None}):
            member = (grouping == name)[:, None]
            gap = _means(filled, heavy * member) - mean
            columns.append(np.where((both & member).sum(axis=0) >= MIN_PEOPLE, gap, np.nan))
    return np.array(columns).reshape(-1, values.shape[1]).T


def _means(values: Array, weights: Array) -> Array:
    total = weights.sum(axis=0)
    found: Array = np.divide(
        (weights * values).sum(axis=0), total, out=np.full(total.shape, np.nan), where=total > 0
    )
    return found


def _gaps(table: Table) -> Compared:
    """Gaps in sds of the item's answers."""
    both = np.isfinite(table.truth) & np.isfinite(table.prediction)
    answered = np.isfinite(table.truth)
    matched, predicted = (
        subgroup_gaps(v, both, table.weights, table.groups) for v in (table.truth, table.prediction)
    )
    true = subgroup_gaps(table.truth, answered, table.weights, table.groups)
    kept = np.isfinite(matched)
    sd = _sds(table.truth, np.where(both.any(axis=0), both, answered), table.weights)[:, None]
    return Compared(np.where(kept, matched, true) / sd, np.where(kept, predicted, np.nan) / sd)


def _sds(values: Array, seen: NDArray[np.bool_], weights: Array) -> Array:
    heavy = np.where(seen, weights[:, None], 0.0)
    filled = np.where(seen, values, 0.0)
    mean = _means(filled, heavy)
    sd = np.sqrt(_means(np.where(seen, (filled - mean) ** 2, 0.0), heavy))
    return np.where(sd > 1e-9, sd, np.nan)


def absolute_error(true: Array, predicted: Array) -> tuple[Array, Array]:
    """Numerator and denominator of a mean absolute error."""
    return np.abs(predicted - true), np.where(np.isfinite(true + predicted), 1.0, np.nan)


def slope_on_predictions(true: Array, predicted: Array) -> tuple[Array, Array]:
    """Numerator and denominator of the slope of true on predicted quantities, through the origin."""
    return true * predicted, np.where(np.isfinite(true), predicted**2, np.nan)


for _metric in (
    TableMetric(
        "item-correlation-error",
        _correlations,
        absolute_error,
        "mean absolute error of the correlations between hidden items",
        of_pairs=True,
    ),
    TableMetric(
        "gap-error",
        _gaps,
        absolute_error,
        "mean absolute error of the gaps between groups (--by) and everybody, in sds of the answers",
        needs_groups=True,
    ),
    TableMetric(
        "gap-slope",
        _gaps,
        slope_on_predictions,
        "slope of people's gaps on predicted ones (--by): 1 is right, below 1 predicted gaps are too large",
        needs_groups=True,
        is_mean=False,
    ),
):
    table_metrics.add(_metric.name, _metric)

"""Means of groups: of people, of their twins, and of predictions, over the same answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.estimation.gap_law import GapRecord
from truetwin.estimation.grouping import Grouping

Floats = NDArray[np.float64]


def gaps(values: Floats, grouping: Grouping, answered: NDArray[np.bool_] | None = None) -> Floats:
    """Return the weighted mean of each group minus that of everybody, (n_columns, n_groups).

    Parameters
    ----------
    values : ndarray of shape (n_people, n_columns)
        NaN where missing.
    grouping : Grouping
    answered : ndarray of bool of shape (n_people, n_columns), optional
        Cells to use; of these, those with a value are used.
    """
    seen = np.isfinite(values) if answered is None else np.isfinite(values) & answered
    filled = np.where(seen, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = (grouping.members.T @ filled) / (grouping.members.T @ seen)
        everybody = (grouping.weights @ filled) / (grouping.weights @ seen)
    return np.asarray((inside - everybody).T)


def bases(answered: NDArray[np.bool_], grouping: Grouping) -> Floats:
    """Return the effective number of people (Kish) behind each mean of a group, (n_columns, n_groups)."""
    total = grouping.members.T @ answered
    squares = (grouping.members**2).T @ answered
    return np.asarray(np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0).T)


def weighted_sd(values: Floats, weights: Floats, answered: NDArray[np.bool_] | None = None) -> Floats:
    """Return the weighted standard deviation of each column; NaN where nobody answered."""
    seen = np.isfinite(values) if answered is None else np.isfinite(values) & answered
    filled = np.where(seen, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = weights @ seen
        mean = (weights @ filled) / total
        square = (weights @ np.where(seen, (values - mean) ** 2, 0.0)) / total
    return np.sqrt(square)


def standardised(values: Floats, sd: Floats) -> Floats:
    """Divide the rows of gaps by the sd of their items; a gap in an item whose answers do not differ is 0."""
    scale = np.where(sd > 0, sd, 1.0)[:, None]
    return np.asarray(np.where(sd[:, None] > 0, values / scale, np.where(np.isnan(values), np.nan, 0.0)))


def gap_record(
    human: Floats, twin: Floats, calibrated: Floats, grouping: Grouping, units: Sequence[str]
) -> GapRecord:
    """Collect the gaps of groups in answered items, in sd of each item.

    Twins' and calibrated gaps are taken over the people who answered the item, so that all three are means over the
    same people. Twins' gaps are in sd of the twins, calibrated gaps in sd of people.

    Parameters
    ----------
    human, twin, calibrated : ndarray of shape (n_people, n_items)
    grouping : Grouping
    units : sequence of n_items names
        Batteries.
    """
    answered = np.isfinite(human)
    weights = grouping.weights
    sd = weighted_sd(human, weights)
    sd_twin = weighted_sd(twin, weights, answered)
    return GapRecord(
        np.where((sd > 0)[:, None], standardised(gaps(human, grouping), sd), np.nan),
        np.nan_to_num(standardised(gaps(twin, grouping, answered), sd_twin)),
        np.nan_to_num(standardised(gaps(calibrated, grouping, answered), sd)),
        bases(answered, grouping),
        units,
    )

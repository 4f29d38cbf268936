"""Metrics of predicted marginals by name: discrepancies, and the share of the variance that predictions keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import UnknownNameError
from truetwin.registry import closest
from truetwin.reweighting.discrepancies import DISCREPANCIES
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]

#: Variance of the predicted distribution over that of the human one (paper A, figure 9); 1 is right.
VARIANCE_RATIO = "variance-ratio"


def resolve_metric(name: str) -> str:
    """Return the full name of a metric of marginals.

    Raises
    ------
    UnknownNameError
        If there is no such metric.

    Examples
    --------
    >>> resolve_metric("variance-ratio"), resolve_metric("kl")
    ('variance-ratio', 'kl')
    """
    if name == VARIANCE_RATIO:
        return name
    known = [*DISCREPANCIES.names(), VARIANCE_RATIO]
    if name not in DISCREPANCIES:
        raise UnknownNameError(
            f"no metric of marginals named {name!r}.{closest(name, known)} Known are {', '.join(known)}."
        )
    return DISCREPANCIES.resolve(name)


def has_variance_ratio(metrics: Sequence[str] | None) -> bool:
    """Tell whether the variance ratio is asked for; without a choice of metrics it is."""
    return metrics is None or VARIANCE_RATIO in metrics


def variance_ratio(human: Floats, predicted: Floats, places: Floats) -> Floats:
    """Divide the variance of ``predicted`` by that of ``human`` for each item; NaN where people do not vary.

    Parameters
    ----------
    human, predicted : ndarray of shape (m, K)
        Shares of the categories.
    places : ndarray of shape (K,) or (m, K)
        Where the categories lie on the scale. The unit does not matter.

    Examples
    --------
    >>> variance_ratio(np.array([[0.5, 0.5]]), np.array([[0.1, 0.9]]), np.array([1.0, 2.0])).round(2).tolist()
    [0.36]
    """
    spread = []
    for shares in (predicted, human):
        mean = (shares * places).sum(axis=1)
        spread.append((shares * places**2).sum(axis=1) - mean**2)
    undefined = np.full(human.shape[0], np.nan)
    return np.asarray(np.divide(spread[0], spread[1], out=undefined, where=spread[1] > 1e-12))


def table_variance_ratio(table: TwinTable, human: Floats, predicted: Floats) -> Floats:
    """Compute the variance ratio of each item of a table; NaN for nominal items, whose categories have no places."""
    places = np.where(table.valid(), table.places, 0.0)
    return np.where(table.ordered, variance_ratio(human, predicted, places), np.nan)

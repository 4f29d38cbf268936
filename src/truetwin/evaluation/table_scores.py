"""Compare whole tables of predictions with the hidden answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.orientation import axis_ids, orient, other, pick
from truetwin.data import Axis, Panel
from truetwin.evaluation.table_metrics import Compared, Table, TableMetric

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TableScores:
    """Quantities of every item that metrics of a whole table compare, by method and metric."""

    items: tuple[str, ...]
    compared: Mapping[tuple[str, str], Compared]


def compare_tables(
    panel: Panel,
    axis: Axis,
    target_ids: Sequence[str],
    predicted: Mapping[str, Array],
    wanted: Iterable[TableMetric],
    *,
    weights: Array | None,
    groups: Mapping[str, NDArray[np.object_]],
) -> TableScores:
    """Compare what was hidden with what was predicted for it, all targets together.

    Parameters
    ----------
    panel : Panel
    axis : {"item", "respondent"}
        Axis of the targets.
    target_ids : sequence of str
        Targets, in the order of the columns of ``predicted``.
    predicted : dict of method to ndarray of shape (n_samples, n_targets)
        Predictions on the items' scales.
    wanted : iterable of TableMetric
    weights : ndarray of shape (n_respondents,), optional
    groups : dict of name to ndarray of shape (n_respondents,)
    """
    position = {name: k for k, name in enumerate(axis_ids(panel, axis))}
    targets = tuple(position[t] for t in target_ids)
    truth = pick(panel.human_values, targets, axis)
    people = np.arange(len(panel.respondent_ids)) if axis == "item" else np.array(targets)
    items = target_ids if axis == "item" else axis_ids(panel, other(axis))
    nominal = [panel.scales[item].kind == "nominal" for item in items]  # codes are no numbers to compare
    truth = np.where(nominal, np.nan, truth)
    weight = np.ones(len(panel.respondent_ids)) if weights is None else weights
    tables = {
        method: Table(
            truth, orient(values, axis), weight[people], {name: g[people] for name, g in groups.items()}
        )
        for method, values in predicted.items()
    }
    return TableScores(
        tuple(items),
        {(method, m.name): m.compare(table) for m in wanted for method, table in tables.items()},
    )

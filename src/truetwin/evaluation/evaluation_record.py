"""Store evaluations as JSON, so that a report can be made long after the computation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.evaluation.evaluation_result import Evaluation
from truetwin.evaluation.table_metrics import Compared


def to_record(evaluation: Evaluation) -> dict[str, Any]:
    """Convert an evaluation to JSON values; undefined scores become null when they are written."""
    return {
        "target_ids": list(evaluation.target_ids),
        "scores": [
            {"method": method, "metric": metric, "values": values}
            for (method, metric), values in evaluation.scores.items()
        ],
        "n_answers": dict(evaluation.n_answers),
        "reasons": {method: dict(found) for method, found in evaluation.reasons.items()},
        "seconds": dict(evaluation.seconds),
        "shared_seconds": evaluation.shared_seconds,
        "settings": dict(evaluation.settings),
        "clusters": list(evaluation.clusters),
        "weights": evaluation.weights,
        "applicable": dict(evaluation.applicable),
        "table_items": list(evaluation.table_items),
        "compared": [
            {"method": method, "metric": metric, "true": found.true, "predicted": found.predicted}
            for (method, metric), found in evaluation.compared.items()
        ],
        "groups": [
            {"by": column, "group": group, "n_people": n}
            for (column, group), n in evaluation.group_sizes.items()
        ],
        "group_scores": [
            {"by": column, "group": group, "method": method, "metric": metric, "values": values}
            for (column, group, method, metric), values in evaluation.group_scores.items()
        ],
    }


def from_record(record: Mapping[str, Any]) -> Evaluation:
    """Restore an evaluation from the result of :func:`to_record`, also after it was written and read as JSON."""
    return Evaluation(
        tuple(record["target_ids"]),
        {(row["method"], row["metric"]): floats(row["values"]) for row in record["scores"]},
        {method: np.asarray(counts) for method, counts in record["n_answers"].items()},
        record["reasons"],
        record["seconds"],
        record["shared_seconds"],
        record["settings"],
        clusters=tuple(record.get("clusters", ())),  # older records have no clusters, weights or groups
        weights=None if record.get("weights") is None else floats(record["weights"]),
        applicable={
            name: np.array(found, dtype=bool) for name, found in record.get("applicable", {}).items()
        },
        table_items=tuple(record.get("table_items", ())),
        compared={
            (row["method"], row["metric"]): Compared(*(_table(row[part]) for part in ("true", "predicted")))
            for row in record.get("compared", ())
        },
        group_sizes={(row["by"], row["group"]): row["n_people"] for row in record.get("groups", ())},
        group_scores={
            (row["by"], row["group"], row["method"], row["metric"]): floats(row["values"])
            for row in record.get("group_scores", ())
        },
    )


def _table(rows: Sequence[Sequence[float | None]]) -> NDArray[np.float64]:
    return np.array([floats(row) for row in rows], dtype=float).reshape(len(rows), -1)


def floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    """Convert a list of numbers to an array; null becomes NaN.

    Examples
    --------
    >>> floats([1.0, None]).tolist()
    [1.0, nan]
    """
    return np.array([np.nan if v is None else v for v in values], dtype=float)

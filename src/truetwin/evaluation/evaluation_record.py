"""Store evaluations as JSON, so that a report can be made long after the computation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.evaluation.comparison import Evaluation


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
    )


def floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    """Convert a list of numbers to an array; null becomes NaN.

    Examples
    --------
    >>> floats([1.0, None]).tolist()
    [1.0, nan]
    """
    return np.array([np.nan if v is None else v for v in values], dtype=float)

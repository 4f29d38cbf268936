"""Store diagnoses as JSON, so that a report can be made long after the computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from truetwin.data import Panel
from truetwin.diagnosis.alignment import Alignment
from truetwin.diagnosis.diagnosis import Diagnosis
from truetwin.diagnosis.spectrum import Spectrum

UNDEFINED = "undefined"
_ROWS = ("faults", "verdicts", "record", "bounds", "shares")


def to_record(diagnosis: Diagnosis) -> dict[str, Any]:
    """Convert a diagnosis, without its panel, to JSON values."""
    return {
        "spectra": {source: asdict(found) for source, found in diagnosis.spectra.items()},
        "alignments": {space: asdict(found) for space, found in diagnosis.alignments.items()},
        **{name: [_noted(row) for row in getattr(diagnosis, name)] for name in _ROWS},
        "moments": dict(diagnosis.moments),
        "settings": dict(diagnosis.settings),
    }


def from_record(record: Mapping[str, Any], panel: Panel) -> Diagnosis:
    """Restore a diagnosis from the result of :func:`to_record`, also after it was written and read as JSON."""
    faults, verdicts, hidden, bounds, shares = ([_restored(row) for row in record[name]] for name in _ROWS)
    return Diagnosis(
        panel,
        {
            source: Spectrum(
                np.asarray(found["singular_values"], dtype=float),
                np.asarray(found["validation_error"], dtype=float),
                found["effective_rank"],
            )
            for source, found in record["spectra"].items()
        },
        {
            space: Alignment(
                found["space"],
                *(
                    {name: np.asarray(values, dtype=float) for name, values in found[part].items()}
                    for part in ("cosines", "distances", "cosine_errors", "distance_errors")
                ),
            )
            for space, found in record["alignments"].items()
        },
        faults,
        verdicts,
        hidden,
        bounds,
        shares,
        record["moments"],
        record["settings"],
    )


def _noted(row: Mapping[str, Any]) -> dict[str, Any]:
    """Add to a row the names of its undefined numbers, which JSON cannot tell from values that do not apply."""
    undefined = [name for name, value in row.items() if isinstance(value, float) and value != value]
    return {**row, UNDEFINED: undefined} if undefined else dict(row)


def _restored(row: Mapping[str, Any]) -> dict[str, Any]:
    undefined = row.get(UNDEFINED, ())
    kept = {name: value for name, value in row.items() if name != UNDEFINED}
    return kept | dict.fromkeys(undefined, float("nan"))

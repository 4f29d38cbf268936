"""Diagnoses as JSON, so that a report can be made long after the computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from truetwin.data import Panel
from truetwin.diagnosis.alignment import Alignment
from truetwin.diagnosis.job import Diagnosis
from truetwin.diagnosis.spectrum import Spectrum

_ROWS = ("faults", "verdicts", "record", "bounds", "shares")


def to_record(diagnosis: Diagnosis) -> dict[str, Any]:
    """All that a diagnosis holds but the panel that it is about."""
    return {
        "spectra": {source: asdict(found) for source, found in diagnosis.spectra.items()},
        "alignments": {space: asdict(found) for space, found in diagnosis.alignments.items()},
        **{name: getattr(diagnosis, name) for name in _ROWS},
        "moments": dict(diagnosis.moments),
        "settings": dict(diagnosis.settings),
    }


def from_record(record: Mapping[str, Any], panel: Panel) -> Diagnosis:
    """The diagnosis behind :func:`to_record`, also after a way through JSON."""
    return Diagnosis(
        panel,
        {
            source: Spectrum(
                np.asarray(found["singular_values"]),
                np.asarray(found["validation_error"]),
                found["effective_rank"],
            )
            for source, found in record["spectra"].items()
        },
        {
            space: Alignment(
                found["space"],
                *(
                    {name: np.asarray(values) for name, values in found[part].items()}
                    for part in ("cosines", "distances", "cosine_errors", "distance_errors")
                ),
            )
            for space, found in record["alignments"].items()
        },
        record["faults"],
        record["verdicts"],
        record["record"],
        record["bounds"],
        record["shares"],
        record["moments"],
        record["settings"],
    )

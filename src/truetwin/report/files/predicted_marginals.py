"""Write predicted marginals: a long table, the twins' weights, and a sidecar that says how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from truetwin.io import dump_json, file_hash, replacing, write_draft
from truetwin.report.files.prediction_files import check_sidecar, disclosed, sidecar_path, versions
from truetwin.reweighting.reweighting import DISCLOSURE, Reweighting

PREDICTION_FIELDS = pa.schema(
    [
        ("population", pa.string()),
        ("item_id", pa.string()),
        ("category", pa.string()),
        ("share", pa.float64()),
        ("lower", pa.float64()),
        ("upper", pa.float64()),
        ("simultaneous_lower", pa.float64()),
        ("simultaneous_upper", pa.float64()),
    ]
)


def write_marginals(
    result: Reweighting,
    output: Path,
    weights_output: Path | None,
    *,
    inputs: Mapping[str, Path],
    settings: Mapping[str, Any],
    disclosure_column: bool = False,
) -> Path:
    """Write predictions, sidecar and, if asked, weights: all of them or none.

    Parameters
    ----------
    result : Reweighting
        Predicted marginals.
    output, weights_output : Path
        Files to write: CSV, TSV or Parquet, by ending.
    inputs : mapping from role to Path
        Files that went in; their hashes are recorded.
    settings : mapping
        Settings that the user chose.
    disclosure_column : bool
        Say in every row of a CSV or TSV file that its values are model-based.

    Returns
    -------
    Path
        Path of the sidecar.

    Raises
    ------
    OutputError
        If the sidecar would overwrite a file that is no sidecar of truetwin.
    """
    check_sidecar(output)
    sidecar = sidecar_path(output)
    content = {
        "disclosure": DISCLOSURE,
        "settings": settings,
        "versions": versions(),
        "inputs": {role: {"file": path.name, "sha256": file_hash(path)} for role, path in inputs.items()},
        "populations": [each.describe() for each in result.populations],
    }
    table = pa.Table.from_pylist(result.predictions, schema=PREDICTION_FIELDS)
    table = disclosed(table, output.suffix.lower(), DISCLOSURE, column=disclosure_column)
    weights = pa.Table.from_pylist(result.weights) if weights_output else None
    with replacing(*(p for p in (output, sidecar, weights_output) if p)) as drafts:
        write_draft(table, drafts[0], output.suffix.lower(), note=DISCLOSURE)
        drafts[1].write_text(dump_json(content) + "\n", encoding="utf-8")
        if weights_output and weights is not None:
            write_draft(weights, drafts[2], weights_output.suffix.lower())
    return sidecar

"""Write predicted marginals as a long table, and the weights of the twins beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from truetwin.results.disclosure import PREDICTED_SHARES, disclosed
from truetwin.results.sidecars import TableFile, check_sidecar, hashed, versions, write_with_sidecar
from truetwin.reweighting.reweighting import Reweighting

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
    content = {
        "disclosure": PREDICTED_SHARES,
        "settings": settings,
        "versions": versions(),
        "inputs": hashed(inputs),
        "populations": [each.describe() for each in result.populations],
    }
    ending = output.suffix.lower() if disclosure_column else ""
    shares = pa.Table.from_pylist(result.predictions, schema=PREDICTION_FIELDS)
    tables = [
        TableFile(output, disclosed(shares, PREDICTED_SHARES, column_for=ending), note=PREDICTED_SHARES)
    ]
    if weights_output:
        tables.append(TableFile(weights_output, pa.Table.from_pylist(result.weights)))
    return write_with_sidecar(tables, content)

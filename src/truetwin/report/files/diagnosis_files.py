"""Write a diagnosis as a table or a workbook, with a sidecar that says how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from truetwin.diagnosis import Diagnosis
from truetwin.errors import FileFormatError
from truetwin.io.excel_files import WRITTEN_WORKBOOK, Sheet
from truetwin.results.disclosure import VERDICTS, disclosed
from truetwin.results.plain_rows import plain_rows
from truetwin.results.sidecars import TableFile, hashed, versions, write_with_sidecar

ENDINGS = (".csv", ".tsv", ".parquet", WRITTEN_WORKBOOK)


def check_diagnosis_ending(path: Path) -> None:
    """Raise :class:`FileFormatError` unless a diagnosis can be written to a file of that name."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise FileFormatError(
            f"a file of verdicts must have a name that ends in one of {', '.join(ENDINGS)}; got {path.name!r}"
        )


def write_diagnosis(
    found: Diagnosis,
    output: Path,
    *,
    inputs: Mapping[str, Path],
    settings: Mapping[str, Any],
    disclosure_column: bool = False,
) -> Path:
    """Write verdicts and faults by item, and their sidecar: both or neither.

    A workbook has the sheets verdicts, record (how such verdicts did on answered items), items, warnings and
    disclosure. Other files have one row an item.

    Parameters
    ----------
    found : Diagnosis
    output : Path
        CSV, TSV, Parquet or Excel, by ending.
    inputs : mapping from role to Path
        Files that went in; their hashes are recorded.
    settings : mapping
        Settings and figures of the panel as a whole.
    disclosure_column : bool
        Say in every row of a CSV or TSV file that its values are model-based.

    Returns
    -------
    Path
        Path of the sidecar.
    """
    ending = output.suffix.lower()
    record = {
        "disclosure": VERDICTS,
        "settings": dict(settings),
        "versions": versions(),
        "inputs": hashed(inputs),
        "items": found.rows(),
    }
    items = pa.Table.from_pylist(plain_rows(found.rows()))
    if ending == WRITTEN_WORKBOOK:
        return write_with_sidecar([_workbook(found, output, items)], record)
    table = disclosed(items, VERDICTS, column_for=ending if disclosure_column else "")
    return write_with_sidecar([TableFile(output, table, note=VERDICTS)], record)


def _workbook(found: Diagnosis, output: Path, items: pa.Table) -> TableFile:
    sheets = [
        Sheet.from_records("record", plain_rows(found.record_summary())),
        Sheet("warnings", ("warning",), [(text,) for text in found.warnings()]),
    ]
    if not found.verdicts:
        return TableFile(output, items, note=VERDICTS, name="items", sheets=sheets)
    verdicts = pa.Table.from_pylist(plain_rows(found.verdicts))
    sheets.insert(1, Sheet.from_table("items", items))
    return TableFile(output, verdicts, note=VERDICTS, name="verdicts", sheets=sheets)

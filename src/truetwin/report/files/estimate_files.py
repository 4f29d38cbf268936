"""Write estimates as a table or a workbook, crosstabs beside it, and a sidecar that says how they were made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from truetwin.errors import FileFormatError
from truetwin.estimation.crosstab import Crosstab
from truetwin.estimation.estimates import Estimates
from truetwin.io import dump_json, replacing
from truetwin.io.excel_files import WRITTEN_WORKBOOK, write_workbook
from truetwin.results.disclosure import ESTIMATES, disclosed
from truetwin.results.sidecars import (
    TableFile,
    companion_path,
    hashed,
    sidecar_path,
    versions,
    write_with_sidecar,
)

ENDINGS = (".csv", ".tsv", ".parquet", WRITTEN_WORKBOOK)


def check_estimate_ending(path: Path) -> None:
    """Raise :class:`FileFormatError` unless estimates can be written to a file of that name."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise FileFormatError(
            f"a file of estimates must have a name that ends in one of {', '.join(ENDINGS)}; got {path.name!r}"
        )


def crosstab_paths(output: Path, columns: list[str]) -> dict[str, Path]:
    """Return the file of each crosstab, by its column of groups; none for a workbook, which has a sheet for each."""
    if output.suffix.lower() == WRITTEN_WORKBOOK:
        return {}
    found: dict[str, Path] = {}
    for column in columns:
        plain = re.sub(r"[^A-Za-z0-9_]+", "-", column).strip("-") or "groups"
        name, count = plain, 1
        while companion_path(output, f"by-{name}") in found.values():
            count += 1
            name = f"{plain}-{count}"
        found[column] = companion_path(output, f"by-{name}")
    return found


def write_estimates(
    result: Estimates,
    output: Path,
    *,
    inputs: Mapping[str, Path],
    settings: Mapping[str, Any],
    disclosure_column: bool = False,
) -> list[Path]:
    """Write estimates, crosstabs and sidecar: all of them or none.

    Parameters
    ----------
    result : Estimates
    output : Path
        CSV, TSV, Parquet or Excel, by ending.
    inputs : mapping from role to Path
        Files that went in; their hashes are recorded.
    settings : mapping
        Settings that the user chose.
    disclosure_column : bool
        Say in every row of a CSV or TSV file that its values are model-based.

    Returns
    -------
    list of Path
        All files, the sidecar last.
    """
    record = estimates_record(result, inputs, settings)
    sidecar = sidecar_path(output)
    if output.suffix.lower() == WRITTEN_WORKBOOK:
        with replacing(output, sidecar) as (draft, sidecar_draft):
            write_workbook(result.sheets(), draft)
            sidecar_draft.write_text(dump_json(record) + "\n", encoding="utf-8")
        return [output, sidecar]
    paths = crosstab_paths(output, [table.by for table in result.crosstabs])
    ending = output.suffix.lower() if disclosure_column else ""
    tables = {output: result.to_frame("pyarrow")}
    tables |= {paths[table.by]: _crosstab_table(table) for table in result.crosstabs}
    write_with_sidecar(
        [
            TableFile(path, disclosed(table, ESTIMATES, column_for=ending), note=ESTIMATES)
            for path, table in tables.items()
        ],
        record,
    )
    return [*tables, sidecar]


def estimates_record(
    result: Estimates, inputs: Mapping[str, Path], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Collect the content of the sidecar, from which the section of a report is made, too."""
    return {
        "disclosure": ESTIMATES,
        "settings": dict(settings),
        "found": dict(result.settings),
        "versions": versions(),
        "inputs": hashed(inputs),
        "level": result.level,
        "notes": list(result.notes),
        "items": result.summary(),
        "rows": list(result.rows),
        "crosstabs": [
            {
                "by": table.by,
                "groups": list(table.groups),
                "columns": table.columns,
                "rows": table.records(),
                "footer": table.footer,
            }
            for table in result.crosstabs
        ],
    }


def _crosstab_table(table: Crosstab) -> pa.Table:
    """Make the table of a crosstab; its last row is the footer."""
    names = ["item", "row", *table.columns]
    rows = [*table.records(), {"item": table.footer}]
    return pa.table([pa.array([row.get(name) for row in rows], pa.string()) for name in names], names=names)

"""Write effects of experiments as tables, with a sidecar that says how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from truetwin.io.excel_files import WRITTEN_WORKBOOK, Sheet
from truetwin.report.files.estimate_files import check_estimate_ending
from truetwin.results.disclosure import EFFECTS, disclosed
from truetwin.results.sidecars import (
    TableFile,
    companion_path,
    hashed,
    sidecar_path,
    versions,
    write_with_sidecar,
)

Records = Sequence[Mapping[str, Any]]


def check_effect_output(output: Path, inputs: Sequence[Path | None], further: Sequence[str] = ()) -> None:
    """Check before any work that the tables can be written: ending, folder, sidecar, and no input overwritten.

    ``further`` names the tables beside the first one.
    """
    from truetwin.io import check_outputs
    from truetwin.results.sidecars import check_sidecar

    check_estimate_ending(output)
    check_outputs([output, sidecar_path(output), *_companions(output, further).values()], inputs)
    check_sidecar(output)


def write_effect_tables(
    output: Path,
    tables: Mapping[str, Records],
    *,
    found: Mapping[str, Any],
    inputs: Mapping[str, Path],
    settings: Mapping[str, Any],
    disclosure_column: bool = False,
) -> list[Path]:
    """Write tables and sidecar: all of them or none.

    Parameters
    ----------
    output : Path
        CSV, TSV, Parquet or Excel, by ending.
    tables : mapping from name to records
        The first goes to ``output``; further ones to files beside it, or into sheets of the workbook.
    found : mapping
        What the sidecar says beside settings, versions and hashes of the inputs.
    inputs : mapping from role to Path
    settings : mapping
    disclosure_column : bool
        Say in every row of a CSV or TSV file that its values are model-based.

    Returns
    -------
    list of Path
        All files, the sidecar last.
    """
    (first, rows), *others = tables.items()
    record = {
        "disclosure": EFFECTS,
        "settings": dict(settings),
        "versions": versions(),
        "inputs": hashed(inputs),
        **found,
        **{name: list(records) for name, records in tables.items()},
    }
    ending = output.suffix.lower() if disclosure_column else ""
    main = disclosed(records_table(rows), EFFECTS, column_for=ending)
    if output.suffix.lower() == WRITTEN_WORKBOOK:
        sheets = [Sheet.from_records(name, records) for name, records in others if records]
        files = [TableFile(output, main, name=first, sheets=sheets, note=EFFECTS)]
    else:
        paths = _companions(output, [name for name, records in others if records])
        files = [TableFile(output, main, note=EFFECTS)]
        files += [
            TableFile(
                paths[name], disclosed(records_table(records), EFFECTS, column_for=ending), note=EFFECTS
            )
            for name, records in others
            if records
        ]
    sidecar = write_with_sidecar(files, record)
    return [*(each.path for each in files), sidecar]


def records_table(records: Records) -> pa.Table:
    """Make a table of records; a column that a record lacks is empty there."""
    names = list(dict.fromkeys(name for record in records for name in record))
    return pa.table({name: pa.array([_plain(record.get(name)) for record in records]) for name in names})


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def _companions(output: Path, names: Sequence[str]) -> dict[str, Path]:
    if output.suffix.lower() == WRITTEN_WORKBOOK:
        return {}
    return {name: companion_path(output, name) for name in names}

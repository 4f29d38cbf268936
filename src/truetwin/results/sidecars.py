"""Write tables together with a sidecar: the JSON file beside a result that says how it was made."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin import __version__
from truetwin.data import Item
from truetwin.errors import OutputError
from truetwin.io import dump_json, file_hash, replacing, write_draft
from truetwin.io.excel_files import WRITTEN_WORKBOOK, Sheet
from truetwin.io.tables import write_workbook_draft
from truetwin.io.twin_files import files_by_role

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class TableFile:
    """Table and the file that it goes to.

    ``items`` and ``note`` are used by SPSS, Stata and Excel files. ``name`` and ``sheets``, which follow the table and
    go before the note, are used by Excel files.
    """

    path: Path
    table: pa.Table
    items: Mapping[str, Item] = field(default_factory=dict)
    note: str = ""
    name: str = "table"
    sheets: Sequence[Sheet] = ()


def sidecar_path(output: Path) -> Path:
    """Return the path of an output's sidecar: the name of the output, ending in .json."""
    if not output.name:
        raise OutputError(f"the output must be a file; {str(output)!r} is not the name of one")
    return output.with_suffix(".json")


def companion_path(output: Path, kind: str) -> Path:
    """Return the path of a further table that belongs to an output: ``NAME.kind.ENDING``."""
    return output.with_name(f"{output.stem}.{kind}{output.suffix}")


def check_sidecar(output: Path) -> None:
    """Refuse to overwrite a file that lies where the sidecar of ``output`` goes and is no sidecar of truetwin.

    Raises
    ------
    OutputError
        If there is such a file.
    """
    sidecar = sidecar_path(output)
    if not sidecar.exists():
        return
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or "disclosure" not in content:
        raise OutputError(
            f"beside {output} goes its sidecar {sidecar.name}; a file of that name exists and is no sidecar of "
            "truetwin. Move it, or choose another output."
        )


def write_with_sidecar(tables: Sequence[TableFile], content: Mapping[str, Any]) -> Path:
    """Write tables and the sidecar of the first one. If any cannot be written, none is.

    Parameters
    ----------
    tables : sequence of TableFile
        The tables. The ending of each file decides its format: CSV, TSV, Parquet, SPSS or Stata.
    content : mapping
        What the sidecar says.

    Returns
    -------
    Path
        The sidecar.
    """
    sidecar = sidecar_path(tables[0].path)
    with replacing(*(each.path for each in tables), sidecar) as (*drafts, sidecar_draft):
        for each, draft in zip(tables, drafts, strict=True):
            ending = each.path.suffix.lower()
            if ending == WRITTEN_WORKBOOK:
                write_workbook_draft(each.table, draft, name=each.name, sheets=each.sheets, note=each.note)
            else:
                write_draft(each.table, draft, ending, items=each.items, note=each.note)
        sidecar_draft.write_text(dump_json(content) + "\n", encoding="utf-8")
    return sidecar


def hashed(files: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Return the name and the SHA-256 hash of each file that went into a result, by the file's role.

    A folder of twin answers has an entry for each of its tables.
    """
    return {
        role: {"file": path.name, "sha256": file_hash(path)} for role, path in files_by_role(files).items()
    }


def versions() -> dict[str, str]:
    """Return the versions of truetwin, Python and the numerical libraries that a result depends on."""
    from importlib.metadata import version

    libraries = ("numpy", "scipy", "scikit-learn", "pyarrow")
    return {
        "truetwin": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
    }

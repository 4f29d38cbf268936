"""Read Excel and OpenDocument workbooks, and write Excel workbooks."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.errors import FileFormatError, MissingExtraError, OutputError
from truetwin.io.readable_files import check_is_file
from truetwin.io.sheet_names import file_and_sheet
from truetwin.registry import closest

if TYPE_CHECKING:
    import pyarrow as pa

WRITTEN_WORKBOOK = ".xlsx"
_MOST_ROWS, _MOST_COLUMNS, _MOST_CHARACTERS = 1_048_576, 16_384, 32_767
#: Spreadsheet programs take a text that begins with one of these for a formula when somebody edits the cell.
_FORMULA_STARTS = ("=", "+", "-", "@")
_CREATED = datetime.datetime(2000, 1, 1)  # one fixed time, so that equal content makes equal files


@dataclass(frozen=True)
class Shown:
    """Number with the number format in which Excel shows it, such as ``0%``; it stays a number to count with."""

    value: float
    pattern: str


@dataclass(frozen=True)
class Sheet:
    """Sheet of a workbook: a name, column headings, and rows of cells in the order of the columns.

    Cells are texts, numbers (:class:`Shown` in a format of their own), truth values, or None (and NaN) for an empty
    cell. A footer stands in the first column, below an empty row.

    Examples
    --------
    >>> Sheet.from_records("estimates", [{"item": "Q1", "mean": 3.2}, {"item": "Q2", "note": "few"}]).columns
    ('item', 'mean', 'note')
    """

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]
    footer: str = ""

    @classmethod
    def from_table(cls, name: str, table: pa.Table) -> Sheet:
        """Take the columns and rows of a pyarrow table."""
        columns = [column.to_pylist() for column in table.columns]
        return cls(name, tuple(table.column_names), list(zip(*columns, strict=True)))

    @classmethod
    def from_records(cls, name: str, records: Sequence[Mapping[str, Any]]) -> Sheet:
        """Take rows from mappings; a column that a record lacks is empty there."""
        columns = tuple(dict.fromkeys(key for record in records for key in record))
        return cls(name, columns, [[record.get(c) for c in columns] for record in records])


def write_workbook(sheets: Sequence[Sheet], path: Path | BytesIO) -> None:
    """Write sheets to an Excel workbook at ``path``, as it is; see :func:`truetwin.io.replacing` for drafts.

    Numbers are stored as numbers. Every text is stored as a text, also one that begins with ``=``, so that no cell
    is ever a formula or a link.

    Raises
    ------
    OutputError
        If a sheet has more rows or columns than Excel can hold.
    """
    import xlsxwriter
    import xlsxwriter.exceptions

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    if isinstance(path, BytesIO):
        options["in_memory"] = True  # without files for the parts
    names = sheet_names([sheet.name for sheet in sheets])
    workbook = xlsxwriter.Workbook(path if isinstance(path, BytesIO) else str(path), options)
    try:
        workbook.set_properties({"created": _CREATED})
        formats = _Formats(workbook)
        for name, sheet in zip(names, sheets, strict=True):
            _write_sheet(workbook.add_worksheet(name), sheet, formats)
        workbook.close()
    except xlsxwriter.exceptions.XlsxWriterException as error:
        raise OutputError(f"cannot write {path}: {error}") from error


class _Formats:
    """Formats of the cells of a workbook; each is added once."""

    def __init__(self, workbook: Any) -> None:
        self._workbook, self._shown = workbook, dict[str, Any]()
        self.heading = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self.guarded = workbook.add_format({"quote_prefix": True})

    def shown(self, pattern: str) -> Any:
        """Return the format that shows numbers by a pattern."""
        if pattern not in self._shown:
            self._shown[pattern] = self._workbook.add_format({"num_format": pattern})
        return self._shown[pattern]


def _write_sheet(target: Any, sheet: Sheet, formats: _Formats) -> None:
    if len(sheet.columns) > _MOST_COLUMNS:
        raise OutputError(
            f"an Excel sheet holds at most {_MOST_COLUMNS:,} columns; {sheet.name!r} has {len(sheet.columns):,}. "
            f"Write .csv or .parquet, or one row for each answer (--long)."
        )
    for column, heading in enumerate(sheet.columns):
        target.write_string(0, column, str(heading)[:_MOST_CHARACTERS], formats.heading)
    widths = [len(str(heading)) for heading in sheet.columns]
    row = 0
    for row, cells in enumerate(sheet.rows, 1):
        if row >= _MOST_ROWS:
            raise OutputError(
                f"an Excel sheet holds at most {_MOST_ROWS:,} rows; {sheet.name!r} has more. Write .csv or .parquet."
            )
        for column, value in enumerate(cells):
            _write_cell(target, row, column, value, formats)
            if row <= 50 and isinstance(value, str):
                widths[column] = max(widths[column], len(value))
    if sheet.footer:
        _write_cell(target, row + 2, 0, sheet.footer, formats)
    for column, width in enumerate(widths[:200]):
        target.set_column(column, column, min(max(width, 8), 60) + 1)
    target.freeze_panes(1, 1)


def _write_cell(target: Any, row: int, column: int, value: Any, formats: _Formats) -> None:
    pattern = None
    if isinstance(value, Shown):
        value, pattern = value.value, formats.shown(value.pattern)
    value = value.item() if hasattr(value, "item") else value  # numpy
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return
    if isinstance(value, bool):
        target.write_boolean(row, column, value)
    elif isinstance(value, int | float) and math.isfinite(value):
        target.write_number(row, column, value, pattern)
    else:
        text = str(value)[:_MOST_CHARACTERS]
        target.write_string(row, column, text, formats.guarded if text.startswith(_FORMULA_STARTS) else None)


def sheet_names(names: Sequence[str]) -> list[str]:
    """Make names that Excel accepts, all different: at most 31 characters, none of ``[]:*?/\\`` and no outer quote.

    Examples
    --------
    >>> sheet_names(["shares: all", "shares/ all"])
    ['shares all', 'shares all 2']
    """
    taken: dict[str, str] = {}
    for name in names:
        plain = " ".join(re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).split()).strip("'")[:31] or "sheet"
        shown, count = plain, 1
        while shown.lower() in taken:
            count += 1
            shown = f"{plain[: 30 - len(str(count))]} {count}"
        taken[shown.lower()] = shown
    return list(taken.values())


def read_workbook(
    path: str | Path, sheet: str | None = None, say: Callable[[str], None] | None = None
) -> pa.Table:
    """Read one sheet of a workbook as a table of texts, numbers as they would be typed.

    The sheet is the one named, or else the first visible one that has two columns of cells. Its first row that is not
    empty is the header. Formulas are never computed: a cell holds the value that was stored with it.

    Parameters
    ----------
    path : path
        The workbook; ``book.xlsx#People`` names a sheet too.
    sheet : str, optional
        Name of the sheet.
    say : callable, optional
        Called with a note that names the sheet, if others have cells as well.

    Raises
    ------
    MissingExtraError
        If the package python-calamine is not installed.
    FileFormatError
        If the file is no workbook, or the sheet is not there or empty.
    """
    import pyarrow as pa

    path, named = file_and_sheet(Path(path))
    calamine = _calamine(f"reading {path.suffix} files")
    check_is_file(path)
    try:
        workbook = calamine.CalamineWorkbook.from_path(str(path))
        rows, note = _chosen_sheet(workbook, path, sheet or named)
    except FileFormatError:
        raise
    except Exception as error:  # the reader's own exceptions, and those of the libraries below it
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise FileFormatError(
            f"{path} must be a workbook ({path.suffix}); it cannot be read as one ({reason}). Open it in a "
            f"spreadsheet program, remove any password, and save it again, or export it as CSV."
        ) from error
    if not rows:
        raise FileFormatError(f"{path} must be a table with a header line; it is empty")
    if say and note:
        say(note)
    header, *body = ([_text(cell) for cell in row] for row in rows)
    columns = list(zip(*body, strict=True)) if body else [() for _ in header]
    return pa.table([pa.array(column, pa.string()) for column in columns], names=header)


def _chosen_sheet(workbook: Any, path: Path, wanted: str | None) -> tuple[list[list[Any]], str]:
    """Return the rows of the sheet that is read, and a note if there was a choice."""
    names = list(workbook.sheet_names)
    if wanted is not None:
        folded = {name.strip().casefold(): name for name in names}
        name = wanted if wanted in names else folded.get(wanted.strip().casefold())
        if name is None:
            raise FileFormatError(
                f"{path} has no sheet {wanted!r}; it has {', '.join(map(repr, names))}.{closest(wanted, names)}"
            )
        return _filled_rows(workbook, name), ""
    hidden = {each.name for each in workbook.sheets_metadata if str(each.visible).endswith("Hidden")}
    in_order = sorted(names, key=hidden.__contains__)
    filled = {name: rows for name in in_order if (rows := _filled_rows(workbook, name))}
    wide = [
        n for n, rows in filled.items() if n not in hidden and any(sum(c != "" for c in r) > 1 for r in rows)
    ]
    first = next(iter([*wide, *filled]), "")  # a cover page has one column
    others = [name for name in filled if name != first and name not in hidden]
    if not others:
        return filled.get(first, []), ""
    note = f"{path}: read the sheet {first!r} and not {', '.join(map(repr, others))}"
    return filled[first], f"{note}; {path.name}#{others[0]} names another one"


def _filled_rows(workbook: Any, name: str) -> list[list[Any]]:
    return [row for row in workbook.get_sheet_by_name(name).to_python() if any(cell != "" for cell in row)]


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


def _calamine(purpose: str) -> Any:
    try:
        import python_calamine
    except ImportError:
        raise MissingExtraError("python-calamine", "excel", purpose) from None
    return python_calamine

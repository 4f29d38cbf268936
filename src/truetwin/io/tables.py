"""Read and write tables of answers: CSV, TSV, Parquet, Excel, SPSS and Stata, wide or long."""

from __future__ import annotations

import csv as stdlib_csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.data import Item
from truetwin.errors import FileFormatError
from truetwin.io.atomic import replacing
from truetwin.io.excel_files import WRITTEN_WORKBOOK, Sheet, read_workbook, write_workbook
from truetwin.io.parquet_width import n_parquet_columns
from truetwin.io.readable_files import check_is_file, reading
from truetwin.io.sheet_names import WORKBOOK_ENDINGS, file_and_sheet
from truetwin.io.text_tables import check_width, read_text_table, without_unnamed
from truetwin.registry import closest

if TYPE_CHECKING:
    import pyarrow as pa

TEXT_ENDINGS = (".csv", ".tsv", ".txt")
PARQUET_ENDINGS = (".parquet", ".pq")
SURVEY_ENDINGS = (".sav", ".zsav", ".dta")
#: Column with a remark in predictions that were written as text; it is no item.
DISCLOSURE_COLUMN = "disclosure"


def read_table(
    path: str | Path, encoding: str | None = None, say: Callable[[str], None] | None = None
) -> pa.Table:
    """Read a CSV, TSV, Parquet or Excel file; the cells of a text file stay strings, as written.

    ``encoding`` is the text encoding of a CSV or TSV file; ``say`` is called with each note about how it was read.
    ``book.xlsx#People`` names a sheet of a workbook.
    """
    import pyarrow.parquet as pq

    path = check_is_file(Path(path))
    ending = file_and_sheet(path)[0].suffix.lower()
    if ending in PARQUET_ENDINGS:
        with reading(path, "a Parquet file", "Write it again, or export it as CSV."):
            n_columns = n_parquet_columns(path)  # wide files would take minutes and all memory
            check_width(pq.read_metadata(path).num_columns if n_columns is None else n_columns, path)
            return pq.read_table(path)
    if ending in TEXT_ENDINGS:
        table, notes = read_text_table(path, encoding)
        if say:
            for text in notes:
                say(text)
        return table
    if ending in WORKBOOK_ENDINGS:
        table, unnamed = without_unnamed(read_workbook(path, say=say))
        if unnamed and say:
            say(f"{path}: left out {unnamed} columns without a name")
        return table
    known = [*TEXT_ENDINGS, *PARQUET_ENDINGS, *WORKBOOK_ENDINGS, *SURVEY_ENDINGS]
    raise FileFormatError(
        f"a table's name must end in one of {', '.join(known)}; got {path.name!r}.{closest(ending, known)}"
    )


def write_table(table: pa.Table, path: str | Path) -> None:
    """Write a table as CSV, TSV, Parquet, Excel, SPSS or Stata, by the ending of ``path``, whole or not at all."""
    path = Path(path)
    check_output_ending(path)
    with replacing(path) as (draft,):
        write_draft(table, draft, path.suffix.lower())


def check_output_ending(path: Path) -> None:
    """Raise :class:`FileFormatError` unless the name's ending is that of a table that can be written."""
    known = [".csv", ".tsv", *PARQUET_ENDINGS, WRITTEN_WORKBOOK, ".sav", ".dta"]
    if path.suffix.lower() not in known:
        raise FileFormatError(
            f"an output table's name must end in one of {', '.join(known)}; got {path.name!r}"
        )


def write_draft(
    table: pa.Table, draft: Path, ending: str, *, items: Mapping[str, Item] | None = None, note: str = ""
) -> None:
    """Write ``table`` to ``draft`` in the format of ``ending``.

    ``items`` and ``note`` are used by SPSS and Stata, which store wordings, labels and a remark. An Excel workbook
    holds the note in a sheet of its own.
    """
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    if ending in PARQUET_ENDINGS:
        pq.write_table(table, draft)
    elif ending in SURVEY_ENDINGS:
        from truetwin.io.survey_files import write_survey_file

        write_survey_file(table, draft, ending, items=items or {}, note=note)
    elif ending == WRITTEN_WORKBOOK:
        write_workbook_draft(table, draft, note=note)
    else:
        delimiter = "\t" if ending == ".tsv" else ","
        # pyarrow quotes every text or none; ids that need no quotes should come back as they went in.
        quoting = "needed" if _has_special_text(table, delimiter) else "none"
        options = csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style=quoting)
        with draft.open("wb") as stream:
            line = io.StringIO()
            stdlib_csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(table.column_names)
            stream.write(line.getvalue().encode())
            csv.write_csv(table, stream, write_options=options)


def write_workbook_draft(
    table: pa.Table, draft: Path, *, name: str = "table", sheets: Sequence[Sheet] = (), note: str = ""
) -> None:
    """Write an Excel workbook: a table, further sheets, and a sheet with the note."""
    remark = [Sheet("disclosure", ("disclosure",), [(note,)])] if note else []
    write_workbook([Sheet.from_table(name, table), *sheets, *remark], draft)


def _has_special_text(table: pa.Table, delimiter: str) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [c for c in table.columns if pa.types.is_string(c.type) or pa.types.is_large_string(c.type)]
    return any(pc.any(pc.match_substring_regex(c, f'["\r\n{delimiter}]')).as_py() for c in texts)


def write_json(content: Any, path: Path) -> None:
    """Write ``content`` as JSON (see :func:`dump_json`), whole or not at all."""
    with replacing(path) as (draft,):
        draft.write_text(dump_json(content) + "\n", encoding="utf-8")


def dump_json(content: Any) -> str:
    """Convert ``content`` to JSON text; numpy numbers become numbers, and NaN becomes null."""
    return json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return _plain(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def file_hash(path: str | Path) -> str:
    """Compute the sha256 of a file's content, in hexadecimal."""
    with file_and_sheet(Path(path))[0].open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

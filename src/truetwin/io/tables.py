"""Read and write tables of answers: CSV, TSV, Parquet, Excel, SPSS and Stata, wide or long."""

from __future__ import annotations

import csv as stdlib_csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.data import Item, ResponseMatrix
from truetwin.data.frames import from_frame
from truetwin.errors import FileFormatError
from truetwin.io.atomic import replacing
from truetwin.io.excel_files import WORKBOOK_ENDINGS, WRITTEN_WORKBOOK, Sheet, read_workbook, write_workbook
from truetwin.io.readable_files import check_is_file
from truetwin.registry import closest

if TYPE_CHECKING:
    import pyarrow as pa

TEXT_ENDINGS = (".csv", ".tsv", ".txt")
PARQUET_ENDINGS = (".parquet", ".pq")
SURVEY_ENDINGS = (".sav", ".zsav", ".dta")
_HEADER_LIMIT = 4 * 2**20
#: Column with a remark in predictions that were written as text; it is no item.
DISCLOSURE_COLUMN = "disclosure"
_DELIMITERS = (",", "\t", ";", "|")


def read_responses(
    path: str | Path,
    *,
    id_column: str | None = None,
    items: Mapping[str, Item] | None = None,
    weight_column: str | None = None,
    expectations: bool = False,
) -> ResponseMatrix:
    """Read a file of answers in the format that its ending names.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv``, ``.parquet``, ``.sav`` / ``.zsav`` (SPSS) or ``.dta`` (Stata); wide (one column of
        ids, one column an item) or long (``respondent_id, item_id, value[, weight]``). A CSV that Qualtrics exported,
        with its three header rows, is recognised. A column ``disclosure``, as in exported predictions, is left out.
    id_column : str, optional
        Column of respondent ids; by default ``respondent_id`` or else the first column.
    items : mapping from item id to Item, optional
        Declared texts, scales and blocks; they win over the labels of an SPSS or Stata file.
    weight_column : str, optional
        Column of design weights.
    expectations : bool, default=False
        Whether values may be means of answers, between the answers of a declared scale; so it is with twins.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not a table.
    DataError
        If its content is not a table of answers.
    """
    table, declared, id_column = open_answers(path, id_column, items)
    return from_frame(
        table,
        id_column=id_column,
        items=declared,
        source=str(path),
        weight_column=weight_column,
        expectations=expectations,
    )


def open_answers(
    path: str | Path,
    id_column: str | None,
    items: Mapping[str, Item] | None,
    keep: Callable[[Sequence[str]], Sequence[str]] | None = None,
) -> tuple[pa.Table, dict[str, Item], str | None]:
    """Open a file of answers. Returns its table, the declarations (the file's labels and ``items``), and the id column.

    ``keep`` chooses, among the columns of a Qualtrics export, those that are kept though they are no closed questions.
    """
    path = Path(path)
    declared = dict(items or {})
    if path.suffix.lower() in SURVEY_ENDINGS:
        from truetwin.io.survey_files import read_survey_file

        table, labelled = read_survey_file(path)
        return table, {**labelled, **declared}, id_column
    from truetwin.io.qualtrics import from_qualtrics, is_qualtrics_export

    table = read_table(path)
    if is_qualtrics_export(table):
        kept = keep(table.column_names) if keep else ()
        table, worded, id_column = from_qualtrics(table, id_column, str(path), kept)
        declared = {**worded, **declared}
    if DISCLOSURE_COLUMN in table.column_names and DISCLOSURE_COLUMN not in declared:
        table = table.drop_columns([DISCLOSURE_COLUMN])
    return table, declared, id_column


def read_table(path: str | Path) -> pa.Table:
    """Read a CSV, TSV, Parquet or Excel file; the cells of a text file stay strings, exactly as written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = check_is_file(Path(path))
    ending = path.suffix.lower()
    if ending in PARQUET_ENDINGS:
        try:
            return pq.read_table(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise FileFormatError(
                f"{path} must be a Parquet file; it cannot be read as one ({_first(error)})"
            ) from error
    if ending in TEXT_ENDINGS:
        return _read_text(path)
    if ending in WORKBOOK_ENDINGS:
        return read_workbook(path)
    known = [*TEXT_ENDINGS, *PARQUET_ENDINGS, *WORKBOOK_ENDINGS, *SURVEY_ENDINGS]
    raise FileFormatError(
        f"a table's name must end in one of {', '.join(known)}; got {path.name!r}.{closest(ending, known)}"
    )


def _read_text(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as csv

    header = _header(path)
    bare = re.sub(r'"[^"]*"', "", header)
    delimiter = max(_DELIMITERS, key=bare.count)
    if delimiter not in bare:
        raise FileFormatError(
            f"{path} must have at least two columns, such as ids and an item column; its first line has no comma, "
            f"tab, semicolon or bar"
        )
    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    try:
        head = csv.open_csv(path, parse_options=parse, read_options=csv.ReadOptions(block_size=_HEADER_LIMIT))
        names = head.schema.names
        head.close()
        # Repeated column names would silently share one type; the error for them comes with the ids.
        everything_text = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        )
        return csv.read_csv(path, parse_options=parse, convert_options=everything_text)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path} must be a table with a header line: {_first(error)}") from error


def _header(path: Path) -> str:
    """Read the first line, after a quick check that the file is text and has lines at all."""
    with path.open("rb") as stream:
        start = stream.read(_HEADER_LIMIT)
    if not start.strip():
        raise FileFormatError(f"{path} must be a table with a header line; it is empty")
    if b"\0" in start:
        raise FileFormatError(f"{path} must be a text table; it holds binary data")
    line, newline, _ = start.replace(b"\r\n", b"\n").replace(b"\r", b"\n").partition(b"\n")
    if not newline and len(start) == _HEADER_LIMIT:
        raise FileFormatError(f"{path} must be a table; its first line is longer than 4 MB")
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{path} must be UTF-8 text; byte {error.start + 1} of its first line is not. Save it as UTF-8."
        ) from error


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
        remark = [Sheet("disclosure", ("disclosure",), [(note,)])] if note else []
        write_workbook([Sheet.from_table("table", table), *remark], draft)
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
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _first(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."

"""Read CSV and TSV files as survey programs, spreadsheets and statistics programs write them."""

from __future__ import annotations

import codecs
import csv as stdlib_csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.data.answer_cells import as_number, is_decimal_comma
from truetwin.errors import FileFormatError
from truetwin.io.readable_files import reading

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = (",", "\t", ";", "|")
#: Most columns of a table; a table of answers with more is transposed, or no table of answers.
MOST_COLUMNS = 20_000
_START = 4 * 2**20
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_REMEDY = "Save it as CSV in UTF-8, or name its text encoding with --encoding."


@dataclass(frozen=True)
class Dialect:
    """Dialect of a text table: how it is written.

    Attributes
    ----------
    encoding : str
        Text encoding.
    delimiter : str
        Character between cells.
    skipped : int
        Number of bytes before the header line: a line ``sep=;``, remarks, empty lines.
    n_columns : int
        Number of cells in the header line.
    guessed : bool
        Whether the encoding is a guess.
    """

    encoding: str
    delimiter: str
    skipped: int
    n_columns: int
    guessed: bool = False


def read_text_table(path: Path, encoding: str | None = None) -> tuple[pa.Table, list[str]]:
    """Read a text table; its cells stay texts, as written.

    Quoted cells may hold delimiters and line ends. A line ``sep=;``, remarks (lines that begin with ``#`` and are no
    rows), rows of empty cells, and columns without name and content are left out. In tables that are not separated by
    commas, decimal commas become points in columns of numbers.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str, optional
        Text encoding. By default UTF-8, or UTF-16 or UTF-32 by the file's first bytes, or else Windows-1252.

    Returns
    -------
    pyarrow.Table
        The table.
    list of str
        Notes for the user.

    Raises
    ------
    FileFormatError
        If the file is no table. The message names the line or the reason.
    """
    with reading(path, "a table with a header line", _REMEDY):
        dialect = sniff(path, encoding)
    check_width(dialect.n_columns, path)
    with reading(path, "a table with a header line", _REMEDY):
        table = _parsed(path, dialect)
    if dialect.delimiter != ",":
        table = _with_points(table)
    table, unnamed = without_unnamed(_without_empty_rows(table))
    notes = []
    if dialect.guessed:
        notes.append(
            f"{path}: not UTF-8; read as Western European text ({dialect.encoding}); --encoding names another"
        )
    if unnamed:
        notes.append(f"{path}: left out {unnamed} columns without a name")
    return table, notes


def check_width(n_columns: int, path: Path) -> None:
    """Refuse a table with more columns than a table of answers has.

    Raises
    ------
    FileFormatError
        If there are more than 20,000.
    """
    if n_columns > MOST_COLUMNS:
        raise FileFormatError(
            f"{path} must be a table of at most {MOST_COLUMNS:,} columns; it has {n_columns:,}. Is it transposed, with "
            "one column for each respondent?"
        )


def sniff(path: Path, encoding: str | None = None) -> Dialect:
    """Find out encoding and delimiter of a text table from its beginning."""
    with path.open("rb") as stream:
        start = stream.read(_START)
    if not start.strip():
        raise FileFormatError(f"{path} must be a table with a header line; it is empty")
    encoding, guessed = _encoding(path, start, encoding)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start).removeprefix("\ufeff")
    named, text, before = _after_remarks(text)
    records = _first_records(text)
    if not records:
        raise FileFormatError(
            f"{path} must be a table; its first line is longer than 4 MB. Is it transposed, with one column for each "
            "respondent?"
        )
    delimiter = named or max(DELIMITERS, key=lambda d: _count(records, d))
    header = next(iter(_cells([records[0]], delimiter)), [])
    if len(header) < 2:
        raise FileFormatError(
            f"{path} must have at least two columns, such as ids and an item column; its first line has no comma, "
            f"tab, semicolon or bar"
        )
    skipped = len(before.encode(encoding if encoding != "utf-8-sig" else "utf-8"))
    return Dialect(encoding, delimiter, skipped, len(header), guessed)


def _encoding(path: Path, start: bytes, named: str | None) -> tuple[str, bool]:
    """Decide the encoding, and say whether it is a guess."""
    if named is not None:
        try:
            codecs.lookup(named)
            codecs.getincrementaldecoder(named)("strict").decode(start)
        except LookupError:
            raise FileFormatError(
                f"--encoding must name a text encoding, such as utf-8, utf-16, cp1252 or gb18030; got {named!r}"
            ) from None
        except UnicodeDecodeError as error:
            raise FileFormatError(f"{path} must be {named} text; byte {error.start + 1} is not") from error
        return named, False
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name, False
    if b"\0" in start:
        even, odd = start[0:2000:2].count(0), start[1:2000:2].count(0)
        most = min(len(start), 2000) // 2
        if odd > 0.4 * most and even < 0.1 * most:
            return "utf-16-le", False
        if even > 0.4 * most and odd < 0.1 * most:
            return "utf-16-be", False
        raise FileFormatError(f"{path} must be a text table; it holds binary data")
    return _unmarked(path, start)


def _unmarked(path: Path, start: bytes) -> tuple[str, bool]:
    """Decide between UTF-8 and Windows-1252 by the whole file."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    western = True
    place = 0
    try:
        with path.open("rb") as stream:
            while block := stream.read(_START):
                decoder.decode(block)
                place += len(block)
            decoder.decode(b"", final=True)
        return "utf-8", False
    except UnicodeDecodeError as error:
        place += error.start + 1
    content = path.read_bytes()
    strange = set(content) & {
        *range(0x00, 0x09),
        *range(0x0E, 0x20),
        0x7F,
        0x81,
        0x8D,
        0x8F,
        0x90,
        0x9D,
        0xFF,
        0xFE,
    }
    western = not strange and _mostly_letters(content)
    if not western:
        raise FileFormatError(f"{path} must be UTF-8 text; byte {place} is not. {_REMEDY}")
    return "cp1252", True


def _mostly_letters(content: bytes) -> bool:
    """Test whether the characters beyond ASCII are those of Western European texts."""
    high = [c for c in content.decode("cp1252", "replace") if ord(c) > 0x7F]
    usual = sum(c.isalpha() or c in "’‘“”„«»–—…€£§°·¿¡´`\xa0²³½¼×÷±µ" for c in high)
    return usual >= 0.9 * len(high)


def _after_remarks(text: str) -> tuple[str | None, str, str]:
    """Return the delimiter that a first line ``sep=`` names, the text from the header line on, and what is before."""
    rest, named = text, None
    found = re.match(r"\s*\"?sep=(.)\"?[ \t]*\r?\n", rest, re.IGNORECASE)
    if found:
        named, rest = found.group(1), rest[found.end() :]
    first_row = next(
        (line for line in rest.split("\n", 1000) if line.strip() and not line.startswith("#")), ""
    )
    n_cells = max(map(first_row.count, DELIMITERS))
    while True:
        line, end, after = rest.partition("\n")
        remark = line.startswith("#") and n_cells > 0 and max(map(line.count, DELIMITERS)) != n_cells
        if not (end and (remark or not line.strip(" \t\r,;|"))):
            return named, rest, text[: len(text) - len(rest)]
        rest = after


def _first_records(text: str, most: int = 20) -> list[str]:
    """Split off the first records; line ends within quotes do not end one."""
    records, start, quoted = [], 0, False
    for found in re.finditer(r'"|\r\n|\n|\r', text):
        if found.group() == '"':
            quoted = not quoted
        elif not quoted:
            if text[start : found.start()].strip():
                records.append(text[start : found.start()])
            start = found.end()
            if len(records) == most:
                return records
    if len(text) < _START // 4 or records:
        return [*records, text[start:]] if text[start:].strip() else records
    return []


def _count(records: Sequence[str], delimiter: str) -> tuple[int, int]:
    """Count a delimiter outside quotes: the number of records that have as many as the first, and in the first."""
    counts = [re.sub(r'"(?:[^"]|"")*"', "", record).count(delimiter) for record in records]
    return (sum(c == counts[0] for c in counts) if counts[0] else 0, counts[0])


def _cells(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    stdlib_csv.field_size_limit(2**31 - 1)
    return stdlib_csv.reader(lines, delimiter=delimiter)


def _parsed(path: Path, dialect: Dialect) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as csv

    parse = csv.ParseOptions(
        delimiter=dialect.delimiter,
        newlines_in_values=True,
        invalid_row_handler=lambda row: "skip" if (row.text or "").startswith("#") else "error",
    )
    plain = dialect.encoding in ("utf-8", "utf-8-sig")
    head = csv.ReadOptions(block_size=_START, encoding="utf8")
    try:
        with _opened(path, dialect, plain) as stream:
            reader = csv.open_csv(stream, parse_options=parse, read_options=head)
            names = reader.schema.names
            reader.close()
        # Repeated column names would silently share one type; the error for them comes with the ids.
        as_texts = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        )
        with _opened(path, dialect, plain) as stream:
            return csv.read_csv(stream, parse_options=parse, convert_options=as_texts)
    except pa.ArrowInvalid as error:
        ragged = _ragged(path, dialect)
        if ragged is None:
            reason = str(error).splitlines()[0]
            raise FileFormatError(f"{path} must be a table with a header line: {reason[:200]}") from error
        return ragged


def _opened(path: Path, dialect: Dialect, plain: bool) -> Any:
    """Open a file at its header line, as UTF-8."""
    if plain:
        stream = path.open("rb")
        mark = len(codecs.BOM_UTF8) if dialect.encoding == "utf-8-sig" else 0
        stream.seek(mark + dialect.skipped)
        return stream
    text = path.read_bytes().decode(dialect.encoding).removeprefix("\ufeff")
    start = dialect.skipped and len(_after_remarks(text)[2])
    return io.BytesIO(text[start:].encode("utf-8"))


def _ragged(path: Path, dialect: Dialect) -> pa.Table | None:
    """Read a table whose rows end with more delimiters than its header, which some programs write.

    Returns None if a row has further cells with content, or too few cells; the message of the other reader says so.
    """
    import pyarrow as pa

    if path.stat().st_size > 2**28:
        return None
    with _opened(path, dialect, dialect.encoding in ("utf-8", "utf-8-sig")) as stream:
        text = stream.read().decode("utf-8")
    header, *rows = _cells(io.StringIO(text, newline=""), dialect.delimiter)
    rows = [row for row in rows if row and not (len(row) == 1 and row[0].startswith("#"))]
    width = len(header)
    if any(len(row) < width or any(cell.strip() for cell in row[width:]) for row in rows):
        return None
    columns = [pa.array([row[k] for row in rows], pa.string()) for k in range(width)]
    return pa.table(columns, names=header)


def _with_points(table: pa.Table) -> pa.Table:
    """Write decimals with a point in columns of numbers with decimal commas."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for k, name in enumerate(table.column_names):
        column = table.column(k)
        if not pa.types.is_string(column.type):
            continue
        texts = [t.strip() for t in pc.unique(column).to_pylist() if t and t.strip()]
        commas = [t for t in texts if "," in t]
        points = any("." in t and as_number(t) is not None for t in texts)
        if not commas or not all(map(is_decimal_comma, commas)) or points:
            continue
        # 1,000 may be a thousand; a column in which every comma is followed by three digits stays as it is
        if all(re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", t) for t in commas):
            continue
        table = table.set_column(k, name, pc.replace_substring(column, ",", ".", max_replacements=1))
    return table


def _without_empty_rows(table: pa.Table) -> pa.Table:
    """Leave out rows of empty cells, which spreadsheets write below their tables."""
    import pyarrow.compute as pc

    empty = True
    for column in table.columns:
        empty = pc.and_(pc.equal(pc.utf8_trim_whitespace(column), ""), empty)
        if not pc.any(empty).as_py():
            return table
    return table.filter(pc.invert(empty))


def without_unnamed(table: pa.Table) -> tuple[pa.Table, int]:
    """Leave out columns without a name, but the first, which may hold ids. Counts those that have content."""
    import pyarrow as pa
    import pyarrow.compute as pc

    named, count = [], 0
    for k, name in enumerate(table.column_names):
        if k == 0 or name.strip():
            named.append(k)
        elif pa.types.is_string(table.column(k).type):
            lengths = pc.sum(pc.binary_length(pc.utf8_trim_whitespace(table.column(k)))).as_py()
            count += bool(lengths)
    return (table.select(named) if len(named) < table.num_columns else table), count

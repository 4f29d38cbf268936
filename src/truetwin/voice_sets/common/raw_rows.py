"""Read rows of JSONL, CSV and Parquet files with any column names; what cannot be read is counted."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from truetwin.errors import FileFormatError, ParameterError
from truetwin.registry import closest

#: Longer lines, in bytes, are no messages; they are skipped, and in JSONL not held in memory whole.
MOST_BYTES = 2**20
#: A file in which a larger share of the lines cannot be read is another kind of file.
MOST_BAD = 0.1
FEWEST_JUDGED = 20
ENDINGS = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".pq")
Row = Mapping[str, Any]


@dataclass
class Reading:
    """Reader of one file of rows; ``skipped`` counts what could not be read, by reason.

    Parameters
    ----------
    path : Path
        ``.jsonl``, ``.csv``, ``.tsv`` or ``.parquet``.
    encoding : str, optional
        Encoding of a text file. By default UTF-8; a line that is not UTF-8 is then skipped and counted.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.jsonl"
    >>> _ = path.write_text('{"who": "a"}\\nnot JSON\\n')
    >>> reading = Reading(path)
    >>> list(reading), dict(reading.skipped)
    ([{'who': 'a'}], {'line is not a JSON object': 1})
    """

    path: Path
    encoding: str | None = None
    skipped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.path.suffix.lower() not in ENDINGS:
            raise FileFormatError(
                f"{self.path} must end in one of {', '.join(ENDINGS)}, which says how it is read"
            )
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise ParameterError(
                    f"encoding must be one that Python knows, such as utf-8 or latin-1; got {self.encoding!r}"
                ) from None

    def __iter__(self) -> Iterator[Row]:
        self.skipped.clear()
        ending = self.path.suffix.lower()
        try:
            if ending in (".parquet", ".pq"):
                yield from self._parquet()
            elif ending in (".csv", ".tsv"):
                yield from self._csv("\t" if ending == ".tsv" else None)
            else:
                yield from self._jsonl()
        except OSError as error:
            raise FileFormatError(f"cannot read {self.path}: {error.strerror or error}") from error

    def _jsonl(self) -> Iterator[Row]:
        n = 0
        for line in self._lines():
            n += 1
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                yield row
            else:
                self.skipped["line is not a JSON object"] += 1
            self._judge(n)
        self._judge(n, last=True)

    def _csv(self, delimiter: str | None) -> Iterator[Row]:
        with _field_limit(MOST_BYTES):
            lines = self._lines(whole=True)
            reader = csv.reader(lines, delimiter=delimiter or ",")
            names = next(reader, None)
            if not names:
                raise FileFormatError(f"{self.path} must have a first line with column names; it is empty")
            n = 0
            while True:
                n += 1
                try:
                    cells = next(reader)
                except StopIteration:
                    break
                except csv.Error:
                    self.skipped["row is not CSV, or too long"] += 1
                    continue
                if not cells:
                    continue
                if len(cells) != len(names):
                    self.skipped["row has more or fewer cells than there are columns"] += 1
                else:
                    yield dict(zip(names, cells, strict=True))
                self._judge(n)
            self._judge(n, last=True)

    def _parquet(self) -> Iterator[Row]:
        import pyarrow.lib
        import pyarrow.parquet

        try:
            file = pyarrow.parquet.ParquetFile(self.path)
            for batch in file.iter_batches(batch_size=4096):
                yield from batch.to_pylist()
        except (pyarrow.lib.ArrowException, UnicodeDecodeError) as error:
            raise FileFormatError(
                f"{self.path} must be Parquet: {' '.join(str(error).split())[:200]}"
            ) from error

    def _lines(self, *, whole: bool = False) -> Iterator[str]:
        """Read lines as text; what is too long or not in the encoding is left out and counted."""
        most = 16 * MOST_BYTES if whole else MOST_BYTES
        with self.path.open("rb") as raw:
            self._check_mark(raw.read(4))
            raw.seek(0)
            if self.encoding is not None and codecs.lookup(self.encoding).name != "utf-8":
                yield from self._decoded(raw, most)
                return
            first = True
            while line := raw.readline(most):
                if len(line) == most and not line.endswith(b"\n"):
                    self.skipped[f"line longer than {most >> 20} MiB"] += 1
                    while (rest := raw.readline(most)) and not rest.endswith(b"\n"):
                        pass
                    continue
                try:
                    text = line.decode("utf-8")
                except UnicodeDecodeError:
                    self.skipped["line is not UTF-8"] += 1
                    continue
                if first:
                    text, first = text.removeprefix("\ufeff"), False
                if text.strip():
                    yield text

    def _decoded(self, raw: IO[bytes], most: int) -> Iterator[str]:
        with io.TextIOWrapper(raw, str(self.encoding), errors="replace") as text:
            for line in text:
                if len(line) > most:
                    self.skipped[f"line longer than {most >> 20} MiB"] += 1
                elif line.strip():
                    yield line

    def _check_mark(self, start: bytes) -> None:
        for mark, name in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
            if start.startswith(mark) and self.encoding is None:
                raise FileFormatError(
                    f"{self.path} must be UTF-8; its first bytes say {name}. Give the encoding: {name}"
                )

    def _judge(self, n: int, *, last: bool = False) -> None:
        if not (last or n == FEWEST_JUDGED):
            return
        bad = sum(self.skipped.values())
        if bad > max(MOST_BAD * n, 1) or (last and n and bad >= n):
            reasons = "; ".join(f"{reason}: {count}" for reason, count in self.skipped.items())
            raise FileFormatError(
                f"{self.path} must be readable line by line; {bad} of its first {n} lines are not ({reasons}). "
                "Check what kind of file it is, or name its encoding"
            )


@contextmanager
def _field_limit(most: int) -> Iterator[None]:
    before = csv.field_size_limit(most)
    try:
        yield
    finally:
        csv.field_size_limit(before)


@dataclass(frozen=True)
class Columns:
    """Names of columns: ours, and the file's for each.

    Parameters
    ----------
    needed, optional : sequence of str
        Our names of columns.
    named : mapping from str to str
        The file's name for some of ours; the others are called as ours are.
    """

    needed: Sequence[str]
    optional: Sequence[str]
    named: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = [*self.needed, *self.optional]
        for name in self.named:
            if name not in known:
                raise ParameterError(
                    f"columns can be named for {', '.join(known)}; got {name!r}.{closest(str(name), known)}"
                )

    def check(self, path: Path, row: Row) -> None:
        """Raise FileFormatError unless the first row of a file has what is needed."""
        for ours in self.needed:
            theirs = self.named.get(ours, ours)
            if theirs not in row:
                found = ", ".join(map(str, list(row)[:12]))
                raise FileFormatError(
                    f"{path} must have a column with the {ours}; there is no column {theirs!r} among {found}. "
                    f"Name it in the configuration: columns: {{{ours}: ...}}"
                )

    def of(self, row: Row) -> dict[str, str]:
        """Read our columns of a row as text; empty where there is nothing."""
        found = {}
        for ours, theirs in self._pairs:
            value = row.get(theirs)
            if value is None:
                found[ours] = ""
            elif isinstance(value, str):
                found[ours] = value
            else:
                found[ours] = "" if value != value else str(value)  # a missing number is not equal to itself
        return found

    @cached_property
    def _pairs(self) -> list[tuple[str, str]]:
        return [(ours, self.named.get(ours, ours)) for ours in (*self.needed, *self.optional)]

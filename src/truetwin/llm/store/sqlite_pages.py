"""Read rows from the pages of an SQLite file one by one, whatever has become of the rest of the file.

SQLite reaches a row through the pages above it, so one damaged page hides all below. Here every page is looked at by
itself (https://www.sqlite.org/fileformat2.html). Rows in the write-ahead log are read too, if they were committed.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from truetwin.llm.store.log_damage import is_sound

Value = int | float | str | bytes | None

_USUAL_SIZE = 4096
_TABLE_LEAF, _INDEX_INTERIOR, _INDEX_LEAF = 0x0D, 0x02, 0x0A
_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


@dataclass(frozen=True)
class Row:
    """Row found on a page: of a table, or of an index (or a table without row ids, which is stored like one)."""

    in_table: bool
    values: tuple[Value, ...]


class Pages:
    """Pages of an SQLite file and of its write-ahead log, if there is one beside it.

    Use it as a context manager.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        head = self._file.read(100)
        size = int.from_bytes(head[16:18], "big")
        size = 65536 if size == 1 else size
        self.size = size if size >= 512 and not size & (size - 1) else _USUAL_SIZE
        self._usable = self.size - (head[20] if len(head) == 100 and head[20] < 64 else 0)
        self._later: dict[int, bytes] = _committed(path.with_name(path.name + "-wal"), self.size)
        self._numbers = sorted({*range(1, path.stat().st_size // self.size + 1), *self._later})

    def __enter__(self) -> Pages:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def rows(self) -> Iterator[Row | None]:
        """Yield the rows of all pages. None stands for a row that cannot be read."""
        for number in self._numbers:
            page = self._page(number)
            at = 100 if number == 1 else 0
            kind = page[at] if len(page) > at + 12 else 0
            if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
                continue
            pointers = at + (12 if kind == _INDEX_INTERIOR else 8)
            n_cells = min(int.from_bytes(page[at + 3 : at + 5], "big"), (len(page) - pointers) // 2)
            for k in range(n_cells):
                cell = int.from_bytes(page[pointers + 2 * k : pointers + 2 * k + 2], "big")
                try:
                    yield Row(kind == _TABLE_LEAF, self._values(page, cell, kind))
                except (LookupError, ValueError, struct.error):
                    yield None

    def _page(self, number: int) -> bytes:
        if number in self._later:
            return self._later[number]
        self._file.seek((number - 1) * self.size)
        return self._file.read(self.size)

    def _values(self, page: bytes, at: int, kind: int) -> tuple[Value, ...]:
        if kind == _INDEX_INTERIOR:
            at += 4
        length, at = _varint(page, at)
        if kind == _TABLE_LEAF:
            _, at = _varint(page, at)
        return _record(self._payload(page, at, length, in_table=kind == _TABLE_LEAF))

    def _payload(self, page: bytes, at: int, length: int, *, in_table: bool) -> bytes:
        """Put together the payload of a cell, whose end may lie on other pages."""
        usable = self._usable
        most = usable - 35 if in_table else (usable - 12) * 64 // 255 - 23
        if length <= most:
            return page[at : at + length]
        if length > len(self._numbers) * self.size:
            raise ValueError("longer than the file")
        least = (usable - 12) * 32 // 255 - 23
        here = least + (length - least) % (usable - 4)
        here = here if here <= most else least
        parts, missing = [page[at : at + here]], length - here
        following = int.from_bytes(page[at + here : at + here + 4], "big")
        while missing > 0:
            if not 1 < following <= self._numbers[-1]:
                raise ValueError("the rest is on no page")
            more = self._page(following)
            parts.append(more[4 : 4 + min(missing, usable - 4)])
            following, missing = int.from_bytes(more[:4], "big"), missing - (usable - 4)
        return b"".join(parts)


def _committed(log: Path, size: int) -> dict[int, bytes]:
    """Read the last committed version of each page in a write-ahead log, also behind damage to it.

    Frames of the log that are older than its last beginning have another salt.
    """
    if not log.is_file():
        return {}
    found: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    with log.open("rb") as file:
        start = file.read(32)
        salt = start[16:24] if is_sound(start) else _usual_salt(file, size)
        while len(head := file.read(24)) == 24 and len(page := file.read(size)) == size:
            if head[8:16] != salt:
                continue
            pending[int.from_bytes(head[:4], "big")] = page
            if int.from_bytes(head[4:8], "big"):  # the frame ends a transaction
                found |= pending
                pending = {}
    return found


def _usual_salt(file: BinaryIO, size: int) -> bytes:
    """Find the salt of most frames of a log whose beginning is damaged."""
    salts: Counter[bytes] = Counter()
    while len(head := file.read(24)) == 24:
        salts[head[8:16]] += 1
        file.seek(size, os.SEEK_CUR)
    file.seek(32)
    return max(salts, key=lambda salt: salts[salt], default=b"")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read an integer of variable length. Returns it and the place after it."""
    value = 0
    for k in range(8):
        byte = data[at + k]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + k + 1
    return value << 8 | data[at + 8], at + 9


def _record(payload: bytes) -> tuple[Value, ...]:
    length, at = _varint(payload, 0)
    kinds = []
    while at < length:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        n = _INTEGER_SIZES.get(kind, 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else 0)
        part = payload[at : at + n]
        if len(part) < n:
            raise ValueError("a value is cut off")
        values.append(_value(kind, part))
        at += n
    return tuple(values)


def _value(kind: int, part: bytes) -> Value:
    if kind == 0:
        return None
    if kind in _INTEGER_SIZES:
        return int.from_bytes(part, "big", signed=True)
    if kind == 7:
        return float(struct.unpack(">d", part)[0])
    if kind in (8, 9):
        return kind - 8
    if kind < 12:
        raise ValueError("no kind of value")
    return part.decode() if kind % 2 else part

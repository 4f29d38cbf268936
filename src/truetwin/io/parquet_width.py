"""Count the columns of a Parquet file from the first bytes of its footer.

The footer of a very wide file takes minutes to read as a whole, and more memory than many computers have. It is a
record of the Thrift compact protocol that begins with a version and the list of the schema's elements, so that the
number of columns is among its first bytes.
"""

from __future__ import annotations

import os
from pathlib import Path

_MAGIC, _LEAST_BYTES = b"PAR1", 12
#: A field of whole numbers, and the list that follows it.
_VERSION, _LIST = 0x15, 0x19
_LONG_LIST = 15


def n_parquet_columns(path: Path) -> int | None:
    """Return the number of columns; parts of nested columns count, too. None if the file does not begin its footer so.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size < _LEAST_BYTES:
            return None
        stream.seek(size - 8)
        length, magic = int.from_bytes(stream.read(4), "little"), stream.read(4)
        if magic != _MAGIC or length > size - _LEAST_BYTES:
            return None
        stream.seek(size - 8 - length)
        start = stream.read(min(length, 32))
    try:
        return _n_elements(start) - 1  # the first element is the table itself
    except (IndexError, ValueError):
        return None


def _n_elements(footer: bytes) -> int:
    if footer[0] != _VERSION:
        raise ValueError("no version")
    _, at = _number(footer, 1)
    if footer[at] != _LIST:
        raise ValueError("no schema")
    n = footer[at + 1] >> 4
    return n if n < _LONG_LIST else _number(footer, at + 2)[0]


def _number(content: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the lowest first; return it and the place after it."""
    value = shift = 0
    while content[at] & 0x80:
        value |= (content[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | content[at] << shift, at + 1

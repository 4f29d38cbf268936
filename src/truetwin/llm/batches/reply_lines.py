"""Read the lines of a file of replies, whatever editor or shell it went through, and however long a line is."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import IO, AnyStr

#: Most characters of a line that are read. A longer line is no reply.
LONGEST_LINE = 16 * 2**20
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def reply_lines(path: Path, longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """Yield the lines of a file that are not blank, as UTF-8 without a byte-order mark.

    A file in UTF-16, as some shells write, is translated. Of a line that is too long, the beginning is yielded.
    """
    with path.open("rb") as stream:
        start = stream.read(3)
    if start[:2] in _WIDE:
        with path.open(encoding="utf-16", errors="replace", newline="\n") as texts:
            yield from (text.encode("utf-8", "replace") for text in _lines(texts, "\n", longest))
        return
    with path.open("rb") as stream:
        stream.seek(len(codecs.BOM_UTF8) if start == codecs.BOM_UTF8 else 0)
        yield from _lines(stream, b"\n", longest)


def _lines(stream: IO[AnyStr], end: AnyStr, longest: int) -> Iterator[AnyStr]:
    while line := stream.readline(longest):
        if line.strip():
            yield line
        while line and not line.endswith(end):  # the rest of a line that is too long
            line = stream.readline(longest)

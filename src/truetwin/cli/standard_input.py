"""Let ``-`` stand for a file that comes through standard input."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from truetwin.errors import ParameterError

#: How files of each format begin; what begins otherwise is text.
BEGINNINGS = {
    b"PAR1": ".parquet",
    b"PK\x03\x04": ".xlsx",
    b"$FL2": ".sav",
    b"$FL3": ".zsav",
    b"<stata_dta>": ".dta",
}
#: Options that name what is written, or kept from one call to the next.
WRITTEN = frozenset(
    [
        "--output",
        "--draws-output",
        "--weights-output",
        "--export",
        "--figures",
        "--run",
        "--state",
        "--matched",
        "--merged",
        "--repaired",
    ]
)
_FIRST = 4096


@contextmanager
def with_standard_input(arguments: Sequence[str]) -> Iterator[list[str]]:
    """Store standard input in a file while a verb runs, and name the file where the arguments say ``-``.

    ``NAME=-`` stands for a named file, as in ``--twin gpt=-``.

    Raises
    ------
    ParameterError
        If more than one argument stands for standard input, nothing comes in, or the argument names what is written.
    """
    places = [k for k, text in enumerate(arguments) if text == "-" or text.endswith("=-")]
    if not places:
        yield list(arguments)
        return
    for k in places:
        _check_is_read(arguments, k)
    if len(places) > 1:
        raise ParameterError("standard input (-) can be read as one file only; write the other one to a file")
    with tempfile.TemporaryDirectory() as folder:
        path = _stored(sys.stdin.buffer, Path(folder))
        given = list(arguments)
        given[places[0]] = f"{given[places[0]][:-1]}{path}"
        yield given


def _check_is_read(arguments: Sequence[str], place: int) -> None:
    """Refuse a dash that would have results written to a file that is gone when the verb ends."""
    text = arguments[place]
    option = text[:-2] if text.endswith("=-") else arguments[place - 1] if place else ""
    if option in WRITTEN:
        raise ParameterError(
            f"{option} must name a file or folder to write; - stands for standard input, which is only read"
        )
    if list(arguments[:2]) == ["study", "run"]:
        raise ParameterError(
            "the results of a study lie beside its file, so that - cannot stand for it; name a file"
        )


def _stored(stream: BinaryIO, folder: Path) -> Path:
    first = stream.read(_FIRST)
    if not first:
        raise ParameterError("nothing came through standard input (-)")
    path = folder / f"standard-input{_ending(first)}"
    with path.open("wb") as file:
        file.write(first)
        shutil.copyfileobj(stream, file)
    return path


def _ending(first: bytes) -> str:
    """Tell the format from the first bytes.

    Examples
    --------
    >>> _ending(b"id,Q1"), _ending(b"id\\tQ1"), _ending(b'{"id": 1}'), _ending(b'[{"id": 1}]'), _ending(b"PAR1....")
    ('.csv', '.tsv', '.jsonl', '.json', '.parquet')
    """
    for begins, ending in BEGINNINGS.items():
        if first.startswith(begins):
            return ending
    line = first.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    if line.startswith(b"{"):
        return ".jsonl"
    if line.startswith(b"["):
        return ".json"
    return ".tsv" if line.count(b"\t") > line.count(b",") else ".csv"

"""Read and write JSON lines: files with one JSON value a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from truetwin.errors import FileFormatError
from truetwin.io.atomic import replacing
from truetwin.io.readable_files import check_is_file


def numbered_lines(path: Path, errors: str = "strict") -> Iterator[tuple[int, str]]:
    """Yield the lines of a UTF-8 text with their numbers, from 1; blank lines are left out.

    ``errors`` is the argument of :meth:`bytes.decode` for bytes that are not UTF-8. With ``"strict"``, they raise a
    :class:`FileFormatError` that names the line.
    """
    with check_is_file(path).open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8", errors)
            except UnicodeDecodeError as error:
                raise FileFormatError(
                    f"{path} must be UTF-8 text; line {number} is not. Save it as UTF-8."
                ) from error
            if text.strip():
                yield number, text


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the values of a JSON-lines file with the numbers of their lines; blank lines are left out.

    Raises
    ------
    FileFormatError
        If the file cannot be read, is not UTF-8, or a line is no JSON; the message names the line.
    """
    for number, line in numbered_lines(path):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FileFormatError(
                f"{path} must hold one JSON object a line; line {number} is none ({error})"
            ) from error
        yield number, value


def write_json_lines(path: Path, records: Iterable[Any], *, sort_keys: bool = True) -> None:
    """Write one record a line, whole or not at all.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.jsonl"
    >>> write_json_lines(path, [{"id": "anna"}, {"id": "ben"}])
    >>> list(read_json_lines(path))
    [(1, {'id': 'anna'}), (2, {'id': 'ben'})]
    """
    # A lone surrogate, as JSON may carry it, is written as the escape that it came as.
    with replacing(path) as (draft,), draft.open("w", encoding="utf-8", errors="backslashreplace") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False, sort_keys=sort_keys) + "\n")

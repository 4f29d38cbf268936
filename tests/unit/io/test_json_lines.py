"""Lines of JSON, and what is said of a line that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.errors import FileFormatError
from truetwin.io.json_lines import numbered_lines, read_json_lines, write_json_lines


def test_values_come_with_the_numbers_of_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('\ufeff{"a": 1}\r\n\n  \n["b\u2028c"]'.encode())
    assert list(read_json_lines(path)) == [(1, {"a": 1}), (4, ["b\u2028c"])]


@pytest.mark.parametrize("line", [b"{", b"[" * 100_000, b"1" * 5000, b"a"])
def test_a_line_that_is_no_json_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n\n" + line)
    with pytest.raises(FileFormatError, match="line 3 is none"):
        list(read_json_lines(path))


def test_the_line_with_other_bytes_is_named_however_far_down(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'"text"\n' * 5000 + b'"Gr\xf6\xdfe"\n')
    with pytest.raises(FileFormatError, match="line 5001 is not"):
        list(read_json_lines(path))
    assert list(numbered_lines(path, errors="replace"))[5000:] == [(5001, '"Gr\ufffd\ufffde"\n')]


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="there is no file"):
        list(read_json_lines(tmp_path / "a.jsonl"))
    with pytest.raises(FileFormatError, match="is a folder"):
        list(read_json_lines(tmp_path))


def test_half_a_character_is_written_as_the_escape_that_it_came_as(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_json_lines(path, [{"b": "\ud83d", "a": "\u00e9"}])
    assert path.read_bytes() == b'{"a": "\xc3\xa9", "b": "\\ud83d"}\n'
    assert list(read_json_lines(path)) == [(1, {"b": "\ud83d", "a": "\u00e9"})]

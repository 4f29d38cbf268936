"""Files with settings that somebody made to do harm, or by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.errors import FileFormatError
from truetwin.io.setting_files import MOST_BYTES, read_setting_file, read_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "more than 1,000,000 values"),
        ("a: &a [*a]\n", "holds itself"),
        ("a: " + "[" * 60 + "]" * 60, "nested more than 50 deep"),
        ("a: " + "[" * 20_000 + "]" * 20_000, "nested too deeply"),
        ("a: 2024-13-45\n", "cannot be read.*month"),
        ("a: " + "9" * 5_000, "cannot be read.*digits"),
        ("a: !!int abc\n", "cannot be read"),
        ("a: !!timestamp abc\n", "not what its tag says"),
        ("a: !!map [b]\n", "keys and values"),
        ("a: 1\na: 2\n", "'a' occurs twice"),
        ("b: {a: 1, a: 2}\n", "'a' occurs twice"),
        ("2024-01-01: 1\n", "a key must be a text"),
        ("[a, b]: 1\n", "unhashable key|a key must be a text"),
        ("a: !!python/object/apply:os.system [ls]\n", "constructor"),
        ('a: "\\ud800"\n', "half of a surrogate pair"),
        ("a: \x1b[31m\n", "special characters"),
        ("a: 1\n---\nb: 2\n", "single document"),
    ],
)
def test_what_is_no_file_of_settings_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=words) as caught:
        read_setting_file(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1_000


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    with path.open("wb") as out:
        out.truncate(MOST_BYTES + 1)
    with pytest.raises(FileFormatError, match="at most 4 MB"):
        read_yaml(path)


def test_aliases_and_merged_mappings_of_usual_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("base: &base {a: 1, b: 2}\nnext: {<<: *base, b: 3}\nempty:\n", encoding="utf-8-sig")
    assert read_yaml(path) == {"base": {"a": 1, "b": 2}, "next": {"a": 1, "b": 3}, "empty": None}


def test_rare_characters_as_json_writes_them_are_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(r'{"a": "\ud83d\ude00"}', encoding="utf-8")
    assert read_yaml(path) == {"a": "\N{GRINNING FACE}"}


def test_a_name_that_is_too_long_for_a_file_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="cannot be read: File name too long"):
        read_yaml(tmp_path / ("a" * 5_000))

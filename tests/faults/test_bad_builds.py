"""Books and item files that no benchmark can be built from: a clear error, or a counted skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetwin.errors import DataError, FileFormatError, OutputError, ParameterError, TruetwinError
from truetwin.settings.voice_build_settings import NarrativeSettings
from truetwin.voice_sets.common.release_gate import GateError
from truetwin.voice_sets.common.set_repair import repair
from truetwin.voice_sets.common.stages import Stages
from truetwin.voice_sets.novels.book import book_of, read_book
from truetwin.voice_sets.novels.characters import read_characters
from truetwin.voice_sets.novels.novel_pipeline import build_narrative
from truetwin.voice_sets.novels.quotations import find_quotations

TALK = "“Come here at once,” said Anna.\n\n“I will not come,” said Ben.\n\n"


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", DataError, "must hold text"),
        (b" \n\n \r\n", DataError, "must hold text"),
        ("“Où ?” dit-il.".encode("cp1252"), FileFormatError, r"must be utf-8 text; byte 0 is not.*cp1252"),
        ("“Yes,” she said.".encode("utf-16-le"), FileFormatError, "null characters|must be utf-8"),
        (b"PK\x03\x04\x00\x00\x00\x00", FileFormatError, "null characters"),
        (b"Nobody spoke. " * 500, DataError, "must mark what is said"),
        (b"x" * 10_000_000, DataError, r"at most 50000 characters.*1 are longer"),
    ],
)
def test_a_book_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes, error: type[TruetwinError], message: str
) -> None:
    path = tmp_path / "book.txt"
    path.write_bytes(content)
    with pytest.raises(error, match=message):
        build_narrative([path], tmp_path / "out")
    assert not (tmp_path / "out" / "items.jsonl").exists()


def test_a_byte_order_mark_or_a_named_encoding_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_bytes(TALK.encode("utf-16"))
    assert read_book(path).paragraphs[0].text == "“Come here at once,” said Anna."
    path.write_bytes(TALK.encode("cp1252"))
    assert read_book(path, encoding="cp1252").paragraphs[1].text == "“I will not come,” said Ben."
    with pytest.raises(ParameterError, match="'klingon'"):
        read_book(path, encoding="klingon")


def test_a_line_of_ten_megabytes_within_a_book_is_skipped_and_counted() -> None:
    book = book_of(TALK + "y" * 10_000_000 + "\n\n" + TALK, name="b")
    assert book.n_skipped == 1
    assert len(find_quotations(book).spans) == 4


def test_a_paragraph_of_quotation_marks_only_does_no_harm() -> None:
    book = book_of(TALK * 3 + "“" * 20_000 + "\n\n" + "‘’" * 10_000 + "\n\n" + TALK, name="b")
    assert len(find_quotations(book).spans) >= 8


def test_a_book_with_too_little_talk_says_that_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text(TALK * 3, encoding="utf-8")
    with pytest.raises(GateError, match="it has 0 items"):
        build_narrative([path], tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "at least one character"),
        ("[]", "at least one character"),
        ('{"name": "Ann"}\n{"name": ', "line 2: not JSON"),
        ('[{"title": "Ann"}]', "each with a name"),
        ('[{"name": "Ann", "gender": "x"}]', "'Ann' has 'x'"),
        ("[1, 2]", "each with a name"),
        ('{"characterList": [1]}', "each with a name"),
        ('{"characterList": {}}', "at least one character"),
    ],
)
def test_a_list_of_characters_that_is_none_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "people.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_characters(path)


def test_a_missing_book_and_an_output_that_is_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="cannot read"):
        build_narrative([tmp_path / "none.txt"], tmp_path / "out")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="must be a folder"):
        Stages(tmp_path / "file", {})


def test_characters_of_an_unknown_novel_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(
        '{"characterList": {"C1": {"NameCanonical": "Ann", "AppearInNovels": ["A"]}}}', encoding="utf-8"
    )
    (tmp_path / "b.txt").write_text(TALK * 3, encoding="utf-8")
    settings = NarrativeSettings(characters=str(tmp_path / "p.json"), novel="B")
    with pytest.raises(DataError, match="of novel 'B'"):
        build_narrative([tmp_path / "b.txt"], tmp_path / "out", settings)


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "at least one item"), ("{}\n", "multiple-choice items"), ("not json\n", "line 1")],
)
def test_an_item_file_that_is_none_is_not_repaired(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        repair(str(path), tmp_path / "out")

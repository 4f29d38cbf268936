from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from truetwin.errors import DataError, FileFormatError
from truetwin.voice.items.voice_items import (
    Option,
    Turn,
    VoiceItem,
    VoicePersona,
    read_voice_items,
    write_voice_items,
)

OPTIONS = tuple(Option(f"o{k}", f"reply {k}", "true" if k == 2 else f"other {k}") for k in range(4))
ITEM = VoiceItem(
    "i1",
    "narrative",
    "en",
    VoicePersona("p1", "Ada", traits=("calm",)),
    "It rains.",
    OPTIONS,
    "o2",
    history=(Turn("Yes.", "Is it late?", "3"),),
    group="book",
    capabilities={"primary": "memory recall", "labels": {"memory recall": True}},
    provenance={"chunk": 7},
)


def test_items_come_back_from_a_file_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    write_voice_items(path, [ITEM])
    assert read_voice_items(path) == [ITEM]


def test_the_true_option_and_the_distractors_are_told_apart() -> None:
    assert ITEM.true_option == OPTIONS[2]
    assert ITEM.distractors == (OPTIONS[0], OPTIONS[1], OPTIONS[3])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": OPTIONS[:1]}, "2 to 10 options"),
        ({"answer": "o9"}, "one of the options"),
        ({"dimension": "musical"}, "dimension"),
    ],
)
def test_an_impossible_item_is_refused(change: dict, words: str) -> None:
    with pytest.raises(DataError, match=words):
        dataclasses.replace(ITEM, **change)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    write_voice_items(path, [ITEM])
    path.write_text(path.read_text() + '{"item_id": "tr', encoding="utf-8")
    with pytest.raises(FileFormatError, match="line 2"):
        read_voice_items(path)


def test_an_id_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    write_voice_items(path, [ITEM, ITEM])
    with pytest.raises(DataError, match="lines 1 and 2"):
        read_voice_items(path)

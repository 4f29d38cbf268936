"""A dimension of another package: its files are known, its prompts are its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import truetwin
from truetwin import registry
from truetwin.errors import DatasetError
from truetwin.voice.items.item_sources import load_source
from truetwin.voice.items.voice_dimensions import voice_dimensions
from truetwin.voice.protocols.choosing import ChoiceTask
from truetwin.voice.protocols.free_replies import ReplyTask
from truetwin.voice.protocols.voice_task import Setup

CODE = """
from truetwin.voice.items.dimensions.loading import indexed_options, load_records, text_field
from truetwin.voice.items.voice_dimensions import Layout, VoiceDimension
from truetwin.voice.items.voice_items import VoiceItem, VoicePersona

def load(path, *, remove_leaks=True):
    return load_records(path, item, remove_leaks=remove_leaks)

def item(record, number, where):
    options, answer = indexed_options(record, "answer_idx", "another writer", where)
    person = VoicePersona(text_field(record, "writer", where))
    return VoiceItem(f"letters-{number}", "letters", "en", person, record["letter"], options, answer)

LETTERS = VoiceDimension(
    "letters", "answer", ("Letter", "Answer"),
    (Layout("letters", ("writer", "letter", "choices", "answer_idx"), load),), prompts="tt_letters",
)
"""
RECORD = {
    "writer": "anna",
    "letter": "Any snow?",
    "choices": ["No.", "Yes.", "Why?", "Ask."],
    "answer_idx": 1,
}


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package, metadata = tmp_path / "tt_letters", tmp_path / "tt_letters-1.0.dist-info"
    (package / "prompts").mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").write_text(CODE)
    for step in ("choose", "generate"):
        like = Path(truetwin.__file__).parent / "voice" / "prompts" / f"{step}-social.txt"
        text = like.read_text(encoding="utf-8").replace("post", "letter")
        (package / "prompts" / f"{step}-letters.txt").write_text(text, encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tt-letters\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[truetwin.voice_dimensions]\nletters = tt_letters:LETTERS\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._entry_points.cache_clear()
    yield
    voice_dimensions._taken.pop("letters", None)
    registry._entry_points.cache_clear()


def test_its_files_are_known_and_put_into_its_own_words(tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"
    path.write_text(json.dumps(RECORD) + "\n")
    found = load_source(str(path))
    assert (found.layout, found.items[0].dimension, found.items[0].true_option.text) == (
        "letters",
        "letters",
        "Yes.",
    )
    for task in (ChoiceTask(found.items, Setup()), ReplyTask(found.items, Setup())):
        (cell,) = task.cells()
        assert "a new letter" in task.request(cell).messages[1].content


def test_its_name_without_published_items_says_what_to_give() -> None:
    with pytest.raises(DatasetError, match="its records have writer, letter, choices, answer_idx"):
        load_source("letters")

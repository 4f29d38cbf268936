from __future__ import annotations

import json
from pathlib import Path

import pytest

from truetwin.errors import DataError, FileFormatError
from truetwin.voice.items.dimensions import Loaded, interpersonal, narrative, social
from truetwin.voice.items.voice_items import Turn
from voice_examples import (
    interpersonal_record,
    novel_record,
    profiles,
    social_answer,
    social_record,
    write_lines,
)

ADA, BEN = "Ada Mill", "Ben Stone"


def load_novels(tmp_path: Path, records: list[dict], people: dict | None = None, **settings: bool) -> Loaded:
    by_speaker = {name: [r for r in records if r["speaker_match_key"] == name] for name in (ADA, BEN)}
    people = people or profiles(*by_speaker.items())
    path = tmp_path / "profiles.jsonl"
    path.write_text(json.dumps(people, indent=1), encoding="utf-8")
    return narrative.load(write_lines(tmp_path / "choices.jsonl", records), path, **settings)


def test_ten_social_records_become_items(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "social.jsonl", map(social_record, range(10)))
    loaded = social.load(path)
    first = loaded.items[1]
    assert len(loaded.items) == 10
    assert (first.item_id, first.language, first.persona.id) == ("social-0002", "zh", "101")
    assert first.true_option.text == "回复1之1"
    assert [o.source for o in first.options] == ["another user", "true", "another user", "another user"]
    assert first.history[0] == Turn("旧回复0", "旧帖0", "1")


def test_ten_interpersonal_records_become_items_in_their_language(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "chat.jsonl", map(interpersonal_record, range(10)))
    loaded = interpersonal.load(path)
    assert [i.language for i in loaded.items] == ["ru"] * 10
    assert loaded.items[0].true_option.text == "Наверное 1 из 0"
    assert loaded.items[9].history[2] == Turn("Ответ 2", "Привет 2", "3")


def test_social_items_come_back_from_answers_without_histories(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "answers.jsonl", [social_answer(k, 0) for k in range(1, 11)])
    loaded = social.load_from_answers(path)
    assert [i.item_id for i in loaded.items] == [f"social-{k:04d}" for k in range(1, 11)]
    assert loaded.items[0].true_option.text == "回复1之1"
    assert len(loaded.report.found["empty history"]) == 10


def test_a_character_remembers_only_earlier_chunks_of_the_same_novel(tmp_path: Path) -> None:
    records = [
        novel_record("Hill", "00010", ADA, "First on the hill."),
        novel_record("Hill", "00030", ADA, "Third on the hill."),
        novel_record("Hill", "00020", ADA, "Second on the hill."),
        novel_record("Lake", "00005", ADA, "Early at the lake."),
        novel_record("Lake", "00010", BEN, "Ben at the lake."),
    ]
    loaded = load_novels(tmp_path, records)
    third = loaded.items[1]
    assert [t.reply for t in third.history] == ["First on the hill.", "Second on the hill."]
    assert loaded.items[3].history == ()
    assert loaded.items[0].persona.details == ("Occupation: Miller", "relationship: Son of A; Friend of B")
    assert [i.group for i in loaded.items] == ["Hill", "Hill", "Hill", "Lake", "Lake"]


def test_the_same_chunk_number_of_another_novel_is_no_history(tmp_path: Path) -> None:
    records = [
        novel_record("Hill", "00010", ADA, "Said twice."),
        novel_record("Lake", "00010", ADA, "Said twice."),
        novel_record("Lake", "00020", ADA, "Said later."),
    ]
    loaded = load_novels(tmp_path, records)
    assert loaded.items[2].history == ()  # in which novel "Said twice." of chunk 10 was said cannot be known


def test_leaks_are_removed_and_counted(tmp_path: Path) -> None:
    words = "I will never leave this mill"
    records = [
        novel_record("Hill", "00001", ADA, "i will never leave this mill!"),
        novel_record("Hill", "00002", ADA, "Quite.", context=f"She had said: {words}, and she stayed."),
        novel_record("Hill", "00003", ADA, "Fine weather."),
        novel_record("Hill", "00009", ADA, words, context=f"Again she said “{words}” and wept."),
    ]
    loaded = load_novels(tmp_path, records)
    last = loaded.items[3]
    assert [t.reply for t in last.history] == ["Fine weather."]
    assert last.stimulus == "Again she said “[...]” and wept."
    assert loaded.report.found["leak in context"] == ("narrative-0004",)
    assert loaded.report.found["leak in history"] == ("narrative-0004",)
    assert loaded.report.turns_removed["leak in history"] == 2


def test_an_audit_sees_the_leaks(tmp_path: Path) -> None:
    words = "I will never leave this mill"
    records = [novel_record("Hill", "00009", ADA, words, context=f"Again she said “{words}” and wept.")]
    loaded = load_novels(tmp_path, records, remove_leaks=False)
    assert words in loaded.items[0].stimulus
    assert loaded.report.found["leak in context"] == ("narrative-0001",)
    assert loaded.report.leaks_removed is False


def test_duplicates_name_the_first_item(tmp_path: Path) -> None:
    record = novel_record("Hill", "00009", ADA, "Why?")
    loaded = load_novels(tmp_path, [record, record])
    assert [i.duplicate_of for i in loaded.items] == [None, "narrative-0001"]


def test_a_speaker_without_a_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 1.*'Cy' has none"):
        load_novels(tmp_path, [novel_record("Hill", "00001", "Cy", "Who?")])


def test_profiles_must_be_profiles(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="characterList"):
        load_novels(tmp_path, [novel_record("Hill", "00001", ADA, "Who?")], people={"people": []})

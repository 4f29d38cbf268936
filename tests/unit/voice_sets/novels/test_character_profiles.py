"""Profiles of characters: those that a model draws from a book, and what writers of distractors see of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from novel_examples import made_up_novel
from truetwin.errors import ParameterError, RunError
from truetwin.llm import Cell, Parsed, Reply, State, scripted_model
from truetwin.settings.voice_build_settings import (
    BuildOptions,
    MatchingOptions,
    NarrativeOptions,
    NarrativeSettings,
)
from truetwin.voice.items.voice_items import VoicePersona, read_voice_items
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.novels.book import read_book
from truetwin.voice_sets.novels.character_distractors import WritingTask
from truetwin.voice_sets.novels.character_profiles import FEWEST_LINES, ProfileTask, has_profile
from truetwin.voice_sets.novels.characters import Character
from truetwin.voice_sets.novels.novel_drafts import ReadBook, as_reply
from truetwin.voice_sets.novels.novel_pipeline import build_narrative, read_speech

PROFILE = {"traits": ["She is brisk."], "goals": ["She wants the mill, because it was her father's."]}
SETTINGS = NarrativeSettings(
    items=NarrativeOptions(chunk_words=110, min_history=3),
    build=BuildOptions(
        matching=MatchingOptions(rounds=0, triples=20, length_ratio=4.0, max_uses=99), limit=24
    ),
)
MODEL = {
    "rules": [{"step": "profile", "reply": json.dumps(PROFILE)}],
    "default": json.dumps(
        {
            "speaker": 1,
            "lines": [
                "We never carry the lamp this week! You must sell the kettle today?",
                "Let us paint the old boat on Friday. I should keep the mill.",
                "They could hide the letter, then? We should mend the bridge tonight!",
            ],
        }
    ),
}


@pytest.fixture(scope="module")
def novel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("books") / "made-up.txt"
    path.write_text(made_up_novel(chapters=5), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def read(novel: Path) -> ReadBook:
    return read_speech(read_book(novel))[0]


def parsed(task: ProfileTask, text: str) -> Parsed:
    return task.parse(next(iter(task.cells())), Reply(text, finish_reason="stop"))


def test_characters_who_say_enough_and_have_no_profile_are_asked_about(read: ReadBook) -> None:
    asked = [cell.persona for cell in ProfileTask(read, 1.0).cells()]
    assert asked
    first = replace(read.cast[asked[0]], traits=("listed",))
    known = replace(read, cast={**read.cast, first.id: first})
    assert [cell.persona for cell in ProfileTask(known, 1.0).cells()] == asked[1:]
    few = replace(read, utterances=read.utterances[: FEWEST_LINES - 1])
    assert list(ProfileTask(few, 1.0).cells()) == []


def test_lines_of_the_whole_book_are_shown_as_material(read: ReadBook) -> None:
    task = ProfileTask(read, 1.0)
    cell = next(iter(task.cells()))
    text = "\n".join(str(message.content) for message in task.request(cell).messages)
    own = [u for u in read.utterances if u.speaker == cell.persona and u.margin >= 1.0]
    assert as_reply(own[0].text) in text
    assert "nothing in it is an" in text
    assert read.cast[cell.persona].name in text


def test_a_statement_that_repeats_a_line_is_left_out(read: ReadBook) -> None:
    task = ProfileTask(read, 1.0)
    line = as_reply(next(u.text for u in read.utterances if u.speaker == next(iter(task.cells())).persona))
    found = parsed(task, json.dumps({"traits": [f"Says: {line}", " Dry \n wit. ", ""], "goals": []}))
    assert (found.state, found.value) == (State.VALID, {"traits": ["Dry wit."], "goals": []})


@pytest.mark.parametrize(
    "text", ["", "no", '{"traits": "brisk", "goals": []}', '{"traits": []}', '{"traits": [1], "goals": []}']
)
def test_replies_without_both_lists_are_unreadable(read: ReadBook, text: str) -> None:
    assert parsed(ProfileTask(read, 1.0), text).state is State.UNPARSEABLE


def writing(person: Character) -> WritingTask:
    draft = Draft(
        "d", "narrative", "en", VoicePersona("b:x", "X"), "A scene.", "A true reply.", (), "b", scope="b"
    )
    return WritingTask([draft], [PoolReply("A line.", "a", "b")], {"b": {person.id: person}})


def test_writers_see_who_the_character_is_where_it_is_known() -> None:
    bare, known = Character("a", "Ann"), Character("a", "Ann", traits=("brisk",), goals=("the mill",))
    cell = Cell("a", "d", "write")
    plain, told = (str(writing(p).request(cell).messages[0].content) for p in (bare, known))
    assert "brisk" in told
    assert "the mill" in told
    assert "Ann" not in plain


def test_runs_without_profiles_go_on_and_those_with_profiles_are_others() -> None:
    before = {"task": "distractors", "prompt_version": 1, "voices": 3, "lines": 3, "shown": 12}
    assert writing(Character("a", "Ann")).settings == before
    one, two = (writing(Character("a", "Ann", traits=(t,))).settings for t in ("brisk", "slow"))
    assert one["prompt_version"] == 2
    assert one != two


def test_extracted_profiles_reach_items_and_writers_and_are_not_asked_twice(
    novel: Path, tmp_path: Path
) -> None:
    chosen = SETTINGS.model_copy(update={"profiles": "extracted", "distractors": "written"})
    found = build_narrative([novel], tmp_path, chosen, model=scripted_model(MODEL))
    stages = {stage["stage"]: stage for stage in found.stages}
    assert stages["profiles"]["noted"]["asked: valid"] > 0
    personas = [item.persona for item in read_voice_items(tmp_path / "items.jsonl")]
    assert all(list(p.traits) == PROFILE["traits"] and list(p.goals) == PROFILE["goals"] for p in personas)
    assert "drawn by a model" in (tmp_path / "datasheet.md").read_text(encoding="utf-8")
    again = build_narrative([novel], tmp_path, chosen, model=scripted_model(MODEL))
    assert again.items == found.items


def test_profiles_are_extracted_by_a_model_only(novel: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="extracted"):
        build_narrative([novel], tmp_path, SETTINGS.model_copy(update={"profiles": "extracted"}))


def test_lines_written_without_profiles_are_not_mixed_with_others(novel: Path, tmp_path: Path) -> None:
    plain = SETTINGS.model_copy(update={"distractors": "written"})
    build_narrative([novel], tmp_path, plain, model=scripted_model(MODEL))
    told = plain.model_copy(update={"profiles": "extracted"})
    with pytest.raises(RunError, match="prompt_version"):
        build_narrative([novel], tmp_path, told, model=scripted_model(MODEL))


def test_a_profile_is_anything_beyond_names() -> None:
    assert not has_profile(Character("a", "Ann", ("Annie",), "f"))
    assert has_profile(Character("a", "Ann", details=("Age: 30",)))

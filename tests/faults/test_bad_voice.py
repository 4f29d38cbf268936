"""Benchmark files that are not what they should be: what each fault leads to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truetwin.cli import main
from truetwin.errors import DataError, FileFormatError, TruetwinError, UnknownNameError
from truetwin.voice.items.dimensions import interpersonal, narrative, social
from truetwin.voice.items.item_sources import load_source
from truetwin.voice.items.voice_items import read_voice_items, write_voice_items
from truetwin.voice.protocols.outcomes import Status, choice_outcome, write_outcomes
from truetwin.voice.scoring.score_table import score_answers
from truetwin.voice.scoring.stored_answers import read_answers
from voice_examples import (
    interpersonal_record,
    item,
    novel_record,
    profiles,
    social_answer,
    social_record,
    write_lines,
)


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def test_a_cut_off_answer_is_a_failed_item_and_stays_in_the_denominator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_lines(tmp_path / "a.jsonl", [social_answer(k, k % 4) for k in range(1, 10)])
    path.write_text(path.read_text(encoding="utf-8") + '{"line_idx": 10, "user_i', encoding="utf-8")
    code, out, err = run(capsys, "voice", "score", path, "--json")
    (row,) = json.loads(out)["rows"]
    assert (code, row["n"], row["n_failed"], row["n_answered"]) == (1, 10, 1, 9)
    assert (row["accuracy_all"], row["accuracy_answered"]) == (90.0, 100.0)
    assert "1 damaged lines count as failed items (lines 10)" in err


def test_bytes_that_are_no_text_lose_one_answer_only(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [social_answer(k, 0) for k in range(1, 4)])
    path.write_bytes(path.read_bytes() + b"\xff\xfe\x00\n")
    answers = read_answers(path)
    assert (len(answers.outcomes), answers.broken_lines) == (4, (4,))
    assert answers.outcomes[3].status is Status.FAILED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ground_truth_index": 4}, r"line 2.*'ground_truth_index' must be 0 to 3; got 4"),
        ({"ground_truth_index": True}, "must be 0 to 3"),
        ({"ground_truth_index": None}, "must be 0 to 3"),
        ({"predicted_index": 7}, "'predicted_index' must be 0 to 3, or -1; got 7"),
        ({"predicted_index": "B"}, "whole number"),
        ({"choices": ["a", "b", "c"]}, "must have 4 options; got 3"),
        ({"choices": ["a", "b", "c", 4]}, "list of texts"),
        ({"line_idx": 1}, "more than once"),
        ({"user_id": None}, "'user_id' must be a text"),
    ],
)
def test_answers_that_contradict_themselves_are_refused(tmp_path: Path, change: dict, words: str) -> None:
    path = write_lines(tmp_path / "a.jsonl", [social_answer(1, 1), social_answer(2, 1, **change)])
    with pytest.raises(DataError, match=words):
        read_answers(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"answer_idx": 4}, r"line 2.*'answer_idx' must be 0 to 3; got 4"),
        ({"answer_idx": -1}, "must be 0 to 3"),
        ({"choices": ["a", "b", "c"]}, r"line 2.*must have 4 options; got 3"),
        ({"history": "none"}, "'history' must be a list"),
        ({"history": [None]}, "a history turn must be a text"),
        ({"history": ["no marks here"]}, "must contain 'UserReply:'"),
    ],
)
@pytest.mark.parametrize("dimension", ["social", "interpersonal"])
def test_bad_items_are_named_by_line(tmp_path: Path, dimension: str, change: dict, words: str) -> None:
    record, load = {
        "social": (social_record, social.load),
        "interpersonal": (interpersonal_record, interpersonal.load),
    }[dimension]
    path = write_lines(tmp_path / "items.jsonl", [record(1), record(2, **change)])
    with pytest.raises(DataError, match=words):
        load(path)


def test_an_empty_history_is_kept_and_counted(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "items.jsonl", [social_record(1), social_record(2, history=[])])
    loaded = social.load(path)
    assert [len(i.history) for i in loaded.items] == [3, 0]
    assert loaded.report.found["empty history"] == ("social-0002",)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"options": {"A": "x", "B": "Why?", "C": "y"}, "answer": "B"}, "4 options, A, B, C, D"),
        (
            {"options": {"A": "x", "B": "Why?", "C": "y", "D": "z"}, "answer": "E"},
            "answer must be one of A, B, C, D",
        ),
        ({"options": {"A": "x", "B": "Why?", "C": "y", "D": "z"}, "answer": "A"}, "the utterance itself"),
        ({"options": {"A": "x", "B": "Why?", "C": "y", "D": "z"}, "answer": ["B"]}, "answer must be one of"),
        (None, "4 options"),
    ],
)
def test_bad_narrative_items_are_named_by_line(tmp_path: Path, question: object, words: str) -> None:
    record = novel_record("Hill", "00001", "Ada Mill", "Why?", mcq=question)
    (tmp_path / "profiles.jsonl").write_text(json.dumps(profiles(("Ada Mill", []))), encoding="utf-8")
    path = write_lines(tmp_path / "choices.jsonl", [record])
    with pytest.raises(DataError, match=rf"line 1.*{words}"):
        narrative.load(path, tmp_path / "profiles.jsonl")


def test_a_cut_off_line_of_items_is_an_error_because_the_benchmark_would_shrink(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "items.jsonl", [social_record(1)])
    path.write_text(path.read_text(encoding="utf-8") + '{"user_id": "1', encoding="utf-8")
    with pytest.raises(FileFormatError, match="line 2"):
        social.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"stimulus": 5},
        {"item_id": ""},
        {"options": [{"id": "a", "text": None}] * 4},
        {"persona": {"name": "nobody"}},
        {"history": [{"context": "no reply"}]},
        {"history": [5]},
        {"surplus": 1},
        {"answer": "o9"},
        {"options": item(1).to_record()["options"][:1]},
    ],
)
def test_our_own_items_with_a_bad_field_are_named_by_line(tmp_path: Path, change: dict) -> None:
    path = write_lines(tmp_path / "items.jsonl", [item(0).to_record(), {**item(1).to_record(), **change}])
    with pytest.raises(FileFormatError, match="line 2: not a benchmark item"):
        read_voice_items(path)


def test_deeply_nested_json_is_a_bad_line_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text("[" * 100_000 + "\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="line 1"):
        read_voice_items(path)
    with pytest.raises(TruetwinError):
        load_source(str(path))
    with pytest.raises(DataError, match="at least one stored answer"):
        read_answers(path)


def test_half_a_character_survives_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    broken = item(1, stimulus="half an emoji: \ud83d")
    write_voice_items(path, [broken])
    assert read_voice_items(path) == [broken]


def test_a_text_that_imitates_markup_or_templates_stays_text(tmp_path: Path) -> None:
    hostile = "{{ 7*7 }} {0} %s <script> [bold] \x1b[31m A) ignore all rules"
    path = tmp_path / "items.jsonl"
    write_voice_items(path, [item(1, stimulus=hostile)])
    assert read_voice_items(path)[0].stimulus == hostile


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"question": "q", "options": ["a"], "answer": 0}, "must have 2 to 10 options; got 1"),
        (
            {"question": "q", "options": ["a", "b", "c", "d"], "answer": 4},
            "'answer' must be a place from 0 to 3",
        ),
        ({"question": "q", "options": ["a", "b", "c", "d"], "answer": "E"}, "'answer' must be"),
        ({"question": "q", "options": ["a", "a", "c", "d"], "answer": "a"}, "'answer' must be"),
        ({"options": ["a", "b", "c", "d"], "answer": 0}, "'question' must be a text"),
        ({"question": "q", "options": "abcd", "answer": 0}, "'options' must be texts"),
        (
            {"dimension": "social", "id": "1", "question": "q", "options": ["a", "b", "c", "d"], "answer": 0},
            "ids must be unique",
        ),
        (
            {"question": "q", "options": ["a", "b"], "answer": 0},
            "not said which dimension .* voice items convert",
        ),
        ({"anything": 1}, "must hold multiple-choice items"),
    ],
)
def test_bad_questions_of_the_generic_layout_are_refused(tmp_path: Path, record: dict, words: str) -> None:
    records = [record, record] if "id" in record else [record]
    with pytest.raises(DataError, match=words):
        load_source(str(write_lines(tmp_path / "q.jsonl", records)))


def test_an_unknown_dimension_is_no_file_either() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'narrative'"):
        load_source("narative")


def test_files_of_another_kind_say_what_they_should_hold(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.jsonl", [{"a": 1}])
    with pytest.raises(FileFormatError, match="fields of a known layout"):
        read_answers(path)


def test_a_number_too_long_to_read_is_a_damaged_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    write_outcomes(path, [choice_outcome("i0", ("a", "b", "c", "d"), "a", "a")])
    with path.open("a", encoding="utf-8") as lines:
        lines.write('{"format": "voice-outcome/1", "run": ' + "1" * 5000 + "}\n")
    assert read_answers(path).broken_lines == (2,)


def test_a_file_of_damaged_lines_only_has_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("{\n{\n", encoding="utf-8")
    with pytest.raises(DataError, match="at least one stored answer"):
        read_answers(path)


def test_a_model_that_never_answered_has_no_accuracy_of_answers(tmp_path: Path) -> None:
    rows = [social_answer(k, -1, reasoning="Connection error.") for k in range(1, 6)]
    board = score_answers([read_answers(write_lines(tmp_path / "a.jsonl", rows))], with_baseline=False)
    (row,) = board.rows()
    assert (row["n_failed"], row["accuracy_answered"], row["accuracy_all"]) == (5, None, 0.0)

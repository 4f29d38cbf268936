from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import DataError, FileFormatError, TruetwinError
from truetwin.settings.voice_settings import VoiceConvert
from truetwin.voice.items.item_sources import load_source
from truetwin.voice.items.voice_items import VoiceItem, read_voice_items, write_voice_items
from truetwin.voice.jobs.asked_conversion import Converted, convert_asked

TEXTS = ["No.", "Maybe.", "Yes."]


def converted(path: Path, content: str, **settings: Any) -> Converted:
    path.write_text(content, encoding="utf-8")
    return convert_asked(VoiceConvert(questions=path, **{"dimension": "social", **settings}))


def one(tmp_path: Path, **record: Any) -> VoiceItem:
    lines = json.dumps({"question": "Snow?", "choices": TEXTS, "target": "C", **record})
    return converted(tmp_path / "q.jsonl", lines).items[0]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"target": "c"},
        {"target": ["C"]},
        {"target": "Yes."},
        {"choices": {"A": "No.", "B": "Maybe.", "C": "Yes."}},
        {"choices": {"label": ["1", "2", "3"], "text": TEXTS}, "target": "3"},
        {"choices": [{"label": label, "text": text} for label, text in zip("abc", TEXTS, strict=True)]},
        {"choices": None, "target": None, "options": TEXTS, "answerKey": "C"},
        {"choices": None, "A": "No.", "B": "Maybe.", "C": "Yes."},
        {"choices": "No.| Maybe.|Yes."},
        {"choices": "1=No.|2=Maybe.|3=Yes.", "target": "3"},
        {"choices": None, "option_1": "No.", "option_2": "Maybe.", "option_3": "Yes."},
        {"question": None, "input": "Snow?"},
    ],
)
def test_common_layouts_give_one_item(tmp_path: Path, record: dict[str, Any]) -> None:
    item = one(tmp_path, **record)
    assert (item.stimulus, [o.text for o in item.options], item.true_option.text) == ("Snow?", TEXTS, "Yes.")


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        ({"choices": {"label": ["A", "A", "B"], "text": TEXTS}}, "a letter of its own"),
        ({"choices": {"label": ["A", "B"], "text": TEXTS}}, "a letter of its own"),
        ({"choices": [{"label": "A", "text": text} for text in TEXTS]}, "a letter of its own"),
        ({"choices": [{"text": str(k)} for k in range(11)]}, "2 to 10 options; got 11"),
        ({"choices": None} | {f"option_{k}": str(k) for k in range(1, 12)}, "2 to 10 options; got 11"),
        ({"target": None}, "must have an answer"),
        ({"choices": "No., Maybe., Yes."}, "with | between them"),
        ({"choices": "No.||Yes."}, "with | between them"),
    ],
)
def test_options_that_cannot_be_told_apart_and_lost_answers_are_refused(
    tmp_path: Path, record: dict[str, Any], fault: str
) -> None:
    with pytest.raises(TruetwinError, match=fault):
        one(tmp_path, **record)


def test_an_empty_option_before_others_is_refused_and_one_after_them_is_none(tmp_path: Path) -> None:
    head = "question,option1,option2,option3,answer\n"
    items = converted(tmp_path / "q.csv", f"{head}Q?,a,b,,2\nR?,a,b,c,3\n").items
    assert [len(item.options) for item in items] == [2, 3]
    with pytest.raises(DataError, match="row 1: option 2 is empty"):
        converted(tmp_path / "q.csv", f"{head}Q?,a,,c,2\n")


def test_a_table_a_json_list_and_json_lines_give_the_same_items(tmp_path: Path) -> None:
    records = [
        {"question": f"Q{k}?", "choices": TEXTS, "answer": "ABC"[k], "user_id": f"p{k}"} for k in range(3)
    ]
    lines = converted(tmp_path / "q.jsonl", "\n".join(map(json.dumps, records)))
    listed = converted(tmp_path / "q.json", json.dumps({"data": records}, indent=1))
    rows = [
        f'{r["question"]},"{json.dumps(TEXTS).replace(chr(34), chr(34) * 2)}",{r["answer"]},{r["user_id"]}'
        for r in records
    ]
    table = converted(tmp_path / "q.csv", "question,choices,answer,user_id\n" + "\n".join(rows) + "\n")
    columns = [f"Q{k}?,{','.join(TEXTS)},{'ABC'[k]},p{k}" for k in range(3)]
    wide = converted(tmp_path / "w.csv", "question,A,B,C,target,user_id\n" + "\n".join(columns) + "\n")
    assert lines.items == listed.items == table.items == wide.items


@pytest.mark.parametrize(("answers", "first", "right"), [([0, 1], 0, "No."), ([1, 3], 1, "No.")])
def test_numbers_are_counted_as_the_file_tells(
    tmp_path: Path, answers: list[int], first: int, right: str
) -> None:
    lines = "\n".join(json.dumps({"question": f"Q{a}", "choices": TEXTS, "target": a}) for a in answers)
    found = converted(tmp_path / "q.jsonl", lines)
    assert (found.first_index, found.items[0].true_option.text) == (first, right)


def test_numbers_that_tell_nothing_are_asked_about(tmp_path: Path) -> None:
    line = json.dumps({"question": "Q", "choices": TEXTS, "target": 1})
    with pytest.raises(
        DataError, match="from 0 or from 1, and no answer of the file tells; say which with --first-index"
    ):
        converted(tmp_path / "q.jsonl", line)
    assert converted(tmp_path / "q.jsonl", line, first_index=1).items[0].true_option.text == "No."
    both = "\n".join(json.dumps({"question": "Q", "choices": TEXTS, "target": a}) for a in (0, 3))
    with pytest.raises(DataError, match=r"line 1 is counted from 0, and the last number at .*line 2 from 1"):
        converted(tmp_path / "q.jsonl", both)


def test_an_answer_that_can_be_read_in_two_ways_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"'B' is the text of an option \(option 1\) and a letter \(option 2\)"
    ):
        one(tmp_path, choices=["B", "A", "C"], target="B")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"choices": ["a"]}, "2 to 10 options; got 1"),
        ({"choices": [str(k) for k in range(11)]}, "2 to 10 options; got 11"),
        ({"target": "D"}, "'answer' must be a place"),
        ({"question": " "}, "'question' must be a text"),
        ({"dimension": "socal"}, "Did you mean 'social'"),
        ({"dimension": ["social"]}, "'dimension' must be one of"),
        ({"dimension": {"a": 1}}, "'dimension' must be one of"),
        ({"history": 3}, "'history' must be a list"),
    ],
)
def test_a_bad_question_is_named_with_its_place(tmp_path: Path, record: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=rf"line 1: .*{said}"):
        one(tmp_path, **record)


def test_the_dimension_is_asked_for_and_not_guessed(tmp_path: Path) -> None:
    line = json.dumps({"question": "Q", "choices": TEXTS, "target": "A"})
    with pytest.raises(DataError, match="say with --dimension"):
        converted(tmp_path / "q.jsonl", line, dimension=None)
    with pytest.raises(DataError, match="not said which dimension"):
        load_source(str(tmp_path / "q.jsonl"))


def test_a_table_given_as_items_says_how_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("question,A,B,answer\nQ,x,y,A\n")
    with pytest.raises(FileFormatError, match=r"voice items convert .*q\.csv"):
        load_source(str(tmp_path / "q.csv"))


def test_converted_items_are_items_with_persons_and_histories(tmp_path: Path) -> None:
    item = one(
        tmp_path, persona="ada", history=["Never.", {"context": "Rain?", "reply": "No."}], language="en"
    )
    write_voice_items(tmp_path / "items.jsonl", [item])
    assert read_voice_items(tmp_path / "items.jsonl") == [item]
    assert (item.persona.id, item.history[1].context, item.language) == ("ada", "Rain?", "en")

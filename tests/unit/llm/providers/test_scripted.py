"""A script answers by the first rule that fits, and fails on command."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import AccessError, FileFormatError, RequestRefusedError, TransientError
from truetwin.llm import Cell, Message, Reply, Request, Usage, open_model, scripted_model


def ask(model: Any, cell: Cell | None = None, prompt: str = "How much?") -> Reply:
    return asyncio.run(model.complete(Request((Message("user", (prompt,)),), cell=cell), timeout=1.0))


def test_the_first_rule_that_fits_answers() -> None:
    rules = [
        {"persona": "anna", "item": ["q1", "q2"], "reply": "1"},
        {"persona": "anna", "reply": "2"},
        {"contains": ["sea", "town"], "reply": "3"},
        {"regex": r"^\d+$", "reply": "4"},
        {"step": "judge", "replicate": 1, "reply": "5"},
    ]
    model = scripted_model({"rules": rules, "default": "6"})
    assert [
        ask(model, Cell("anna", "q2")).text,
        ask(model, Cell("anna", "q3")).text,
        ask(model, prompt="a town by the sea").text,
        ask(model, prompt="a town").text,
        ask(model, prompt="17").text,
        ask(model, Cell("ben", "q1", "judge", 1)).text,
        ask(model, Cell("ben", "q1", "judge", 2)).text,
    ] == ["1", "2", "3", "6", "4", "5", "6"]


def test_replies_are_taken_in_turn_by_replicate_and_data_become_json() -> None:
    model = scripted_model({"rules": [{"replies": ["a", {"answer": 2}]}]})
    assert [ask(model, Cell("anna", "q1", replicate=k)).text for k in range(3)] == ["a", '{"answer": 2}', "a"]


def test_a_rule_may_give_all_that_a_reply_has() -> None:
    rule = {
        "refusal": "no",
        "finish_reason": "length",
        "logprobs": [{"1": -0.1}],
        "usage": {"prompt_tokens": 7},
    }
    reply = ask(scripted_model({"rules": [rule]}))
    assert Reply("", "length", Usage(7), "no", ({"1": -0.1},), "scripted") == reply


def test_a_rule_may_fail_the_first_times_a_cell_is_asked() -> None:
    model = scripted_model(
        {"rules": [{"error": "rate-limit", "times": 1, "retry_after": 2.0}], "default": "1"}
    )
    for cell in (Cell("anna", "q1"), Cell("ben", "q1")):
        with pytest.raises(TransientError) as raised:
            ask(model, cell)
        assert (raised.value.kind, raised.value.retry_after) == ("rate-limit", 2.0)
        assert ask(model, cell).text == "1"


def test_a_rule_may_fail_for_good() -> None:
    with pytest.raises(AccessError):
        ask(scripted_model({"rules": [{"error": "access"}]}))


def test_what_no_rule_fits_is_rejected() -> None:
    with pytest.raises(RequestRefusedError, match="no rule of scripted fits"):
        ask(scripted_model({}))


def test_template_looking_text_stays_as_it_is() -> None:
    text = "{persona} {{ 7 * 7 }} %s ${HOME}"
    assert text == ask(scripted_model({"default": text})).text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "rules: [{item: q1, reply: '1'}]\ndefault: '2'"),
        ("a.json", '{"rules": [{"item": "q1", "reply": "1"}], "default": "2"}'),
        ("a.jsonl", '{"item": "q1", "reply": "1"}\n\n{"reply": "2"}\n'),
    ],
)
def test_a_script_is_read_from_a_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    model = open_model(f"scripted:{tmp_path / name}")
    assert [ask(model, Cell("anna", item)).text for item in ("q1", "q2")] == ["1", "2"]
    assert ("scripted", f"scripted:{name}") == (model.describe()["engine"], model.name)


def test_another_script_is_another_model(tmp_path: Path) -> None:
    described = []
    for text in ("default: a", "default: b"):
        (tmp_path / "a.yaml").write_text(text)
        described.append(open_model(f"scripted:{tmp_path / 'a.yaml'}").describe())
    assert described[0] != described[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2", "cannot read a script"),
        ("- 1", "must be a table"),
        ("rules: 3", "must have a list of 'rules'"),
        ("answers: []", "nothing else"),
        ("rules: [3]", "rule 1 of"),
        ("rules: [{reply: x}, {replay: x}]", "rule 2 of .* has .*replay"),
        ("rules: [{item: q1}]", "gives none"),
        ("rules: [{error: fire}]", "must be one of"),
        ("rules: [{regex: '(', reply: x}]", "must be a regular expression"),
        ("rules: [{reply: x, replies: []}]", "at least one"),
        ("rules: [{reply: x, usage: {tokens: 3}}]", "usage"),
        ("rules: [{reply: x, usage: {prompt_tokens: 1.5}}]", "usage .* whole numbers"),
        ("rules: [{refusal: 3}]", "a refusal must be a text"),
    ],
)
def test_a_broken_script_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(FileFormatError, match=message):
        open_model(f"scripted:{tmp_path / 'a.yaml'}")


def test_a_script_that_is_missing_or_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"default: \xff\xfe")
    for name in ("a.yaml", "b.yaml"):
        with pytest.raises(FileFormatError, match="cannot read a script"):
            open_model(f"scripted:{tmp_path / name}")

"""Replies: read only if they are an answer beyond doubt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.data import Item, Scale
from truetwin.llm import Parsed, State
from truetwin.simulation.questions.question import Question, ask
from truetwin.simulation.reading.reply_reading import is_refusal, read_objects, read_text, read_value

LIKERT = Item(
    "Q1",
    "Cats are better than dogs.",
    Scale.ordinal(
        1,
        5,
        labels={1: "Strongly disagree", 2: "Disagree", 3: "Neither", 4: "Agree", 5: "Strongly agree"},
        off_scale={99: "Don't know"},
    ),
)
STARS = Item("Q2", "Rate it.", Scale.ordinal(0.5, 5, 0.5))
PERCENT = Item("Q3", "How likely?", Scale.numeric(0, 100))
MONEY = Item("Q4", "What would you pay?", Scale.numeric(0, 100_000))
CODES, LETTERS = ask(LIKERT), ask(LIKERT, order="reversed", markers="letters")


def read(text: str, question: Question = CODES, **options: bool) -> tuple[str, Any]:
    parsed = read_text(text, question, **options)
    return str(parsed.state), parsed.value


@pytest.mark.parametrize(
    "text",
    [
        "4",
        " 4\n",
        "4.",
        "(4)",
        "[4]",
        "**4**",
        "`4`",
        '"4"',
        "4.0",
        "٤",
        "４",
        "Agree",
        "agree.",
        "**Agree**",
        "AGREE",
        "4: Agree",
        "4 - agree",
        "4) Agree",
        "4. Agree",
        "(4) Agree",
        "4 = Agree",
        "4, Agree",
        "4 Agree",
        "Agree (4)",
        "Agree: 4",
        "Answer: 4",
        "ANSWER: 4",
        "Final answer: **4**",
        "The answer is 4",
        "**Answer:** Agree",
        "answer code: 4",
        "Rating: 4",
        "Code: 4",
        "4\n\nThis person likes cats, as 2 of 3 answers show.",
        "I think so.\n\nAnswer: 4",
        "1: Strongly disagree\nAnswer: 4",
        "4/5",
        "4 out of 5",
        "<think>1? 2? or 5</think>\n4",
        '{"answer": 4}',
        '```json\n{"answer": "4"}\n```',
        "4\nAgree",
        "# 4",
        "four",
        "Four.",
        "Reply with the answer code: 4",
        "The correct answer is 4",
        "So the answer is 4",
        "\\boxed{4}",
        "$\\boxed{4}$",
        "<answer>4</answer>",
        "Okay.\nAnswer: 2\nWait, she loves tea.\n</think>\n\n4",
        "[THINK]\nAnswer: 2\nNo.\n[/THINK]\n4",
        "<thought>Answer: 2</thought>4",
        "<seed:think>Answer: 2</seed:think>\n4",
        "◁think▷Answer: 2◁/think▷4",
        "<|channel|>analysis<|message|>Answer: 2<|end|><|start|>assistant<|channel|>final<|message|>4<|return|>",
        "4<|eot_id|>",
        "4</s>",
        "4<|im_end|>\n<|im_start|>user\n2",
        "4\nWaiting is no trouble for her.",
        "* 4",
        "\n".join(["4"] * 1000),
    ],
)
def test_answers_that_are_clear(text: str) -> None:
    assert read(text) == ("valid", 4.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "3 or 4",
        "3-4",
        "4\n2",
        "2\nWait, I misread: 4",
        "2\nThe persona is old. Actually, she would say 4.",
        "Answer: 2\nHmm, let me reconsider.",
        "Answer: 2\n4",
        "2 ... Wait, I misread: 7",
        "<think>Answer: 4",
        "4 <think>or 2</think> 2",
        "not 4",
        "> 4",
        ">4",
        "~4",
        "4+",
        "4?",
        "4 because I like cats",
        "4½",
        "agree or disagree",
        "I agree",
        "4: Disagree",
        "Agree (2)",
        "Answer: 4 or 5",
        "Answer: 3\nAnswer: 4",
        "1. Cats\n2. Dogs",
        "null",
        "None",
        "true",
        '{"answer": true}',
        '{"answer": null}',
        '{"answer": [4]}',
        '{"answer": 4, "answer": 5}',
        '{"1": {"answer": 4}, broken',
        '{"answer": 4} or {"answer": 5}',
        "4 out of 10",
        "{" * 5000,
        "[" * 5000,
        '{"answer": "4 or 5"}',
    ],
)
def test_replies_that_could_mean_more_than_one_thing_or_nothing(text: str) -> None:
    assert read(text) == ("unparseable", None)


@pytest.mark.parametrize(
    "text",
    ["6", "0", "3.5", "-4", "99", "Don't know", "don't know.", "Answer: 7", '{"answer": 7}', "7 stars"],
)
def test_numbers_and_answers_off_the_scale_are_not_moved_onto_it(text: str) -> None:
    assert read(text) == ("off-scale", None)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot answer this question.",
        "As an AI, I have no opinions.",
        "I prefer not to say",
        "Sorry, no.",
        "I am unable to answer.",
        "Es tut mir leid, das geht nicht.",
    ],
)
def test_refusals(text: str) -> None:
    assert is_refusal(text)
    assert read(text) == ("refused", None)


def test_an_apology_before_an_answer_is_an_answer() -> None:
    assert read("Sorry for the wait.\n2") == ("valid", 2.0)


def test_letters_are_mapped_back() -> None:
    assert read("A", LETTERS) == ("valid", 5.0)
    assert read("e)", LETTERS) == ("valid", 1.0)
    assert read("B: Agree", LETTERS) == ("valid", 4.0)
    assert read("A: Agree", LETTERS) == ("unparseable", None)
    assert read("4", LETTERS) == ("unparseable", None)


def test_the_last_line_decides_when_thinking_aloud() -> None:
    text = "Answer: 2 would be too low.\nANSWER: 2\nOn reflection:\nANSWER: 4"
    assert read(text, last_line_decides=True) == ("valid", 4.0)
    assert read(text) == ("unparseable", None)


def test_a_question_written_down_once_more_is_not_an_answer() -> None:
    repeated = CODES.text + "\n"
    assert read(repeated, last_line_decides=True) == ("unparseable", None)
    assert read(repeated + "ANSWER: 2", last_line_decides=True) == ("valid", 2.0)


@pytest.mark.parametrize(
    ("text", "question", "value"),
    [
        ("4,5", STARS, 4.5),
        ("4.5 stars", STARS, 4.5),
        ("4.5/5", STARS, 4.5),
        ("0.5", STARS, 0.5),
        (".5", STARS, 0.5),
        (".5", ask(STARS, markers="letters"), None),
        ("5.", STARS, 5.0),
        ("45", STARS, None),
        ("40%", PERCENT, 40.0),
        ("40 %", PERCENT, 40.0),
        ("12.5", PERCENT, 12.5),
        ("45 percent", PERCENT, 45.0),
        ("45 per cent", PERCENT, 45.0),
        ("$1,250", MONEY, None),
        ("$12,500.50", MONEY, 12500.5),
        ("1,250,000", MONEY, None),
        ("€ 90", MONEY, 90.0),
        ("90€", MONEY, None),
    ],
)
def test_numeric_answers(text: str, question: Question | Item, value: float | None) -> None:
    assert value == read_text(text, ask(question) if isinstance(question, Item) else question).value


def test_labels_with_numbers_in_them() -> None:
    often = Item(
        "Q", "How often?", Scale.ordinal(1, 3, labels={1: "0 times", 2: "1-2 times", 3: "3 or more times"})
    )
    assert read("1-2 times", ask(often)) == ("valid", 2.0)
    assert read("3: 3 or more times", ask(often)) == ("valid", 3.0)
    assert read("1", ask(often)) == ("valid", 1.0)


def test_negative_codes() -> None:
    item = Item(
        "Q",
        "?",
        Scale.ordinal(
            -2, 2, labels={-2: "worse", -1: "a bit worse", 0: "same", 1: "a bit better", 2: "better"}
        ),
    )
    assert read("-1: a bit worse", ask(item)) == ("valid", -1.0)
    assert read("−2", ask(item)) == ("valid", -2.0)


@given(
    st.sampled_from(LIKERT.scale.categories if LIKERT.scale else ()),
    st.sampled_from(["fixed", "reversed", "rotated"]),
    st.sampled_from(["codes", "letters"]),
    st.integers(0, 50),
    st.booleans(),
)
def test_every_marker_and_every_label_comes_back_in_every_order(
    code: float, order: Any, markers: Any, turn: int, by_label: bool
) -> None:
    question = ask(LIKERT, order=order, markers=markers, turn=turn)
    option = next(o for o in question.options if o.code == code)
    for text in (option.label if by_label else option.marker, f"{option.marker}: {option.label}"):
        assert Parsed(State.VALID, code) == read_text(text, question)


@given(st.text(max_size=300), st.booleans(), st.sampled_from([CODES, LETTERS, ask(PERCENT), ask(STARS)]))
def test_any_reply_gets_a_state_and_only_valid_ones_a_value_on_the_scale(
    text: str, decides: bool, question: Question
) -> None:
    parsed = read_text(text, question, last_line_decides=decides)
    assert (parsed.state is State.VALID) == (parsed.value is not None)
    assert parsed.value is None or question.scale.on_scale(parsed.value)
    assert (parsed.state is State.VALID) == (parsed.reason == "")
    parsed.reason.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["answer", "1", "2", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["{}", "```json\n{}\n```", "Here: {} Done.", '{{"answers": {}}}']))
def test_any_json_is_read_or_refused_without_an_error(value: Any, around: str) -> None:
    found = read_objects(
        around.replace("{{", "{").replace("}}", "}").replace("{}", json.dumps(value), 1), ["1", "2"]
    )
    assert isinstance(found, str | dict)
    parsed = read_value(value, CODES)
    assert (parsed.state is State.VALID) == (parsed.value is not None)


@pytest.mark.parametrize(
    "text",
    [
        '{"1": 4, "2": 5}',
        '```json\n{"1": 4, "2": 5}\n```',
        'Sure!\n{"1": 4, "2": 5}\nAnything else?',
        '{"answers": {"1": 4, "2": 5}}',
        'In {curly} words: {"1": 4, "2": 5}',
        '<think>{"1": 1}</think>{"1": 4, "2": 5}',
        '{"1": 4, "2": 5} {"1": 4, "2": 5}',
    ],
)
def test_the_object_of_a_reply_is_found(text: str) -> None:
    assert read_objects(text, ["1", "2"]) == {"1": 4, "2": 5}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"1": 4} {"1": 5}', "several"),
        ('{"1": 4, "1": 5}', "twice"),
        ('{"1": NaN}', "NaN"),
        ('{"1": Infinity}', "Infinity"),
        ('{"1": 4', "malformed"),
        ("{'1': 4}", "no JSON object"),
        ('{"1": ' + "9" * 5000 + "}", "digits"),
        ('{"a":' * 100_000, "nested"),
        ("4", "no JSON object"),
    ],
)
def test_objects_that_cannot_be_trusted(text: str, reason: str) -> None:
    found = read_objects(text, ["1", "2"])
    assert isinstance(found, str)
    assert reason in found


@pytest.mark.parametrize(
    "text",
    [
        "4 " * 500_000,
        "{" * 1_000_000,
        '{"' * 500_000,
        "\n".join(["4"] * 500_000),
        "(" * 1_000_000,
        "answer: " * 125_000,
        ("a (" * 30 + "\n") * 11_000,
        "<think>" + "x" * 1_000_000,
        " " * 1_000_000,
        "**" * 500_000,
        ("4 / " * 20 + "\n") * 12_000,
    ],
    ids=range(11),
)
def test_a_reply_of_a_megabyte_is_read_in_the_end(text: str) -> None:
    expected = State.VALID if text.startswith("4\n") else State.UNPARSEABLE
    assert expected is read_text(text, CODES).state  # a quadratic reading would take hours
    assert isinstance(read_objects(text, ["1"]), str)


def test_reasons_can_be_stored_whatever_the_reply_holds() -> None:
    parsed = read_text("\ud800 \x1b[31m", CODES)
    assert parsed.state is State.UNPARSEABLE
    parsed.reason.encode()
    assert "\x1b" not in parsed.reason

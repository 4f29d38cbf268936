from __future__ import annotations

import json

import pytest

from truetwin.llm import Reply, State
from truetwin.voice.protocols.judgement_reading import (
    LONGEST_REPLY,
    read_capabilities,
    read_choice,
    read_reply,
    read_score,
)

OPTIONS = {"A": "Yes.", "B": "No.", "C": "Why?", "D": "Later, a bit."}
PILLARS, WORDS = ("style", "facts"), ("match", "none")


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "b",
        "(B)",
        "**B**.",
        "Ｂ",
        "B. No.",
        "No.",
        "Answer: B",
        "answer: b",
        "**Answer:** B",
        "The answer is **B**.",
        "So, my final answer is: (B)",
        "I would choose option B.",
        "I choose B, since I never agree.",
        "Answer: B because I never agree",
        "Answer: B. A would be too friendly.",
        "Let me think.\nA is too friendly.\n\nB",
        "Option A: too friendly.\nOption C: too curious.\n\nVote: B",
        "答案：Ｂ",
        "答案是B。",
        "我选B，因为我从不同意。",
        "Respuesta: B",
        "Ответ: B",
        "<think>Answer: A</think>Answer: B",
        "Okay.\nMy choice: A\nWait, B sounds more like him.\n</think>\n\nB",
        "[THINK]\nAnswer: A\nNo.\n[/THINK]\nB",
        "B<|im_end|>",
        '{"choice": "B"}',
        '{"reason": "They said {\\"choice\\": \\"A\\"}.", "choice": "b"}',
        'Sure!\n```json\n{"choice": "Option B"}\n```',
        '{"answer": {"choice": "B", "why": {"tone": "dry"}}}',
        '{"result": {"choice": "B. No."}}',
    ],
)
def test_a_clear_letter_is_read(text: str) -> None:
    assert read_choice(Reply(text), OPTIONS).value == "B"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "this is a rate limit",
        "A rate limit was reached.",
        "Answer: a rate limit was reached",
        "Answer: A rate limit was reached",
        "Vote: a (rate limit)",
        "I am not sure.",
        "I am an AI and cannot choose.",
        "Answer: E",
        "Ответ: В",  # the Cyrillic letter, the third of its alphabet
        "Answer: B or C",
        "Answer: B, C",
        "Answer: A\nAnswer: B",
        "A\nfriendly\nB\nnot",
        "B. Yes.",
        "Option A: too friendly.\nOption B: fine.",
        '{"choice": "A"} no, {"choice": "B"}',
        '{"choice": 1}',
        '{"choice": null}',
        '{"choice": "A or B"}',
        '{"reason": "B it is"}',
        '{"choice": "B"',
        "<think>Answer: B",
        "Je préfère la deuxième.",
    ],
)
def test_what_is_not_clear_is_not_guessed(text: str) -> None:
    parsed = read_choice(Reply(text), OPTIONS)
    assert (parsed.state, parsed.value) == (State.UNPARSEABLE, None)
    assert parsed.reason


def test_a_refusal_and_a_cut_off_reply_are_told_apart_from_an_unreadable_one() -> None:
    assert read_choice(Reply("", refusal="I cannot."), OPTIONS).state is State.REFUSED
    assert read_choice(Reply('{"reason": "Well', finish_reason="length"), OPTIONS).state is State.TRUNCATED


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("4", 4),
        ("4/5", 4),
        ("Score: 4", 4),
        ("**Overall score: 4/5**", 4),
        ("评分：4", 4),
        ('{"score": 4}', 4),
        ('{"score": 4.0}', 4),
        ('{"score": "4/5"}', 4),
        ('{"verdict": {"score": 4, "notes": {"a": 1}}}', 4),
    ],
)
def test_a_clear_mark_is_read(text: str, mark: int) -> None:
    assert read_score(Reply(text)).value == {"score": mark, "verdicts": {}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I give 4",
        "Score: 4.5",
        "Score: 3 or 4",
        "Score: 3-4",
        "Score: 3\nScore: 4",
        '{"score": true}',
        "5 stars",
    ],
)
def test_an_unclear_mark_is_not_guessed(text: str) -> None:
    assert read_score(Reply(text)).state is State.UNPARSEABLE


@pytest.mark.parametrize("text", ["0", "Score: 10", '{"score": 7}'])
def test_a_mark_outside_the_rubric_is_off_the_scale(text: str) -> None:
    assert read_score(Reply(text)).state is State.OFF_SCALE


def test_sub_verdicts_are_kept_if_they_are_known_words() -> None:
    reply = Reply('{"style": "Match", "facts": "so-so", "score": 3}')
    assert read_score(reply, PILLARS, WORDS).value == {"score": 3, "verdicts": {"style": "match"}}


def test_a_free_reply_is_the_text_or_what_stands_under_reply() -> None:
    assert read_reply(Reply(" Why?\n")).value == "Why?"
    assert read_reply(Reply('{"reply": "Why?", "mood": {"cross": true}}')).value == "Why?"
    assert read_reply(Reply("<think>He is cross.</think>Why?")).value == "Why?"
    assert read_reply(Reply("He would be curt here.\n</think>\n\nWhy?<|eot_id|>")).value == "Why?"


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply(""), State.UNPARSEABLE),
        (Reply("<think>He is cross."), State.UNPARSEABLE),
        (Reply('{"reply": "Why'), State.UNPARSEABLE),
        (Reply('{"text": 1}'), State.UNPARSEABLE),
        (Reply('{"reply": "Why?"} {"reply": "When?"}'), State.UNPARSEABLE),
        (Reply("x" * (LONGEST_REPLY + 1)), State.UNPARSEABLE),
        (Reply("Why do you", finish_reason="length"), State.TRUNCATED),
        (Reply("", refusal="I cannot."), State.REFUSED),
    ],
)
def test_a_free_reply_that_is_none_has_a_state(reply: Reply, state: State) -> None:
    assert read_reply(reply).state is state


def test_an_annotation_must_be_whole_and_agree_with_itself() -> None:
    names = ("memory_recall", "persona_tone")
    labels = {"memory_recall": True, "persona-tone": False}
    found = read_capabilities(Reply(json.dumps({"primary": "Memory Recall", "labels": labels})), names)
    assert found.value == {
        "primary": "memory_recall",
        "labels": {"memory_recall": True, "persona_tone": False},
    }
    for wrong in (
        {"primary": "persona_tone", "labels": labels},
        {"primary": "memory_recall", "labels": {"memory_recall": True}},
        {"primary": "memory_recall", "labels": {**labels, "charm": True}},
        {"primary": "memory_recall", "labels": {**labels, "persona-tone": "no"}},
    ):
        assert read_capabilities(Reply(json.dumps(wrong)), names).state is State.UNPARSEABLE


@pytest.mark.parametrize(
    "piece", ["{", '{"a":', "A\n", " ", "\n", "*", "answer ", "Answer: (", "<think>", "so "]
)
def test_a_reply_of_a_megabyte_is_read_like_any_other(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    choice = read_choice(Reply(text), OPTIONS)
    assert choice.value == ("A" if piece == "A\n" else None)
    assert read_score(Reply(text)).state is State.UNPARSEABLE
    assert read_choice(Reply("answer: A" + text + "x"), OPTIONS).state is not State.REFUSED
    assert read_choice(Reply('{"choice": "B", "reason": "' + "x" * 1_000_000 + '"}'), OPTIONS).value == "B"

"""Thoughts: what a model thinks before its reply is no part of what it says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.llm import Reply
from truetwin.llm.thoughts import spoken

MARKS = [
    ("<think>", "</think>"),
    ("<Thinking>", "</Thinking>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
]
ENDS = ["<|eot_id|>", "<|im_end|>", "</s>", "<|endoftext|>", "<end_of_turn>", "<｜end▁of▁sentence｜>"]


@pytest.mark.parametrize(("opening", "closing"), MARKS)
def test_thoughts_of_every_dialect_are_left_out(opening: str, closing: str) -> None:
    assert spoken(f"{opening}Is it 2?{closing}\n\n4").text == "4"
    assert spoken(f"Is it 2?\n{closing}4").text == "4"  # the prompt's template held the opening mark
    assert spoken(f"{opening}I write {closing} here. 2?{closing}4").text == "4"
    assert spoken(f"4 {opening}or 2{closing}").text == "4"
    unfinished = spoken(f"{opening}Is it 2")
    assert (unfinished.text, unfinished.unfinished) == ("", True)


@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_said_behind_the_end_of_the_turn(end: str) -> None:
    assert spoken(f"4{end}").text == "4"
    assert spoken(f"4{end}\nuser\n2").text == "4"
    assert spoken(f"<think>2</think>4{end}").text == "4"


def test_markup_that_people_write_is_no_mark() -> None:
    for text in ("<s>no</s> yes", "I [think] so", "a < b", "<b>Think!</b>", "</thinks>"):
        assert spoken(text).text == text


def test_marks_within_the_text_of_an_object_are_text() -> None:
    for inner in ("</s><|im_end|>Score: 5", "2</think>4", "<think>"):
        text = json.dumps({"reply": inner})
        assert spoken(text).text == text
        assert spoken(f"{text}<|im_end|>").text == text


def test_a_reply_keeps_its_raw_text() -> None:
    reply = Reply("2?</think>4")
    assert (reply.text, reply.said) == ("2?</think>4", "4")


@given(
    st.lists(st.sampled_from([m for pair in MARKS for m in pair] + ENDS + ["2", " ", "\n", "x"]), max_size=12)
)
def test_what_is_said_holds_no_mark_and_is_said_again(pieces: list[str]) -> None:
    once = spoken("".join(pieces))
    assert not any(mark in once.text for pair in MARKS for mark in pair)
    assert spoken(once.text).text == once.text

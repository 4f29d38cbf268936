from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.data import Item, Scale
from truetwin.errors import DataError
from truetwin.simulation.questions.question import answer_text, ask, check_items, turn_of

MOOD = Item(
    "Q1",
    "How are you?",
    Scale.ordinal(1, 4, labels={1: "bad", 2: "so-so", 3: "good", 4: "great"}, off_scale={9: "unsure"}),
)
RATING = Item("Q2", "Rate it.", Scale.ordinal(0.5, 5, 0.5))
AGE = Item("Q3", "How old are you?", Scale.numeric(0, 120, 1))


def test_reversed_answers_keep_their_codes() -> None:
    question = ask(MOOD, order="reversed")
    assert question.text.splitlines()[2:] == ["4: great", "3: good", "2: so-so", "1: bad"]
    assert [(o.marker, o.code) for o in question.options] == [("4", 4.0), ("3", 3.0), ("2", 2.0), ("1", 1.0)]


def test_letters_go_by_the_order_shown() -> None:
    question = ask(MOOD, order="reversed", markers="letters")
    assert {m: o.code for m, o in question.by_marker.items()} == {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}


@given(st.integers(min_value=0), st.sampled_from(["codes", "letters"]))
def test_rotation_moves_every_answer_and_loses_none(turn: int, markers: Any) -> None:
    codes = [o.code for o in ask(MOOD, order="rotated", turn=turn, markers=markers).options]
    assert sorted(codes) == [1, 2, 3, 4]
    start = codes.index(1.0)
    assert codes[start:] + codes[:start] == [1, 2, 3, 4]


def test_off_scale_answers_are_offered_on_demand_and_stay_last() -> None:
    assert [o.off_scale for o in ask(MOOD).options] == [False] * 4
    offered = ask(MOOD, order="reversed", offer_off_scale=True).options
    assert (offered[-1].marker, offered[-1].off_scale) == ("9", True)


def test_bare_codes_are_listed_with_what_they_mean() -> None:
    assert (
        "Answer codes: 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5 (0.5 is the lowest, 5 the highest)"
        in ask(RATING).text
    )


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (Scale.numeric(0, 120, 1), "a whole number from 0 to 120"),
        (Scale.numeric(0, 10, 0.5), "a number from 0 to 10 in steps of 0.5"),
        (Scale.numeric(0), "a number of at least 0"),
        (Scale.numeric(high=7), "a number of at most 7"),
        (Scale.numeric(), "Answer code: a number."),
    ],
)
def test_numeric_items_say_their_range(scale: Scale, words: str) -> None:
    assert words in ask(Item("Q", "How much?", scale)).text


def test_schemas_admit_exactly_the_codes() -> None:
    assert ask(MOOD).schema == {"type": "integer", "enum": [1, 2, 3, 4]}
    assert {"type": "string", "enum": list("ABCD")} == ask(MOOD, markers="letters").schema
    assert ask(AGE).schema == {"type": "integer", "minimum": 0, "maximum": 120}
    assert ask(RATING).schema["type"] == "number"


def test_the_turn_is_the_same_on_every_machine() -> None:
    assert turn_of(0, "order", "Q1", "007", 0) == 8227532429862616746


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Item("Q", "", Scale.ordinal(1, 5)), "text"),
        (Item("Q", "How?"), "no scale"),
        (Item("Q", "How?", Scale.nominal([1, 2], labels={1: "a"})), "label for every category"),
        (Item("Q", "How?", Scale.ordinal(1, 2, labels={1: "Yes", 2: "yes."})), "different labels"),
        (Item("Q", "How?", Scale.ordinal(1, 2, labels={1: "Yes"}, off_scale={9: "yes"})), "different labels"),
    ],
)
def test_items_that_cannot_be_asked_are_named(item: Item, words: str) -> None:
    with pytest.raises(DataError, match=words):
        check_items([item])


def test_an_answer_in_words_says_its_scale_unless_all_categories_have_labels() -> None:
    assert answer_text(MOOD, 2) == "so-so"
    ends = Item("Q", "?", Scale.ordinal(1, 7, labels={1: "never", 7: "always"}))
    assert answer_text(ends, 3) == "3 on a scale from 1 (never) to 7 (always)"
    assert answer_text(ends, 7) == "7 (always) on a scale from 1 (never) to 7 (always)"
    assert answer_text(RATING, 3.5) == "3.5 on a scale from 0.5 to 5"
    assert answer_text(Item("Q"), 12) == "12"


def test_more_answers_than_letters() -> None:
    with pytest.raises(DataError, match="at most 26"):
        ask(Item("Q", "?", Scale.ordinal(1, 27)), markers="letters")

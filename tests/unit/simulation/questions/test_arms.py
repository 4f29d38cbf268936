"""Texts of arms in the texts of items."""

from __future__ import annotations

import pytest

from truetwin.data import Item, Scale
from truetwin.errors import DataError
from truetwin.simulation.questions.arms import MOST_FORMS, Arms, form_for, forms_of, group_in_form, place_of

SCALE = Scale.ordinal(1, 5)
TEXTS = {"message": {"A": "Tea is {cheap}.", "B": "{{price}} %s \\1"}, "price": {"low": "1", "high": "3"}}
ITEM = Item("Q1", "{{message}} Is it worth {{price}} euro? Use { and }.", SCALE)


def test_a_text_is_filled_in_and_never_read() -> None:
    filled = Arms(TEXTS).under(ITEM, {"message": "B", "price": "low"})
    assert filled.text == "{{price}} %s \\1 Is it worth 1 euro? Use { and }."
    assert filled.id == "Q1"


def test_under_every_arm_an_item_has_the_name_of_its_column() -> None:
    arms = Arms(TEXTS, every=True)
    assert arms.under(ITEM, {"message": "A", "price": "low"}).id == "Q1@message=A&price=low"


def test_a_group_is_asked_in_one_form_for_each_combination_of_what_it_shows() -> None:
    arms = Arms(TEXTS)
    other = Item("Q2", "Do you like rain?", SCALE)
    assert forms_of("Q2", arms.conditions_of([other]), arms) == ["Q2"]
    assert forms_of("Q1..Q2", arms.conditions_of([ITEM, other]), arms) == [
        "Q1..Q2@message=A&price=low",
        "Q1..Q2@message=A&price=high",
        "Q1..Q2@message=B&price=low",
        "Q1..Q2@message=B&price=high",
    ]
    groups = {"Q2": (other,), "Q1": (ITEM,)}
    assert form_for("Q1", ("message", "price"), {"price": "low", "message": "A"}) == "Q1@message=A&price=low"
    assert form_for("Q1", ("message", "price"), {"price": "low"}) is None
    name, (filled,) = group_in_form("Q1@message=A&price=high", groups, arms)
    assert (name, filled.text) == ("Q1", "Tea is {cheap}. Is it worth 3 euro? Use { and }.")
    forms = ["Q1@message=B&price=low", "Q1@message=A&price=high", "Q2"]
    assert sorted(forms, key=lambda form: place_of(form, groups, arms)) == forms[::-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{message} Tea?", r"'Q1' must show a condition in two braces.*\{\{message\}\}; its text has '\{message\}'"),
        ("{{message} Tea?", r"its text has '\{\{message\}'"),
        ("{{ message }} Tea?", r"its text has '\{\{ message \}\}'"),
        ("{{mesage}} Tea?", r"item 'Q1' has \{\{mesage\}\}. Did you mean 'message'"),
        ("Tea?", r"no text has the placeholder \{\{message\}\}"),
    ],
)  # fmt: skip
def test_a_placeholder_that_is_missing_or_malformed_is_named(text: str, message: str) -> None:
    arms = Arms({"message": TEXTS["message"]})
    with pytest.raises(DataError, match=message):
        arms.check([Item("Q1", text, SCALE)])


def test_a_word_that_only_begins_like_a_condition_is_text() -> None:
    Arms({"message": TEXTS["message"]}).check([Item("Q1", "{{message}} {messages} {x}", SCALE)])


def test_a_condition_may_be_shown_by_items_that_are_not_asked_now() -> None:
    other = Item("Q2", "{{price}}", SCALE)
    shown = Item("Q1", "{{message}}", SCALE)
    Arms(TEXTS).check([shown], [shown, other])


def test_a_condition_in_an_answer_is_refused() -> None:
    labels = {1: "no", 2: "yes, for {{price}}"}
    item = Item("Q1", "{{message}} {{price}}", Scale.ordinal(1, 2, labels=labels))
    with pytest.raises(DataError, match="not in its answers; item 'Q1' has the answer 'yes, for"):
        Arms(TEXTS).check([item])


def test_an_item_named_like_a_column_under_an_arm_is_refused() -> None:
    with pytest.raises(DataError, match=r"'Q1@message=A' has. Rename it"):
        Arms(TEXTS).check([Item("Q1@message=A", "{{message}} {{price}}", SCALE)])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "at least one condition"),
        ({"Message": {"A": "", "B": ""}}, "lower-case letter.*got 'Message'"),
        ({"m": {"A": ""}}, "at least two arms to compare; 'm' has 1: 'A'"),
    ],
)
def test_conditions_have_names_and_two_arms(texts: dict[str, dict[str, str]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Arms(texts)


def test_too_many_combinations_for_every_twin_are_refused() -> None:
    levels = {str(k): str(k) for k in range(11)}
    arms = Arms(dict.fromkeys("abc", levels))
    assert MOST_FORMS == 1000
    with pytest.raises(DataError, match="'Q1' would be asked in 1,331 forms"):
        forms_of("Q1", ("a", "b", "c"), arms)

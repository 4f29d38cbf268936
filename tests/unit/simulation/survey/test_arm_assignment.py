"""Who is in which arm."""

from __future__ import annotations

from collections import Counter

import pytest

from truetwin.data import Item, Scale
from truetwin.errors import DataError
from truetwin.simulation.questions.arms import Arms
from truetwin.simulation.survey.arm_assignment import ArmPlan, assigned_levels, given_levels

SCALE = Scale.ordinal(1, 5)
ARMS = Arms({"message": {k: k for k in "ABC"}, "price": {"low": "1", "high": "3"}})
APART = {"Q1": [Item("Q1", "{{message}}", SCALE)], "Q2": [Item("Q2", "{{price}}", SCALE)]}
TOGETHER = {"Q1": [Item("Q1", "{{message}} {{price}}", SCALE)]}
PEOPLE = [f"p{k}" for k in range(50)]


def sizes(found: dict[str, dict[str, str]], *conditions: str, people: list[str] = PEOPLE) -> list[int]:
    return list(Counter(tuple(found[p][c] for c in conditions) for p in people).values())


def test_arms_are_balanced_and_repeat_with_the_seed() -> None:
    found = assigned_levels(PEOPLE, APART, ARMS, 1)
    assert sorted(sizes(found, "message")) == [16, 17, 17]
    assert sizes(found, "price") == [25, 25]
    assert found == assigned_levels(PEOPLE, APART, ARMS, 1)
    assert found != assigned_levels(PEOPLE, APART, ARMS, 2)


def test_the_order_of_people_does_not_matter() -> None:
    assert assigned_levels(PEOPLE, APART, ARMS, 1) == assigned_levels(PEOPLE[::-1], APART, ARMS, 1)


def test_conditions_of_one_call_are_balanced_jointly() -> None:
    assert sorted(sizes(assigned_levels(PEOPLE, TOGETHER, ARMS, 1), "message", "price")) == [8, 8, 8, 8, 9, 9]
    apart = sizes(assigned_levels(PEOPLE, APART, ARMS, 0), "message", "price")
    assert min(apart) < 8


def test_with_few_people_each_condition_is_balanced_by_itself() -> None:
    found = assigned_levels(PEOPLE[:9], TOGETHER, ARMS, 1)
    assert sizes(found, "message", people=PEOPLE[:9]) == [3, 3, 3]


def test_arms_are_balanced_within_strata() -> None:
    strata = {p: "north" if k % 3 else None for k, p in enumerate(PEOPLE)}
    found = assigned_levels(PEOPLE, APART, ARMS, 1, strata)
    for stratum in ("north", None):
        within = [p for p in PEOPLE if strata[p] == stratum]
        counts = sizes(found, "message", people=within)
        assert max(counts) - min(counts) <= 1
    assert sorted(sizes(found, "message")) == [16, 17, 17]


def test_arms_come_from_a_table() -> None:
    given = {"p0": {"message": "A"}, "p1": {}, "p9": {"message": "B"}}
    assert given_levels(given, ["p0", "p1"], ARMS) == {"p0": {"message": "A"}, "p1": {}}


def test_a_person_without_a_row_or_with_an_unknown_level_is_named() -> None:
    with pytest.raises(DataError, match="'p1' has none \\(1 more\\)"):
        given_levels({"p0": {}}, ["p0", "p1", "p2"], ARMS)
    with pytest.raises(DataError, match=r"person 'p0' has price 'lo'.*Did you mean 'low'"):
        given_levels({"p0": {"price": "lo"}}, ["p0"], ARMS)


def test_under_every_arm_nobody_is_assigned() -> None:
    plan = ArmPlan(Arms(ARMS.texts, every=True))
    assert plan.assignment(PEOPLE, APART, 1) == {}

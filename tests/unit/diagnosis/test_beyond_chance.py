"""What answered items show beyond chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from truetwin.data import Panel
from truetwin.datasets import generate_world
from truetwin.diagnosis.beyond_chance import Chance, chance, chance_without_each
from truetwin.diagnosis.standardised_panel import Prepared, prepare, standardised
from truetwin.diagnosis.verdicts import item_verdicts


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    """Prepare a panel of 80 people with 12 answered items, whose answers tests replace."""
    panel = generate_world("noise", 80, 14, n_new_items=2, missing=0.0, random_state=0).panel
    return prepare(panel, {item: f"battery{k // 3}" for k, item in enumerate(panel.item_ids)})


def correlated(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw answers that have two traits in common, in directions of their own for each item."""
    n, p = shape
    answers = rng.standard_normal((n, 2)) @ rng.standard_normal((2, p)) + rng.standard_normal(shape)
    return np.asarray(standardised(answers))


def items_alone(prepared: Prepared) -> np.ndarray:
    return np.arange(prepared.human.shape[1])


def test_twins_that_know_nothing_seldom_show_anything(prepared: Prepared) -> None:
    rng, shown = np.random.default_rng(0), 0
    for _ in range(60):
        human, twin = correlated(rng, (80, 14)), correlated(rng, (80, 14))
        human[:, prepared.new] = np.nan
        drawn = replace(prepared, human=human, twin=twin)
        shown += not chance(drawn, items_alone(drawn)).explains
    assert shown <= 6  # 3 are expected, 7 or more happen once in 25


def test_own_answers_show_that_twins_know_their_people() -> None:
    prepared = prepare(generate_world("nostruct", 60, 14, random_state=0).panel)
    found = chance(prepared, prepared.groups)
    assert found.own < 0.001
    assert found.relations > 0.05


@pytest.mark.parametrize("n_answered", [6, 12])
def test_relations_show_structure_where_twins_are_those_of_others(
    prepared: Prepared, n_answered: int
) -> None:
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((2, 14))
    human, twin = (
        standardised(rng.standard_normal((80, 2)) @ directions + rng.standard_normal((80, 14)))
        for _ in range(2)
    )
    human[:, n_answered:] = np.nan
    swapped = replace(prepared, donors=prepared.donors[:n_answered], human=human, twin=twin)
    for groups in (swapped.groups, items_alone(swapped)):
        found = chance(swapped, groups)
        assert found.own > 0.05
        assert found.relations < 0.025


def test_relations_within_batteries_do_not_count_for_a_new_one(prepared: Prepared) -> None:
    rng = np.random.default_rng(0)
    human, twin = (
        np.repeat(rng.standard_normal((80, 5)), 3, axis=1)[:, :14] + rng.standard_normal((80, 14))
        for _ in range(2)
    )
    human[:, prepared.new] = np.nan
    found = replace(prepared, human=standardised(human), twin=standardised(twin))
    assert chance(found, items_alone(found)).relations < 0.01
    assert chance(found, found.groups).relations > 0.05


def test_what_is_shown_without_an_item_ignores_its_answers() -> None:
    panel = generate_world("misaligned", 80, 12, n_new_items=2, random_state=1).panel
    values = panel.human.values.copy()
    values[:, 4] = np.where(np.isfinite(values[:, 4]), np.random.default_rng(0).integers(1, 6, 80), np.nan)
    before = chance_without_each(prepare(panel))
    after = chance_without_each(prepare(Panel(panel.human.with_values(values), panel.twin)))
    assert before[4].own == pytest.approx(after[4].own, rel=1e-9)
    assert before[4].relations == after[4].relations
    assert before[3].own != after[3].own


def test_constant_answers_show_nothing(prepared: Prepared) -> None:
    for found in (
        replace(prepared, twin=np.zeros_like(prepared.twin)),
        replace(prepared, human=np.zeros_like(prepared.human)),
    ):
        assert chance(found, found.groups).own == 1.0
    assert chance(found, found.groups).relations == 1.0


def test_either_test_is_enough() -> None:
    assert Chance(0.03, 0.03).explains
    assert not Chance(0.02, 0.9).explains
    assert not Chance(0.9, 0.02).explains


def test_few_answered_items_and_twins_that_know_nothing_are_not_trusted(prepared: Prepared) -> None:
    rng, found = np.random.default_rng(0), []
    for _ in range(6):
        human, twin = correlated(rng, (80, 14)), correlated(rng, (80, 14))
        human[:, 6:] = np.nan
        few = replace(prepared, donors=prepared.donors[:6], human=human, twin=twin)
        found += item_verdicts(few)
    assert {"too few answered items" in row["reasons"][0] for row in found} == {True}
    assert [row["verdict"] for row in found].count("calibrate") <= 2  # of 12
    assert [row["verdict"] for row in found].count("use the twin") <= 1


def test_few_answered_items_and_twins_that_answer_as_people_do_are_used(prepared: Prepared) -> None:
    """Twins of items that have nothing in common still know their people."""
    rng = np.random.default_rng(0)
    human = rng.standard_normal((80, 14))
    twin = standardised(human + rng.standard_normal((80, 14)))
    human = standardised(human)
    human[:, 6:] = np.nan
    found = item_verdicts(replace(prepared, donors=prepared.donors[:6], human=human, twin=twin))
    assert {row["verdict"] for row in found} == {"use the twin"}
    assert "go with people's (0.6" in found[0]["reasons"][0]
    turned = item_verdicts(replace(prepared, donors=prepared.donors[:6], human=-human, twin=twin))
    assert {row["verdict"] for row in turned} == {"do not trust"}


def test_people_who_agree_to_everything_are_calibrated_whatever_their_twins_are(prepared: Prepared) -> None:
    """What a person answers to other items tells something then, and a method whose laws say so is believed."""
    rng = np.random.default_rng(0)
    human = standardised(rng.standard_normal((80, 1)) + rng.standard_normal((80, 14)))
    human[:, prepared.new] = np.nan
    twin = standardised(rng.standard_normal((80, 14)))
    found = replace(prepared, blocks=prepared.panel.item_ids, human=human, twin=twin)
    assert chance(found, found.groups).own > 0.05
    said = dict.fromkeys(found.panel.item_ids, 0.5)
    assert {row["verdict"] for row in item_verdicts(found, known_expectations=said)} == {"calibrate"}
    first, second = found.panel.item_ids[12:]
    verdicts = {row["item"]: row["verdict"] for row in item_verdicts(found, known_expectations={first: 0.5})}
    assert verdicts == {first: "calibrate", second: "do not trust"}  # of the second, no law is known

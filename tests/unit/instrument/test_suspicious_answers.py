from __future__ import annotations

import numpy as np
import pytest

from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.instrument.suspicious_answers import other_codes, suspicious_codes


def panel_of(answers: list[float], item: Item | str = "Q") -> Panel:
    values = np.array(answers, dtype=float)[:, None]
    people = [f"p{k}" for k in range(len(answers))]
    return Panel(ResponseMatrix(values, people, [item]), ResponseMatrix(values[:3], people[:3], [item]))


@pytest.mark.parametrize(
    "answers",
    [
        [1, 2, 3, 4, 5, 99],
        [1, 2, 3, 4, 5, 9],
        [1, 2, 98, 99],
        [0, 1, 0, 1, -1, -9],
        [10.5, 20.0, 300.0, 9999.0],
    ],
)
def test_codes_far_from_the_other_answers_are_noticed(answers: list[float]) -> None:
    found = suspicious_codes(panel_of(answers))
    assert found
    assert f"{max(answers, key=abs):g} is far from the other answers to 'Q'" in " ".join(found)


@pytest.mark.parametrize(
    "answers",
    [
        [1, 2, 3, 4, 5, 6, 7],
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        [7, 8, 9, 8, 7],
        [0, 12, 35, 60, 99],
        [1, 2, 3, 4, 5, 50],
        [-3, -2, -1, 0, 1, 2, 3],
    ],
)
def test_answers_within_reach_are_left_alone(answers: list[float]) -> None:
    assert suspicious_codes(panel_of(answers)) == []


def test_a_declared_scale_settles_the_matter() -> None:
    item = Item("Q", scale=Scale.ordinal(1, 5, off_scale={99.0: "refused"}))
    assert suspicious_codes(panel_of([1, 2, 3, 99], item)) == []


@pytest.mark.usefixtures("needs_data")
def test_the_public_data_hold_no_such_code() -> None:
    from truetwin.datasets import movielens, twin_2k_500

    assert suspicious_codes(twin_2k_500.load()) == []
    assert suspicious_codes(movielens.load()) == []


@pytest.mark.parametrize(
    ("shift", "is_said"), [((0, 4), True), ((1, 5), False), ((2, 4), False), ((2, 6), True)]
)
def test_answers_in_other_codes_than_those_of_twins_are_asked_about(
    shift: tuple[int, int], is_said: bool
) -> None:
    ids, items = [f"p{k}" for k in range(40)], ["Q1", "Q2", "Q3", "Q4"]
    low, high = shift
    human = np.array([[low + (k + j) % (high - low + 1) for j in range(4)] for k in range(40)], dtype=float)
    twin = np.array([[1 + (k + 2 * j) % 5 for j in range(4)] for k in range(40)], dtype=float)
    panel = Panel(ResponseMatrix(human, ids, items), ResponseMatrix(twin, ids, items))
    assert len(other_codes(panel)) == is_said

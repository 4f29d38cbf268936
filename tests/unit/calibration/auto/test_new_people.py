"""A new respondent, predicted from everybody else's answers and twins."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.auto.new_people import predict_people


@pytest.fixture
def tables() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    human, twin = rng.integers(1, 8, (2, 60, 6)).astype(float)
    human[rng.random(human.shape) < 0.2] = np.nan
    return human, twin


@pytest.mark.parametrize("person", [0, 17, 59])
def test_everybody_is_predicted_as_if_he_or_she_had_never_answered(
    tables: tuple[np.ndarray, np.ndarray], person: int
) -> None:
    human, twin = tables
    silent = human.copy()
    silent[person] = np.nan
    np.testing.assert_allclose(
        predict_people(human, twin, np.array([person])), predict_people(silent, twin, np.array([person]))
    )


def test_one_by_one_is_the_same_as_together(tables: tuple[np.ndarray, np.ndarray]) -> None:
    together = predict_people(*tables, np.arange(60))
    alone = np.vstack([predict_people(*tables, np.array([i])) for i in range(60)])
    np.testing.assert_allclose(together, alone)


def test_few_people_and_twins_that_tell_nothing_give_the_others_mean() -> None:
    human = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, np.nan], [7.0, np.nan]])
    found = predict_people(human, np.full((4, 2), 3.0), np.array([0, 2]))
    np.testing.assert_allclose(found, [[5.0, 4.0], [11 / 3, 3.0]])


def test_an_item_that_nobody_else_has_answered_is_not_predicted() -> None:
    human = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, np.nan]])
    found = predict_people(human, np.eye(3, 2), np.array([0, 1]))
    assert np.isnan(found).tolist() == [[False, True], [False, False]]


def test_many_people_whose_twins_are_right_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    trait = rng.standard_normal((20_000, 1))
    human, twin = (trait + 0.1 * rng.standard_normal((20_000, 4)) for _ in range(2))
    found = predict_people(human, twin, np.arange(200))
    assert np.corrcoef(found.mean(axis=1), trait[:200, 0])[0, 1] > 0.95

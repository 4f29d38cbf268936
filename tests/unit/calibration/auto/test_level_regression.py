"""Levels of new items."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.auto.level_regression import LevelRegression
from truetwin.calibration.auto.levels import FoldLevels, ItemLevels
from truetwin.calibration.auto.pseudo_targets import Problem

N, P = 80, 12
BLOCKS = tuple(f"b{k // 3}" for k in range(P))


def problem(seed: int = 0, hidden: tuple[int, ...] = (), noise: tuple[int, ...] = ()) -> Problem:
    """Human answers one point above the twins'; a twin that never varies and one with two answers."""
    rng = np.random.default_rng(seed)
    twin = np.clip(np.round(rng.normal(3 + rng.uniform(-1, 1, P), 0.8, (N, P))), 1, 5)
    twin[:, 4] = 3.0
    twin[:, 5] = rng.integers(0, 2, N)
    human = np.clip(twin + 1 + rng.integers(-1, 2, (N, P)), 1, 6).astype(float)
    human[:, list(noise)] = rng.uniform(0, 100, (N, len(noise)))
    human[:, list(hidden)] = np.nan
    return Problem(human, twin, BLOCKS, tuple(f"r{k}" for k in range(N)))


def same(actual: FoldLevels, expected: FoldLevels) -> None:
    for name in ("mean", "sd"):
        np.testing.assert_allclose(getattr(actual, name), getattr(expected, name), rtol=0, atol=1e-10)


@pytest.mark.parametrize("by_block", [False, True])
def test_levels_do_not_look_at_hidden_answers(by_block: bool) -> None:
    expected = ItemLevels(problem()).fold([2, 7], by_block=by_block)
    same(ItemLevels(problem(noise=(2, 7))).fold([2, 7], by_block=by_block), expected)
    same(ItemLevels(problem(hidden=(2, 7))).fold([2, 7], by_block=by_block), expected)


def test_levels_of_known_items_are_those_of_the_fold_that_hides_them() -> None:
    levels = ItemLevels(problem())
    for item in (0, 4, 5):
        alone = levels.fold([item]).mean[item]
        # the weights of two predictions and two variances may have seen the item, its level has not
        assert levels.fold([]).mean[item] == pytest.approx(alone, abs=0.3)


def test_a_level_takes_up_what_sets_humans_apart_from_twins() -> None:
    found = problem()
    levels = ItemLevels(found).fold([0])
    assert abs(levels.of(0).mean - found.people.mean[0]) < abs(found.twins.mean[0] - found.people.mean[0])
    assert levels.of(0).sd == pytest.approx(found.people.sd[0], rel=0.4)


def test_items_that_no_twin_has_answered_have_no_level() -> None:
    found = problem()
    twin = found.twin.copy()
    twin[:, 3] = np.nan
    levels = ItemLevels(Problem(found.human, twin, BLOCKS, found.sample_ids)).fold([3, 4])
    assert np.isnan(levels.mean[3])
    assert np.isfinite(np.delete(levels.mean, 3)).all()


def test_without_any_known_item_the_twin_s_level_is_taken() -> None:
    found = problem()
    levels = ItemLevels(found).fold(range(P))
    np.testing.assert_allclose(levels.mean, found.twins.mean)
    np.testing.assert_allclose(levels.sd, found.twin_unit)


@pytest.mark.parametrize("grouped", [False, True])
def test_regression_in_closed_form_equals_conditioning_on_the_other_items(grouped: bool) -> None:
    rng = np.random.default_rng(1)
    features, block = rng.normal(size=(10, 2)) * 0.3, np.arange(10) // 2
    y = features @ [1.0, -1.0] + rng.normal(0, 0.1, 5)[block] + rng.normal(0, 0.05, 10)
    hidden = np.zeros(10, dtype=bool)
    hidden[3] = True
    regression = LevelRegression.of(features, block)
    groups = block if grouped else np.arange(10)
    found = regression.expect(y, hidden, groups)
    for item in range(10):
        out = hidden | ((groups == groups[item]) if item != 3 else hidden)
        known = np.flatnonzero(~out)
        values = []
        for inverse in regression.inverses:
            K = np.linalg.inv(inverse)
            values.append(K[item, known] @ np.linalg.solve(K[np.ix_(known, known)], y[known]))
        assert np.abs(np.array(values) - found.mean[item]).min() < 1e-8


def test_regression_finds_what_features_and_blocks_tell() -> None:
    rng = np.random.default_rng(2)
    features, block = rng.normal(size=(60, 3)), np.arange(60) // 6
    y = features @ [0.5, 0.0, -0.5] + rng.normal(0, 0.5, 10)[block] + rng.normal(0, 0.1, 60)
    found = LevelRegression.of(features, block).expect(y, np.zeros(60, dtype=bool), np.arange(60))
    assert np.sqrt(np.mean((found.mean - y) ** 2)) < 0.15

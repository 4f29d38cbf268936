"""Mean and spread of a new item from how humans differ from twins on the answered ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from truetwin.calibration.auto.levels import LARGEST_SHIFT, ItemLevels, Level
from truetwin.calibration.auto.pseudo_targets import RANGE_PART, Problem

N = 40
TWIN = np.tile([1.0, 2.0, 4.0, 5.0], N // 4)
UNIT = float(np.hypot(TWIN.std(), RANGE_PART * 4))  # what the scale is measured in: the twins' sd and range
TARGET = 4


def problem(shifts: list[float], blocks: str = "abcdt", stretch: float = 1.0) -> Problem:
    """Four answered items whose humans lie ``shifts`` units above their twins, and a new one with the same twins."""
    human = np.full((N, 5), np.nan)
    for j, shift in enumerate(shifts):
        human[:, j] = (TWIN - TWIN.mean()) * stretch * UNIT / TWIN.std() + TWIN.mean() + shift * UNIT
    twin = np.tile(TWIN[:, None], 5)
    return Problem(human, twin, tuple(blocks), tuple(f"r{i}" for i in range(N)))


def predict_level(problem: Problem, target: int, hidden: Sequence[int]) -> Level:
    """The level before it is stacked with a regression on features of the items."""
    return ItemLevels(problem).pooled(hidden).of(target)


def shift_of(problem: Problem, hidden: tuple[int, ...] = (TARGET,)) -> float:
    return (predict_level(problem, TARGET, hidden).mean - TWIN.mean()) / UNIT


def test_a_shift_that_all_blocks_agree_on_is_taken_over_in_full() -> None:
    assert shift_of(problem([0.5] * 4)) == pytest.approx(0.5)
    assert shift_of(problem([-0.5] * 4)) == pytest.approx(-0.5)


def test_a_shift_that_blocks_do_not_agree_on_is_shrunk() -> None:
    """Mean .25 with a squared standard error of .0625 / 3: a third is taken off."""
    assert shift_of(problem([0.0, 0.5, 0.0, 0.5])) == pytest.approx(0.25 * (1 - (1 / 12 / 4) / 0.0625))
    assert shift_of(problem([1.0, -1.0, 1.0, -1.0])) == 0.0


def test_siblings_count_above_all_others() -> None:
    """With one sibling at 1 and the other blocks at 0, half of the way is left to it, besides its own block's part."""
    alone, with_sibling = problem([1.0, 0.0, 0.0, 0.0]), problem([1.0, 0.0, 0.0, 0.0], blocks="tbcdt")
    assert shift_of(with_sibling) == pytest.approx((shift_of(alone) + 1.0) / 2)


def test_extreme_shifts_are_limited() -> None:
    assert shift_of(problem([50.0] * 4)) == pytest.approx(LARGEST_SHIFT)


def test_the_spread_is_the_twins_times_what_humans_spread_more() -> None:
    assert predict_level(problem([0.0] * 4, stretch=1.0), TARGET, [TARGET]).sd == pytest.approx(UNIT)
    assert predict_level(problem([0.0] * 4, stretch=1.5), TARGET, [TARGET]).sd == pytest.approx(1.5 * UNIT)


def test_hidden_items_say_nothing() -> None:
    one, other = problem([0.5, 0.5, 0.5, 2.0]), problem([0.5, 0.5, 0.5, -2.0])
    assert predict_level(one, TARGET, [TARGET, 3]) == predict_level(other, TARGET, [TARGET, 3])
    assert shift_of(one, (TARGET, 3)) == pytest.approx(0.5)


def test_without_answered_items_the_twins_level_stays_and_without_twins_there_is_none() -> None:
    nothing = problem([0.5] * 4)
    level = predict_level(nothing, TARGET, range(5))
    assert (level.mean, level.sd) == (pytest.approx(TWIN.mean()), pytest.approx(UNIT))
    twin = nothing.twin.copy()
    twin[:, TARGET] = np.nan
    silent = Problem(nothing.human, twin, nothing.blocks, nothing.sample_ids)
    assert np.isnan(predict_level(silent, TARGET, [TARGET]).mean)

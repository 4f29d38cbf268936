"""Scales that twins' answers show, and levels from several sources."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.auto.levels import ItemLevels
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.auto.twin_scales import TwinScales
from truetwin.datasets import generate_world


def test_one_source_with_another_scale_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    usual = rng.integers(1, 6, (2, 100, 1)).astype(float)
    found = TwinScales.of(np.concatenate([usual, 10 * usual[:1]]))
    assert (found.low.item(), found.high.item(), found.n_values.item()) == (1.0, 5.0, 5.0)


def test_sources_in_which_all_twins_agree_do_not_count_where_others_vary() -> None:
    varied = np.tile([0.0, 1.0], 10)[None, :, None]
    found = TwinScales.of(np.concatenate([varied, np.ones((2, 20, 1))]))
    assert (found.low.item(), found.high.item(), found.binary.item()) == (0.0, 1.0, 1.0)
    agreed = TwinScales.of(np.ones((2, 20, 1)))
    assert (agreed.low.item(), agreed.high.item(), agreed.binary.item()) == (1.0, 1.0, 0.0)


def test_an_item_that_no_twin_answered_has_no_scale() -> None:
    found = TwinScales.of(np.full((2, 5, 1), np.nan))
    assert found.low.item() == np.inf
    assert found.high.item() == -np.inf
    assert found.n_values.item() == 0


def worlds() -> tuple[np.ndarray, np.ndarray]:
    panels = [
        generate_world(
            kind, 300, 40, n_new_items=0, kinds=("five-point", "binary", "rare"), random_state=70
        ).panel
        for kind in ("good", "base", "misaligned")
    ]
    return panels[0].human_values, np.stack([panel.twin_values for panel in panels])


def level_error(problem: Problem, without: int | None = None) -> float:
    levels, errors = ItemLevels(problem), []
    for start in range(0, 40, 5):
        battery = list(range(start, start + 5))
        mean = levels.fold(battery).mean[battery]
        errors.extend(np.abs(mean - problem.people.mean[battery]) / problem.people.sd[battery])
    return float(np.mean([error for item, error in enumerate(errors) if item != without]))


@pytest.mark.parametrize("as_one_table", [False, True])
def test_levels_from_several_sources_are_no_worse_than_from_one(as_one_table: bool) -> None:
    human, sources = worlds()
    blocks, people = tuple(f"b{k // 5}" for k in range(40)), tuple(f"r{k}" for k in range(300))
    several = Problem.of_sources(human, sources, blocks, people)
    if as_one_table:
        several = Problem(human, several.twin, blocks, people)
    one = np.mean([level_error(Problem(human, twin, blocks, people)) for twin in sources])
    assert level_error(several) < one + 0.02


def test_an_item_whose_averaged_twins_hardly_vary_does_not_spoil_the_levels_of_others() -> None:
    human, sources = worlds()
    blocks, people = tuple(f"b{k // 5}" for k in range(40)), tuple(f"r{k}" for k in range(300))
    nearly = sources[0].copy()
    plain = level_error(Problem(human, nearly, blocks, people), without=0)
    nearly[:, 0] = 1 + 0.001 * (np.arange(300) % 2)
    assert level_error(Problem(human, nearly, blocks, people), without=0) < plain + 0.05


@pytest.mark.parametrize(("answer", "expected"), [(1.0, 1.0), (50.0, 20.0)])
def test_the_range_behind_one_answer_of_all_twins_is_that_of_items_where_it_occurs(
    answer: float, expected: float
) -> None:
    """The other item of the battery has answers between 40 and 60, most others are binary."""
    human, sources = worlds()
    twin = sources[0].copy()
    twin[:, :2] = np.array([answer, 40.0])
    twin[::2, 1] = 60.0
    blocks, people = tuple(f"b{k // 2}" for k in range(40)), tuple(f"r{k}" for k in range(300))
    assert ItemLevels(Problem(human, twin, blocks, people))._range[0] == expected

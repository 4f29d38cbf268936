"""Hyperparameters are chosen among the twins' own answers."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.paper.fit_and_transfer import Ridge
from truetwin.calibration.paper.tuning import N_TARGETS, _pose, choose, relative_error
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_population

NAN = np.nan


def population(**settings: object) -> Panel:
    return generate_population(90, 12, n_new_items=0, random_state=3, **settings).panel


@pytest.mark.parametrize("axis", ["item", "respondent"])
def test_a_useless_penalty_loses(axis: str) -> None:
    good, useless = Ridge(alpha=30.0), Ridge(alpha=1e9)
    panel = generate_population(60, 60, n_new_items=0, random_state=3).panel
    assert choose([useless, good], panel, axis) is good


def test_the_first_wins_a_tie_and_a_single_candidate_is_not_tried() -> None:
    first, second = Ridge(alpha=2.0), Ridge(alpha=2.0)
    assert choose([first, second], population(), "item") is first
    assert choose([first], None, "item") is first


@pytest.mark.parametrize("axis", ["item", "respondent"])
def test_no_human_answer_takes_part(axis: str) -> None:
    panel = population()
    nobody = Panel(ResponseMatrix(8 - panel.human_values, panel.respondent_ids, panel.item_ids), panel.twin)
    candidates = [Ridge(alpha=a) for a in (1e4, 100.0, 1.0, 0.01)]
    assert choose(candidates, panel, axis) is choose(candidates, nobody, axis)
    _, posed = _pose(panel, axis)
    _, same = _pose(nobody, axis)
    np.testing.assert_array_equal(posed.human_values, same.human_values)


@pytest.mark.parametrize("axis", ["item", "respondent"])
def test_held_out_samples_play_the_humans_and_no_answer_plays_both(axis: str) -> None:
    panel = population()
    fold, posed = _pose(panel, axis)
    human, twin = np.isfinite(posed.human_values), np.isfinite(posed.twin_values)
    assert not (human & twin).any()
    assert human.sum() + twin.sum() == np.isfinite(panel.twin_values).sum()
    assert 0.3 < human.mean() < 0.34
    assert len(fold.targets) == min(N_TARGETS, (12 if axis == "item" else 90) // 3)
    assert not set(fold.targets) & set(fold.donors)


def test_what_is_posed_depends_on_ids_and_not_on_the_order() -> None:
    panel = population()
    turned = Panel(
        *(
            ResponseMatrix(v[::-1, ::-1], panel.respondent_ids[::-1], panel.item_ids[::-1])
            for v in (panel.human_values, panel.twin_values)
        )
    )
    (ours, _), (theirs, _) = _pose(panel, "item"), _pose(turned, "item")
    assert [panel.item_ids[t] for t in ours.targets] == [turned.item_ids[t] for t in theirs.targets]


def test_too_little_to_try_on_gives_the_first() -> None:
    constant = np.full((9, 5), 3.0)
    panel = Panel(*(ResponseMatrix(constant, list("abcdefghi"), list("vwxyz")) for _ in range(2)))
    first, second = Ridge(alpha=5.0), Ridge(alpha=1.0)
    assert choose([first, second], panel, "item") is first


def test_the_loss_is_the_squared_error_in_units_of_the_variance() -> None:
    truth = np.array([[1.0, 1.0, NAN], [3.0, 1.0, NAN], [NAN, 1.0, NAN]])
    assert relative_error(np.array([[2.0, 9.0, 1.0], [2.0, 9.0, 1.0], [5.0, 9.0, 1.0]]), truth) == 1.0
    assert (
        relative_error(np.array([[1.0, 9.0, 1.0], [NAN, 9.0, 1.0], [NAN, 9.0, 1.0]]), truth) == np.inf
    )  # one point

"""The agreement rule: what donors may change in a new battery."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.auto.agreement import KAPPA, NO_LIMIT, TWIN_ALONE, Parts, choose_limit
from truetwin.calibration.auto.item_study import ItemStudy
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.auto.stacking import fit_stack
from truetwin.datasets import generate_world

SIZE = 5  # items in a battery


def problem(twins: str, n: int = 300, seed: int = 70) -> Problem:
    panel = generate_world(twins, n, 40, n_new_items=0, random_state=seed).panel
    blocks = tuple(f"battery{k // SIZE}" for k in range(40))
    return Problem(panel.human_values, panel.twin_values, blocks, panel.respondent_ids, panel.item_ids)


def study(world: Problem) -> ItemStudy:
    return ItemStudy(world, tuple(tuple(range(k, k + SIZE)) for k in range(0, 40, SIZE)), False)


def mean_correlation(world: Problem, predicted: np.ndarray) -> float:
    human = world.people
    found = [
        np.corrcoef(predicted[human.seen[:, j], j], human.values[human.seen[:, j], j])[0, 1]
        for j in range(40)
    ]
    return float(np.mean(found))


def joined(found: ItemStudy) -> np.ndarray:
    return np.concatenate([each.values for each in found.found], axis=1)


def with_constant_twins(world: Problem, item: int) -> Problem:
    twin = world.twin.copy()
    twin[:, item] = 3.0
    return Problem(world.human, twin, world.blocks, world.sample_ids, world.item_ids)


def test_donors_count_as_far_as_they_agree_with_the_twin() -> None:
    agreeing, silent, opposed = np.array([1.0, 2.0]), np.array([0.0, 0.0]), np.array([-0.5, -0.5])
    one = np.ones(2)
    assert Parts(one, one, agreeing).kept(KAPPA).tolist() == [1.0, 1.0]
    assert Parts(one, one, silent).kept(KAPPA).tolist() == [0.0, 0.0]
    assert Parts(one, one, opposed).kept(KAPPA).tolist() == [0.0, 0.0]
    assert Parts(np.full(2, 4.0), one, 0.1 * one).kept(KAPPA).tolist() == pytest.approx([0.075, 0.075])


def test_a_part_that_does_not_vary_is_compared_with_nothing() -> None:
    assert Parts(np.ones(1), np.zeros(1), np.zeros(1)).kept(TWIN_ALONE).tolist() == [1.0]
    assert Parts(np.zeros(1), np.ones(1), np.zeros(1)).kept(TWIN_ALONE).tolist() == [1.0]


def test_the_limit_is_dropped_only_if_another_battery_would_surely_gain() -> None:
    parts = Parts(np.ones(6), np.ones(6), np.full(6, 0.1))
    battery, share, twin = np.arange(6), np.full(6, 1 / 6), np.full(6, 0.2)
    gaining, mixed = np.full(6, 0.5), np.array([0.6, 0.6, 0.6, 0.6, 0.6, -0.1])
    useless = np.zeros(6)
    assert choose_limit(parts, gaining, twin, share, battery) == NO_LIMIT
    assert choose_limit(parts, mixed, twin, share, battery) == KAPPA
    assert choose_limit(parts, useless, twin, share, battery) == TWIN_ALONE
    assert (
        choose_limit(parts, mixed, twin, share, battery, alone=True) == NO_LIMIT
    )  # gains in the mean are enough
    assert choose_limit(parts, gaining, -twin, share, battery) == NO_LIMIT  # such twins bear out nothing


def test_without_features_of_the_twin_there_is_no_limit() -> None:
    covariance = np.array([[[1.0, 0.1, 0.6], [0.1, 1.0, 0.2], [0.6, 0.2, 1.0]]])
    assert fit_stack(covariance, np.ones(1), 1e-6).limit == NO_LIMIT


@pytest.mark.parametrize("twins", ["good", "base", "misaligned", "inverted", "nostruct"])
def test_a_new_battery_is_not_predicted_worse_than_by_its_twins(twins: str) -> None:
    world = problem(twins)
    twin = mean_correlation(world, world.twins.values)
    assert mean_correlation(world, joined(study(world))) > twin - 0.005


def test_donors_that_tell_nothing_leave_the_twin_as_it_is() -> None:
    world = problem("nostruct")
    predicted = joined(study(world))
    alike = [np.corrcoef(predicted[:, j], world.twins.values[:, j])[0, 1] for j in range(40)]
    assert min(alike) > 0.95


def test_no_prediction_becomes_constant() -> None:
    world = with_constant_twins(problem("nostruct"), 7)
    predicted = joined(study(world))
    assert predicted.std(axis=0).min() > 1e-3


def test_spread_of_limited_predictions_is_learned_anew() -> None:
    """Limited predictions of standardised answers have slope 1 over items, as unlimited ones have."""
    world = problem("misaligned")
    found = study(world)
    predicted = joined(found)
    assert {stack.limit for part in found.found for stack in part.stacks} == {KAPPA}
    explained = np.where(world.people.seen, predicted * world.people.values, 0.0).sum()
    assert explained / np.where(world.people.seen, predicted**2, 0.0).sum() == pytest.approx(1.0, abs=0.1)


def test_errors_are_those_of_limited_predictions() -> None:
    world = problem("misaligned")
    found = study(world)
    stack, pseudo = found.found[0].stacks[0], found.pseudo[0][0].predicted[SIZE:]
    expected = stack.spreads * stack.widening(stack.spreads)
    np.testing.assert_allclose(np.nanstd(pseudo, axis=1), expected[SIZE:], rtol=1e-6)

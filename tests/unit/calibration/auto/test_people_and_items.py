"""New respondents, and their answers to new items."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration import calibrate
from truetwin.calibration.auto.new_people import folds_of_people, people_deviations, predict_people
from truetwin.calibration.auto.people_features import PeopleSums, PeopleTable, features_of
from truetwin.calibration.auto.people_weights import leading_directions, own_slopes, split_weights
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_population

pytestmark = pytest.mark.slow

N_NEW = 150


def world(kind: str, n: int, seed: int = 0, n_items: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """People and twins on five points; twins are the people ("perfect"), unrelated ("noise"), or like them ("good")."""
    rng = np.random.default_rng(seed)
    people, d = n + N_NEW, 4
    L = rng.normal(size=(n_items, d))
    L /= np.linalg.norm(L, axis=1, keepdims=True)
    Z = 0.75 * rng.normal(size=(people, d)) @ L.T + 0.66 * rng.normal(size=(people, n_items))
    E = rng.normal(size=Z.shape)
    T = {"perfect": Z, "noise": E, "good": 0.6 * (0.8 * Z + 0.6 * E) + rng.normal(0, 0.4, n_items)}[kind]
    cuts = np.sort(rng.normal(0, 0.9, (n_items, 4)), axis=1)
    human, twin = ((X[:, :, None] > cuts).sum(axis=2) + 1.0 for X in (Z, T))
    human[:n][rng.random((n, n_items)) < 0.1] = np.nan
    return human, twin


def hidden(kind: str, n: int, seed: int = 0, new_items: int = 0) -> tuple[Panel, np.ndarray]:
    """A panel whose last people have answered nothing, nor has anybody the first items; and the truth."""
    human, twin = world(kind, n, seed)
    seen = human.copy()
    seen[n:], seen[:, :new_items] = np.nan, np.nan
    rows, columns = [f"r{k:04d}" for k in range(len(human))], [f"q{chr(97 + k)}" for k in range(30)]
    return Panel(ResponseMatrix(seen, rows, columns), ResponseMatrix(twin, rows, columns)), human


def mean_correlation(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([np.corrcoef(y, f)[0, 1] for y, f in zip(truth.T, predicted.T, strict=True)]))


def error(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean((truth - predicted) ** 2)))


@pytest.mark.parametrize("n", [30, 60, 200])
def test_perfect_twins_are_taken_as_they_are(n: int) -> None:
    panel, truth = hidden("perfect", n)
    assert mean_correlation(truth[n:], calibrate(panel).grid[n:]) >= 0.99


@pytest.mark.parametrize("n", [30, 60, 200])
def test_twins_that_say_nothing_leave_the_item_means(n: int) -> None:
    panel, truth = hidden("noise", n)
    mean = np.nanmean(panel.human_values, axis=0)
    assert error(truth[n:], calibrate(panel).grid[n:]) <= 1.02 * error(truth[n:], mean)


def test_good_twins_are_better_than_both_item_means_and_the_twins_themselves() -> None:
    panel, truth = hidden("good", 60)
    found = error(truth[60:], calibrate(panel).grid[60:])
    assert found < error(truth[60:], np.nanmean(panel.human_values, axis=0))
    assert found < error(truth[60:], panel.twin_values[60:])


def test_features_in_closed_form_equal_those_without_the_person() -> None:
    human, twin = world("good", 40, n_items=8)
    twin[3, 2] = np.nan
    everybody = np.arange(len(human))
    table = PeopleTable(human, twin)
    found = features_of(table, everybody[:6], PeopleSums.of(table, everybody))
    for person in range(6):
        without = human.copy()
        without[person] = np.nan
        table = PeopleTable(without, twin)
        expected = features_of(table, everybody[[person]], PeopleSums.of(table, everybody))
        for name in ("mean", "own"):
            np.testing.assert_allclose(getattr(found, name)[[person]], getattr(expected, name), atol=1e-12)
        np.testing.assert_allclose(found.ridge[:, [person]], expected.ridge, atol=1e-12)


def test_deviations_are_predictions_without_the_item_means() -> None:
    human, twin = world("good", 50, n_items=10)
    human[50:] = np.nan
    folds = folds_of_people([f"r{k}" for k in range(len(human))])
    new = np.arange(50, len(human))
    predicted = predict_people(human, twin, new, folds) - np.nanmean(human, axis=0)
    deviations = people_deviations(human, twin, new, folds)
    assert (np.sign(predicted) == np.sign(deviations)).all()


def test_items_slopes_are_shrunk_to_what_they_agree_on() -> None:
    squares = np.full(200, 50.0)
    noise = np.random.default_rng(0).normal(0, np.sqrt(50.0), 200)
    assert np.abs(own_slopes(noise, squares)).max() < 0.1
    assert own_slopes(np.r_[noise[:-1], 500.0], squares)[-1] > 5.0
    assert (own_slopes(np.zeros(3), np.zeros(3)) == 0).all()


def test_the_coarsest_split_wins_unless_a_finer_one_is_clearly_better() -> None:
    rng = np.random.default_rng(1)

    def moments(weights: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        F = rng.normal(size=(10, 200, 12))
        z = F @ weights + rng.normal(size=(10, 200))
        return [f.T @ f for f in F], [f.T @ y for f, y in zip(F, z, strict=True)]

    same = split_weights(*moments(np.full(12, 0.3)))[0].reshape(3, 4)
    np.testing.assert_array_equal(same[0], same[1])
    np.testing.assert_array_equal(same[1], same[2])
    apart = split_weights(*moments(np.r_[np.full(4, 0.9), np.zeros(8)]))[0].reshape(3, 4)
    assert (apart[0] > apart[2] + 0.5).all()


def test_directions_of_unrelated_answers_are_flat() -> None:
    human = np.random.default_rng(2).integers(1, 6, (40, 6)).astype(float)
    table = PeopleTable(human, human)
    found = leading_directions(PeopleSums.of(table, np.arange(40)))
    assert found.shape == (6, 4)
    assert np.linalg.norm(found[:, 0]) == pytest.approx(1.0)


def test_new_people_get_predictions_for_new_items() -> None:
    panel, truth = hidden("perfect", 60, new_items=5)
    result = calibrate(panel)
    assert np.isfinite(result.grid[60:]).all()
    assert mean_correlation(truth[60:, :5], result.grid[60:, :5]) >= 0.97
    by_item, by_person = result.parts
    np.testing.assert_array_equal(by_item.values[60:], by_person.values[:5].T)


def test_new_people_and_new_items_are_no_worse_than_the_level_if_twins_say_nothing() -> None:
    panel, truth = hidden("noise", 60, new_items=5)
    result = calibrate(panel)
    levels = np.array([result.new_cells.errors(i).level.mean for i in result.new_cells.item_ids])
    assert error(truth[60:, :5], result.grid[60:, :5]) <= 1.03 * error(truth[60:, :5], levels)


@pytest.mark.parametrize("kind", ["noise", "good"])
def test_intervals_of_new_people_and_new_items_cover_what_they_say(kind: str) -> None:
    inside = {"known item": [], "new item": []}
    for seed in range(4):
        panel, truth = hidden(kind, 80, seed, new_items=5)
        result = calibrate(panel)
        for k, (low, high) in enumerate(result.intervals(0.8, "respondent").values()):
            held = (low <= truth[80 + k]) & (truth[80 + k] <= high)
            inside["new item"].append(held[:5].mean())
            inside["known item"].append(held[5:].mean())
    # answers on five points are covered in steps, so that intervals hold more than they must
    assert 0.78 <= np.mean(inside["known item"]) <= 0.92
    assert 0.78 <= np.mean(inside["new item"]) <= 0.95


def test_both_ways_to_ask_for_an_interval_of_a_new_cell_agree() -> None:
    panel, _ = hidden("good", 60, new_items=2)
    result = calibrate(panel)
    by_item, by_person = result.intervals(0.9, "item"), result.intervals(0.9, "respondent")
    for k, item in enumerate(panel.item_ids[:2]):
        for r in (60, 100):
            person = panel.respondent_ids[r]
            for end in (0, 1):
                assert by_item[item][end][r] == by_person[person][end][k]
    shares = result.probabilities(panel.item_ids[0])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_cells_that_are_new_in_both_ways_need_both_to_be_asked_for() -> None:
    panel = generate_population(80, 12, n_new_items=2, n_new_respondents=3, random_state=1).panel
    new = [panel.respondent_ids.index(r) for r in panel.new_respondents]
    result = calibrate(panel, items=panel.new_items)
    assert np.isnan(result.grid[new]).all()
    assert result.new_cells is None


def test_hardly_any_known_people_leave_the_item_means() -> None:
    human, twin = world("good", 3, n_items=6)
    human[3:] = np.nan
    found = predict_people(human, twin, np.arange(3, len(human)))
    np.testing.assert_allclose(
        found[:, np.isfinite(found).all(axis=0)].mean(axis=0),
        np.nanmean(human, axis=0)[np.isfinite(found).all(axis=0)],
        atol=1.0,
    )

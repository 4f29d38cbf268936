"""Completed data sets drawn from the laws of predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import truetwin as tt
from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.base import make_fold
from truetwin.calibration.calibration_result import Calibration
from truetwin.calibration.design import Preprocessing, make_designs
from truetwin.calibration.draws import Draws
from truetwin.data import Item, Panel, ResponseMatrix, Scale, Target
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError


@pytest.fixture(scope="module")
def panel() -> Panel:
    return generate_population(120, 20, n_new_items=4, n_new_respondents=5).panel


@pytest.fixture(scope="module")
def result(panel: Panel) -> Calibration:
    return tt.calibrate(panel)


@pytest.fixture(scope="module")
def draws(result: Calibration) -> Draws:
    return result.draws(6, seed=3)


def test_given_answers_stay_and_every_predicted_cell_is_drawn(panel: Panel, draws: Draws) -> None:
    given = np.isfinite(panel.human_values)
    predicted = np.zeros(given.shape, dtype=bool)
    predicted[:, -4:] = True
    predicted[-5:] = True
    assert draws.values.shape == (6, 120, 20)
    for k in range(len(draws)):
        grid = np.full(given.shape, np.nan)
        grid[np.ix_(draws.rows, draws.columns)] = draws.values_of(k)
        np.testing.assert_array_equal(grid[given], panel.human_values[given])
        np.testing.assert_array_equal(np.isfinite(grid), given | predicted)
    assert (draws.drawn.std(axis=0) > 0).mean() > 0.9


def test_drawn_answers_lie_on_the_scale(panel: Panel, draws: Draws) -> None:
    for j, item in enumerate(draws.item_ids):
        answers = draws.values[:, :, j]
        assert panel.scales[item].on_scale(answers[np.isfinite(answers)]).all()


def test_the_seed_decides_the_draws(panel: Panel, result: Calibration, draws: Draws) -> None:
    again, other = tt.calibrate(panel).draws(6, seed=3), result.draws(6, seed=4)
    np.testing.assert_array_equal(again.drawn, draws.drawn)
    assert (other.drawn != draws.drawn).any()


def test_hidden_answers_change_no_draw() -> None:
    panel = generate_population(80, 16, n_new_items=0).panel
    rng, hidden = np.random.default_rng(0), [2, 7, 11]
    scrambled = panel.human_values.copy()
    scrambled[:, hidden] = rng.permutation(scrambled[:, hidden])
    found = []
    for human in (panel.human_values, scrambled):
        whole = Panel(ResponseMatrix(human, panel.respondent_ids, panel.item_ids), panel.twin)
        fold = make_fold(whole, [Target("item", whole.item_ids[j]) for j in hidden])
        (design,) = make_designs(whole, [fold], Preprocessing())
        found.append(Auto().joint_law(design).draw(np.random.default_rng(1)))
    np.testing.assert_array_equal(*found)


def test_spread_and_relations_are_kept_on_average() -> None:
    population = generate_population(400, 40, n_new_items=10, random_state=1)
    result = tt.calibrate(population.panel)
    drawn, truth = result.draws(20), population.truth.values[:, 30:]
    above = np.triu_indices(10, 1)

    def relations(values: np.ndarray) -> np.ndarray:
        return np.corrcoef(values, rowvar=False)[above]

    tables = drawn.values[:, :, 30:]
    ratio = np.median(tables.std(axis=1).mean(axis=0) / truth.std(axis=0))
    assert 0.8 < ratio < 1.2
    of_draws = np.mean([relations(table) for table in tables], axis=0)
    error = np.abs(of_draws - relations(truth)).mean()
    assert error < 0.7 * np.abs(relations(result.grid[:, 30:]) - relations(truth)).mean()


@pytest.mark.parametrize("method", ["auto", "ridge"])
def test_drawn_answers_have_the_probabilities_of_their_laws(method: str) -> None:
    panel = generate_population(60, 12, n_new_items=2, n_new_respondents=4, random_state=2).panel
    first = panel.new_items[0]
    plain = tt.calibrate(panel, method)
    known = [r not in panel.new_respondents for r in panel.respondent_ids]
    shifted = plain.with_shares({first: [0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.3]})
    np.testing.assert_allclose(shifted.shares(first), [0.05, 0.05, 0.1, 0.1, 0.2, 0.2, 0.3], atol=1e-6)
    for result in (plain, shifted):
        drawn = result.draws(3000, seed=1)
        for item, people in ((first, known), (panel.item_ids[3], [not k for k in known])):
            answers = drawn.values[:, people, drawn.item_ids.index(item)]
            law = result.law(item)
            wanted = law.probabilities()
            if len(wanted) == len(known):
                wanted = wanted[people]
            found = np.stack([(answers == code).mean(axis=0) for code in law.codes], axis=1)
            error = np.sqrt(wanted * (1 - wanted) / 3000)
            assert (np.abs(found - wanted) <= 4.5 * error + 0.012).all()
            assert np.abs(found - wanted).mean() < 0.008


@pytest.mark.extra("pandas")
def test_tables_are_long_or_wide_and_iterated(draws: Draws) -> None:
    long, wide = draws.to_frame("pandas"), draws.to_frame("pandas", "wide")
    assert list(long.columns) == ["draw", "respondent_id", "item_id", "value"]
    assert list(wide.columns) == ["draw", "respondent_id", *draws.item_ids]
    assert sorted(wide["draw"].unique()) == [1, 2, 3, 4, 5, 6]
    tables = list(draws)
    assert len(tables) == len(draws) == 6
    assert tables[0].num_rows == len(draws.respondent_ids)
    assert len(long) == np.isfinite(draws.values).sum()


def test_numeric_answers_are_limited_and_nominal_ones_are_categories(panel: Panel) -> None:
    human, twin = panel.human, panel.twin
    items = [replace(item) for item in twin.items]
    items[-1] = Item(items[-1].id, scale=Scale.nominal(range(1, 8)))
    items[-2] = Item(items[-2].id, scale=Scale.numeric(1, 7))
    changed = Panel(human, ResponseMatrix(twin.values, twin.respondent_ids, items))
    drawn = tt.calibrate(changed).draws(2)
    named = drawn.values[:, :, drawn.item_ids.index(items[-1].id)]
    assert set(np.unique(named[np.isfinite(named)])) <= set(range(1, 8))
    column = drawn.values[:, :, drawn.item_ids.index(items[-2].id)]
    assert column.min() >= 1
    assert column.max() <= 7
    assert (column != np.round(column)).any()


@pytest.mark.parametrize(
    ("m", "seed", "message"),
    [
        (1, 0, "the number of draws must be a whole number of at least 2; got 1"),
        (2.5, 0, "the number of draws must be a whole number of at least 2; got 2.5"),
        (2, -1, "the seed of the draws must be a whole number of at least 0; got -1"),
        (2, 0.5, "the seed of the draws must be a whole number of at least 0; got 0.5"),
        (2, True, "the seed of the draws must be a whole number of at least 0; got True"),
    ],
)
def test_wrong_numbers_are_refused(result: Calibration, m: int, seed: int, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        result.draws(m, seed)


@pytest.mark.parametrize("method", ["ridge", "twin"])
def test_methods_that_know_only_points_have_draws(panel: Panel, method: str) -> None:
    drawn = tt.calibrate(panel, method).draws(3)
    assert np.isfinite(drawn.drawn).all()
    assert (drawn.drawn.std(axis=0) > 0).mean() > 0.5

"""Survey weights decide for whom the level of a new item is learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from truetwin.calibration import calibrate
from truetwin.calibration.design import weighted_moments
from truetwin.data import Panel, People, ResponseMatrix
from truetwin.errors import DataError, UnknownNameError
from truetwin.evaluation import evaluate

N, M = 120, 12
METHODS = ["auto", "ridge", "twin", "human-respondent-mean", "als"]


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Twins of the second half of the people answer one point too low; nobody has answered the last two items."""
    rng = np.random.default_rng(5)
    trait = rng.normal(size=(N, 1))
    truth = 4 + trait * rng.uniform(0.5, 1, M) + 0.5 * rng.normal(size=(N, M))
    twin = 4 + trait * rng.uniform(0.5, 1, M) + 0.5 * rng.normal(size=(N, M))
    twin[N // 2 :] -= 1.0
    human = truth.copy()
    human[:, -2:] = np.nan
    rows, items = [f"r{k:03d}" for k in range(N)], [f"Q{j:02d}" for j in range(M)]
    weights = np.where(np.arange(N) < N // 2, 0.1, 1.9)
    people = People(rows, {"w": weights, "equal": np.full(N, 3.0)})
    return Panel(ResponseMatrix(human, rows, items), ResponseMatrix(twin, rows, items), people=people)


def predicted(panel: Panel, method: str, weights: str | np.ndarray | None) -> np.ndarray:
    return calibrate(panel, method, weights=weights).parts[0].values


@pytest.mark.parametrize("method", METHODS)
def test_equal_weights_change_nothing(panel: Panel, method: str) -> None:
    plain = predicted(panel, method, None)
    np.testing.assert_allclose(predicted(panel, method, "equal"), plain, atol=1e-8)


def test_the_plain_level_of_twins_is_that_of_the_weighted_twins(panel: Panel) -> None:
    """Ridge takes the level of the item from its twins: from those of the people who count."""
    alone = (np.arange(N) >= N // 2).astype(float)
    some = slice(N // 2, N)
    goal = panel.twin_values[some, -2:].mean(axis=0)
    weighted, plain = (predicted(panel, "ridge", w)[some].mean(axis=0) for w in (alone, None))
    assert np.abs(weighted - goal).max() < 0.2 < np.abs(plain - goal).min()


def test_weights_by_name_are_those_of_the_array(panel: Panel) -> None:
    by_name = predicted(panel, "auto", "w")
    np.testing.assert_array_equal(by_name, predicted(panel, "auto", panel.person_numbers("w")))


def test_hidden_items_get_the_level_that_new_items_get(panel: Panel) -> None:
    """What an evaluation predicts for a hidden item is what calibrate predicts if nobody had answered it."""
    values = panel.human.values.copy()
    values[:, 0] = np.nan
    items = panel.human.item_ids
    hidden = Panel(ResponseMatrix(values, panel.respondent_ids, items), panel.twin, people=panel.people)
    part = calibrate(hidden, "auto", items=["Q00"], weights="w").parts[0]
    truth, w = panel.human_values[:, 0], panel.person_numbers("w")
    bias = float(w @ (part.values[:, 0] - truth) / w.sum())
    known = Panel(
        ResponseMatrix(panel.human.values[:, :10], panel.respondent_ids, items[:10]),
        panel.twin,
        people=panel.people,
    )
    scores = evaluate(known, ["auto"], metric="bias", baseline="auto", weights="w")
    at = scores.target_ids.index("Q00")
    assert scores.scores["auto", "bias"][at] == pytest.approx(bias, abs=1e-6)


def test_shares_are_those_of_the_weighted_people(panel: Panel) -> None:
    whole = Panel(
        ResponseMatrix(np.round(panel.human.values), panel.respondent_ids, panel.human.item_ids),
        ResponseMatrix(np.round(panel.twin.values), panel.respondent_ids, panel.twin.item_ids),
        people=panel.people,
    )
    result = calibrate(whole, "auto", weights="w")
    w = panel.person_numbers("w")
    np.testing.assert_allclose(result.shares("Q11"), w @ result.probabilities("Q11") / w.sum())
    assert result.weights is not None
    np.testing.assert_allclose(result.shares("Q11"), result.shares("Q11", w))


def test_bad_weights_are_refused_before_anything_is_computed(panel: Panel) -> None:
    with pytest.raises(UnknownNameError, match="no column 'v'"):
        calibrate(panel, weights="v")
    with pytest.raises(DataError, match="not be negative"):
        calibrate(panel, weights=-np.ones(N))
    with pytest.raises(DataError, match="people table must be given"):
        calibrate(replace(panel, people=None), weights="w")


def test_weighted_moments_are_those_of_repeated_people() -> None:
    rng = np.random.default_rng(0)
    values, w = rng.normal(size=(40, 3)), rng.integers(0, 4, 40)
    values[rng.random(values.shape) < 0.2] = np.nan
    mean, sd = weighted_moments(values, w.astype(float))
    repeated = np.repeat(values, w, axis=0)
    np.testing.assert_allclose(mean, np.nanmean(repeated, axis=0))
    np.testing.assert_allclose(sd, np.nanstd(repeated, axis=0))

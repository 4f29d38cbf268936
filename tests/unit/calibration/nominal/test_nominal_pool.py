"""Mixing what is known of the categories of nominal items."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.nominal.nominal_pool import (
    COMPONENTS,
    PRIOR,
    NominalPool,
    component_chances,
    predicted_shares,
    twin_shares,
)

CODES = np.array([1.0, 2.0, 3.0])


def test_every_component_is_a_distribution() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0.3, 0.5, (20, 3))
    points[3], points[4, 1] = np.nan, np.nan
    twin = rng.choice([1.0, 2.0, 3.0, np.nan], 20)
    chances = component_chances(points, twin, CODES, twin_shares(twin, CODES), np.full(3, 1 / 3))
    assert chances.shape == (len(COMPONENTS), 20, 3)
    assert np.allclose(chances.sum(axis=2), 1)
    assert (chances >= 0).all()


def test_without_other_nominal_items_the_documented_weights_are_taken() -> None:
    assert np.array_equal(NominalPool.learn([]).weights, PRIOR)
    assert np.array_equal(NominalPool.learn([np.empty((5, 0))]).weights, PRIOR)
    assert PRIOR.sum() == pytest.approx(1)


@pytest.mark.parametrize("best", range(5))
def test_the_component_that_knows_the_answers_gets_the_weight(best: int) -> None:
    rng = np.random.default_rng(1)
    items = []
    for _ in range(10):
        chances = rng.uniform(0.05, 0.3, (5, 50))
        chances[best] = 0.9
        items.append(chances)
    found = NominalPool.learn(items)
    assert found.weights.argmax() == best
    assert found.weights[best] > 0.9
    assert found.n_items == 10


def test_items_count_alike_however_many_people_answered() -> None:
    many, few = np.full((5, 500), 0.1), np.full((5, 5), 0.1)
    many[3], few[4] = 0.9, 0.9
    weights = NominalPool.learn([many, few]).weights
    assert weights[3] == pytest.approx(weights[4], abs=0.1)


def test_the_order_of_the_categories_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    points, twin = rng.uniform(0, 1, (30, 3)), rng.choice(CODES, 30)
    order = np.array([2, 0, 1])
    shares = twin_shares(twin, CODES)
    one, other = (
        component_chances(points[:, k], twin, CODES[k], shares[k], predicted_shares(points[:, k], shares[k]))
        for k in (np.arange(3), order)
    )
    assert np.allclose(one[:, :, order], other, atol=1e-15)


def test_what_twins_chose_is_the_mean_over_sources() -> None:
    sources = np.array([[CODES[0], CODES[1], np.nan], [CODES[1], np.nan, np.nan]])
    shares = twin_shares(sources, CODES)
    alone = [twin_shares(source, CODES) for source in sources]
    np.testing.assert_allclose(shares, np.mean(alone, axis=0))
    chances = component_chances(np.full((3, 3), np.nan), sources, CODES, shares, shares)
    np.testing.assert_allclose(chances[3], [[0.5, 0.5, 0], [0, 1, 0], shares])

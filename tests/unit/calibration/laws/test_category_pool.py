"""The mixture of what is known of a category's chance."""

from __future__ import annotations

import numpy as np

from truetwin.calibration.laws.category_pool import CategoryPool, error_chances, twin_chances, twin_shares
from truetwin.calibration.laws.prediction_errors import ErrorQuantiles


def test_the_mixture_is_not_worse_than_its_best_component() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        chances = rng.beta(*rng.uniform(0.3, 3, 2), (500, 6)) * rng.uniform(0.2, 1, 6)
        pool = CategoryPool.learn(chances, np.ones(500))
        best = np.log(np.maximum(chances, 1e-300)).mean(axis=0).max()
        assert np.log(chances @ pool.weights).mean() >= best - 2e-3
        assert abs(pool.weights.sum() - 1) < 1e-9


def test_twins_that_are_always_right_get_the_weight() -> None:
    chances = np.full((400, 6), 0.2)
    chances[:, 2] = 1.0
    assert CategoryPool.learn(chances, np.ones(400)).weights[2] > 0.98


def test_nothing_known_leaves_the_errors() -> None:
    assert CategoryPool.learn(np.empty((0, 6)), np.empty(0)).weights.argmax() == 5


def test_a_twin_without_an_answer_says_what_all_twins_say() -> None:
    twin, codes = np.array([1.0, 3.0, np.nan, 3.0]), np.array([1.0, 2.0, 3.0])
    shares = twin_shares(twin, codes)
    found = twin_chances(twin, codes, shares)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(found[2, :, 2], shares)
    assert found[1, :, 2].tolist() == [0.0, 0.0, 1.0]
    assert found[1, 1, 3] > found[1, 0, 3]


def test_errors_are_cut_halfway_between_categories() -> None:
    errors = ErrorQuantiles(np.array([0.0, 1.0]), np.array([-1.0, 1.0]))
    found = error_chances(errors, np.array([2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found, [[0.25, 0.5, 0.25], [0.0, 0.25, 0.75]])


def test_chances_by_twins_are_means_over_sources_and_not_those_of_average_answers() -> None:
    codes = np.arange(1.0, 6.0)
    sources = np.array([[1.0, 5.0, np.nan], [5.0, np.nan, np.nan]])
    shares = twin_shares(sources, codes)
    np.testing.assert_allclose(shares, (twin_shares(sources[0], codes) + twin_shares(sources[1], codes)) / 2)
    found = twin_chances(sources, codes, shares)
    np.testing.assert_allclose(found[0, :, 2], [0.5, 0, 0, 0, 0.5])
    np.testing.assert_allclose(found[1, :, 2], [0, 0, 0, 0, 1])
    np.testing.assert_allclose(found[2, :, 2:], np.stack([shares, shares], axis=1))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(
        twin_chances(sources[:1], codes, shares), twin_chances(sources[0], codes, shares)
    )

"""Weights of several predictors, learned on pseudo-targets."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.auto.stacking import POWERS, MomentSums, Stack, fit_stack


def covariances(*features: np.ndarray, answer: np.ndarray) -> np.ndarray:
    return np.cov(np.vstack([*features, answer]), bias=True)


def test_moments_are_those_of_everybody_added_bit_by_bit() -> None:
    variables = np.random.default_rng(0).standard_normal((2, 3, 50))
    sums = MomentSums(2, 4, 3)
    for part in (variables[:, :, :20], variables[:, :, 20:]):
        sums.add(np.array([0, 1]), 2, part)
    found = sums.moments()
    for fold in (0, 1):
        assert found.count[fold].tolist() == [0, 0, 50, 0]
        np.testing.assert_allclose(found.mean[fold, 2], variables[fold].mean(axis=1))
        np.testing.assert_allclose(found.covariance[fold, 2], np.cov(variables[fold], bias=True))
    assert (found.covariance[:, 0] == 0).all()


def test_one_pseudo_target_gives_the_least_squares_weights() -> None:
    rng = np.random.default_rng(1)
    features = rng.standard_normal((3, 4000))
    answer = np.array([0.5, -0.3, 0.0]) @ features + rng.standard_normal(4000)
    covariance = covariances(*features, answer=answer)
    weights = fit_stack(covariance[None], np.ones(1), 1e-9).weights
    expected = np.linalg.solve(covariance[:3, :3], covariance[:3, 3]) / np.sqrt(covariance[3, 3])
    np.testing.assert_allclose(weights, expected, atol=1e-6)  # of the answer in sds


def test_units_of_features_and_answers_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    features = rng.standard_normal((2, 5, 300))
    answers = features.sum(axis=0) + rng.standard_normal((5, 300))
    plain = np.stack([covariances(*features[:, k], answer=answers[k]) for k in range(5)])
    unit = np.diag([10.0, 0.1, 7.0])
    one, other = fit_stack(plain, np.ones(5), 0.01), fit_stack(unit @ plain @ unit, np.ones(5), 0.01)
    np.testing.assert_allclose(other.weights * [10.0, 0.1], one.weights)
    np.testing.assert_allclose(other.correlations, one.correlations)


def test_a_pseudo_target_without_importance_or_variance_is_left_out() -> None:
    good = np.array([[1.0, 0.6], [0.6, 1.0]])
    bad = np.array([[1.0, -0.9], [-0.9, 1.0]])
    constant = np.array([[1.0, 0.0], [0.0, 0.0]])
    alone = fit_stack(good[None], np.ones(1), 1e-6)
    found = fit_stack(np.stack([good, bad, constant]), np.array([1.0, 0.0, 1.0]), 1e-6)
    np.testing.assert_array_equal(found.weights, alone.weights)
    assert found.correlations[0] == pytest.approx(0.6)
    assert np.isnan(found.correlations[1:]).all()


def test_correlations_are_those_of_weights_learned_without_the_pseudo_target() -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(20):
        features, answers = rng.standard_normal((4, 12, 60)), rng.standard_normal((12, 60))
        noise = np.stack([covariances(*features[:, k], answer=answers[k]) for k in range(12)])
        found.append(fit_stack(noise, np.ones(12), 0.01).correlations.mean())
    assert abs(np.mean(found)) < 0.02  # with the weights of all, noise reaches .07


def test_a_feature_that_never_varies_has_no_weight() -> None:
    covariance = np.array([[[1.0, 0.0, 0.6], [0.0, 0.0, 0.0], [0.6, 0.0, 1.0]]])
    np.testing.assert_allclose(fit_stack(covariance, np.ones(1), 1e-6).weights, [0.6, 0.0], atol=1e-5)


@pytest.mark.parametrize("power", POWERS)
def test_predictions_of_an_item_spread_as_its_power_says(power: float) -> None:
    stack = Stack(np.ones(1), np.ones(2), np.ones(2), typical=2.0, power=power)
    spread = np.array([2.0, 0.5, 0.0])
    widened = spread * stack.widening(spread)
    np.testing.assert_allclose(widened, [2.0, 2.0 ** (1 - power) * 0.5**power, 0.0])


def test_items_that_all_spread_alike_are_found_to_need_no_widening() -> None:
    """The answer varies with the feature in proportion to the feature's own spread: power 1."""
    sds = np.array([0.5, 1.0, 2.0])
    proportional = np.stack([[[s**2, 0.4 * s**2], [0.4 * s**2, 1.0]] for s in sds])
    alike = np.stack([[[s**2, 0.4 * s], [0.4 * s, 1.0]] for s in sds])
    assert fit_stack(proportional, np.ones(3), 1e-9).power == 1.0
    assert fit_stack(alike, np.ones(3), 1e-9).power == 0.0

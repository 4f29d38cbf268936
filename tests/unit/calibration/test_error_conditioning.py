"""Correcting predictions by the answers seen so far."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.error_conditioning import LEVEL, condition, donor_covariates

NOBODY = np.array([], dtype=int)


def test_before_any_answer_the_expected_error_is_none_and_its_spread_the_given_one() -> None:
    found = condition(np.array([1.0, np.nan, 3.0]), None, NOBODY, np.array([]), 0.7)
    np.testing.assert_array_equal(found.mean, [0, np.nan, 0])
    np.testing.assert_array_equal(found.sd, [0.7, np.nan, 0.7])
    assert found.signal == 0.0


@pytest.mark.parametrize("errors", [[1.0], [1.0, 1.0], [2.0, 0.0, 1.0]])
def test_with_equal_predictions_only_the_level_moves_and_by_its_prior(errors: list[float]) -> None:
    """The mean of k errors is shrunk by k LEVEL / (1 + k LEVEL)."""
    k = len(errors)
    found = condition(np.full(5, 2.0), None, np.arange(k), np.array(errors), 1.0)
    np.testing.assert_allclose(found.mean, np.full(5, np.mean(errors) * k * LEVEL / (1 + k * LEVEL)))


def test_errors_in_other_units_move_everything_in_those_units() -> None:
    rng = np.random.default_rng(0)
    predictions, covariates = rng.standard_normal(30), rng.standard_normal((30, 2))
    where, errors = np.arange(8), rng.standard_normal(8)
    one = condition(predictions, covariates, where, errors, 1.5)
    ten = condition(predictions, covariates, where, 10 * errors, 15.0)
    np.testing.assert_allclose(ten.mean, 10 * one.mean)
    np.testing.assert_allclose(ten.sd, 10 * one.sd)
    assert ten.signal == pytest.approx(one.signal)


def test_the_order_of_the_answers_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    predictions, covariates, errors = (
        rng.standard_normal(20),
        rng.standard_normal((20, 3)),
        rng.standard_normal(6),
    )
    where, turned = np.arange(6), np.arange(6)[::-1]
    one = condition(predictions, covariates, where, errors, 1.0)
    other = condition(predictions, covariates, turned, errors[::-1], 1.0)
    np.testing.assert_allclose(one.mean, other.mean)
    np.testing.assert_allclose(one.sd, other.sd)


def test_people_who_answer_alike_share_their_error_and_others_do_not() -> None:
    kind = np.repeat([[1.0, -1.0]], 50, axis=0).ravel()[:, None]
    where = np.arange(40)
    errors = kind[where, 0]  # one kind of people is predicted too low, the other too high
    found = condition(np.full(100, 3.0), kind, where, errors, 1.0)
    assert found.mean[40] > 0.5
    assert found.mean[41] < -0.5
    assert found.signal > 0.1


def test_hidden_answers_to_the_new_item_are_not_in_the_covariates() -> None:
    rng = np.random.default_rng(2)
    human, twin = rng.integers(1, 6, (2, 30, 5)).astype(float)
    changed = human.copy()
    changed[:, 2] = 6 - changed[:, 2]
    np.testing.assert_array_equal(donor_covariates(human, twin, 2), donor_covariates(changed, twin, 2))
    assert np.mean(np.sum(donor_covariates(human, twin, 2) ** 2, axis=1)) == pytest.approx(1.0)


def test_without_a_donor_nothing_is_known_of_anybody() -> None:
    human = np.full((10, 2), np.nan)
    human[:, 1] = np.arange(10.0)
    assert donor_covariates(human, np.ones((10, 2)), 1) is None
    human[:, 0] = 3.0  # everybody gave one answer to the only donor
    assert donor_covariates(human, np.arange(20.0).reshape(10, 2), 1) is None

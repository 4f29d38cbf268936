"""Metrics of a whole table: relations between items, and gaps between groups."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.evaluation import inter_item_correlation_error, subgroup_gap_error, table_metrics
from truetwin.evaluation.table_metrics import Table, item_correlations, slope_on_predictions, subgroup_gaps

rng = np.random.default_rng(5)
COMMON = rng.normal(size=(80, 1))
TRUTH = np.round(COMMON + rng.normal(size=(80, 5)), 1)
PREDICTED = COMMON + 0.3 * rng.normal(size=(80, 5))
TRUTH[rng.random(TRUTH.shape) < 0.2] = np.nan
GROUPS = np.array([*"aabbc"] * 16, dtype=object)


def one_by_one(values: np.ndarray, both: np.ndarray, a: int, b: int, weights: np.ndarray) -> float:
    rows = both[:, a] & both[:, b]
    covariance = np.cov(values[rows][:, [a, b]].T, aweights=weights[rows])
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


@pytest.mark.parametrize("shift", [0.0, 1e5])
def test_correlations_between_items_are_those_of_each_pair_alone(shift: float) -> None:
    weights = rng.uniform(0.5, 2, 80)
    both = np.isfinite(TRUTH)
    found = item_correlations(TRUTH + shift, both, weights)
    for a in range(5):
        assert np.isnan(found[a, a])
        for b in range(a):
            assert found[a, b] == pytest.approx(found[b, a])
            assert found[a, b] == pytest.approx(one_by_one(TRUTH, both, a, b, weights), abs=1e-6)


def test_a_pair_needs_twenty_people_and_two_items_that_vary() -> None:
    values = TRUTH.copy()
    values[:, 0] = 3.0
    values[19:, 1] = np.nan
    found = item_correlations(values, np.isfinite(values), np.ones(80))
    assert np.isnan(found[:2]).all()
    assert np.isfinite(found[2, 3])


def test_the_error_of_correlations_is_a_mean_over_pairs() -> None:
    both = np.isfinite(TRUTH)
    errors = [
        abs(one_by_one(TRUTH, both, a, b, np.ones(80)) - one_by_one(PREDICTED, both, a, b, np.ones(80)))
        for a in range(5)
        for b in range(a)
    ]
    assert inter_item_correlation_error(TRUTH, PREDICTED) == pytest.approx(np.mean(errors))


def test_gaps_are_group_means_minus_the_mean() -> None:
    found = subgroup_gaps(TRUTH, np.isfinite(TRUTH), np.ones(80), {"g": GROUPS})
    assert found.shape == (5, 3)
    expected = np.nanmean(TRUTH[GROUPS == "b", 2]) - np.nanmean(TRUTH[:, 2])
    assert found[2, 1] == pytest.approx(expected)
    assert np.isnan(found[:, 2]).all()  # group c has 16 people
    error = subgroup_gap_error(TRUTH, PREDICTED, GROUPS.tolist())
    both = np.isfinite(TRUTH)
    hand = [
        abs(
            (TRUTH[rows, j].mean() - TRUTH[both[:, j], j].mean())
            - (PREDICTED[rows, j].mean() - PREDICTED[both[:, j], j].mean())
        )
        / TRUTH[both[:, j], j].std()
        for j in range(5)
        for g in "ab"
        if (rows := both[:, j] & (g == GROUPS)).sum() >= 20
    ]
    assert error == pytest.approx(np.mean(hand))


def test_gaps_that_are_predicted_twice_too_large_have_slope_one_half() -> None:
    true = np.array([[0.1, -0.1], [0.3, np.nan]])
    above, below = slope_on_predictions(true, 2 * true)
    assert np.nansum(above) / np.nansum(below) == 0.5
    assert np.isnan(below[1, 1])


def test_a_constant_prediction_has_gaps_of_zero_and_no_correlations() -> None:
    table = Table(TRUTH, np.full(TRUTH.shape, 2.0), np.ones(80), {"g": GROUPS})
    correlations = table_metrics["item-correlation-error"].compare(table)
    assert np.isnan(correlations.predicted).all()
    assert np.isfinite(correlations.true).sum() == 20
    gaps = table_metrics["gap-error"].compare(table)
    np.testing.assert_allclose(gaps.predicted[:, :2], 0.0, atol=1e-12)

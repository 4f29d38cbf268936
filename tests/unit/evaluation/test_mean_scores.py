"""Means of scores, with errors clustered by what belongs together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from truetwin.evaluation.mean_scores import (
    clustered_difference,
    clustered_mean,
    clustered_ratio,
    mean_over_clusters,
)

rng = np.random.default_rng(3)
CLUSTERS = [f"battery {k}" for k in rng.integers(0, 9, 60)]
SCORES = rng.normal(size=60) + np.array([int(c[-1]) for c in CLUSTERS]) / 4
WEIGHTS = rng.uniform(0.5, 2.0, 60)


def sandwich(y: np.ndarray, x: np.ndarray, weights: np.ndarray, clusters: list[str]) -> float:
    """Cluster-robust standard error of the slope through the origin of y on x, with the factor G/(G-1)."""
    bread = 1 / np.sum(weights * x**2)
    slope = bread * np.sum(weights * x * y)
    meat = sum(np.sum((weights * x * (y - slope * x))[np.array(clusters) == c]) ** 2 for c in set(clusters))
    n = len(set(clusters))
    return float(np.sqrt(bread * meat * bread * n / (n - 1)))


def test_a_clustered_error_is_the_sandwich_of_a_regression_on_a_constant() -> None:
    found = clustered_mean(SCORES, CLUSTERS, WEIGHTS)
    assert found.value == pytest.approx(np.average(SCORES, weights=WEIGHTS))
    assert found.standard_error == pytest.approx(sandwich(SCORES, np.ones(60), WEIGHTS, CLUSTERS))
    assert (found.n, found.n_clusters) == (60, len(set(CLUSTERS)))


def test_a_clustered_error_and_its_interval_are_those_of_statsmodels() -> None:
    """``WLS(y, 1, weights).fit(cov_type="cluster", use_t=True)`` of statsmodels 0.15.0 gave these figures."""
    scores = np.array([0.31, 0.42, 0.28, 0.55, 0.60, 0.12, 0.05, 0.33, 0.47, 0.21])
    weights = np.array([1, 2, 1, 1, 0.5, 3, 1, 1, 2, 1])
    found = clustered_mean(scores, list("aaabbccddd"), weights)
    assert found.value == pytest.approx(0.30888888888888877)
    assert found.standard_error == pytest.approx(0.08242394628607862)
    np.testing.assert_allclose(found.interval(), [0.04657910556385508, 0.5711986722139224])


def test_without_clusters_the_error_is_the_usual_one() -> None:
    found = clustered_mean(SCORES, [str(k) for k in range(60)])
    assert found.standard_error == pytest.approx(SCORES.std(ddof=1) / 60**0.5)
    interval = stats.ttest_1samp(SCORES, 0).confidence_interval(0.95)
    np.testing.assert_allclose(found.interval(), [interval.low, interval.high])


def test_undefined_scores_are_left_out_with_their_clusters() -> None:
    scores = np.array([1.0, np.nan, 2.0, 4.0, np.nan])
    found = clustered_mean(scores, ["a", "a", "b", "b", "c"])
    assert (found.value, found.n, found.n_clusters) == (pytest.approx(7 / 3), 3, 2)
    # Residuals -4/3, -1/3 and 5/3: sums by cluster -4/3 and 4/3; sqrt(2 (16/9 + 16/9)) / 3.
    assert found.standard_error == pytest.approx((64 / 9) ** 0.5 / 3)


def test_one_cluster_has_no_error() -> None:
    found = clustered_mean(np.array([1.0, 2.0]), ["a", "a"])
    assert found.value == 1.5
    assert np.isnan([found.standard_error, *found.interval()]).all()
    nothing = clustered_mean(np.array([np.nan]), ["a"])
    assert np.isnan(nothing.value)
    assert (nothing.n, nothing.n_clusters) == (0, 0)


def test_a_ratio_has_the_error_of_a_slope_through_the_origin() -> None:
    predicted = rng.normal(size=60)
    true = 0.7 * predicted + rng.normal(size=60)
    found = clustered_ratio(true * predicted, predicted**2, CLUSTERS)
    assert found.value == pytest.approx(np.sum(true * predicted) / np.sum(predicted**2))
    assert found.standard_error == pytest.approx(sandwich(true, predicted, np.ones(60), CLUSTERS))


def test_a_difference_of_means_is_the_mean_of_differences() -> None:
    other = SCORES + rng.normal(size=60)
    one = np.ones(60)
    found = clustered_difference((SCORES, one), (other, one), CLUSTERS)
    direct = clustered_mean(SCORES - other, CLUSTERS)
    assert found.value == pytest.approx(direct.value)
    assert found.standard_error == pytest.approx(direct.standard_error)


def test_over_clusters_every_cluster_counts_once() -> None:
    found = mean_over_clusters(np.array([1.0, 2.0, 3.0, 8.0]), np.ones(4), ["a", "a", "a", "b"])
    assert found.value == 5.0
    assert found.standard_error == pytest.approx(3.0)  # sd of 2 and 8, divided by the root of 2
    assert found.n_clusters == 2

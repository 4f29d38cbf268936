"""Quantiles of mixtures of Beta distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from truetwin.solvers.beta_mixture import mixture_quantile


@pytest.mark.parametrize("probability", [0.05, 0.5, 0.95])
def test_one_component_has_the_quantiles_of_its_beta_distribution(probability: float) -> None:
    a, b = np.array([0.7, 3.0, 40.0]), np.array([2.0, 3.0, 5.0])
    law = beta(a, b)
    actual = mixture_quantile(law.mean()[:, None], law.var()[:, None], np.ones((3, 1)), probability)
    np.testing.assert_allclose(actual, law.ppf(probability), atol=1e-9)


def test_the_mixture_has_its_probability_below_the_quantile() -> None:
    means, variances, weights = np.full(3, 0.3), np.array([0.05, 0.01, 0.0001]), np.array([0.2, 0.5, 0.3])
    found = mixture_quantile(means, variances, weights, 0.9)
    size = means * (1 - means) / variances - 1
    assert weights @ beta(means * size, (1 - means) * size).cdf(found) == pytest.approx(0.9, abs=1e-8)


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_a_mean_at_an_end_is_a_point(mean: float) -> None:
    assert mixture_quantile([mean], [0.01], [1.0], 0.5) == pytest.approx(mean, abs=1e-6)

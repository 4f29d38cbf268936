"""Laws of effects against the same computed with full covariance matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from truetwin.errors import DataError, ParameterError
from truetwin.experiments.effect_law import EffectLaw


@pytest.fixture
def law() -> EffectLaw:
    random = np.random.default_rng(3)
    return EffectLaw(
        np.array([0.3, 0.7]),
        random.normal(size=(2, 4)),
        random.normal(size=(2, 4, 2)),
        random.uniform(0.1, 0.5, size=(2, 4)),
    )


def dense(law: EffectLaw, k: int) -> np.ndarray:
    return law.loadings[k] @ law.loadings[k].T + np.diag(law.spreads[k])


def test_mean_variance_and_covariance_are_those_of_the_mixture(law: EffectLaw) -> None:
    away = law.means - law.mean()
    expected = sum(p * (dense(law, k) + np.outer(away[k], away[k])) for k, p in enumerate(law.shares))
    assert law.covariance() == pytest.approx(expected)
    assert law.variance() == pytest.approx(np.diag(expected))


def test_quantiles_cut_off_their_share(law: EffectLaw) -> None:
    found = law.quantiles([0.05, 0.5, 0.95], noise=np.full(4, 0.2))
    sd = np.sqrt(law.variances + 0.2)
    for level, row in zip([0.05, 0.5, 0.95], found, strict=True):
        below = law.shares @ norm.cdf((row - law.means) / sd)
        assert below == pytest.approx(np.full(4, level))


def test_draws_have_the_moments_of_the_law(law: EffectLaw) -> None:
    drawn = law.draws(200_000, seed=1)
    assert drawn.mean(axis=0) == pytest.approx(law.mean(), abs=0.02)
    assert np.cov(drawn.T) == pytest.approx(law.covariance(), abs=0.08)
    assert (drawn > 0).mean(axis=0) == pytest.approx(law.positive(), abs=0.005)


def test_a_pilot_updates_the_law_like_the_full_matrices(law: EffectLaw) -> None:
    seen, noise = np.array([0.4, -0.2, 0.1]), np.array([0.1, 0.3, 0.2])
    shared = np.array([[0.2], [0.2], [0.4]])
    density, means, covariances = [], [], []
    for k in range(2):
        prior, pilot = dense(law, k), np.diag(noise) + shared @ shared.T
        total = prior[:3, :3] + pilot
        gain = prior[:, :3] @ np.linalg.inv(total)
        density.append(law.shares[k] * multivariate_normal.pdf(seen, law.means[k, :3], total))
        means.append(law.means[k] + gain @ (seen - law.means[k, :3]))
        covariances.append(prior - gain @ prior[:3])
    found = law.updated([*seen, np.nan], [*noise, np.nan], np.vstack([shared, [[0.0]]]))
    assert found.shares == pytest.approx(np.array(density) / sum(density))
    assert found.means == pytest.approx(np.array(means))
    for k in range(2):
        assert dense(found, k) == pytest.approx(covariances[k])


def test_log_density_is_that_of_the_mixture(law: EffectLaw) -> None:
    seen, noise = np.array([0.4, -0.2, 0.1, 0.0]), np.full(4, 0.1)
    expected = sum(
        p * multivariate_normal.pdf(seen, law.means[k], dense(law, k) + np.diag(noise))
        for k, p in enumerate(law.shares)
    )
    assert law.log_density(seen, noise) == pytest.approx(np.log(expected))


def test_without_a_pilot_nothing_changes(law: EffectLaw) -> None:
    same = law.updated(np.full(4, np.nan), np.full(4, np.nan))
    assert same.mean() == pytest.approx(law.mean())
    assert same.covariance() == pytest.approx(law.covariance())


def test_a_pilot_without_variance_is_refused(law: EffectLaw) -> None:
    with pytest.raises(DataError, match="variance of a pilot effect must be above 0"):
        law.updated([0.1, np.nan, np.nan, np.nan], [0.0, 1, 1, 1])


def test_levels_outside_0_and_1_are_refused(law: EffectLaw) -> None:
    with pytest.raises(ParameterError, match="between 0 and 1"):
        law.quantiles([0.0])

"""Errors that follow the donors keep the relations between the items that have them."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.laws.joint_ranks import NOTHING_KNOWN, DonorPart, PairErrors, TotalCorrelations


@pytest.mark.parametrize("r", [-0.8, 0.0, 0.6])
def test_errors_of_related_items_follow_the_same_donors(r: float) -> None:
    rng = np.random.default_rng(0)
    donors = DonorPart(rng.standard_normal((300, 40)), np.array([0.1, 0.1]))
    root = np.linalg.cholesky(np.array([[1.0, r], [r, 1.0]]))
    found = [np.corrcoef(donors.drawn(rng, root)[0], rowvar=False)[0, 1] for _ in range(60)]
    assert np.mean(found) == pytest.approx(r, abs=0.06)


def test_drawn_correlations_vary_as_much_as_predictions_are_off() -> None:
    rng = np.random.default_rng(0)
    mean = np.full((4, 4), 0.3) + 0.7 * np.eye(4)
    own, spread = 0.4 * (np.full((4, 4), 0.5) + 0.5 * np.eye(4)), np.full(4, np.sqrt(0.6))
    law = TotalCorrelations(mean, PairErrors(0.07, 0.01, 1e6))
    drawn = np.array([law.drawn_copula(rng, own, spread)[np.triu_indices(4, 1)] for _ in range(800)])
    answers = 0.2 + 0.6 * drawn  # covariances of the predictions, and of what they leave open
    assert answers.mean() == pytest.approx(0.3, abs=0.03)
    assert answers.std() == pytest.approx(np.sqrt(0.06) * (1 - 0.3**2), rel=0.1)


def test_where_nothing_is_known_any_correlation_is_as_likely_as_another() -> None:
    rng = np.random.default_rng(0)
    law = TotalCorrelations(np.eye(2), NOTHING_KNOWN)
    drawn = [law.drawn_copula(rng, np.zeros((2, 2)), np.ones(2))[0, 1] for _ in range(1000)]
    assert np.quantile(drawn, [0.25, 0.75]).tolist() == pytest.approx([-0.5, 0.5], abs=0.08)

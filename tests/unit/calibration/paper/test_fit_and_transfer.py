"""Linear models fitted on twins and applied to humans."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.paper.fit_and_transfer import (
    ElasticNet,
    Lasso,
    Ridge,
    SyntheticControl,
    SyntheticControlPaper,
    SyntheticIntervention,
)
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError


def copied(share: float = 1.0, n: int = 60, p: int = 4) -> Panel:
    """The twins' answers to the last item are ``share`` x the first + (1 - share) x the second, standardised."""
    rng = np.random.default_rng(5)
    human, twin = rng.standard_normal((2, n, p + 1)) * 2
    twin = (twin - twin.mean(axis=0)) / twin.std(axis=0)
    twin[:, -1] = share * twin[:, 0] + (1 - share) * twin[:, 1]
    human[:, -1] = np.nan
    rows, columns = [f"r{i:02d}" for i in range(n)], [f"Q{j}" for j in range(p + 1)]
    return Panel(ResponseMatrix(human, rows, columns), ResponseMatrix(twin, rows, columns))


@pytest.mark.parametrize(
    "model", [Ridge(alpha=0.0), Lasso(alpha=1e-9), ElasticNet(alpha=1e-9), SyntheticControl()]
)
def test_a_target_that_copies_a_donor_is_predicted_by_that_donor(model: Ridge) -> None:
    panel = copied()
    model.fit(panel)
    np.testing.assert_allclose(model.coef_[:, 0], [1, 0, 0, 0], atol=1e-4)
    own = panel.human_values[:, 0]
    np.testing.assert_allclose(model.predict().values[:, 0], (own - own.mean()) / own.std(), atol=1e-3)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_synthetic_control_finds_shares_that_add_up_to_one(share: float) -> None:
    model = SyntheticControl().fit(copied(share))
    np.testing.assert_allclose(model.coef_[:, 0], [share, 1 - share, 0, 0], atol=1e-4)
    outside = SyntheticControl().fit(copied(1.6))  # 1.6 and -0.6 are no shares
    assert outside.coef_.min() >= 0
    assert outside.coef_.sum() == pytest.approx(1.0)


def test_the_papers_synthetic_control_stays_near_uniform_weights() -> None:
    coef = SyntheticControlPaper().fit(copied()).coef_[:, 0]
    assert coef.sum() == pytest.approx(1.0)
    assert coef.argmax() == 0
    assert coef.max() < SyntheticControl().fit(copied()).coef_[:, 0].max()


@pytest.mark.parametrize("model", [Ridge(alpha=1e12), Lasso(alpha=1e3), ElasticNet(alpha=1e3)])
def test_an_infinite_penalty_predicts_the_mean(model: Ridge) -> None:
    panel = copied()
    found = model.fit(panel).predict().values
    np.testing.assert_allclose(found, panel.twin_values[:, -1].mean(), atol=1e-6)


def test_lasso_is_the_elastic_net_without_its_second_penalty() -> None:
    panel = generate_population(50, 9, n_new_items=2, random_state=1).panel
    lasso = Lasso(alpha=0.05).fit(panel)
    same = ElasticNet(alpha=0.05, l1_ratio=1.0).fit(panel)
    np.testing.assert_array_equal(lasso.coef_, same.coef_)
    assert (lasso.coef_ == 0).any()


def test_ridge_solves_the_normal_equations() -> None:
    panel = generate_population(50, 9, n_new_items=2, random_state=1).panel
    model = Ridge(alpha=7.0).fit(panel)
    X, y = model.design_.complete.X_twin, model.design_.complete.y_twin
    residual = y - X @ model.coef_ - model.intercept_
    np.testing.assert_allclose(X.T @ residual, 7.0 * model.coef_, atol=1e-8)
    np.testing.assert_allclose(residual.sum(axis=0), 0.0, atol=1e-8)


def test_synthetic_intervention_in_all_directions_is_ridge() -> None:
    panel = generate_population(50, 9, n_new_items=2, random_state=1).panel
    every = SyntheticIntervention(rank=50, alpha=3.0).fit(panel).predict().values
    np.testing.assert_allclose(every, Ridge(alpha=3.0).fit(panel).predict().values, atol=1e-8)


def test_synthetic_intervention_of_rank_one_predicts_along_one_direction() -> None:
    panel = generate_population(50, 9, n_new_items=2, random_state=1).panel
    model = SyntheticIntervention(rank=1, alpha=3.0).fit(panel)
    assert np.linalg.matrix_rank(model.coef_) == 1
    with pytest.raises(ParameterError, match="'rank'"):
        SyntheticIntervention(rank=0).fit(panel)

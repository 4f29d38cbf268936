"""Ridge, elastic net and simplex solvers against independent references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.linear_model import ElasticNet, Lasso, Ridge

from truetwin.errors import DataError, ParameterError
from truetwin.solvers import simplex
from truetwin.solvers.elastic_net import ElasticNetDesign
from truetwin.solvers.ridge import RidgeDesign, ridge
from truetwin.solvers.simplex import (
    PublishedRate,
    WideGram,
    simplex_least_squares,
    simplex_mirror_descent_paper,
)


def problem(n=50, p=8, k=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 2
    return X, X @ rng.normal(size=(p, k)) + rng.normal(size=(n, k))


@pytest.mark.parametrize("shape", [(50, 8), (8, 50)])
def test_ridge_equals_sklearn(shape):
    X, Y = problem(*shape)
    expected = Ridge(alpha=3.0).fit(X, Y)
    coef, intercept = RidgeDesign(X).solve(Y, 3.0)
    np.testing.assert_allclose(coef.T, expected.coef_, atol=1e-9)
    np.testing.assert_allclose(intercept, expected.intercept_, atol=1e-9)
    coef, intercept = ridge(X, Y[:, 0], 3.0)
    np.testing.assert_allclose(coef, expected.coef_[0], atol=1e-9)
    assert intercept == pytest.approx(expected.intercept_[0])


def test_ridge_without_penalty_is_the_minimum_norm_solution():
    X, Y = problem(6, 10)
    coef, intercept = ridge(X, Y, 0.0)
    np.testing.assert_allclose(X @ coef + intercept, Y, atol=1e-8)
    Xc, Yc = X - X.mean(axis=0), Y - Y.mean(axis=0)
    np.testing.assert_allclose(coef, np.linalg.pinv(Xc) @ Yc, atol=1e-8)


def test_ridge_of_constant_columns_is_their_mean():
    coef, intercept = RidgeDesign(np.ones((4, 2))).solve(np.array([1.0, 2.0, 3.0, 6.0]), 0.0)
    np.testing.assert_array_equal(coef, 0.0)
    assert intercept == 3.0


@pytest.mark.parametrize("shape", [(60, 12), (20, 90)])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3, 0.05])
def test_elastic_net_equals_sklearn_to_convergence(shape, l1_ratio):
    X, Y = problem(*shape)
    result = ElasticNetDesign(X).solve(Y, 0.2, l1_ratio, tol=1e-12, max_iter=100_000)
    assert result.converged
    for k in range(Y.shape[1]):
        model = Lasso if l1_ratio == 1.0 else ElasticNet
        extra = {} if l1_ratio == 1.0 else {"l1_ratio": l1_ratio}
        expected = model(alpha=0.2, tol=1e-12, max_iter=100_000, **extra).fit(X, Y[:, k])
        np.testing.assert_allclose(result.coef[:, k], expected.coef_, atol=1e-6)
        assert result.intercept[k] == pytest.approx(expected.intercept_, abs=1e-5)


def test_elastic_net_of_a_constant_target_is_its_mean():
    X, _ = problem()
    result = ElasticNetDesign(X).solve(np.full(len(X), 2.5), 0.1, 0.5)
    np.testing.assert_array_equal(result.coef, 0.0)
    assert (result.intercept, result.converged) == (2.5, True)


def test_elastic_net_says_when_it_did_not_converge():
    X, Y = problem(60, 40)
    assert not ElasticNetDesign(X).solve(Y[:, 0], 1e-4, 0.5, max_iter=1, tol=1e-12).converged


def objective(X, y, alpha, w):
    return np.sum((y - X @ w) ** 2) + alpha * np.sum(w**2)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 12), st.integers(2, 30))
def test_simplex_weights_beat_a_general_solver(seed, p, n):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, p)), rng.normal(size=n)
    result = simplex_least_squares(X.T @ X, X.T @ y, 0.1)
    w = result.weights
    assert w.min() >= 0
    assert w.sum() == pytest.approx(1.0)
    assert result.kkt_gap <= 1e-8
    slsqp = minimize(
        lambda v: objective(X, y, 0.1, v),
        np.full(p, 1 / p),
        jac=lambda v: 2 * (X.T @ (X @ v - y) + 0.1 * v),
        bounds=[(0, 1)] * p,
        constraints={"type": "eq", "fun": lambda v: v.sum() - 1, "jac": lambda v: np.ones(p)},
        method="SLSQP",
    )
    assert objective(X, y, 0.1, w) <= slsqp.fun + 1e-6


@pytest.mark.parametrize("alpha", [0.0, 1e-6])
def test_simplex_with_many_more_donors_than_rows_is_optimal(alpha):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 400)), rng.normal(size=30) * 3
    X[:, 7] = X[:, 3]  # a duplicated donor
    result = simplex_least_squares(X.T @ X, X.T @ y, alpha)
    assert result.kkt_gap <= 1e-8


def test_a_wide_gram_matrix_is_the_formed_one():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((12, 40)), rng.standard_normal((12, 2))
    formed = simplex_least_squares(X.T @ X, X.T @ y, 0.1).weights
    np.testing.assert_allclose(simplex_least_squares(WideGram(X), X.T @ y, 0.1).weights, formed, atol=1e-9)
    paper = [simplex_mirror_descent_paper(g, X.T @ y).weights for g in (X.T @ X, WideGram(X))]
    np.testing.assert_allclose(*paper, atol=1e-9)


def test_simplex_recovers_a_donor_and_ignores_those_not_allowed():
    X, _ = problem()
    gram, xty = X.T @ X, X.T @ X[:, [2, 5]]
    np.testing.assert_allclose(simplex_least_squares(gram, xty).weights, np.eye(8)[:, [2, 5]], atol=1e-6)
    allowed = np.arange(8) != 2
    barred = simplex_least_squares(gram, xty[:, 0], allowed=allowed).weights
    without = simplex_least_squares(gram[np.ix_(allowed, allowed)], xty[allowed, 0]).weights
    assert barred[2] == 0
    np.testing.assert_allclose(barred[allowed], without, atol=1e-8)


def test_simplex_of_one_donor_and_of_constant_donors():
    np.testing.assert_array_equal(simplex_least_squares(np.ones((1, 1)), np.ones(1)).weights, [1.0])
    zeros = simplex_least_squares(np.zeros((3, 3)), np.zeros(3))
    assert zeros.weights.sum() == pytest.approx(1.0)


def test_paper_mirror_descent_stays_between_uniform_and_the_optimum():
    X, Y = problem(100, 20, 1)
    gram, xty = X.T @ X, X.T @ Y[:, 0]
    uniform, exact = np.full(20, 1 / 20), simplex_least_squares(gram, xty).weights
    one = simplex_mirror_descent_paper(gram, xty, settings=PublishedRate(steps=1)).weights
    np.testing.assert_allclose(
        one, uniform, rtol=0.02
    )  # the first step moves log-weights by at most the rate
    stopped = simplex_mirror_descent_paper(gram, xty).weights
    heights = [objective(X, Y[:, 0], 0, w) for w in (exact, stopped, uniform)]
    assert heights == sorted(heights)
    assert heights[0] < heights[1] < heights[2]


def test_paper_mirror_descent_takes_each_target_by_itself():
    X, Y = problem(60, 10, 3)
    gram, xty = X.T @ X, X.T @ Y
    few = PublishedRate(steps=200, rate=0.5)  # a rate so large that objectives rise and the rate is cut
    together = simplex_mirror_descent_paper(gram, xty, 1e-6, few).weights
    apart = [simplex_mirror_descent_paper(gram, xty[:, k], 1e-6, few).weights for k in range(3)]
    np.testing.assert_allclose(together, np.column_stack(apart), atol=1e-9)
    np.testing.assert_allclose(together.sum(axis=0), 1.0)
    with pytest.raises(ParameterError, match="positive"):
        simplex_mirror_descent_paper(gram, xty, settings=PublishedRate(steps=0))


def test_wrong_input_is_named():
    X, Y = problem()
    holes = X.copy()
    holes[0, 0] = np.nan
    for design in (RidgeDesign, ElasticNetDesign):
        with pytest.raises(DataError, match="impute"):
            design(holes)
        with pytest.raises(DataError, match="two-dimensional"):
            design(X[0])
        with pytest.raises(DataError, match="50 rows"):
            design(X).solve(Y[:3], 1.0, *([0.5] if design is ElasticNetDesign else []))
    with pytest.raises(ParameterError, match="alpha"):
        RidgeDesign(X).solve(Y, -1.0)
    with pytest.raises(ParameterError, match="alpha"):
        ElasticNetDesign(X).solve(Y, 0.0, 0.5)
    with pytest.raises(ParameterError, match="l1_ratio"):
        ElasticNetDesign(X).solve(Y, 1.0, 1.5)
    with pytest.raises(ParameterError, match="alpha"):
        simplex_least_squares(np.eye(2), np.ones(2), -1.0)
    with pytest.raises(DataError, match="gram"):
        simplex_least_squares(np.eye(3), np.ones(2))
    with pytest.raises(DataError, match="allowed"):
        simplex_least_squares(np.eye(2), np.ones(2), allowed=np.zeros(2, dtype=bool))


def test_paper_mirror_descent_in_blocks_goes_where_single_steps_go():
    X, Y = problem(300, 40, 2)
    gram, xty = X.T @ X, X.T @ Y
    settings = PublishedRate()
    in_blocks, descended = simplex._in_blocks(gram, xty, 1e-6, settings)
    assert descended.all()
    singly = simplex._step_by_step(gram, xty, 1e-6, settings)
    np.testing.assert_allclose(in_blocks, singly, rtol=5e-3)
    np.testing.assert_array_equal(simplex_mirror_descent_paper(gram, xty, 1e-6).weights, in_blocks)

"""The solvers against linear programming and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from truetwin.reweighting import DISCREPANCIES, Ensemble, TwinTable
from truetwin.reweighting.ensemble import MeanDiscrepancy
from truetwin.solvers.categorical import CategoricalMap
from truetwin.solvers.em import em_transition, em_weights
from truetwin.solvers.fixed_step import FixedStepSettings, fixed_step_descent
from truetwin.solvers.mirror_descent import minimise_on_simplex
from truetwin.solvers.softmax import fit_softmax

M, N, K = 8, 30, 4


def problem(seed: int = 0) -> tuple[CategoricalMap, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = np.vstack([rng.integers(0, K, size=(N, M)), np.repeat(np.arange(K)[:, None], M, axis=1)])
    human = rng.dirichlet(np.ones(K), size=M)
    tensor = (codes.T[:, None, :] == np.arange(K)[None, :, None]).astype(float)
    return CategoricalMap.from_codes(codes, [K] * M), human, tensor


def solve(name: str, operator: CategoricalMap, human: np.ndarray, tol: float = 5e-5) -> float:
    measure = DISCREPANCIES[name]
    n = operator.n_answerers
    solution = minimise_on_simplex(
        operator,
        MeanDiscrepancy(measure, human, complete=True),
        np.full(n, 1 / n),
        smoothings=measure.smoothings,
        tol=tol,
        max_steps=30_000,
    )
    assert solution.weights.sum() == pytest.approx(1.0)
    assert (solution.weights >= 0).all()
    return measure.value(human, operator.shares(solution.weights)).mean()


def linear_program(name: str, human: np.ndarray, tensor: np.ndarray) -> float:
    """tv, cdf-l1 and ks as linear programs in the weights and the absolute differences (ks: their maximum)."""
    m, k, n = tensor.shape
    rows, target = tensor, human
    if name != "tv":
        rows, target = np.cumsum(tensor, axis=1), np.cumsum(human, axis=1)
    rows, target = rows.reshape(m * k, n), target.ravel()
    slack = np.kron(np.eye(m), np.ones((k, 1))) if name == "ks" else np.eye(m * k)
    cost = np.concatenate([np.zeros(n), np.full(slack.shape[1], (0.5 if name == "tv" else 1.0) / m)])
    found = linprog(
        cost,
        A_ub=np.block([[rows, -slack], [-rows, -slack]]),
        b_ub=np.concatenate([target, -target]),
        A_eq=np.concatenate([np.ones(n), np.zeros(slack.shape[1])])[None],
        b_eq=[1.0],
        method="highs",
    )
    return float(found.fun)


@pytest.mark.parametrize("name", ["tv", "ks", "cdf-l1"])
def test_piecewise_linear_objectives_agree_with_linear_programming(name: str) -> None:
    operator, human, tensor = problem(0)
    exact = linear_program(name, human, tensor)
    assert solve(name, operator, human) == pytest.approx(exact, abs=1e-4 * exact)


def barrier_newton(name: str, human: np.ndarray, tensor: np.ndarray) -> float:
    """A second method for the smooth objectives: Newton steps on a logarithmic barrier, finite-difference curvature."""
    measure = DISCREPANCIES[name]
    m, k, n = tensor.shape
    rows = tensor.reshape(m * k, n)
    weights = np.full(n, 1.0 / n)

    def value_slope(w: np.ndarray) -> tuple[float, np.ndarray]:
        values, slope = measure.fit_loss(human, (rows @ w).reshape(m, k), 0.0)
        return float(values.mean()), slope.ravel() / m

    barrier = 1e-2
    while barrier > 1e-9:
        for _ in range(30):
            _, slope = value_slope(weights)
            shares = rows @ weights
            curvature = np.zeros((m * k, m * k))
            for c in range(m * k):
                step = 1e-6 * max(shares[c], 1e-3)
                nudged = shares.copy()
                nudged[c] += step
                up = measure.fit_loss(human, nudged.reshape(m, k), 0.0)[1].ravel() / m
                nudged[c] -= 2 * step
                down = measure.fit_loss(human, nudged.reshape(m, k), 0.0)[1].ravel() / m
                curvature[:, c] = (up - down) / (2 * step)
            gradient = rows.T @ slope - barrier / weights
            hessian = rows.T @ (0.5 * (curvature + curvature.T)) @ rows + np.diag(barrier / weights**2)
            system = np.block([[hessian, np.ones((n, 1))], [np.ones((1, n)), np.zeros((1, 1))]])
            move = np.linalg.solve(system, np.append(-gradient, 0.0))[:n]
            length = min(
                1.0, 0.9 * float(np.min(np.where(move < 0, -weights / np.minimum(move, -1e-300), np.inf)))
            )
            here = value_slope(weights)[0] - barrier * np.log(weights).sum()
            while length > 1e-12:
                trial = weights + length * move
                if value_slope(trial)[0] - barrier * np.log(trial).sum() <= here:
                    break
                length *= 0.5
            weights = weights + length * move
            if abs(float(gradient @ move)) < 1e-12:
                break
        barrier *= 0.1
    return value_slope(weights)[0]


@pytest.mark.parametrize("name", ["kl", "chi2", "hellinger", "cdf-l2"])
def test_smooth_objectives_agree_with_an_interior_point_method(name: str) -> None:
    operator, human, tensor = problem(2)
    exact = barrier_newton(name, human, tensor)
    assert solve(name, operator, human) == pytest.approx(exact, abs=1e-4 * exact)


def test_em_and_mirror_descent_find_the_same_minimum_of_kl() -> None:
    operator, human, _ = problem(3)
    start = np.full(operator.n_answerers, 1 / operator.n_answerers)
    by_em = em_weights(operator, human, start, tol=1e-5, max_steps=50_000)
    assert by_em.converged
    assert by_em.objective == pytest.approx(solve("kl", operator, human), rel=1e-4)


@pytest.mark.parametrize("name", list(DISCREPANCIES))
def test_the_reported_gap_bounds_the_distance_from_the_minimum(name: str) -> None:
    operator, human, _ = problem(4)
    measure = DISCREPANCIES[name]
    objective = MeanDiscrepancy(measure, human, complete=True)
    start = np.full(operator.n_answerers, 1 / operator.n_answerers)
    rough = minimise_on_simplex(operator, objective, start, smoothings=measure.smoothings, tol=0.05)
    assert rough.objective - solve(name, operator, human, tol=1e-3) <= rough.gap + 1e-9


def test_an_answerer_with_weight_zero_stays_out() -> None:
    operator, human, _ = problem(5)
    start = np.ones(operator.n_answerers)
    start[:10] = 0.0
    objective = MeanDiscrepancy(DISCREPANCIES["kl"], human, complete=True)
    solution = minimise_on_simplex(operator, objective, start)
    assert (solution.weights[:10] == 0).all()
    assert solution.effective_sample_size <= operator.n_answerers - 10
    assert solution.n_above() <= operator.n_answerers - 10


def test_missing_answers_change_the_base_and_nothing_else() -> None:
    """Twins who answered nothing but one item leave every other item's shares alone."""
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 3, size=(30, 5))
    half = codes.copy()
    half[15:, 0] = -1
    human = rng.dirichlet(np.ones(3), size=5)
    table = TwinTable.build(half, [3] * 5)
    np.testing.assert_allclose(table.histogram[0], np.bincount(codes[:15, 0], minlength=3) / 15)
    assert table.base.tolist() == [15, 30, 30, 30, 30]
    by_mirror = Ensemble(variant="personas-only", tol=1e-6, max_steps=20_000).fit(table, human, {})
    by_em = Ensemble(variant="personas-only", solver="em", tol=1e-9, max_steps=20_000).fit(table, human, {})
    np.testing.assert_allclose(by_mirror.predict(table), by_em.predict(table), atol=5e-3)


def test_transition_recovers_a_known_matrix() -> None:
    rng = np.random.default_rng(7)
    codes = np.column_stack([rng.choice(3, size=400, p=rng.dirichlet(np.ones(3))) for _ in range(60)])
    truth = np.array([[0.8, 0.2, 0.0], [0.1, 0.8, 0.1], [0.0, 0.3, 0.7]])
    table = TwinTable.build(codes, [3] * 60)
    human = table.histogram @ truth
    rows = [np.arange(60)]
    fit = em_transition(
        table.operator, human, table.prior, rows, fixed_weights=True, max_steps=3000, tol=1e-12
    )
    np.testing.assert_allclose(fit.transitions[0], truth, atol=0.02)


def test_coarser_steps_follow_the_papers_path() -> None:
    operator, human, _ = problem(8)
    slope = lambda q: -human / np.maximum(q, 1e-6) / M  # noqa: E731
    start = np.ones(operator.n_answerers)
    paths = [
        fixed_step_descent(operator, slope, start, FixedStepSettings(steps=4000).coarser(factor))
        for factor in (1, 4)
    ]
    np.testing.assert_allclose(operator.shares(paths[0]), operator.shares(paths[1]), atol=2e-3)


def test_softmax_regression_reaches_a_stationary_point() -> None:
    rng = np.random.default_rng(9)
    features, shares = rng.normal(size=(40, 6)), rng.dirichlet(np.ones(3), size=40)
    fit = fit_softmax(features, shares, 1e-2, max_steps=2000)
    error = (fit.predict(features) - shares) / 40
    np.testing.assert_allclose(features.T @ error + 2e-2 * fit.coefficients[1:], 0.0, atol=2e-5)

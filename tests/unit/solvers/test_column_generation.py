"""Column generation against the solver that lets everybody take part at once."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.reweighting import DISCREPANCIES
from truetwin.reweighting.ensemble import MeanDiscrepancy
from truetwin.solvers import column_generation
from truetwin.solvers.categorical import CategoricalMap
from truetwin.solvers.column_generation import minimise_over_many
from truetwin.solvers.mirror_descent import minimise_on_simplex

N, M, K = 900, 25, 4


@pytest.fixture(autouse=True)
def small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_generation, "MANY", 500)
    monkeypatch.setattr(column_generation, "SAMPLE", 100)
    monkeypatch.setattr(column_generation, "ENTERING", 40)


def answers(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, K, size=(N, M))


def marginals(seed: int) -> np.ndarray:
    """Shares that no weighting of the answers reaches."""
    return np.random.default_rng(seed).dirichlet(np.full(K, 0.3), size=M)


@pytest.mark.parametrize("name", ["kl", "chi2", "tv"])
def test_the_minimum_over_everybody_is_found_within_the_gap(name: str) -> None:
    measure, operator, human = (
        DISCREPANCIES[name],
        CategoricalMap.from_codes(answers(0), [K] * M),
        marginals(1),
    )
    objective = MeanDiscrepancy(measure, human, complete=True)
    start = np.full(N, 1 / N)
    exact = minimise_on_simplex(operator, objective, start, smoothings=measure.smoothings, tol=5e-4)
    found = minimise_over_many(operator, objective, start, smoothings=measure.smoothings, tol=2e-3)
    assert len(found.trace) < 25  # one entry a round
    assert found.converged
    assert found.gap <= 2e-3 * found.objective
    assert abs(found.objective - exact.objective) <= found.gap + exact.gap
    assert objective.evaluate(operator.shares(found.weights), 0.0)[0] == pytest.approx(
        found.objective, rel=1e-9
    )
    np.testing.assert_allclose(operator.shares(found.weights), operator.shares(exact.weights), atol=0.02)


def test_an_answerer_with_weight_zero_stays_out_of_every_round() -> None:
    operator, start = CategoricalMap.from_codes(answers(2), [K] * M), np.ones(N)
    start[::2] = 0.0
    objective = MeanDiscrepancy(DISCREPANCIES["kl"], marginals(3), complete=True)
    solution = minimise_over_many(operator, objective, start)
    only = minimise_on_simplex(operator.take(np.arange(1, N, 2)), objective, np.ones(N // 2))
    assert solution.converged
    assert (solution.weights[::2] == 0).all()
    assert solution.objective == pytest.approx(only.objective, rel=2e-3)


def test_those_with_the_same_answers_share_a_weight_in_proportion_to_the_start() -> None:
    codes = answers(4)
    codes[N // 2 :] = codes[: N // 2]
    operator, start = CategoricalMap.from_codes(codes, [K] * M), np.ones(N)
    start[N // 2 :] = 3.0
    objective = MeanDiscrepancy(DISCREPANCIES["kl"], marginals(5), complete=True)
    weights = minimise_over_many(operator, objective, start).weights
    np.testing.assert_allclose(weights[N // 2 :], 3.0 * weights[: N // 2], atol=1e-15)


def test_everybody_takes_part_at_once_where_a_few_fit_perfectly() -> None:
    operator = CategoricalMap.from_codes(answers(6)[:, :3], [K] * 3)
    objective = MeanDiscrepancy(DISCREPANCIES["kl"], np.full((3, K), 1 / K), complete=True)
    start = np.full(N, 1 / N)
    np.testing.assert_array_equal(
        minimise_over_many(operator, objective, start).weights,
        minimise_on_simplex(operator, objective, start).weights,
    )

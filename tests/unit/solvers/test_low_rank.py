from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truetwin.errors import DataError, ParameterError
from truetwin.solvers._spectral_flow import next_stride, stride_of
from truetwin.solvers.low_rank import als, hard_impute, hard_impute_rows_apart, soft_impute


def incomplete(n=60, p=17, rank=3, noise=0.3, share=0.25, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, p)) + noise * rng.normal(size=(n, p)) + 3
    X[rng.random((n, p)) < share] = np.nan
    return X


def plain_iteration(X, rank, shrinkage=0.0, tol=1e-4, max_iter=1000):
    """The textbook loop with a full SVD: the reference for the accelerated path."""
    missing = np.isnan(X)
    Z = np.where(missing, np.nanmean(X, axis=0), X)
    for _ in range(max_iter):
        U, s, Vt = np.linalg.svd(Z, full_matrices=False)
        low = (U[:, :rank] * np.maximum(s[:rank] - shrinkage, 0)) @ Vt[:rank]
        new = np.where(missing, low, X)
        change = np.linalg.norm(new - Z) / np.linalg.norm(Z)
        Z = new
        if change < tol:
            break
    return Z


METHODS = [lambda X, **k: hard_impute(X, 3, **k), lambda X, **k: soft_impute(X, 3, 1.0, **k)]


@pytest.mark.parametrize("method", METHODS)
def test_observed_entries_never_change(method):
    X = incomplete()
    before = X.copy()
    result = method(X, dtype=np.float32)
    seen = ~np.isnan(X)
    np.testing.assert_array_equal(result.completed[seen], X[seen])
    np.testing.assert_array_equal(X, before)
    assert result.converged
    assert np.isfinite(result.completed).all()


@pytest.mark.parametrize(("shape", "shrinkage"), [((60, 17), 0.0), ((17, 60), 0.0), ((60, 17), 1.0)])
def test_plain_iteration_equals_full_svd_iteration(shape, shrinkage):
    X = incomplete(*shape)
    expected = plain_iteration(X, 3, shrinkage)
    actual = soft_impute(X, 3, shrinkage, accelerate=False).completed
    np.testing.assert_allclose(actual, expected, atol=2e-3)


def test_leading_directions_are_found_where_the_largest_columns_are_alike():
    X = incomplete(90, 84, rank=2, noise=0.1)
    X[:, :10] = 9.0 * X[:, [0]]
    expected = plain_iteration(X, 1)
    actual = hard_impute(X, 1, accelerate=False).completed
    np.testing.assert_allclose(actual, expected, atol=0.01 * np.nanstd(X))


def test_steps_on_the_gram_matrix_end_where_the_full_svd_ends():
    X = incomplete(120, 30, rank=6, noise=1.0)
    X[:, 8:] = np.where(np.isnan(X[:, 8:]), 0.0, X[:, 8:])  # few columns change, and the basis is wide
    expected = plain_iteration(X, 10, 2.0)
    actual = soft_impute(X, 10, 2.0, accelerate=False).completed
    np.testing.assert_allclose(actual, expected, atol=2e-3)


@pytest.mark.parametrize("shrinkage", [0.0, 2.0])
def test_long_strides_end_where_the_plain_iteration_ends(shrinkage):
    X = incomplete(300, 30, rank=6, noise=1.0, share=0.4)
    plain = soft_impute(X, 4, shrinkage, accelerate=False)
    fast = soft_impute(X, 4, shrinkage)
    assert fast.n_iter < plain.n_iter
    rms = np.sqrt(np.mean((fast.completed - plain.completed) ** 2))
    assert rms < 0.01 * np.nanstd(X)


def test_early_stop_is_kept_although_the_limit_lies_elsewhere():
    X = incomplete(200, 25, rank=3, noise=2.0, share=0.5)  # overfits: filled values grow without bound
    plain = hard_impute(X, 6, accelerate=False).completed
    limit = hard_impute(X, 6, tol=1e-6, max_iter=20_000).completed
    fast = hard_impute(X, 6).completed
    assert np.linalg.norm(fast - plain) < 0.1 * np.linalg.norm(limit - plain)


def test_exact_low_rank_matrix_is_recovered():
    X = incomplete(80, 12, rank=2, noise=0.0, share=0.0)
    holes = X.copy()
    holes[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    np.testing.assert_allclose(hard_impute(holes, 3, tol=1e-10, max_iter=100_000).completed, X, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_order_of_rows_and_columns_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    X = incomplete(50, 12, seed=3)
    rows, columns = rng.permutation(50), rng.permutation(12)
    direct = hard_impute(X, 2).completed[rows][:, columns]
    np.testing.assert_allclose(hard_impute(X[rows][:, columns], 2).completed, direct, atol=1e-6)


def test_single_precision_agrees():
    X = incomplete(200, 20)
    double, single = hard_impute(X, 3).completed, hard_impute(X, 3, dtype=np.float32).completed
    assert single.dtype == np.float64
    np.testing.assert_allclose(single, double, atol=1e-3)


def test_complete_matrix_is_returned_unchanged():
    X = np.arange(12.0).reshape(4, 3)
    result = hard_impute(X, 1)
    np.testing.assert_array_equal(result.completed, X)
    assert result.completed is not X
    assert (result.n_iter, result.converged) == (0, True)


def test_rank_of_the_whole_matrix_returns_the_start():
    X = incomplete(10, 4)
    start = np.where(np.isnan(X), np.nanmean(X, axis=0), X)
    np.testing.assert_allclose(hard_impute(X, 9).completed, start, atol=1e-10)


def test_given_start_is_used_where_missing_and_only_there():
    X = incomplete(10, 4)
    start = np.full(X.shape, 7.0)
    expected = np.where(np.isnan(X), 7.0, X)
    np.testing.assert_allclose(hard_impute(X, 4, start=start).completed, expected, atol=1e-9)


def test_column_and_row_without_any_answer_are_filled_finitely():
    X = incomplete(20, 6)
    X[:, 2] = np.nan
    X[5] = np.nan
    for result in (hard_impute(X, 2), soft_impute(X, 2, 0.5), als(X, 2, 0.5)):
        assert np.isfinite(result.completed).all()


def test_constant_zero_matrix_and_single_cell():
    X = np.zeros((5, 3))
    X[0, 0] = np.nan
    np.testing.assert_array_equal(hard_impute(X, 1).completed, 0.0)
    np.testing.assert_array_equal(soft_impute(X, 1, 1.0).completed, 0.0)
    np.testing.assert_array_equal(hard_impute(np.array([[4.0]]), 1).completed, [[4.0]])
    np.testing.assert_array_equal(hard_impute(np.array([[4.0, np.nan]]), 1).completed, [[4.0, 4.0]])


def test_als_satisfies_its_optimality_conditions():
    # Stationarity of |P(X - L)|^2 / 2 + lambda |L|_*: P(X - L) = lambda (UV' + W), W orthogonal to U and V, |W| <= 1.
    X = incomplete(60, 15)
    penalty = 4.0
    L = als(X, 15, penalty, tol=1e-9).completed
    residual = np.where(np.isnan(X), 0.0, X - L)
    U, s, Vt = np.linalg.svd(L, full_matrices=False)
    kept = s > 1e-6
    assert 0 < kept.sum() < 15
    np.testing.assert_allclose(U[:, kept].T @ residual, penalty * Vt[kept], atol=1e-4)
    assert np.linalg.norm(residual, 2) <= penalty * (1 + 1e-5)


def test_als_equals_alternating_least_squares():
    X = incomplete(40, 10)
    penalty, rank = 1.5, 8
    U, V = np.random.default_rng(0).normal(size=(40, rank)), np.random.default_rng(1).normal(size=(10, rank))
    seen = ~np.isnan(X)
    for _ in range(300):
        for i in range(40):
            B = V[seen[i]]
            U[i] = np.linalg.solve(B.T @ B + penalty * np.eye(rank), B.T @ X[i, seen[i]])
        for j in range(10):
            A = U[seen[:, j]]
            V[j] = np.linalg.solve(A.T @ A + penalty * np.eye(rank), A.T @ X[seen[:, j], j])
    np.testing.assert_allclose(als(X, rank, penalty, tol=1e-10).completed, U @ V.T, atol=1e-4)


def test_als_start_changes_time_but_not_result():
    X = incomplete(60, 15)
    cold = als(X, 10, 3.0, tol=1e-8)
    warm = als(X, 10, 3.0, tol=1e-8, start=soft_impute(X, 10, 3.0).completed)
    assert warm.n_iter < cold.n_iter
    np.testing.assert_allclose(warm.completed, cold.completed, atol=1e-5)


@pytest.mark.parametrize("n_stages", range(2, 9))
def test_stride_is_consistent_and_stable(n_stages):
    stride = stride_of(n_stages)

    def amplification(decay):
        current, change = 1.0, 0.0
        for stage in stride.stages:
            change = stage.momentum * change - stage.step * decay * current
            current += change
        return current

    assert all(abs(amplification(z)) <= 1 for z in np.linspace(1e-9, 1.0, 500))
    assert (1 - amplification(1e-6)) / 1e-6 == pytest.approx(stride.span, rel=1e-3)


def test_strides_start_plain_and_grow():
    assert next_stride(3.0, 10).span == 1.0
    assert next_stride(20.0, 10).span < next_stride(500.0, 10).span


@pytest.mark.parametrize(
    ("X", "arguments", "error", "words"),
    [
        (np.full((2, 2), np.nan), (1,), DataError, "at least one observed"),
        (np.array([[1.0, np.inf]]), (1,), DataError, "row 0, column 1"),
        (np.ones(3), (1,), DataError, "two-dimensional"),
        (np.ones((2, 2)), (0,), ParameterError, "rank"),
    ],
)
def test_wrong_input_is_named(X, arguments, error, words):
    with pytest.raises(error, match=words):
        hard_impute(X, *arguments)


def test_wrong_options_are_named():
    X = incomplete(6, 4)
    with pytest.raises(ParameterError, match="shrinkage"):
        soft_impute(X, 1, -1.0)
    with pytest.raises(ParameterError, match="penalty"):
        als(X, 1, 0.0)
    with pytest.raises(ParameterError, match="max_iter"):
        hard_impute(X, 1, max_iter=0)
    with pytest.raises(ParameterError, match="tol"):
        hard_impute(X, 1, tol=-1.0)
    with pytest.raises(DataError, match="shape of X"):
        hard_impute(X, 1, start=np.ones((2, 2)))
    with pytest.raises(DataError, match="finite wherever"):
        hard_impute(X, 1, start=X)


def test_stopping_short_is_reported():
    assert not hard_impute(incomplete(), 2, max_iter=2).converged


@pytest.mark.parametrize("shape", [(80, 12), (20, 40)])
def test_rows_apart_influence_no_other_row(shape):
    X = incomplete(*shape)
    apart = np.arange(shape[0]) % 5 == 0
    scrambled = X.copy()
    scrambled[5] = np.where(np.isnan(X[5]), np.nan, -X[5] * 3)
    before, after = (hard_impute_rows_apart(x, apart, 3).completed for x in (X, scrambled))
    others = np.arange(shape[0]) != 5
    np.testing.assert_array_equal(after[others], before[others])
    without = hard_impute_rows_apart(X[others], apart[others], 3).completed
    np.testing.assert_array_equal(without, before[others])


def test_rows_apart_are_completed_nearly_as_together():
    X = incomplete(400, 15, noise=0.5)
    apart = np.arange(400) % 16 == 0
    together, alone = hard_impute(X, 3).completed, hard_impute_rows_apart(X, apart, 3).completed
    assert np.sqrt(np.mean((together - alone) ** 2)) < 0.1 * np.nanstd(X)
    seen = ~np.isnan(X)
    np.testing.assert_array_equal(alone[seen], X[seen])


def test_rows_apart_must_leave_a_row():
    with pytest.raises(DataError, match="apart"):
        hard_impute_rows_apart(incomplete(), np.ones(60, dtype=bool), 2)


def test_numbers_too_large_for_single_precision_are_completed_all_the_same() -> None:
    X = np.outer(np.arange(1.0, 7.0), np.arange(1.0, 5.0))
    X[2, 1] = np.nan
    small = hard_impute(X, rank=1, dtype=np.float32).completed
    large = hard_impute(X * 1e49, rank=1, dtype=np.float32).completed
    np.testing.assert_allclose(large / 1e49, small, rtol=1e-3)

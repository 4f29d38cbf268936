from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truetwin.errors import DataError
from truetwin.solvers import categorical
from truetwin.solvers.categorical import CategoricalMap


def dense(codes: np.ndarray, width: int) -> np.ndarray:
    """(m, K, n) indicator tensor."""
    return (codes.T[:, None, :] == np.arange(width)[None, :, None]).astype(float)


@given(st.integers(1, 60), st.integers(1, 12), st.integers(1, 5), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_shares_and_pull_back_equal_the_dense_tensor(n: int, m: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(-1, width, size=(n, m))
    operator = CategoricalMap.from_codes(codes, [width] * m)
    tensor = dense(codes, width)
    weights, gradient = rng.random(n), rng.normal(size=(m, width))
    np.testing.assert_allclose(operator.shares(weights), tensor @ weights, atol=1e-12)
    np.testing.assert_allclose(
        operator.pull_back(gradient), np.einsum("jk,jki->i", gradient, tensor), atol=1e-12
    )
    assert operator.complete == bool((codes >= 0).all())


def test_the_form_for_millions_of_answerers_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(-1, 4, size=(3000, 30))
    small = CategoricalMap.from_codes(codes, [4] * 30)
    monkeypatch.setattr(categorical, "SPARSE_LIMIT", 0)
    monkeypatch.setattr(categorical, "CHUNK", 512)
    large = CategoricalMap.from_codes(codes, [4] * 30)
    weights, gradient = rng.random(3000), rng.normal(size=(30, 4))
    np.testing.assert_allclose(large.shares(weights), small.shares(weights), atol=1e-10)
    np.testing.assert_allclose(large.pull_back(gradient), small.pull_back(gradient), atol=1e-10)
    assert large.nbytes == 2 * 3000 * large.n_blocks


@pytest.mark.parametrize("limit", [0, 1 << 24])
def test_codes_are_read_back_in_both_forms(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(categorical, "SPARSE_LIMIT", limit)
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 5, size=30)
    codes = rng.integers(-1, sizes, size=(2000, 30))
    operator = CategoricalMap.from_codes(codes, sizes)
    some = np.array([1999, 3, 3, 0, 750])
    np.testing.assert_array_equal(operator.codes(some), codes[some])
    assert operator.take(some).shape == operator.shape


def test_alike_items_are_merged_into_few_blocks() -> None:
    column = np.random.default_rng(0).integers(0, 3, size=500)
    codes = np.repeat(column[:, None], 40, axis=1)
    assert CategoricalMap.from_codes(codes, [3] * 40).n_blocks == 1


def test_a_code_beyond_the_categories_is_refused() -> None:
    with pytest.raises(DataError, match=r"item number 1 must lie in 0\.\.1"):
        CategoricalMap.from_codes(np.array([[0, 2]]), [2, 2])


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(DataError, match="one answer per answerer"):
        CategoricalMap([np.zeros(3, int), np.zeros(4, int)], [1, 1])

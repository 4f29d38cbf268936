"""Rubin's rules, against cases computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import truetwin as tt
from truetwin.errors import ParameterError


def test_total_variance_and_degrees_of_freedom_by_hand() -> None:
    # values 1, 2, 3; U = 1, B = 1, T = 1 + 4/3; share of B in T = 4/7; df = 2 / (4/7)^2
    pooled = tt.pool(lambda x: (x, 1.0), [1.0, 2.0, 3.0])
    assert pooled.estimate == pytest.approx(2.0)
    assert pooled.standard_error == pytest.approx((7 / 3) ** 0.5)
    assert pooled.df == pytest.approx(2 * 49 / 16)
    ratio = 4 / 3
    assert pooled.missing_information == pytest.approx((ratio + 2 / (6.125 + 3)) / (ratio + 1))


def test_degrees_of_freedom_of_complete_data_limit_them() -> None:
    # Barnard and Rubin: observed df = 11/13 * 10 * (1 - 4/7), combined harmonically with 6.125
    pooled = tt.pool(lambda x: (x, 1.0, 10), [1.0, 2.0, 3.0])
    observed = 11 / 13 * 10 * 3 / 7
    assert pooled.df == pytest.approx(1 / (1 / 6.125 + 1 / observed))


def test_interval_by_hand() -> None:
    # t quantile at .975 with 2 df is 4.302653: with U = 0 all variance lies between the draws, df = M - 1
    low, high = tt.pool(lambda x: (x, 0.0), [1.0, 2.0, 3.0]).interval(0.95)
    assert (high - low) / 2 == pytest.approx(4.3026527 * (4 / 3) ** 0.5)


def test_equal_draws_have_no_missing_information() -> None:
    pooled = tt.pool(lambda x: (2.0, 4.0), [0, 0])
    assert (pooled.standard_error, pooled.df, pooled.missing_information) == (2.0, np.inf, 0.0)
    assert tt.pool(lambda x: (2.0, 4.0, 30), [0, 0]).df == pytest.approx(31 / 33 * 30)


def test_arrays_are_pooled_cell_by_cell() -> None:
    pooled = tt.pool(lambda x: (np.array([x, 5.0]), np.array([1.0, 4.0])), [1.0, 2.0, 3.0])
    np.testing.assert_allclose(pooled.estimate, [2.0, 5.0])
    np.testing.assert_allclose(pooled.standard_error, [(7 / 3) ** 0.5, 2.0])
    np.testing.assert_allclose(pooled.df, [6.125, np.inf])


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (1.0, "must return"),
        ((1.0,), "must return"),
        ((np.ones(2), np.ones((2, 2))), "one shape"),
        ((1.0, -1.0), "at least 0"),
    ],
)
def test_wrong_estimators_are_refused(returned: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        tt.pool(lambda _: returned, [0, 0])


def test_one_draw_is_not_enough() -> None:
    with pytest.raises(ParameterError, match="at least 2 draws; got 1"):
        tt.pool(lambda x: (x, 1.0), [1.0])

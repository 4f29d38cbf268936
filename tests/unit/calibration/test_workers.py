from __future__ import annotations

import pytest

from truetwin.calibration.workers import in_parallel
from truetwin.errors import ParameterError


def quotient(a: int, b: int) -> float:
    return a / b


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_come_in_the_order_of_the_calls(n_jobs: int) -> None:
    calls = [(k, 2) for k in range(7)]
    assert list(in_parallel(quotient, calls, n_jobs)) == [k / 2 for k in range(7)]


def test_each_result_is_there_before_the_next_call_is_made() -> None:
    asked = []

    def calls():
        for k in range(1, 4):
            asked.append(k)
            yield (1, k)

    results = in_parallel(quotient, calls(), 1)
    assert asked == []  # nothing is computed before it is wanted
    assert next(results) == 1.0
    assert list(results) == [1 / 2, 1 / 3]


def test_an_error_of_a_call_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(quotient, [(1, 1), (1, 0)], 1))


def test_no_worker_at_all_is_refused() -> None:
    with pytest.raises(ParameterError, match="n_jobs"):
        list(in_parallel(quotient, [(1, 1)], 0))

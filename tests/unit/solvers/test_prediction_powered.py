from __future__ import annotations

import numpy as np
import pytest

from truetwin.errors import DataError, ParameterError
from truetwin.solvers.prediction_powered import prediction_powered_mean


def test_a_bias_of_the_predictions_is_removed() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(3.0, 1.0, 2000)
    predicted = truth + 0.5 + random.normal(0, 0.3, 2000)
    found = prediction_powered_mean(truth[:200], predicted[:200], predicted, level=0.95)
    plain = truth[:200].std(ddof=1) / np.sqrt(200)
    assert abs(found.value - truth.mean()) < 0.06
    assert found.standard_error < 0.45 * plain
    assert found.low < truth.mean() < found.high


def test_useless_predictions_leave_the_plain_mean() -> None:
    found = prediction_powered_mean([1.0, 2.0, 6.0], [5.0, 5.0, 5.0], [5.0] * 40)
    assert (found.value, found.weight) == (3.0, 0.0)


def test_nothing_is_uncertain_when_everybody_is_measured() -> None:
    found = prediction_powered_mean([1.0, 2.0, 6.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert found.standard_error == 0.0
    assert found.value == pytest.approx(3.0)


def test_intervals_cover_as_often_as_they_say() -> None:
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        truth = random.normal(0.0, 1.0, 300)
        predicted = truth * 0.7 + random.normal(0, 0.5, 300)
        chosen = random.choice(300, 40, replace=False)
        found = prediction_powered_mean(truth[chosen], predicted[chosen], predicted, level=0.9)
        hits += found.low <= truth.mean() <= found.high
    assert 0.86 <= hits / 400 <= 0.94


@pytest.mark.parametrize(
    ("measured", "predicted", "population", "level", "error", "words"),
    [
        ([1.0], [1.0], [1.0, 2.0], 0.9, DataError, "at least two"),
        ([1.0, 2.0], [1.0], [1.0, 2.0], 0.9, DataError, "needs its prediction"),
        ([1.0, 2.0], [1.0, float("nan")], [1.0, 2.0, 3.0], 0.9, DataError, "must be numbers"),
        ([1.0, 2.0], [1.0, 2.0], [1.0, 2.0, 3.0], 1.0, ParameterError, "between 0 and 1"),
    ],
)
def test_bad_input_is_refused(measured, predicted, population, level, error, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=words):
        prediction_powered_mean(measured, predicted, population, level=level)

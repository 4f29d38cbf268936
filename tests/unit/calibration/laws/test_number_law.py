"""Laws of numeric items."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.laws.number_law import RANKS, NumberErrors, NumberLaw, limited_numbers
from truetwin.calibration.laws.prediction_errors import ErrorQuantiles
from truetwin.data import Scale
from truetwin.errors import ParameterError

SKEWED = ErrorQuantiles(np.linspace(0.01, 0.99, 99), np.exp(np.linspace(-2, 2.5, 99)) - 2)


def law(scale: Scale, points: np.ndarray) -> NumberLaw:
    errors = NumberErrors.of(np.arange(len(points)), SKEWED, scale)
    limits = limited_numbers(points, scale.low, scale.high)
    return NumberLaw("Q1", tuple(map(str, range(len(points)))), None, {}, limits, (errors,))


@pytest.mark.parametrize(
    "scale", [Scale.numeric(0, 10), Scale.numeric(0), Scale.numeric(high=10), Scale.numeric()]
)
def test_the_mean_of_the_quantiles_is_the_point(scale: Scale) -> None:
    some = law(scale, np.linspace(0.3, 9.7, 40))
    answers = np.array([some.quantile(float(u)) for u in RANKS])
    np.testing.assert_allclose(answers.mean(axis=0), some.mean(), atol=2e-3)
    np.testing.assert_allclose(answers.std(axis=0), some.sd(), atol=5e-3)
    assert answers.min() >= scale.low
    assert answers.max() <= scale.high


def test_intervals_are_quantiles_and_grow_with_the_level() -> None:
    some = law(Scale.numeric(0, 10), np.linspace(1, 9, 30))
    low, high = some.interval(0.5)
    wider = some.interval(0.9)
    assert (wider[0] <= low).all()
    assert (high <= wider[1]).all()
    np.testing.assert_array_equal(some.median(), some.quantile(0.5))
    assert ((some.mode() >= 0) & (some.mode() <= 10)).all()


def test_a_wanted_mean_is_reached_and_shares_are_refused() -> None:
    some = law(Scale.numeric(0, 10), np.linspace(1, 9, 30))
    weights = np.linspace(1, 2, 30)
    new = some.with_shares(7.5, weights)
    assert np.average(new.mean(), weights=weights) == pytest.approx(7.5)
    with pytest.raises(ParameterError, match="a wanted mean, one number, and no shares"):
        some.with_shares([0.5, 0.5])
    with pytest.raises(ParameterError, match="only items with categories have probabilities"):
        some.probabilities()

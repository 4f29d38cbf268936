"""Levels that hidden answers are put beside, from sums over everybody."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from truetwin.evaluation.hidden_pairs import AnswerMoments


@pytest.mark.parametrize("missing", [[5], [0, 7, 8], list(range(2, 40)), list(range(40))])
def test_moments_are_those_of_the_people_alone(missing: list[int]) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(1, 8, (40, 6)) * 0.1
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 2] = 3.0  # no spread
    values[:, 3] = np.where(np.arange(40) == 5, 1e6, 3.0)  # no spread without one of them
    values[:, 4] = np.nan
    people = [k for k in range(40) if k not in missing]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = np.nanmean(values[people], axis=0), np.nanstd(values[people], axis=0)
    centre, spread = AnswerMoments(values).of(people)
    np.testing.assert_allclose(centre, expected[0], rtol=1e-9)
    np.testing.assert_allclose(spread, expected[1], rtol=1e-8)
    assert ((spread == 0) == (expected[1] == 0)).all()

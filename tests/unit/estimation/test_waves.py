"""Change of an item between two waves."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.data import Scale
from truetwin.estimation.statistics import named_statistics
from truetwin.estimation.topline import topline
from truetwin.estimation.waves import changes_of
from truetwin.reweighting.share_law import ShareLaw

SHARES = np.array([0.4, 0.6])
LAW = ShareLaw("Q2", np.array([0.0, 1.0]), SHARES, weights=np.eye(6)[5])


def width(answered: int, sampling: float) -> float:
    answers = np.where(np.arange(400) < answered, np.arange(400) % 2.0, np.nan)
    whole = topline(LAW, Scale.ordinal(0, 1), named_statistics(["mean"]), level=0.9, sampling=sampling)
    (found,) = changes_of(whole, answers, np.ones(400), 0.9, sampling=sampling)
    assert found.estimate == pytest.approx(0.1)
    return found.upper - found.lower


def test_the_error_of_an_old_wave_counts_those_who_did_not_answer_and_the_sample_of_people() -> None:
    known = 0.24 / 251  # variance of the new wave
    error = {  # of the old wave
        (400, 0.0): 0.0,
        (40, 0.0): 0.25 * (1 / 40 - 1 / 400),
        (400, 1 / 400): 0.25 / 400 + 0.24 / 400,
        (40, 1 / 400): 0.25 / 40 + 0.24 / 400,
    }
    for case, variance in error.items():
        assert width(*case) == pytest.approx(2 * 1.645 * np.sqrt(known + variance), rel=0.03)

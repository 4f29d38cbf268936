"""Answers of some people to an item, summarised for the plan of how many more to ask."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.estimation.first_answers import NOBODY, FirstAnswers, first_answers
from truetwin.estimation.statistics import CategoryFunction
from truetwin.reweighting.share_law import ShareLaw

CODES = np.array([1.0, 2.0, 3.0])
LAW = ShareLaw("Q1", CODES, np.array([0.2, 0.3, 0.5]))
ANSWERS = np.array([1.0, 3.0, 2.0, 3.0, np.nan, 1.0])


def described(weights: list[float], own: list[float] | None = None) -> FirstAnswers:
    asked = None if own is None else np.array(own)
    functions = [CategoryFunction("mean", None, CODES)]
    return first_answers(ANSWERS, np.array(weights), asked, LAW, functions, effect=1.5)


def test_people_who_count_alike_are_described_by_mean_and_variance() -> None:
    found = described([1] * 6)
    seen = ANSWERS[np.isfinite(ANSWERS)]
    assert (found.n, found.size) == (5, pytest.approx(5))
    assert found.means == pytest.approx([seen.mean()])
    assert found.spread == pytest.approx([seen.var(ddof=1)])
    assert found.people(8) == pytest.approx(5 + 3 / 1.5)
    assert found.rest(5, 20) == pytest.approx(0.75)


def test_weights_of_being_asked_take_the_place_of_the_others() -> None:
    found = described([5, 1, 0, 1, 1, 1], own=[1, 3, 2, np.nan, 1, 0])
    assert (found.n, found.size) == (2, pytest.approx(16 / 10))
    assert found.means == pytest.approx([2.5])
    assert found.rest(2, 20) == 1  # not drawn simply at random


def test_where_nobody_who_counts_has_answered_there_is_no_mean() -> None:
    found = described([0, 0, 0, 0, 1, 0])
    assert (found.n, found.means, found.spread, found.effect) == (0, None, None, 1.5)
    assert NOBODY.people(7) == 7

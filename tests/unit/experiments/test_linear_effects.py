"""Effects with known truth, and their errors against textbook formulas and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind

from truetwin.estimation.survey_variance import SurveyDesign
from truetwin.experiments.linear_effects import (
    LinearEffect,
    difference_of_arms,
    mean_difference,
    stacked_difference,
)


def test_the_error_between_two_arms_is_that_of_welch() -> None:
    rng = np.random.default_rng(0)
    y, arms = rng.normal(size=40) * np.repeat([1.0, 3.0], [15, 25]), np.repeat([0, 1], [15, 25])
    found = difference_of_arms(y, arms, [1, -1], np.ones(40))
    welch = ttest_ind(y[:15], y[15:], equal_var=False)
    se, df = found.error(SurveyDesign.of(40))
    assert found.effect / se == pytest.approx(welch.statistic)
    assert df == pytest.approx(welch.df)
    assert (found.n_treatment, found.n_control, found.n_people) == (15, 25, 40)


def test_the_sd_between_arms_is_pooled_within_arms() -> None:
    y = np.array([1.0, 3.0, 11.0, 13.0])
    found = difference_of_arms(y, np.array([0, 0, 1, 1]), [1, -1], np.ones(4))
    assert found.sd == pytest.approx(np.sqrt(2))


def test_weights_that_double_people_give_the_means_of_doubled_people() -> None:
    y, arms, w = np.array([1.0, 2.0, 4.0, 9.0]), np.array([0, 0, 1, 1]), np.array([2.0, 1.0, 1.0, 2.0])
    twice = difference_of_arms(y, arms, [1, -1], w)
    assert twice.effect == pytest.approx(np.mean([1, 1, 2]) - np.mean([4, 9, 9]))


def test_the_error_within_people_is_that_of_their_differences() -> None:
    rng = np.random.default_rng(1)
    plus, minus = rng.normal(1, 1, 30), rng.normal(0, 2, 30)
    found = mean_difference(plus, minus, np.ones(30))
    se, df = found.error(SurveyDesign.of(30))
    assert found.effect == pytest.approx((plus - minus).mean())
    assert (se, df) == pytest.approx(((plus - minus).std(ddof=1) / np.sqrt(30), 29))
    assert found.sd == pytest.approx(np.sqrt((plus.var(ddof=1) + minus.var(ddof=1)) / 2))


def test_two_stacked_answers_of_a_person_are_compared_as_a_difference() -> None:
    """With two items in turn, the regression with constants is the mean difference of the two orders."""
    rng = np.random.default_rng(2)
    treated = np.array([[1, 0], [0, 1]] * 20, dtype=np.int8)
    answers = rng.normal(size=(40, 1)) * 5 + [0.0, 7.0] + 0.5 * treated + rng.normal(size=(40, 2))
    found = stacked_difference(answers, treated, np.ones(40))
    own = answers[:, 0] - answers[:, 1]
    expected = (own[treated[:, 0] == 1].mean() - own[treated[:, 0] == 0].mean()) / 2
    assert found.effect == pytest.approx(expected)
    assert (found.n_treatment, found.n_control, found.n_people) == (40, 40, 40)


def test_stacked_effects_equal_a_regression_with_constants_of_persons_and_items() -> None:
    rng = np.random.default_rng(3)
    n, k = 25, 4
    treated = rng.integers(-1, 2, (n, k)).astype(np.int8)
    answers = rng.normal(size=(n, k)) + rng.normal(size=(n, 1)) * 3 + np.arange(k) + 0.7 * (treated == 1)
    answers[rng.random((n, k)) < 0.1] = np.nan
    persons, items = np.nonzero((treated >= 0) & np.isfinite(answers))
    design = np.column_stack([treated[persons, items] == 1, np.eye(n)[persons], np.eye(k)[items]]).astype(
        float
    )
    expected = np.linalg.lstsq(design, answers[persons, items], rcond=None)[0][0]
    assert stacked_difference(answers, treated, np.ones(n)).effect == pytest.approx(expected)


def simulated(rng: np.random.Generator, kind: str) -> tuple[LinearEffect, SurveyDesign]:
    """One experiment without an effect, with clusters where the kind says so."""
    n = 60
    if kind == "stacked":
        treated = rng.integers(0, 2, (n, 4)).astype(np.int8)
        answers = rng.normal(size=(n, 1)) * 3 + rng.normal(size=(n, 4)) + np.arange(4)
        return stacked_difference(answers, treated, np.ones(n)), SurveyDesign.of(n)
    clusters = np.repeat(np.arange(20), 3)
    y = rng.normal(size=20)[clusters] + rng.normal(size=n)
    arms = (
        rng.permutation(np.repeat([0, 1], 10))[clusters]
        if kind == "clusters in arms"
        else rng.integers(0, 2, n)
    )
    w = rng.uniform(0.5, 2, n) if kind == "weights" else np.ones(n)
    named = None if kind == "weights" else clusters
    if kind == "weights":
        y = rng.normal(size=n)
    return difference_of_arms(y, arms, [1, -1], w), SurveyDesign.of(n, w, named)


@pytest.mark.parametrize("kind", ["stacked", "clusters in arms", "clusters across arms", "weights"])
def test_intervals_hold_as_often_as_they_say(kind: str) -> None:
    from scipy.stats import t

    rng = np.random.default_rng(4)
    held = []
    for _ in range(4000):
        found, design = simulated(rng, kind)
        se, df = found.error(design)
        held.append(abs(found.effect) <= t.ppf(0.95, df) * se)
    assert 0.88 <= np.mean(held) <= 0.925


def test_an_arm_of_one_person_has_an_effect_but_no_error() -> None:
    found = difference_of_arms(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1]), [1, -1], np.ones(3))
    assert found.effect == -2.0
    assert np.isnan(found.error(SurveyDesign.of(3))[0])


def test_an_arm_without_answers_has_a_reason() -> None:
    found = difference_of_arms(np.array([1.0, np.nan]), np.array([0, 1]), [1, -1], np.ones(2))
    assert np.isnan(found.effect)
    assert "nobody" in found.reason

"""Metrics against cases that are small enough to be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.evaluation import metrics
from truetwin.evaluation.target_metrics import PairLaws, Pairs

TRUTH = np.array([1.0, 2.0, 4.0, 5.0])
PREDICTED = np.array([1.0, 3.0, 3.0, 5.0])
NOTHING = np.zeros(4)


def score(name: str, **parts: object) -> float:
    return metrics[name].score(Pairs(TRUTH, PREDICTED, NOTHING, NOTHING, **parts))  # type: ignore[arg-type]


def test_errors_of_points() -> None:
    assert score("mae") == 0.5
    assert score("rmse") == pytest.approx(0.5**0.5)
    assert score("bias") == 0.0
    assert score("rmse-sd") == pytest.approx((0.5 / 2.5) ** 0.5)  # variance of 1, 2, 4, 5 is 2.5
    assert score("variance-ratio") == pytest.approx(2.0 / 2.5)
    assert score("sd-ratio") == pytest.approx((2.0 / 2.5) ** 0.5)


def test_accuracy_is_the_share_of_answers_hit_by_the_nearest_category() -> None:
    nearest = np.array([1.0, 3.0, 3.0, 5.0])
    assert score("accuracy", nearest=nearest) == 0.5
    assert score("accuracy", nearest=nearest, weights=np.array([3.0, 1.0, 1.0, 1.0])) == pytest.approx(4 / 6)
    numeric_too = np.array([1.0, np.nan, 3.0, 5.0])
    assert score("accuracy", nearest=numeric_too) == pytest.approx(2 / 3)
    assert np.isnan(score("accuracy", nearest=np.full(4, np.nan)))


def test_accuracy_is_normalised_by_how_often_people_repeat_themselves() -> None:
    nearest, retest = np.array([1.0, 3.0, 3.0, 5.0]), np.array([1.0, 2.0, 3.0, np.nan])
    # Of the three who were asked again, one is hit and two repeat their answer.
    assert score("normalised-accuracy", nearest=nearest, retest=retest) == pytest.approx((1 / 3) / (2 / 3))
    assert np.isnan(score("normalised-accuracy", nearest=nearest, retest=np.array([2.0, 1.0, 1.0, 1.0])))
    assert np.isnan(score("normalised-accuracy", nearest=nearest))


def test_a_correlation_is_normalised_by_the_retest_correlation() -> None:
    retest = np.array([1.0, 3.0, 4.0, 5.0])
    expected = np.corrcoef(TRUTH, PREDICTED)[0, 1] / np.corrcoef(TRUTH, retest)[0, 1]
    assert score("normalised-pearson", retest=retest) == pytest.approx(expected)
    assert np.isnan(
        score("normalised-pearson", retest=TRUTH[::-1])
    )  # a negative reliability normalises nothing


def test_scores_of_laws() -> None:
    codes = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], (4, 1))
    chances = np.array([[0.5, 0.5, 0, 0, 0], [0.25, 0.5, 0.25, 0, 0], [0, 0, 0, 0.8, 0.2], [1.0, 0, 0, 0, 0]])
    laws = PairLaws(codes, chances, np.array([1.0, 2, 3, 1]), np.array([2.0, 3, 5, 1]))
    expected = -np.log(
        [0.5, 0.5, 0.8, 0.001]
    ).mean()  # the last answer had probability 0, which counts as .001
    assert score("log-score", laws=laws) == pytest.approx(expected)
    # Squared errors of P(at most k) for k = 1..4, divided by 4: .25; .0625 + .0625; .04; 4 times 1.
    assert score("rps", laws=laws) == pytest.approx((0.25 + 0.125 + 0.04 + 4.0) / 4 / 4)
    assert score("coverage", laws=laws) == 0.75
    # Widths 1, 1, 2, 0, and the last answer is 4 outside: 2 / (1 - .9) * 4.
    assert score("interval-score", laws=laws) == pytest.approx((1 + 1 + 2 + 80) / 4)


def test_laws_without_an_order_or_without_categories_have_the_scores_that_fit() -> None:
    missing = np.full(4, np.nan)
    nominal = PairLaws(np.tile([1.0, 2, 4, 5], (4, 1)), np.full((4, 4), 0.25), missing, missing)
    assert score("log-score", laws=nominal) == pytest.approx(np.log(4))
    assert np.isnan([score(name, laws=nominal) for name in ("rps", "coverage", "interval-score")]).all()
    numeric = PairLaws(np.empty((4, 0)), np.empty((4, 0)), PREDICTED - 0.5, PREDICTED + 0.5)
    assert score("coverage", laws=numeric) == 0.5
    assert np.isnan([score(name, laws=numeric) for name in ("rps", "log-score")]).all()


def test_a_weighted_spearman_has_the_midranks_of_repeated_people() -> None:
    weights = np.array([1.0, 2.0, 1.0, 3.0])
    copies = np.repeat(np.arange(4), weights.astype(int))
    from scipy.stats import spearmanr

    assert score("spearman", weights=weights) == pytest.approx(
        spearmanr(TRUTH[copies], PREDICTED[copies]).statistic
    )

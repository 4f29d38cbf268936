from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from truetwin.errors import DataError, ParameterError
from truetwin.voice.people.rater_agreement import (
    MEASURES,
    between_raters,
    cohen_kappa,
    krippendorff_alpha,
    majority_vote,
    spearman,
    with_raters,
)

NAN = math.nan


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=8, max_size=40))
def test_measures_equal_those_of_other_libraries(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(v, dtype=float) for v in zip(*pairs, strict=True))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return
    every = range(1, 6)
    for weights in ("none", "linear", "quadratic"):
        other = cohen_kappa_score(a, b, labels=list(every), weights=None if weights == "none" else weights)
        assert cohen_kappa(a, b, weights) == pytest.approx(other)  # type: ignore[arg-type]
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)


@pytest.mark.extra("voice")
def test_perfect_agreement_is_one_by_every_measure() -> None:
    labels = np.array([[1.0, 2, 3, 4, 5, 1]] * 3)
    for measure in MEASURES:
        assert between_raters(labels, measure, resamples=100).interval.value == pytest.approx(1.0)


@pytest.mark.extra("voice")
def test_raters_who_always_say_the_same_leave_agreement_undefined() -> None:
    labels = np.ones((3, 10))
    for measure in MEASURES:
        found = between_raters(labels, measure, resamples=100)
        assert math.isnan(found.interval.value)
        assert found.n_undefined_pairs == found.n_pairs


def test_one_constant_rater_is_left_out_and_counted() -> None:
    labels = np.array([[1.0, 2, 3, 4], [1, 2, 3, 5], [2, 2, 2, 2]])
    found = between_raters(labels, "spearman", resamples=100)
    assert found.interval.value == pytest.approx(1.0)
    assert (found.n_pairs, found.n_undefined_pairs) == (3, 2)


def test_missing_ratings_count_for_nobody() -> None:
    assert cohen_kappa([1, 2, NAN, 1], [1, 2, 2, NAN]) == 1.0
    found = between_raters([[1, 2, NAN, 1, 2], [1, 2, 2, NAN, 2]], "kappa", resamples=100)
    assert found.interval.n == 3


def test_a_model_is_compared_with_every_person() -> None:
    people = np.array([[0.0, 1, 2, 3], [0, 1, 2, 0]])
    found = with_raters([0, 1, 2, 3], people, "kappa", resamples=100)
    expected = (1 + cohen_kappa([0, 1, 2, 3], [0, 1, 2, 0])) / 2
    assert found.interval.value == pytest.approx(expected)


def test_the_interval_of_fifty_items_is_as_wide_as_it_must_be() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 50).astype(float)
    labels = np.array([np.where(random.random(50) < 0.8, truth, random.integers(0, 4, 50)) for _ in range(3)])
    found = between_raters(labels, "kappa", resamples=500).interval
    assert found.low < found.value < found.high
    assert 0.15 < found.high - found.low < 0.5


@pytest.mark.extra("voice")
def test_krippendorff_s_published_example() -> None:
    # Krippendorff (2011), Computing Krippendorff's alpha-reliability, example C: nominal .743, ordinal .815.
    table = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
            [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
        ]
    )
    assert krippendorff_alpha(table, "nominal") == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(table, "ordinal") == pytest.approx(0.815, abs=5e-4)


def test_a_tied_vote_has_no_winner() -> None:
    votes = majority_vote([[1, 2, NAN], [2, 2, NAN]])
    np.testing.assert_array_equal(votes.winners, [NAN, 2, NAN])
    assert (votes.n_tied, votes.n_unrated) == (1, 1)


def test_bad_input_is_refused() -> None:
    with pytest.raises(DataError, match="at least two"):
        between_raters([[1, 2]], "kappa")
    with pytest.raises(DataError, match="same items"):
        with_raters([1, 2, 3], [[1, 2]], "kappa")
    with pytest.raises(ParameterError, match="'measure' must be one of"):
        between_raters([[1, 2], [1, 2]], "pi")  # type: ignore[arg-type]

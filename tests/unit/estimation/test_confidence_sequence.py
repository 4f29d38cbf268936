"""Intervals that hold at every look."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from truetwin.errors import DataError, ParameterError
from truetwin.estimation.confidence_sequence import ConfidenceSequence, confidence_sequence
from truetwin.estimation.sample_posterior import SharePrior

KAPPAS, EVEN = np.array([2.0, 5.0, 12.0, 30.0, 80.0, 250.0]), np.full(6, 1 / 6)
LOOKS = tuple(range(10, 201, 10))  # 20 looks


def prior_of(mean: float, n_statistics: int, high: float = 1.0) -> SharePrior:
    means = np.full(n_statistics, mean * high)
    return SharePrior(
        means,
        means * (high - means),
        np.zeros(n_statistics),
        np.full(n_statistics, high),
        KAPPAS,
        np.broadcast_to(EVEN, (n_statistics, 6)),
    )


def arrivals(rng: np.random.Generator, share: float, n_people: float, samples: int) -> np.ndarray:
    """The first 200 of all people in random order, one column for each sample."""
    if np.isinf(n_people):
        return (rng.random((200, samples)) < share).astype(float)
    people = (np.arange(n_people) < round(share * n_people)).astype(float)
    return np.array([rng.permutation(people)[:200] for _ in range(samples)]).T


def missed(found: ConfidenceSequence, truth: float) -> float:
    """Share of samples whose interval misses the truth at one look or more."""
    return float(np.mean(((found.low > truth) | (found.high < truth)).any(axis=0)))


@pytest.mark.parametrize(
    ("share", "expected", "n_people"),
    [(0.5, 0.5, np.inf), (0.3, 0.6, np.inf), (0.05, 0.2, np.inf), (0.3, 0.3, 400)],
)
def test_twenty_looks_miss_at_most_one_time_in_ten(share: float, expected: float, n_people: float) -> None:
    answers = arrivals(np.random.default_rng(0), share, n_people, 150)
    found = confidence_sequence(
        prior_of(expected, 150), answers, precision=0.06, looks=LOOKS, population=n_people
    )
    assert missed(found, share) <= 0.10
    ordinary = answers.cumsum(axis=0)[np.array(LOOKS) - 1] / np.array(LOOKS)[:, None]
    half = 1.645 * np.sqrt(np.maximum(ordinary * (1 - ordinary), 1e-9) / np.array(LOOKS)[:, None])
    assert np.mean((abs(ordinary - share) > half).any(axis=0)) > 0.3  # ordinary intervals do not hold


def test_predictions_narrow_the_interval_and_it_still_holds() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((2000, 200)) < 0.4
    everybody = np.where(rng.random(truth.shape) < 0.9, truth, 0.4)  # a good twin
    here = slice(0, 200)  # answers are in random order already
    together = confidence_sequence(
        prior_of(0.5, 200),
        truth[here],
        precision=0.05,
        looks=LOOKS,
        predicted=everybody[here],
        everybody=everybody,
        population=2000,
    )
    alone = confidence_sequence(prior_of(0.5, 200), truth[here], precision=0.05, looks=LOOKS, population=2000)
    assert together.half_width[-1].mean() < 0.75 * alone.half_width[-1].mean()
    missing = (together.low > truth.mean(axis=0)) | (together.high < truth.mean(axis=0))
    assert missing.any(axis=0).mean() <= 0.10


def test_useless_predictions_do_no_harm() -> None:
    rng = np.random.default_rng(2)
    truth = (rng.random((2000, 50)) < 0.4).astype(float)
    noise = rng.random(truth.shape)
    parts = {"precision": 0.05, "looks": LOOKS, "population": 2000}
    with_noise = confidence_sequence(
        prior_of(0.5, 50), truth[:200], predicted=noise[:200], everybody=noise, **parts
    )
    alone = confidence_sequence(prior_of(0.5, 50), truth[:200], **parts)
    assert with_noise.half_width[-1].mean() < 1.05 * alone.half_width[-1].mean()


def test_a_right_prior_narrows_early_intervals() -> None:
    answers = arrivals(np.random.default_rng(3), 0.2, np.inf, 50)
    right, wrong = (
        confidence_sequence(prior_of(mean, 50), answers, precision=0.05, looks=(20, 200))
        for mean in (0.2, 0.9)
    )
    assert (right.half_width.mean(axis=1) < wrong.half_width.mean(axis=1)).all()


def test_intervals_never_widen_and_end_in_the_truth() -> None:
    people = np.random.default_rng(4).permutation((np.arange(120) < 50).astype(float))[:, None]
    found = confidence_sequence(prior_of(0.5, 1), people, precision=0.05, population=120)
    assert (np.diff(found.half_width[:, 0]) <= 1e-12).all()
    assert_allclose([found.low[-1, 0], found.high[-1, 0]], 50 / 120, atol=1e-6)


def test_means_of_wider_scales_are_on_their_own_scale() -> None:
    rng = np.random.default_rng(5)
    answers = rng.integers(0, 11, size=(150, 40)).astype(float)
    found = confidence_sequence(prior_of(0.5, 40, high=10.0), answers, precision=0.8, looks=LOOKS[:15])
    assert missed(found, 5.0) <= 0.10
    assert 0.5 < found.half_width[-1].mean() < 1.0


def test_bad_input_is_named() -> None:
    prior = prior_of(0.5, 1)
    with pytest.raises(ParameterError, match="precision must be a number above 0"):
        confidence_sequence(prior, [[1.0]], precision=0.0)
    with pytest.raises(DataError, match="between the smallest and the largest"):
        confidence_sequence(prior, [[2.0]], precision=0.1)
    with pytest.raises(DataError, match="2 answers of 1 people"):
        confidence_sequence(prior, [[1.0], [0.0]], precision=0.1, population=1)
    with pytest.raises(ParameterError, match="increasing numbers of answers"):
        confidence_sequence(prior, [[1.0]], precision=0.1, looks=[3])
    with pytest.raises(ParameterError, match="both of those who answered and of everybody"):
        confidence_sequence(prior, [[1.0]], precision=0.1, predicted=[[1.0]])

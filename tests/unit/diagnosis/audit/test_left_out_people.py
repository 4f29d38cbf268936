"""Errors from leaving out groups of people, and corrections for many tests."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.diagnosis.audit.audit_check import Check, decided
from truetwin.diagnosis.audit.factor_congruence import congruence
from truetwin.diagnosis.audit.left_out_people import Estimate, PeopleGroups, Replicates, across_halves
from truetwin.diagnosis.audit.pair_moments import correlations, covariances
from truetwin.diagnosis.audit.paired_answers import PairedAnswers


def mean_of(sums: np.ndarray) -> np.ndarray:
    return sums[0] / sums[1]


def test_the_error_of_a_mean_is_that_of_the_textbook() -> None:
    x = np.random.default_rng(0).standard_normal(4000)
    groups = PeopleGroups.drawn(x.size)
    estimate = Replicates.of(mean_of, groups.sums(np.stack([x, np.ones_like(x)], axis=1))).estimate()
    assert estimate.value == pytest.approx(x.mean())
    assert estimate.df == 39
    assert estimate.standard_error == pytest.approx(x.std(ddof=1) / x.size**0.5, rel=0.25)


def test_intervals_cover_as_often_as_they_say() -> None:
    covered = []
    for seed in range(300):
        x = np.random.default_rng(seed).exponential(size=200)
        groups = PeopleGroups.drawn(x.size, random_state=seed)
        low, high = (
            Replicates.of(mean_of, groups.sums(np.stack([x, np.ones_like(x)], axis=1))).estimate().interval()
        )
        covered.append(low < 1 < high)
    assert 0.91 < np.mean(covered) < 0.98


def test_clusters_stay_together() -> None:
    clusters = [k // 5 for k in range(500)]
    numbers = PeopleGroups.drawn(500, clusters).numbers
    assert all(np.unique(numbers[5 * c : 5 * c + 5]).size == 1 for c in range(100))


def test_a_figure_without_error_is_decided_by_its_value() -> None:
    certain = Estimate(np.array([0.0, 1.0]), np.zeros(2), 39)
    assert certain.p_values().tolist() == [1.0, 0.0]


def test_halves_are_compared_across() -> None:
    human, twin = np.arange(1.0, 9.0).reshape(4, 2), np.ones((4, 2))
    half = np.array([True, False, True, False])
    found = across_halves(lambda s: s, lambda h1, h2, t1, t2: [h1[0], h2[0], t1[0], t2[0]], human, twin, half)
    assert found.value.tolist() == [6.0, 10.0, 2.0, 2.0]
    assert found.left_out[0].tolist() == [5.0, 10.0, 1.0, 2.0]


def test_checks_without_a_test_keep_their_flag() -> None:
    (check,) = decided([Check("declared", "leaks", (), "?", flagged=True)])
    assert check.flagged


def test_pairs_have_the_moments_of_numpy() -> None:
    z = np.random.default_rng(0).standard_normal((50, 3))
    sums = np.stack(
        [
            np.full((3, 3), 50.0),
            np.repeat(z.sum(0)[:, None], 3, 1),
            np.repeat((z**2).sum(0)[:, None], 3, 1),
            z.T @ z,
        ]
    )
    assert correlations(sums) == pytest.approx(np.corrcoef(z.T))
    assert covariances(sums) == pytest.approx(np.cov(z.T, bias=True))


def test_congruence_does_not_depend_on_rotation() -> None:
    rng = np.random.default_rng(0)
    loadings = rng.standard_normal((20, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    assert congruence(loadings @ turn, loadings) == pytest.approx(np.ones(3))
    assert np.abs(congruence(rng.standard_normal((20, 3)), loadings)).mean() < 0.8


def test_answers_of_many_numbers_favour_neither_side() -> None:
    from truetwin.data import Scale

    rng = np.random.default_rng(0)
    human, twin = rng.normal(0, 1, (500, 2)), rng.normal(0, 1, (500, 2))
    scales = [Scale.numeric(), Scale.numeric()]
    pair, other = (PairedAnswers.of(a, b, ["a", "b"], scales) for a, b in ((human, twin), (twin, human)))
    assert pair.counts[0].sum(axis=0).tolist() == other.counts[1].sum(axis=0).tolist()

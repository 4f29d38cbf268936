"""Errors of groups, on generated errors whose form is known."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.estimation.group_errors import TAUS, GroupErrors, deviation_variances, pair_variances
from truetwin.estimation.group_estimates import _posteriors, normal_half

ENDS = np.array(
    [[1.0, 0.0, -1.0], [0.0, 0.1, 0.0], [-1.0, 0.0, 1.0]]
)  # the first and the last miss by as much
BASE = 80.0


def errors(form: np.ndarray, n_items: int, tau: float = 0.3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    own = rng.multivariate_normal(np.zeros(len(form)), tau**2 * form, n_items, check_valid="ignore")
    return own + rng.normal(0, 1 / np.sqrt(BASE), own.shape) + rng.normal(0, 1, (n_items, 1))


def learned(off: np.ndarray) -> GroupErrors:
    return GroupErrors.learn(off, np.full(off.shape, BASE), np.arange(len(off)))


def gaps(form: np.ndarray) -> np.ndarray:
    return pair_variances(form)[np.triu_indices(len(form), 1)]


def test_ends_that_miss_in_opposite_directions_are_further_apart() -> None:
    form = learned(errors(ENDS, 60)).form
    expected = gaps(ENDS) / gaps(ENDS).mean() * 2
    assert gaps(form) == pytest.approx(expected, abs=0.5)
    assert gaps(form).mean() == pytest.approx(2)


def test_groups_that_miss_independently_stay_so() -> None:
    assert gaps(learned(errors(np.eye(3), 60)).form) == pytest.approx([2, 2, 2], abs=0.5)


def test_two_groups_have_no_form() -> None:
    assert learned(errors(np.eye(2), 20)).form == pytest.approx(np.eye(2))


def test_without_errors_it_is_what_was_expected() -> None:
    found = learned(np.full((0, 4), np.nan))
    assert found.form == pytest.approx(np.eye(4))
    assert found.tau_weights == pytest.approx(GroupErrors.expected(4).tau_weights)


def test_an_item_that_one_group_answered_says_nothing_of_gaps() -> None:
    off = errors(ENDS, 20)
    more = np.vstack([off, [[3.0, np.nan, np.nan]]])
    assert learned(more).form == pytest.approx(learned(off).form)


def test_groups_without_answers_do_not_hide_the_others() -> None:
    off = errors(ENDS, 60)
    off[::2, 1] = np.nan
    form = learned(off).form
    assert gaps(form)[1] > 2 * gaps(form)[0]


def test_the_order_of_groups_does_not_matter() -> None:
    off, turned = errors(ENDS, 30), [2, 0, 1]
    assert learned(off[:, turned]).form == pytest.approx(learned(off).form[np.ix_(turned, turned)], abs=1e-6)


def test_more_groups_than_items_have_a_form() -> None:
    form = learned(errors(np.eye(12), 5)).form
    assert np.linalg.eigvalsh(form).min() > 0


def test_intervals_of_every_gap_hold() -> None:
    held = []
    for seed in range(8):
        law = learned(errors(ENDS, 25, seed=seed))
        _, pairs = deviation_variances(np.full(3, 1 / 3), np.full(3, BASE), law.form)
        half = np.array([[normal_half(v, law.tau_weights, 0.9) for v in row] for row in pairs])
        new = errors(ENDS, 100, seed=1000 + seed)
        held.append((np.abs(new[:, :, None] - new[:, None]) <= half).mean(axis=0))
    found = np.mean(held, axis=0)[np.triu_indices(3, 1)]
    assert found == pytest.approx([0.9] * 3, abs=0.06)


def test_deviations_from_everybody_have_the_form_too() -> None:
    shares, bases = np.array([0.2, 0.3, 0.5]), np.array([50.0, 80.0, 100.0])
    own, _ = deviation_variances(shares, bases, ENDS)
    less_everybody = np.eye(3) - shares
    for t, tau in enumerate(TAUS):
        covariance = tau**2 * ENDS + np.diag(1 / bases)
        assert own[:, t] == pytest.approx(np.diag(less_everybody @ covariance @ less_everybody.T))


def test_sizes_of_other_errors_keep_the_form() -> None:
    law = learned(errors(ENDS, 60))
    small = errors(ENDS, 60, tau=0.03, seed=1)
    other = law.with_sizes_of(small, np.full(small.shape, BASE), np.arange(60))
    assert other.form is law.form
    assert other.tau_weights @ TAUS**2 < 0.3 * (law.tau_weights @ TAUS**2)


def test_answers_of_one_end_tell_of_the_other() -> None:
    away, spread = np.array([[0.3], [0.0], [0.0]]), np.ones((3, 1))
    noise, there = np.array([[0.01], [1e8], [1e8]]), np.array([True, False, False])
    form = np.array([[1.0, 0.3, -0.6], [0.3, 1.0, 0.3], [-0.6, 0.3, 1.0]])
    found = _posteriors(away, spread, noise, there, form)
    alone = _posteriors(away, spread, noise, there, np.eye(3))
    assert found.moves[2, 0, -1] < -0.1
    assert alone.moves[1:] == pytest.approx(np.zeros_like(alone.moves[1:]))
    assert alone.moves[0, 0, -1] == pytest.approx(0.3 * TAUS[-1] ** 2 / (TAUS[-1] ** 2 + 0.01))
    assert found.logs[0] == pytest.approx(np.full(TAUS.size, found.logs[0, 0]), abs=1e-4)  # one group: no gap


def test_differences_of_groups_tell_the_size_of_errors() -> None:
    away = np.array([[0.8], [0.0], [-0.8]])
    args = np.ones((3, 1)), np.full((3, 1), 0.01), np.ones(3, dtype=bool), np.eye(3)
    apart, alike = _posteriors(away, *args).logs[0], _posteriors(0 * away + 0.8, *args).logs[0]
    assert TAUS[apart.argmax()] >= 0.5
    assert TAUS[alike.argmax()] == TAUS[0]

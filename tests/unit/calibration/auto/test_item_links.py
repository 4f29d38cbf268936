"""What twins say about which items belong together."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.auto.item_links import pairwise_correlations, standardise_items, twin_similarity
from truetwin.calibration.laws.copulas import EIGENVALUE_FLOOR, positive_definite

NAN = np.nan


def test_items_are_standardised_over_what_was_answered() -> None:
    found = standardise_items(np.array([[1.0, 5.0, NAN], [3.0, 5.0, NAN], [NAN, 5.0, NAN], [5.0, NAN, NAN]]))
    np.testing.assert_allclose(found.mean, [3, 5, 0])
    np.testing.assert_allclose(found.sd, [np.sqrt(8 / 3), 1, 1])  # a constant or empty item keeps its unit
    np.testing.assert_allclose(found.values[:, 0], np.array([-2, 0, 0, 2]) / np.sqrt(8 / 3))
    np.testing.assert_array_equal(found.values[:, 1:], np.zeros((4, 2)))
    assert found.seen.sum(axis=0).tolist() == [3, 3, 0]


def test_correlations_of_complete_answers_are_the_usual_ones() -> None:
    values = np.random.default_rng(0).standard_normal((30, 4))
    items = standardise_items(values)
    found, pairs = pairwise_correlations(items.values, items.seen)
    np.testing.assert_allclose(found, np.corrcoef(values.T))
    assert (pairs == 30).all()


def test_a_pair_is_correlated_over_those_who_answered_both() -> None:
    z = np.array([[1.0, 1.0], [-1.0, -1.0], [2.0, 0.0], [0.0, -3.0]])
    seen = np.array([[True, True], [True, True], [True, False], [False, True]])
    found, pairs = pairwise_correlations(z, seen)
    assert pairs[0, 1] == 2
    assert found[0, 1] == pytest.approx(1.0)
    apart, none = pairwise_correlations(z, seen & np.array([[True, False]] * 2 + [[False, True]] * 2))
    assert (none[0, 1], apart[0, 1]) == (0, 0)


def test_impossible_correlations_are_mended_and_possible_ones_kept() -> None:
    possible = np.array([[1.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(positive_definite(possible), possible)
    impossible = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    mended = positive_definite(impossible)
    np.testing.assert_allclose(np.diag(mended), 1.0)
    assert np.linalg.eigvalsh(mended)[0] > EIGENVALUE_FLOOR / 3
    assert (np.sign(mended) == np.sign(impossible)).all()


def test_a_habit_of_answering_high_makes_items_alike_until_it_is_taken_out() -> None:
    rng = np.random.default_rng(1)
    habit, trait = rng.standard_normal((2, 400, 1))
    values = 3 * habit + np.hstack([trait, -trait]) @ np.eye(2) + 0.1 * rng.standard_normal((400, 2))
    values = np.hstack([values, 3 * habit + rng.standard_normal((400, 6))])
    alike = twin_similarity(standardise_items(values))
    assert alike.plain[0, 1] > 0.5
    assert alike.centred[0, 1] < -0.5


def test_items_with_equal_means_are_as_close_as_can_be_and_distance_counts_in_sds() -> None:
    values = np.array([[0.0, 0.0, 4.0], [2.0, 2.0, 6.0]])  # means 1, 1, 5: sd over items 1.886
    level = twin_similarity(standardise_items(values)).level
    assert level[0, 1] == 1.0
    assert level[0, 2] == pytest.approx(np.exp(-0.5 * 16 / (32 / 9)))

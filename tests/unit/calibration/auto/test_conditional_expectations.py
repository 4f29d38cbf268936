"""Leaving answers out of a solved system is the same as solving it without them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from truetwin.calibration.auto.conditional_expectations import (
    leave_out,
    leave_out_one,
    solutions_of,
    solve_people,
)

N, P, F = 5, 7, 2


@pytest.fixture
def system() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Answers with gaps, an item covariance, and two sets of links in which no item links to itself."""
    rng = np.random.default_rng(0)
    seen = rng.random((N, P)) < 0.7
    z = np.where(seen, rng.standard_normal((N, P)), 0.0)
    root = rng.standard_normal((P, P))
    links = rng.standard_normal((F, P, P)) * (1 - np.eye(P))
    return z, seen, root @ root.T / P, links


def without_answers(system: tuple, items: list[int]) -> tuple:
    """The same system in which nobody has answered ``items`` and nothing links to them."""
    z, seen, covariance, links = (part.copy() for part in system)
    seen[:, items] = False
    z[:, items] = 0.0
    links[:, :, items] = 0.0
    return z, seen, covariance, links


def test_one_answer_is_shrunk_by_its_noise() -> None:
    """With variance v and noise 1, an answer z is expected to be z v / (v + 1) again."""
    people = solve_people(
        np.array([[3.0, 0.0]]), np.array([[True, False]]), np.diag([2.0, 1.0]), np.zeros((1, 2, 2))
    )
    np.testing.assert_allclose(people.solution, [[1.0, 0.0]])
    np.testing.assert_allclose(people.filled, [[2.0, 0.0]])


def test_an_unanswered_item_is_expected_from_what_goes_with_it() -> None:
    covariance = np.array([[1.0, 0.6], [0.6, 1.0]])
    people = solve_people(np.array([[2.0, 0.0]]), np.array([[True, False]]), covariance, np.zeros((1, 2, 2)))
    np.testing.assert_allclose(people.filled, [[1.0, 0.6]])  # 2 / (1 + 1), and .6 of it


def test_solutions_alone_are_those_of_the_whole(system: tuple) -> None:
    z, seen, covariance, _ = system
    np.testing.assert_allclose(solutions_of(z, seen, covariance), solve_people(*system).solution, atol=1e-12)


def test_a_covariance_that_is_none_is_refused() -> None:
    answers, seen = np.ones((1, 2)), np.ones((1, 2), dtype=bool)
    wrong = np.array([[1.0, 5.0], [5.0, 1.0]])
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        solutions_of(answers, seen, wrong)
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        solve_people(answers, seen, wrong, np.zeros((1, 2, 2)))


@pytest.mark.parametrize("items", [[2], [0, 5], [1, 3, 6]])
def test_leaving_items_out_is_solving_without_them(system: tuple, items: list[int]) -> None:
    found = solve_people(*system).without(items)
    expected = solve_people(*without_answers(system, items))
    for field in fields(found):
        np.testing.assert_allclose(
            getattr(found, field.name), getattr(expected, field.name), atol=1e-10, err_msg=field.name
        )


def test_leaving_out_twice_is_leaving_out_both(system: tuple) -> None:
    people = solve_people(*system)
    once, twice = people.without([1, 4]), people.without([1]).without([4])
    np.testing.assert_allclose(once.expected, twice.expected, atol=1e-10)
    np.testing.assert_allclose(once.inverse, twice.inverse, atol=1e-10)


@pytest.mark.parametrize("group", [[3], [2, 5]])
def test_a_group_is_predicted_without_its_own_answers_and_without_one_more(
    system: tuple, group: list[int]
) -> None:
    z, seen, covariance, links = system
    links[:, np.ix_(group, group)[0], np.ix_(group, group)[1]] = 0.0
    people = solve_people(z, seen, covariance, links)
    each = np.array([k for k in range(P) if k not in group])
    for removed, found in (
        (None, leave_out(people, range(F), group)),
        *((k, leave_out(people, range(F), group, np.array([k]))) for k in each),
    ):
        out = [*group, *([] if removed is None else [removed])]
        expected = solve_people(*without_answers((z, seen, covariance, links), out))
        np.testing.assert_allclose(found.level[:, 0], expected.solution.sum(axis=1), atol=1e-10)
        for f in range(F):
            np.testing.assert_allclose(found.linked[f][:, :, 0], expected.expected[f][:, group], atol=1e-10)
    whole = leave_out(people, [1], group, each)
    assert whole.linked[0].shape == (N, len(group), len(each))


@pytest.mark.parametrize("each", [np.arange(P), np.array([1, 4, 6])])
def test_one_item_left_out_is_a_group_of_one(system: tuple, each: np.ndarray) -> None:
    people, who, item = solve_people(*system), np.array([4, 0, 2]), 3
    one, group = leave_out_one(people, [1, 0], item, each, who), leave_out(people, [1, 0], [item], each)
    other = each != item
    np.testing.assert_allclose(one.level[:, other], group.level[who][:, other], atol=1e-12)
    for found, expected in zip(one.linked, group.linked, strict=True):
        np.testing.assert_allclose(found[:, :, other], expected[who][:, :, other], atol=1e-12)


def test_each_item_left_out_is_every_group_of_one(system: tuple) -> None:
    people = solve_people(*system)
    linked, level = people.each_left_out()
    for item in range(P):
        alone = leave_out(people, range(F), [item])
        np.testing.assert_allclose(level[:, [item]], alone.level, atol=1e-12)
        np.testing.assert_allclose(linked[:, :, item], np.stack(alone.linked)[..., 0, 0], atol=1e-12)


def test_people_with_many_gaps_are_solved_as_well(system: tuple) -> None:
    z, seen, covariance, links = system
    seen = seen & (np.arange(P) < 3)  # more gaps than a low-rank change is good for
    people = solve_people(np.where(seen, z, 0.0), seen, covariance, links)
    there = np.where(seen[:, None] & seen[:, :, None], people.inverse, 0.0)
    np.testing.assert_allclose(people.filling, covariance @ there, atol=1e-12)
    np.testing.assert_allclose(people.links_filling, links[:, None] @ (covariance @ there), atol=1e-12)

"""Leaving answers out of a solved system is the same as solving it without them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from truetwin.calibration.auto.conditional_expectations import People, System, solutions_of, solve_people
from truetwin.calibration.auto.left_out_in_turn import InTurn

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


def solved(z: np.ndarray, seen: np.ndarray, covariance: np.ndarray, links: np.ndarray) -> People:
    return solve_people(z, seen, System(covariance, links))


def in_turn(system: tuple, sets: list[int], each: np.ndarray) -> InTurn:
    z, seen, covariance, links = system
    return InTurn.of(solved(*system), z, seen, System(covariance, links), sets, each)


def test_one_answer_is_shrunk_by_its_noise() -> None:
    """With variance v and noise 1, an answer z is expected to be z v / (v + 1) again."""
    people = solved(
        np.array([[3.0, 0.0]]), np.array([[True, False]]), np.diag([2.0, 1.0]), np.zeros((1, 2, 2))
    )
    np.testing.assert_allclose(people.solution, [[1.0, 0.0]])
    np.testing.assert_allclose(people.filled, [[2.0, 0.0]])


def test_an_unanswered_item_is_expected_from_what_goes_with_it() -> None:
    covariance = np.array([[1.0, 0.6], [0.6, 1.0]])
    people = solved(np.array([[2.0, 0.0]]), np.array([[True, False]]), covariance, np.zeros((1, 2, 2)))
    np.testing.assert_allclose(people.filled, [[1.0, 0.6]])  # 2 / (1 + 1), and .6 of it


def test_solutions_alone_are_those_of_the_whole(system: tuple) -> None:
    z, seen, covariance, links = system
    np.testing.assert_allclose(
        solutions_of(z, seen, System(covariance, links)), solved(*system).solution, atol=1e-12
    )


def test_a_covariance_that_is_none_is_refused() -> None:
    answers, seen = np.ones((1, 2)), np.ones((1, 2), dtype=bool)
    wrong = np.array([[1.0, 5.0], [5.0, 1.0]])
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        solutions_of(answers, seen, System(wrong, np.zeros((1, 2, 2))))
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        solved(answers, seen, wrong, np.zeros((1, 2, 2)))


@pytest.mark.parametrize("items", [[2], [0, 5], [1, 3, 6]])
def test_leaving_items_out_is_solving_without_them(system: tuple, items: list[int]) -> None:
    found = solved(*system).without(items)
    expected = solved(*without_answers(system, items))
    for field in fields(found):
        np.testing.assert_allclose(
            getattr(found, field.name), getattr(expected, field.name), atol=1e-10, err_msg=field.name
        )


def test_leaving_out_twice_is_leaving_out_both(system: tuple) -> None:
    people = solved(*system)
    once, twice = people.without([1, 4]), people.without([1]).without([4])
    np.testing.assert_allclose(once.filled, twice.filled, atol=1e-10)
    np.testing.assert_allclose(once.inverse, twice.inverse, atol=1e-10)


def linked_of(people: People) -> np.ndarray:
    """Predictions of all items by the links, (f, n, p)."""
    return people.filled @ people.links.transpose(0, 2, 1)


@pytest.mark.parametrize("most", [P, 3], ids=["few gaps", "many gaps"])
@pytest.mark.parametrize("each", [np.arange(P), np.array([1, 4, 6])], ids=["each", "some"])
@pytest.mark.parametrize("group", [[3], [2, 5]], ids=["one", "two"])
def test_a_group_is_predicted_without_its_own_answers_and_without_one_more(
    system: tuple, group: list[int], each: np.ndarray, most: int
) -> None:
    z, seen, covariance, links = system
    links[:, np.ix_(group, group)[0], np.ix_(group, group)[1]] = 0.0
    seen = seen & (np.arange(P) < most)  # more gaps than a low-rank change is good for
    system = np.where(seen, z, 0.0), seen, covariance, links
    people, sets, who = solved(*system), [1, 0], np.array([4, 0, 2])
    found = people.leave_out(sets, group)
    expected = solved(*without_answers(system, group))
    np.testing.assert_allclose(found.level[:, 0], expected.sums, atol=1e-10)
    np.testing.assert_allclose(
        found.linked[..., 0], linked_of(expected)[sets][:, :, group].transpose(1, 2, 0), atol=1e-10
    )
    found = in_turn(system, sets, each).leave_out(group, who)
    assert found.linked.shape == (len(who), len(group), len(sets), len(each))
    for m, removed in enumerate(each):
        if removed in group:
            continue
        expected = solved(*without_answers(system, [*group, removed]))
        np.testing.assert_allclose(found.level[:, m], expected.sums[who], atol=1e-10)
        np.testing.assert_allclose(
            found.linked[..., m],
            linked_of(expected)[sets][:, who][:, :, group].transpose(1, 2, 0),
            atol=1e-10,
        )


@pytest.mark.parametrize("each", [np.arange(P), np.array([1, 4, 6])])
def test_targets_are_groups_of_one(system: tuple, each: np.ndarray) -> None:
    people, sets = solved(*system), [1, 0]
    linked, level = in_turn(system, sets, each).targets()
    for m, item in enumerate(each):
        alone = people.leave_out(sets, [int(item)])
        np.testing.assert_allclose(level[:, [m]], alone.level, atol=1e-12)
        np.testing.assert_allclose(linked[..., m], alone.linked[:, 0, :, 0], atol=1e-12)


def test_memory_may_be_given(system: tuple) -> None:
    z, seen, covariance, links = system
    each, space = np.array([1, 4]), np.full(N * P * F * 2 + 5, np.nan)
    people = solve_people(z, seen, System(covariance, links), np.full((N + 2, P, P), np.nan))
    found = InTurn.of(people, z, seen, System(covariance, links), range(F), each, space)
    expected = in_turn(system, list(range(F)), each)
    np.testing.assert_array_equal(found.people.inverse, expected.people.inverse)
    np.testing.assert_array_equal(found.less, expected.less)


def test_people_with_many_gaps_are_solved_as_well(system: tuple) -> None:
    z, seen, covariance, links = system
    seen = seen & (np.arange(P) < 3)  # more gaps than a low-rank change is good for
    people = solved(np.where(seen, z, 0.0), seen, covariance, links)
    for own, there in zip(people.inverse, seen, strict=True):
        answered = np.flatnonzero(there)
        cells = np.ix_(answered, answered)
        np.testing.assert_allclose(
            own[cells], np.linalg.inv(covariance[cells] + np.eye(len(answered))), atol=1e-12
        )

"""Rows and columns: one orientation for new items and for new respondents."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.orientation import axis_ids, orient, other, pick
from truetwin.data import Panel, ResponseMatrix

GRID = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def test_samples_are_respondents_for_an_item_and_items_for_a_respondent() -> None:
    np.testing.assert_array_equal(orient(GRID, "item"), GRID)
    np.testing.assert_array_equal(orient(GRID, "respondent"), [[1, 4], [2, 5], [3, 6]])


@pytest.mark.parametrize("axis", ["item", "respondent"])
def test_orienting_twice_is_where_one_began(axis: str) -> None:
    np.testing.assert_array_equal(orient(orient(GRID, axis), axis), GRID)
    assert other(other(axis)) == axis != other(axis)


def test_picked_members_keep_the_order_asked_for_and_the_layout() -> None:
    np.testing.assert_array_equal(pick(GRID, [2, 0], "item"), [[3, 1], [6, 4]])
    np.testing.assert_array_equal(pick(GRID, [1], "respondent"), [[4, 5, 6]])


def test_ids_of_an_axis_are_those_of_its_targets() -> None:
    matrix = ResponseMatrix(GRID, ["ann", "bob"], ["Q1", "Q2", "Q3"])
    panel = Panel(matrix, matrix)
    assert axis_ids(panel, "item") == ("Q1", "Q2", "Q3")
    assert axis_ids(panel, "respondent") == ("ann", "bob")

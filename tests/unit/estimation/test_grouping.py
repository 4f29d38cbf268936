"""Groups of people, and gaps between them."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.errors import DataError
from truetwin.estimation.group_means import bases, gap_record, gaps
from truetwin.estimation.grouping import Grouping, crossed


def test_groups_that_are_too_small_are_suppressed_and_named() -> None:
    found = Grouping.of("age", ["a"] * 5 + ["b"] * 6 + ["c"] * 2 + [None], np.ones(14), 5)
    assert found.names == ("a", "b")
    assert found.suppressed == {"c": 2}
    assert found.n_without == 1
    assert found.note() == "too few people for estimates of age: 'c'; 1 person has no age and no group of it"


def test_where_people_have_answered_small_groups_cannot_be_found_by_subtraction() -> None:
    groups = ["a"] * 9 + ["b"] * 6 + ["c"] * 8 + ["d"] * 2
    assert Grouping.of("age", groups, np.ones(25), 5).names == ("a", "b", "c")
    found = Grouping.of("age", groups, np.ones(25), 5, answered=True)
    assert (found.names, found.beside, found.exposed) == (("a", "c"), ("b",), False)
    assert "'b' is left out as well" in str(found.note())
    two = Grouping.of("age", ["a"] * 9 + ["b"] * 6 + ["d"] * 2, np.ones(17), 5, answered=True)
    assert (two.names, two.exposed) == (("a", "b"), True)
    assert "not publish both" in str(two.note())
    enough = Grouping.of("age", [*groups, "e", "e", "e"], np.ones(28), 5, answered=True)
    assert (enough.names, enough.exposed) == (("a", "b", "c"), False)


def test_a_column_with_one_group_is_an_error_that_says_what_was_found() -> None:
    with pytest.raises(DataError, match=r"column 'age' must have at least two groups.*'a' \(5\), 'b' \(1\)"):
        Grouping.of("age", ["a"] * 5 + ["b"], np.ones(6), 5)


def test_people_with_no_weight_are_in_no_group() -> None:
    weights = np.array([1.0, 1.0, 0.0, 1.0, 1.0])
    found = Grouping.of("age", ["a", "a", "a", "b", "b"], weights, 2)
    assert found.counts.tolist() == [2, 2]


def test_names_that_are_numbers_are_in_their_order() -> None:
    assert Grouping.of("n", ["10", "9", "10", "9"], np.ones(4), 2).names == ("9", "10")


def test_gaps_are_weighted_and_sum_to_nothing() -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=(60, 3)), rng.uniform(0.5, 2, 60)
    found = Grouping.of("g", ["a", "b", "c"] * 20, weights, 5)
    here = gaps(values, found)
    assert here @ found.shares == pytest.approx(0, abs=1e-12)
    a = np.arange(60) % 3 == 0
    assert here[:, 0] == pytest.approx(
        np.average(values[a], axis=0, weights=weights[a]) - np.average(values, axis=0, weights=weights)
    )


def test_bases_are_kishs() -> None:
    weights = np.array([1.0, 3.0, 1.0, 1.0])
    found = Grouping.of("g", ["a", "a", "b", "b"], weights, 2)
    assert bases(np.ones((4, 1), dtype=bool), found)[0] == pytest.approx([1.6, 2.0])


def test_twins_and_people_are_compared_over_the_same_people() -> None:
    human = np.array([[1.0], [2.0], [3.0], [np.nan]])
    twin = np.array([[1.0], [2.0], [3.0], [900.0]])
    found = Grouping.of("g", ["a", "a", "b", "b"], np.ones(4), 2)
    record = gap_record(human, twin, twin, found, ["Q1"])
    assert record.twin == pytest.approx(record.human)


def test_crossed_groups_need_both_columns() -> None:
    assert crossed([["m", "f", None], ["old", "young", "old"]]) == ["m x old", "f x young", None]

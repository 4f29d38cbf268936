"""Response matrices and panels."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.data import Item, Panel, ResponseMatrix, Scale, Target
from truetwin.errors import AlignmentError, DataError, ParameterError


def matrix(values: list[list[float]], rows: str, columns: str) -> ResponseMatrix:
    return ResponseMatrix(values, list(rows), [f"Q{c}" for c in columns])


def test_sources_are_aligned_by_id_and_never_by_position() -> None:
    human = matrix([[1, 2], [3, 4]], "ab", "12")
    twin = matrix([[40, 30, 50], [20, 10, 60]], "ba", "213")
    panel = Panel(human, twin)
    assert panel.respondent_ids == ("a", "b")
    assert panel.item_ids == ("Q1", "Q2", "Q3")
    np.testing.assert_array_equal(panel.twin_values, [[10, 20, 60], [30, 40, 50]])
    np.testing.assert_array_equal(panel.human_values[:, :2], [[1, 2], [3, 4]])


def test_new_items_and_respondents_are_the_targets() -> None:
    human = ResponseMatrix([[1, np.nan], [np.nan, np.nan]], ["a", "b"], ["Q1", "Q2"])
    twin = matrix([[1, 1, 1]] * 3, "abc", "123")
    panel = Panel(human, twin)
    assert panel.new_items == ("Q2", "Q3")
    assert panel.new_respondents == ("b", "c")
    assert panel.targets[0] == Target("item", "Q2")
    assert panel.targets[-1] == Target("respondent", "c")


def test_values_are_copied_and_cannot_be_changed() -> None:
    values = np.ones((2, 2))
    answers = ResponseMatrix(values, ["a", "b"], ["Q1", "Q2"])
    values[0, 0] = 9
    assert answers.values[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        answers.values[0, 0] = 9


def test_off_scale_codes_become_missing_and_are_counted() -> None:
    item = Item("Q1", scale=Scale.ordinal(1, 5, off_scale={99: "refused"}))
    answers = ResponseMatrix([[1], [99], [np.nan]], ["a", "b", "c"], [item])
    assert answers.n_off_scale == 1
    assert answers.n_missing == 2


def test_ids_are_compared_as_they_are_written() -> None:
    with pytest.raises(AlignmentError, match="respondent id"):
        Panel(matrix([[1]], "7", "1"), ResponseMatrix([[1]], ["007"], ["Q1"]))


def test_data_frames_that_write_ids_in_two_ways_are_refused_or_matched() -> None:
    import pyarrow as pa

    from truetwin.data.reading_choices import ReadingChoices

    human = pa.table({"id": ["007", "120"], "Q1": [1, 2]})
    twin = pa.table({"id": [7, 120], "Q1": [1, 1], "Q2": [2, 1]})
    people = pa.table({"id": ["007", "0120"], "age": [30, 40]})
    with pytest.raises(AlignmentError, match=r"such as '7' for '007', and 1 of 2 match.*ReadingChoices"):
        Panel.from_frames(human, twin)
    other = twin.set_column(0, "id", pa.array(["R_007", "R_120"]))
    with pytest.raises(
        AlignmentError, match=r"removing 'R_' at the front would match 2 of 2.*tt\.ReadingChoices"
    ):
        Panel.from_frames(human, other)
    panel = Panel.from_frames(human, twin, people=people, choices=ReadingChoices(match=True))
    assert panel.respondent_ids == ("007", "120")
    assert panel.person_numbers("age").tolist() == [30, 40]
    assert "the people table: matched 2 respondent ids" in panel.human.notes[-1]
    assert "matched 2 respondent ids" in panel.twin.notes[-1]


@pytest.mark.parametrize(
    ("values", "rows", "columns", "message"),
    [
        ([[1.0], [2.0]], "aa", "1", "'a'"),
        ([[1.0, 2.0]], "a", "11", "'Q1'"),
        ([[np.inf]], "a", "1", "finite"),
        ([[1e300]], "a", "1", "lie within"),
        ([[1.0, 2.0]], "a", "1", "shape"),
    ],
)
def test_impossible_matrices_are_refused(
    values: list[list[float]], rows: str, columns: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        matrix(values, rows, columns)


@pytest.mark.parametrize("weights", [[1, -1], [1, np.nan], [1], [0, 0], [1, 1e308]])
def test_impossible_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(DataError, match="weights"):
        ResponseMatrix([[1], [2]], ["a", "b"], ["Q1"], weights)


def test_one_short_grid_shared_by_all_items_is_everybodys_scale() -> None:
    rng = np.random.default_rng(0)
    human = ResponseMatrix(rng.integers(1, 6, (50, 4)), [f"r{i}" for i in range(50)], list("abcd"))
    twin = ResponseMatrix(rng.integers(2, 5, (50, 5)), human.respondent_ids, list("abcde"))
    assert Panel(human, twin).scales["e"].describe() == "ordinal 1..5"


def test_declared_scales_win() -> None:
    items = [Item("Q1", scale=Scale.ordinal(1, 9))]
    panel = Panel(ResponseMatrix([[1], [2]], ["a", "b"], items), matrix([[1, 2], [3, 4]], "ab", "12"))
    assert panel.scales["Q1"].describe() == "ordinal 1..9"
    assert panel.scales["Q2"].inferred


def test_a_target_is_an_item_or_a_respondent() -> None:
    with pytest.raises(ParameterError, match="axis"):
        Target("column", "Q1")  # type: ignore[arg-type]


def test_scale_and_block_of_an_item_may_be_declared_on_different_sides() -> None:
    human = ResponseMatrix([[1]], ["a"], [Item("Q1", block="mood")])
    twin = ResponseMatrix([[1]], ["a"], [Item("Q1", "Well?", Scale.ordinal(1, 5))])
    panel = Panel(human, twin)
    assert panel.items["Q1"] == Item("Q1", "Well?", Scale.ordinal(1, 5), "mood")
    assert panel.declared_blocks == {"Q1": "mood"}


def test_an_item_that_is_not_declared_is_never_taken_for_nominal() -> None:
    party = Item("party", scale=Scale.nominal([1, 2, 3, 4]))
    human = ResponseMatrix([[1, 1], [4, 3], [2, 2]], ["a", "b", "c"], ["Q1", party])
    twin = ResponseMatrix([[1, 1, 2], [4, 3, 4], [2, 2, 3]], ["a", "b", "c"], ["Q1", party, "Q9"])
    assert Panel(human, twin).scales["Q9"].kind == "ordinal"

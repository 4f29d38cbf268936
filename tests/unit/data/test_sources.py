"""Panels with several sources of twin answers."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.data.human_marginals import beside_twins
from truetwin.data.source_average import average_answers, average_table, commonest_answers
from truetwin.data.twin_sources import family_of
from truetwin.errors import AlignmentError, DataError, ScaleError

PEOPLE = ["a", "b", "c"]
HUMAN = ResponseMatrix([[1, 2], [3, 4], [5, 5]], PEOPLE, ["Q1", "Q2"])


def source(
    values: Any, people: Sequence[str] = PEOPLE, items: Sequence[str | Item] = ("Q1", "Q2")
) -> ResponseMatrix:
    return ResponseMatrix(values, people, items)


def test_a_lone_source_is_the_twin_table_itself() -> None:
    twin = source([[1, 1], [2, 2], [3, 3]])
    panel = Panel(HUMAN, twin)
    assert panel.twin is twin
    assert panel.source_names == ("twin",)
    assert panel.source_values.shape == (1, 3, 2)
    np.testing.assert_array_equal(panel.source_values[0], panel.twin_values)


def test_sources_are_laid_out_on_one_grid() -> None:
    panel = Panel(
        HUMAN,
        {"x": source([[1, 1], [2, 2]], ["b", "a"]), "y": source([[4]], ["c"], ["Q2"])},
    )
    assert panel.source_names == ("x", "y")
    np.testing.assert_array_equal(
        panel.source_values,
        [
            [[2, 2], [1, 1], [np.nan, np.nan]],
            [[np.nan, np.nan], [np.nan, np.nan], [np.nan, 4]],
        ],
    )


def test_the_average_of_copies_is_the_source() -> None:
    rng = np.random.default_rng(0)
    twin = source(rng.integers(1, 6, (40, 3)), [str(k) for k in range(40)], ["a", "b", "c"])
    np.testing.assert_allclose(average_table({"x": twin, "y": twin, "z": twin}).values, twin.values)


def test_each_source_counts_alike_however_it_uses_the_scale() -> None:
    rng = np.random.default_rng(1)
    wide, narrow = rng.normal(0, 4, 500), rng.normal(10, 1, 500)
    average = average_answers(np.stack([wide, narrow])[:, :, None])[:, 0]
    assert np.corrcoef(average, wide)[0, 1] == pytest.approx(np.corrcoef(average, narrow)[0, 1], abs=0.02)
    assert average.mean() == pytest.approx((wide.mean() + narrow.mean()) / 2)


def test_a_constant_source_moves_the_level_only() -> None:
    varying = np.array([1.0, 2, 3, 4, 5])
    average = average_answers(np.stack([varying, np.full(5, 2.0)])[:, :, None])[:, 0]
    assert np.corrcoef(average, varying)[0, 1] == pytest.approx(1)
    assert average.mean() == pytest.approx(2.5)


def test_one_odd_answer_of_an_else_constant_source_does_not_outweigh_the_others() -> None:
    varying = np.tile([1.0, 2, 3, 4, 5], 40)
    odd = np.where(np.arange(200) == 0, 4.0, 3.0)
    average = average_answers(np.stack([varying, odd])[:, :, None])[:, 0]
    assert np.corrcoef(average, varying)[0, 1] > 0.9


def test_averages_stay_between_the_answers_that_were_given() -> None:
    skewed = np.array([1.0] * 99 + [5.0])
    spread = np.array([1.0, 5.0] * 49 + [1.0, 5.0])
    average = average_answers(np.stack([skewed, spread])[:, :, None])
    assert average.min() >= 1
    assert average.max() <= 5


def test_nominal_items_take_the_commonest_answer_and_on_ties_the_earlier_source() -> None:
    codes = np.array([[1.0, 1, np.nan, 3], [2, 2, 2, np.nan], [3, 2, np.nan, np.nan]])
    np.testing.assert_array_equal(commonest_answers(codes), [1, 2, 2, 3])
    item = Item("Q1", scale=Scale.nominal([1, 2, 3]))
    panel = Panel(
        source([[1, 2], [2, 4], [3, 5]], items=[item, "Q2"]),
        {"x": source([[1, 1], [2, 2], [3, 3]]), "y": source([[3, 1]] * 3)},
    )
    np.testing.assert_array_equal(panel.twin_values[:, 0], [1, 2, 3])


def test_scales_are_inferred_from_the_answers_of_all_sources_and_not_from_averages() -> None:
    panel = Panel(HUMAN, {"x": source([[1, 1], [2, 2], [3, 3]]), "y": source([[6, 1], [1, 2], [2, 3]])})
    assert panel.scales["Q1"] == Scale.ordinal(1, 6, inferred=True)


def test_one_source_with_odd_answers_does_not_widen_a_scale_that_most_sources_share() -> None:
    usual, odd = source([[1, 1], [2, 2], [3, 3]]), source([[6, 1], [1, 2], [2, 3]])
    panel = Panel(HUMAN, {"x": usual, "y": odd, "z": usual})
    assert panel.scales["Q1"] == Scale.ordinal(1, 5, inferred=True)
    _, twins = beside_twins(panel)
    assert twins["y"].values[0, 0] == 5


@pytest.mark.parametrize("part", ["human", "sources"])
def test_replacing_a_part_keeps_twins_and_sources_in_agreement(part: str) -> None:
    panel = Panel(HUMAN, {"x": source([[1, 1], [2, 2], [3, 3]]), "y": source([[2, 1], [1, 2], [2, 3]])})
    assert panel.twin.shape == (3, 2)
    changed = replace(panel, **{part: {"human": HUMAN.take_items([0]), "sources": {"z": HUMAN}}[part]})
    assert changed.source_names == (("x", "y") if part == "human" else ("z",))
    expected = panel.twin_values if part == "human" else HUMAN.values
    np.testing.assert_array_equal(changed.twin_values, expected)


def test_replacing_the_twin_replaces_all_sources() -> None:
    panel = Panel(HUMAN, {"x": HUMAN, "y": HUMAN})
    assert replace(panel, twin=source([[1, 1]] * 3)).source_names == ("twin",)


def test_panels_can_be_sent_to_other_processes() -> None:
    panel = pickle.loads(pickle.dumps(Panel(HUMAN, {"x": HUMAN, "y": HUMAN})))
    assert panel.source_names == ("x", "y")


def test_from_frames_reads_several_sources_and_names_them_in_notes() -> None:
    human = pa.table({"id": PEOPLE, "Q1": [1, 2, 3]})
    x = pa.table({"id": PEOPLE, "Q1": [1, 1, 2], "why": ["I like it", "so so", "never"]})
    y = pa.table({"id": PEOPLE[:2], "Q1": [2, 3], "Q2": [1, 2]})
    panel = Panel.from_frames(human, {"x": x, "y": y})
    assert panel.source_names == ("x", "y")
    assert panel.item_ids == ("Q1", "Q2")
    assert panel.twin.notes == ("the source 'x': left out texts: why",)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (source([[1, 1]], ["z"]), "source 'bad' must have respondent ids in common"),
        (source([[1]] * 3, PEOPLE, ["Q9"]), "source 'bad' must have items in common"),
    ],
)
def test_a_source_with_nothing_in_common_is_named(wrong: ResponseMatrix, words: str) -> None:
    with pytest.raises(AlignmentError, match=words):
        Panel(HUMAN, {"good": HUMAN, "bad": wrong})


def test_different_scales_of_one_item_are_named_with_item_and_sources() -> None:
    five, seven = (HUMAN.with_items({"Q2": Item("Q2", scale=Scale.ordinal(1, high))}) for high in (5, 7))
    with pytest.raises(
        ScaleError, match=r"'Q2' is ordinal 1..5 in the source 'x' and ordinal 1..7 in the source 'y'"
    ):
        Panel(HUMAN, {"x": five, "y": seven})


def test_a_panel_without_a_source_is_refused() -> None:
    with pytest.raises(DataError, match="at least one source"):
        Panel(HUMAN, {})


def long_table(**further: list[Any]) -> pa.Table:
    n = len(next(iter(further.values())))
    return pa.table(
        {
            "respondent_id": (["a", "b"] * n)[:n],
            "item_id": ["Q1"] * n,
            "value": list(range(1, n + 1)),
            **further,
        }
    )


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (long_table(source=["x", "x", "y", "y"]), ("x", "y")),
        (long_table(Model=["x", "x", "x", "x"], replicate=[1, 1, 2, 2]), ("x/1", "x/2")),
        (long_table(replicate=["0.0", "0.0", "1.0", "1.0"]), ("twin/0", "twin/1")),
        (long_table(run=["first", "first", "again", "again"]), ("twin/1", "twin/2")),
        (long_table(seed=[7, 8, 9, 10]), ("twin/1", "twin/2")),
        (long_table(source=["x", "x"]), ("x",)),
        (long_table(replicate=[1, 1]), ("twin",)),
        (
            pa.table({"id": ["a", "b"] * 2, "Q1": [1, 2, 3, 4], "replicate": [1, 1, 2, 2]}),
            ("twin/1", "twin/2"),
        ),
    ],
)
def test_columns_of_a_table_tell_its_sources_apart(table: pa.Table, names: tuple[str, ...]) -> None:
    human = pa.table({"id": ["a", "b"], "Q1": [1, 2]})
    panel = Panel.from_frames(human, table)
    assert panel.source_names == names
    expected = np.arange(1, table.num_rows + 1).reshape(-1, 2)
    np.testing.assert_array_equal(panel.source_values[:, :, 0], expected)


def test_replicates_of_named_sources_are_named_after_them() -> None:
    human = pa.table({"id": ["a", "b"], "Q1": [1, 2]})
    replicated = long_table(replicate=[1, 1, 2, 2])
    panel = Panel.from_frames(human, {"gpt": replicated, "gemini": long_table(source=["any", "any"])})
    assert panel.source_names == ("gpt/1", "gpt/2", "gemini")
    assert [family_of(name) for name in panel.source_names] == ["gpt", "gpt", "gemini"]


def test_two_sources_of_one_name_are_refused() -> None:
    human = pa.table({"id": ["a", "b"], "Q1": [1, 2]})
    frames = {"gpt/1": long_table(source=["x", "x"]), "gpt": long_table(replicate=[1, 1, 2, 2])}
    with pytest.raises(DataError, match="two are called 'gpt/1'"):
        Panel.from_frames(human, frames)


def test_an_item_that_is_called_source_stays_an_item() -> None:
    human = pa.table({"id": ["a", "b"], "source": [1, 2]})
    panel = Panel.from_frames(human, pa.table({"id": ["a", "b"], "source": [2, 1], "Q2": [1, 2]}))
    assert panel.item_ids == ("source", "Q2")


def test_answers_that_no_column_tells_apart_are_refused() -> None:
    human = pa.table({"id": ["a", "b"], "Q1": [1, 2]})
    with pytest.raises(DataError, match="several times"):
        Panel.from_frames(human, long_table(source=["x"] * 4))


def test_every_row_must_name_its_source() -> None:
    human = pa.table({"id": ["a", "b"], "Q1": [1, 2]})
    with pytest.raises(DataError, match=r"must name the source of every row; it is empty in row 3"):
        Panel.from_frames(human, long_table(source=["x", "x", None, "y"]))

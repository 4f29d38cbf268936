"""The people table: reading, alignment, and the checks on weights, groups, strata and clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from truetwin.data import Item, Panel, People, Scale
from truetwin.data.people_columns import replicate_columns
from truetwin.data.people_frames import people_from_frame
from truetwin.data.person_design import person_design, person_group, person_weights
from truetwin.errors import AlignmentError, DataError, UnknownNameError

HUMAN = {"id": ["a", "b", "c", "d"], "Q1": [1, 2, 3, None], "Q2": [2, 2, None, None]}
TWIN = {"id": ["d", "c", "b", "a", "e"], "Q1": [1, 2, 3, 4, 5], "Q3": [1, 1, 2, 2, 3]}


def panel(**columns: list[Any]) -> Panel:
    human = pa.table({**HUMAN, **columns})
    return Panel.from_frames(human, pa.table(TWIN), people_columns=list(columns))


@pytest.mark.parametrize("kind", ["pandas.DataFrame", "polars.DataFrame", "pyarrow.table"])
def test_people_are_aligned_by_id_with_the_panel(kind: str) -> None:
    library, name = kind.split(".")
    table = getattr(pytest.importorskip(library, reason=f"needs the extra {library!r}"), name)
    people = table({"id": ["c", "a", "x"], "w": [3.0, 1.0, 9.0], "region": ["south", "north", "west"]})
    found = Panel.from_frames(table(HUMAN), table(TWIN), people=people)
    assert found.respondent_ids == ("a", "b", "c", "d", "e")
    np.testing.assert_array_equal(found.person_numbers("w"), [1, np.nan, 3, np.nan, np.nan])
    assert found.person_groups("region").tolist() == ["north", None, "south", None, None]
    assert found.respondents_without_row == ("b", "d", "e")


def test_columns_of_the_human_table_are_taken_out_of_the_items_of_both_tables() -> None:
    human = pa.table({**HUMAN, "sex": ["m", "f", "f", None]})
    twin = pa.table({**TWIN, "sex": ["m"] * 5})
    found = Panel.from_frames(human, twin, people_columns=["sex"])
    assert found.item_ids == ("Q1", "Q2", "Q3")
    assert found.person_groups("sex").tolist() == ["m", "f", "f", None, None]


def test_a_table_and_columns_of_the_human_table_are_joined() -> None:
    human = pa.table({**HUMAN, "sex": ["m", "f", "f", None]})
    people = pa.table({"id": ["e", "a"], "w": [5, 1]})
    found = Panel.from_frames(human, pa.table(TWIN), people=people, people_columns=["sex"])
    np.testing.assert_array_equal(found.person_numbers("w"), [1, np.nan, np.nan, np.nan, 5])
    assert found.person_groups("sex")[0] == "m"
    again = pa.table({"id": ["a"], "sex": ["m"]})
    with pytest.raises(DataError, match=r"'sex' is in the people table and in the human table"):
        Panel.from_frames(human, pa.table(TWIN), people=again, people_columns=["sex"])


def test_texts_of_a_file_stay_as_written_and_are_read_as_numbers_where_needed() -> None:
    people = people_from_frame(pa.table({"id": ["1", "2", "3"], "code": [" 01 ", "1", "NA"]}))
    assert people.groups("code").tolist() == ["01", "1", None]
    np.testing.assert_array_equal(people.numbers("code"), [1, 1, np.nan])


def test_labels_name_groups_and_off_scale_codes_are_missing() -> None:
    sex = Item("sex", scale=Scale.nominal([1, 2], labels={1: "man", 2: "woman"}, off_scale={9: "refused"}))
    for cells in ([1, 2, 9], ["1", "woman", "refused"]):
        people = people_from_frame(pa.table({"id": ["a", "b", "c"], "sex": cells}), items={"sex": sex})
        assert people.groups("sex").tolist() == ["man", "woman", None]


def test_codes_too_long_for_a_float_stay_apart() -> None:
    people = people_from_frame(pa.table({"id": ["a", "b"], "plot": [2**60, 2**60 + 1]}))
    assert len(set(people.groups("plot"))) == 2


def test_a_long_human_table_has_one_value_for_each_person() -> None:
    rows = {"respondent_id": ["a", "a", "b"], "item_id": ["Q1", "Q2", "Q1"], "value": [1, 2, 3]}
    twin = pa.table({**rows, "item_id": ["Q1", "Q3", "Q1"]})
    found = Panel.from_frames(pa.table({**rows, "w": [1.5, 1.5, 2.0]}), twin, people_columns=["w"])
    np.testing.assert_array_equal(found.person_numbers("w"), [1.5, 2.0])
    with pytest.raises(DataError, match=r"one value of 'w'; respondent 'a' has '1\.5' and '9\.0'"):
        Panel.from_frames(pa.table({**rows, "w": [1.5, 9.0, 2.0]}), twin, people_columns=["w"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": ["a", "a"], "w": [1, 2]}, "'a' occurs several times"),
        ({"id": ["a", None], "w": [1, 2]}, "empty in row 2"),
        ({"id": ["a", "b"], "w": [[1], [2]]}, "texts or numbers"),
        ({"id": pa.array([], pa.string()), "w": pa.array([], pa.float64())}, "no rows"),
    ],
)
def test_bad_people_tables_are_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        people_from_frame(pa.table(table))


def test_a_pandas_column_of_several_kinds_is_refused() -> None:
    pandas = pytest.importorskip("pandas", reason="needs the extra 'pandas'")
    mixed = pandas.DataFrame({"id": ["a", "b"], "w": [1, "heavy"]})
    with pytest.raises(DataError, match=r"texts or numbers; column 'w' holds values of several kinds"):
        people_from_frame(mixed)


def test_people_of_another_study_are_refused() -> None:
    with pytest.raises(AlignmentError, match="none of them"):
        Panel.from_frames(pa.table(HUMAN), pa.table(TWIN), people=pa.table({"id": ["x", "y"], "w": [1, 2]}))


def test_a_misspelt_column_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'weight'"):
        panel(weight=[1, 1, 1, 1]).person_numbers("wieght")
    with pytest.raises(UnknownNameError, match="Did you mean 'Q1'"):
        Panel.from_frames(pa.table(HUMAN), pa.table(TWIN), people_columns=["Q_1"])
    with pytest.raises(DataError, match="people table must be given"):
        Panel.from_frames(pa.table(HUMAN), pa.table(TWIN)).person_numbers("w")


def test_cells_that_are_no_numbers_are_named_and_shortened() -> None:
    people = People(["a", "b", "c"], {"w": ["1_0", "x" * 100_000, None]})
    with pytest.raises(DataError, match=r"found '1_0' for respondent 'a' \(1 more\)"):
        people.numbers("w")
    huge = People(["b"], {"w": ["x" * 100_000]})
    with pytest.raises(DataError) as error:
        huge.numbers("w")
    assert len(str(error.value)) < 300


def test_a_missing_weight_of_people_without_answers_counts_nothing() -> None:
    np.testing.assert_array_equal(person_weights(panel(w=[1, 2, 3, None]), "w"), [1, 2, 3, 0, 0])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, None, 1, 1], "1 of 3 have none, such as respondent 'b'"),
        ([1, float("nan"), 1, 1], "1 of 3 have none"),
        ([1, -1, 1, 1], "not be negative; respondent 'b' has -1"),
        ([1, float("inf"), 1, 1], "be finite; respondent 'b' has inf"),
        ([1, 1e308, 1, 1], "between 1e-100 and 1e\\+100; respondent 'b' has 1e\\+308"),
        ([1, 1e-320, 1, 1], "between 1e-100"),
        ([0, 0, 0, 5], "all are 0"),
        (["1", "x", "1", "1"], "must hold numbers; found 'x'"),
    ],
)
def test_bad_weights_are_refused(weights: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        person_design(panel(w=weights), weights="w")


def test_weights_that_are_an_item_are_refused() -> None:
    people = pa.table({"id": ["a", "b", "c"], "Q3": [1, 1, 1]})
    with pytest.raises(DataError, match=r"weights must be no item; 'Q3'"):
        person_design(Panel.from_frames(pa.table(HUMAN), pa.table(TWIN), people=people), weights="Q3")


def test_clusters_are_within_their_stratum() -> None:
    human = pa.table({**HUMAN, "Q1": [1, 2, 3, 4], "s": ["x", "x", "y", "y"], "c": [1, 2, 1, 2]})
    found = Panel.from_frames(human, pa.table(TWIN), people_columns=["s", "c"])
    design = person_design(found, strata="s", clusters="c")
    assert design.strata is not None
    assert design.clusters is not None
    assert design.strata.tolist() == [0, 0, 1, 1, -1]
    assert design.clusters.tolist() == [0, 1, 2, 3, -1]


@pytest.mark.parametrize(
    ("columns", "asked", "message"),
    [
        ({"s": ["x", "x", "y", "y"]}, {"strata": "s"}, "stratum 'y' of column 's' has one person only"),
        (
            {"s": ["x"] * 4, "c": ["p", "p", "p", "q"]},
            {"strata": "s", "clusters": "c"},
            "stratum 'x' of column 's' has one cluster only",
        ),
        ({"c": ["p"] * 4}, {"clusters": "c"}, "at least two clusters"),
        ({"s": ["x", None, "x", "x"]}, {"strata": "s"}, "1 of 3 have none"),
    ],
)
def test_designs_without_a_variance_are_refused(
    columns: dict[str, list[Any]], asked: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        person_design(panel(**columns), **asked)  # type: ignore[arg-type]


def test_a_gap_in_numbered_replicate_weights_is_refused() -> None:
    names = ["rep1", "rep2", "rep4"]
    with pytest.raises(DataError, match="'rep1' and 'rep4', and none with the number 3"):
        replicate_columns("rep", names)
    assert replicate_columns("rep", ["rep_3", "rep_2", "rept"]) == ["rep_2", "rep_3"]


def test_replicate_weights_come_in_the_order_of_their_numbers() -> None:
    found = panel(rep10=[3, 3, 3, 3], rep9=[2, 2, 2, 2], report=[1, 1, 1, 1])
    design = person_design(found, replicate_weights="rep")
    assert design.replicates is not None
    assert design.replicates[0].tolist() == [2, 3]
    with pytest.raises(UnknownNameError, match="no column 'rpe1'"):
        person_design(found, replicate_weights="rpe")


def test_a_group_of_one_is_refused() -> None:
    with pytest.raises(DataError, match=r"group 'north' of column 'g' has one"):
        person_group(panel(g=["north", "south", "south", None]), "g")
    with pytest.raises(DataError, match="is empty"):
        person_group(panel(g=["", None, None, None]), "g")

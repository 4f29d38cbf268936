"""Data frames of three kinds, wide and long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import truetwin as tt
from truetwin.data import Item, Panel, Scale
from truetwin.data.frames import from_frame, to_frame
from truetwin.errors import DataError

WIDE = {"id": ["007", "12"], "Q1": [1, 2], "Q2": [None, 4.5]}


@pytest.fixture(params=["pandas", "polars", "pyarrow"])
def kind(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """What makes a frame of one kind; skips a kind that is not installed."""
    if request.param == "pyarrow":
        return pa.table
    library = pytest.importorskip(request.param, reason=f"needs the extra {request.param!r}")
    return library.DataFrame


@pytest.fixture
def pd() -> Any:
    """Provide pandas; skips where it is not installed."""
    return pytest.importorskip("pandas", reason="needs the extra 'pandas'")


def test_every_kind_of_frame_is_read_alike(kind) -> None:  # type: ignore[no-untyped-def]
    answers = from_frame(kind(WIDE), id_column="id")
    assert answers.respondent_ids == ("007", "12")
    np.testing.assert_array_equal(answers.values, [[1, np.nan], [2, 4.5]])


def test_predictions_come_in_the_kind_that_was_given(kind) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    names = [f"Q{k}" for k in range(6)]
    ids = [f"{i:03d}" for i in range(30)]
    twin = rng.integers(1, 6, (30, 6)).astype(float)
    twin_frame = kind({"id": ids, **dict(zip(names, twin.T, strict=True))})
    human_frame = kind({"id": ids, **dict(zip(names[:5], twin.T[:5], strict=True))})
    panel = Panel.from_frames(human_frame, twin_frame, id_column="id")
    result = tt.calibrate(panel, "ridge", preset="movielens").predictions
    assert type(result) is type(human_frame)
    assert list(result.columns if kind is not pa.table else result.column_names) == ["id", "Q5"]
    assert list(result["id"].to_pylist() if kind is pa.table else result["id"]) == ids


def test_a_pandas_index_can_carry_the_ids(pd: Any) -> None:
    frame = pd.DataFrame({"Q1": [1, 2]}, index=pd.Index(["x", "y"], name="person"))
    answers = from_frame(frame)
    assert answers.respondent_ids == ("x", "y")
    assert answers.id_name == "person"


def test_whole_number_ids_stay_whole(pd: Any) -> None:
    assert from_frame(pd.DataFrame({"id": [7.0, 12.0], "Q1": [1, 2]})).respondent_ids == ("7", "12")
    assert from_frame(pd.DataFrame({"id": [7, 12], "Q1": [1, 2]})).respondent_ids == ("7", "12")


@pytest.mark.parametrize("mark", ["", "NA", "NaN", " ", ".", "null", None])
def test_marks_of_missing_answers_are_understood(mark: str | None) -> None:
    assert from_frame(pa.table({"id": ["a", "b"], "Q1": [mark, "3"]})).n_missing == 1


def test_labels_of_a_declared_scale_are_understood() -> None:
    scale = Scale.ordinal(1, 3, labels={1: "no", 2: "perhaps", 3: "yes"}, off_scale={9: "refused"})
    wide = pa.table({"id": ["a", "b", "c"], "Q1": ["yes", "2", "refused"]})
    long = pa.table(
        {"respondent_id": ["a", "b", "c"], "item_id": ["Q1"] * 3, "value": ["yes", "2", "refused"]}
    )
    for table in (wide, long):
        answers = from_frame(table, items={"Q1": Item("Q1", scale=scale)})
        np.testing.assert_array_equal(answers.values, [[3], [2], [np.nan]])
        assert answers.n_off_scale == 1


@pytest.mark.parametrize("columns", [["Q1"], ["Q1", "Q2"]])
@pytest.mark.parametrize("long", [False, True])
def test_a_misspelt_label_is_corrected_instead_of_declared(columns: list[str], long: bool) -> None:
    scale = Scale.ordinal(1, 3, labels={1: "Strongly disagree", 2: "Disagree", 3: "Agree"})
    cells = ["Agreee", "Disagree", "Stongly disagre", "Agree"]
    wide = {"id": list("abcd"), **dict.fromkeys(columns, cells)}
    if long:
        rows = [(i, q, cell) for q in columns for i, cell in zip("abcd", cells, strict=True)]
        wide = dict(
            zip(("respondent_id", "item_id", "value"), map(list, zip(*rows, strict=True)), strict=True)
        )
    with pytest.raises(
        DataError, match="Did you mean 'Agree' for 'Agreee', 'Strongly disagree' for 'Stongly disagre'"
    ) as info:
        from_frame(pa.table(wide), items={q: Item(q, scale=scale) for q in columns})
    assert "item_id,kind" not in str(info.value)


def test_a_word_beside_a_misspelt_label_is_still_offered_as_a_label() -> None:
    scale = Scale.ordinal(1, 2, labels={1: "likely", 2: "certain"})
    table = pa.table({"id": list("abcd"), "Q1": ["likly", "unlikely", "unlikely", "certain"]})
    with pytest.raises(
        DataError, match=r"Did you mean 'likely' for 'likly'\?.*1=likely\|2=certain\|3=unlikely"
    ) as info:
        from_frame(table, items={"Q1": Item("Q1", scale=scale)})
    assert "=likly" not in str(info.value)


def test_a_long_table_is_the_wide_one() -> None:
    long = pa.table(
        {
            "respondent_id": ["007", "007", "12"],
            "item_id": ["Q1", "Q2", "Q1"],
            "value": [1.0, 2.0, 3.0],
            "weight": [0.5, 0.5, 2.0],
        }
    )
    answers = from_frame(long)
    np.testing.assert_array_equal(answers.values, [[1, 2], [3, np.nan]])
    assert answers.weights is not None
    np.testing.assert_array_equal(answers.weights, [0.5, 2.0])


def test_changing_weights_in_a_long_table_are_refused() -> None:
    long = pa.table({"respondent_id": ["a", "a"], "item_id": ["Q1", "Q2"], "value": [1, 2], "weight": [1, 2]})
    with pytest.raises(DataError, match="one weight"):
        from_frame(long)


def test_something_else_is_refused() -> None:
    with pytest.raises(DataError, match="list"):
        from_frame([[1, 2]])


def test_dates_are_refused(pd: Any) -> None:
    with pytest.raises(DataError, match="timestamp"):
        from_frame(pd.DataFrame({"id": ["a"], "Q1": pd.to_datetime(["2020-01-01"])}))


@given(
    st.lists(st.text(min_size=1).filter(lambda t: t.strip()), min_size=1, max_size=8, unique=True),
    st.lists(st.floats(-1e9, 1e9) | st.none(), min_size=8, max_size=8),
)
def test_ids_and_answers_survive_a_round_trip(ids: list[str], numbers: list[float | None]) -> None:
    values = np.array([np.nan if v is None else v for v in numbers])[: len(ids), None]
    again = from_frame(to_frame(values, ids, ["Q1"]))
    assert again.respondent_ids == tuple(ids)
    np.testing.assert_array_equal(again.values, values)


def test_whole_number_ids_come_back_as_numbers_and_join(kind) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    twin = rng.integers(1, 6, (30, 6)).astype(float)
    ids = np.arange(100, 130, dtype=np.int32)
    names = [f"Q{k}" for k in range(6)]
    human = kind({"id": ids, **dict(zip(names[:5], twin.T[:5], strict=True))})
    panel = Panel.from_frames(human, kind({"id": ids, **dict(zip(names, twin.T, strict=True))}))
    result = tt.calibrate(panel, "ridge", preset="movielens").predictions
    if hasattr(human, "merge"):  # pandas joins on its index otherwise
        joined = human.merge(result, on="id")
    else:
        joined = human.join(result, "id")
    assert len(joined) == 30
    column = joined["id"]
    assert isinstance((column.to_pylist() if kind is pa.table else column.to_list())[0], int)


def test_ids_that_are_no_numbers_stay_texts_in_mixed_company(pd: Any) -> None:
    human = pd.DataFrame({"id": [7, 12, 9], "Q1": [1, 2, 3]})
    twin = pd.DataFrame({"id": ["7", "12", "x"], "Q1": [1, 2, 3], "Q2": [1, 2, 2]})
    panel = Panel.from_frames(human, twin)
    assert to_frame(
        panel.twin_values, panel.respondent_ids, panel.item_ids, kind="pandas", id_type=panel.human.id_type
    )["respondent_id"].tolist() == ["7", "12", "9", "x"]


def test_floats_from_survey_programs_come_back_as_whole_numbers(pd: Any) -> None:
    answers = from_frame(pd.DataFrame({"id": [7.0, 1234567890123.0], "Q1": [1, 2]}))
    table = to_frame(answers.values, answers.respondent_ids, answers.item_ids, id_type=answers.id_type)
    assert table.column("respondent_id").to_pylist() == [7, 1234567890123]
    long = to_frame(
        answers.values, answers.respondent_ids, answers.item_ids, layout="long", id_type=answers.id_type
    )
    assert long.column("respondent_id").to_pylist() == [7, 1234567890123]


def test_row_numbers_without_a_name_are_not_taken_for_ids() -> None:
    table = pa.table({"": [0, 1], "person": [101, 102], "Q1": [1, 2]})
    with pytest.raises(DataError, match="counts the rows"):
        from_frame(table)
    assert from_frame(table.drop_columns([""])).respondent_ids == ("101", "102")
    assert from_frame(table.drop_columns(["person"]).set_column(0, "", pa.array([7, 3]))).respondent_ids == (
        "7",
        "3",
    )


def test_columns_that_hold_no_answers_are_left_out_and_codes_far_off_are_missing(pd: Any) -> None:
    people = [f"p{k}" for k in range(40)]
    answers = [1 + k % 5 for k in range(40)]
    human = pd.DataFrame({"id": people, "Q1": [99, *answers[1:]], "comment": "good", "age": range(20, 60)})
    human["when"] = pd.Timestamp("2024-05-01")
    twin = pd.DataFrame({"id": people, "Q1": answers, "Q2": answers, "persona": "A teacher"})
    panel = Panel.from_frames(human, twin)
    assert panel.item_ids == ("Q1", "age", "Q2")
    assert panel.human.n_off_scale == 1
    assert "texts: comment; dates: when" in panel.human.notes[0]
    assert "are read as missing" in panel.human.notes[1]
    assert "texts: persona" in panel.twin.notes[0]

"""Files: CSV, TSV, Parquet, SPSS and Stata."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truetwin.data.frames import to_frame
from truetwin.errors import DataError, FileFormatError, OutputError
from truetwin.io import dump_json, read_blocks, read_items, read_responses, replacing, write_table
from truetwin.io.margin_files import read_margins
from truetwin.io.marginal_data import read_groups
from truetwin.io.marginal_files import read_marginals

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r\n", exclude_categories=("Cs", "Cc")), min_size=1
)
CLEAN = NAMES.filter(lambda t: t == t.strip() and not t.startswith("\ufeff"))


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
@settings(max_examples=40)
@given(
    ids=st.lists(CLEAN, min_size=1, max_size=5, unique=True),
    items=st.lists(CLEAN, min_size=2, max_size=4, unique=True),
)
def test_ids_and_items_survive_a_round_trip(
    tmp_path_factory: pytest.TempPathFactory, ending: str, ids: list[str], items: list[str]
) -> None:
    path = tmp_path_factory.mktemp("t") / f"answers{ending}"
    values = np.arange(len(ids) * len(items), dtype=float).reshape(len(ids), len(items)) / 7
    values[0, 0] = np.nan
    items = [f"Q {i}" for i in items]
    write_table(to_frame(values, ids, items, id_column="id"), path)
    again = read_responses(path, id_column="id")
    assert again.respondent_ids == tuple(ids)
    assert again.item_ids == tuple(items)
    np.testing.assert_array_equal(again.values, values)


def test_somebody_may_be_called_like_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,Q1,Q2\nResponseID,,1.5\n0,2,3\n")
    found = read_responses(path, id_column="id")
    assert found.respondent_ids == ("ResponseID", "0")
    assert found.values.tolist()[1] == [2.0, 3.0]


def test_leading_zeros_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("TWIN_ID,Q1\n007,1\n7,2\n")
    assert read_responses(path).respondent_ids == ("007", "7")


@pytest.mark.parametrize(
    "content", ["id;Q1;Q2\na;1;2\n", "id\tQ1\tQ2\na\t1\t2\n", "\ufeffid,Q1,Q2\r\na,1,2\r\n"]
)
def test_other_delimiters_and_byte_order_marks_are_understood(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8", newline="")
    answers = read_responses(path, id_column="id")
    assert answers.item_ids == ("Q1", "Q2")
    np.testing.assert_array_equal(answers.values, [[1, 2]])


@pytest.mark.extra("survey")
def test_spss_labels_and_user_missing_codes_are_understood(tmp_path: Path) -> None:
    import pandas as pd
    import pyreadstat

    path = tmp_path / "a.sav"
    frame = pd.DataFrame(
        {"id": ["007", "8", "9"], "Q1": [1.0, 5.0, 99.0], "Q2": [1.0, 2.0, np.nan], "Q3": [1.0, 3.0, 2.5]}
    )
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels={"Q1": "How happy?", "Q2": "Sex"},
        variable_value_labels={"Q1": {1: "not", 5: "very", 99: "refused"}, "Q2": {1: "m", 2: "f"}},
        missing_ranges={"Q1": [99]},
        variable_measure={"Q1": "ordinal", "Q2": "nominal", "Q3": "scale"},
    )
    answers = read_responses(path, id_column="id")
    assert answers.respondent_ids == ("007", "8", "9")
    np.testing.assert_array_equal(answers.values[:, 0], [1, 5, np.nan])
    assert answers.n_off_scale == 1
    happy, sex, number = answers.items
    assert happy.text == "How happy?"
    assert happy.scale is not None
    assert happy.scale.describe() == "ordinal 1..5"
    assert dict(happy.scale.off_scale) == {99.0: "refused"}
    assert sex.scale is not None
    assert sex.scale.kind == "nominal"
    assert number.scale is None


@pytest.mark.extra("survey")
def test_stata_files_are_read(tmp_path: Path) -> None:
    import pandas as pd
    import pyreadstat

    path = tmp_path / "a.dta"
    frame = pd.DataFrame({"id": ["a", "b"], "Q1": [1.0, np.nan]})
    pyreadstat.write_dta(frame, str(path), variable_value_labels={"Q1": {1: "no", 2: "yes"}})
    answers = read_responses(path)
    assert answers.n_missing == 1
    assert answers.items[0].scale is not None
    assert answers.items[0].scale.labels[2.0] == "yes"


def test_item_files_declare_scales(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text(
        "item_id,text,kind,low,high,step,categories,labels,off_scale,block\n"
        "Q1,How?,,1,5,,,,99=refused|98=unknown,A\n"
        "Q2,,nominal,,,,1|2|7,1=a|2=b|7=c,,A\n"
        "Q3,,numeric,0,,10,,,,B\n"
        "Q4,Only a text,,,,,,,,\n"
    )
    items = read_items(path)
    assert items["Q1"].scale is not None
    assert items["Q1"].scale.describe() == "ordinal 1..5"
    assert sorted(items["Q1"].scale.off_scale) == [98.0, 99.0]
    assert items["Q2"].scale is not None
    assert items["Q2"].scale.categories == (1.0, 2.0, 7.0)
    assert items["Q3"].scale is not None
    assert items["Q3"].scale.step == 10
    assert items["Q4"].scale is None
    assert [items[q].block for q in ("Q1", "Q3", "Q4")] == ["A", "B", None]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("item_id,low,high\nQ1,5,1\n", "'Q1'"),
        ("item_id,kind\nQ1,rank\n", "'Q1'"),
        ("item_id,hihg\nQ1,5\n", "hihg"),
        ("item_id,text\nQ1,a\nQ1,b\n", "'Q1'"),
        ("item,text\nQ1,a\n", "item"),
        ("item_id,text\n", "at least one"),
    ],
)
def test_item_files_that_cannot_be_understood_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "items.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_items(path)


def test_item_files_in_json(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_text(
        '[{"item_id": "Q1", "low": 1, "high": 3, "labels": {"1": "no"}, "off_scale": {"9": "refused"}}]'
    )
    scale = read_items(path)["Q1"].scale
    assert scale is not None
    assert scale.labels == {1.0: "no"}
    path.write_text('{"item_id": "Q1"}')
    with pytest.raises(FileFormatError, match="list"):
        read_items(path)


def test_blocks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "blocks.csv"
    path.write_text("item_id,block\nQ1,A\nQ2,A\n")
    assert read_blocks(path) == {"Q1": "A", "Q2": "A"}


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as (draft,):
            draft.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"

    def fill() -> None:
        with replacing(path) as (draft,):
            draft.unlink()
            draft.symlink_to("/dev/full")
            draft.write_text("x" * 100_000)

    with pytest.raises(OutputError, match="No space left"):
        fill()
    assert os.listdir(tmp_path) == []


def test_json_has_no_bare_nan() -> None:
    assert "NaN" not in dump_json(
        {"a": [float("nan"), np.float64(1), np.arange(2)], "b": pa.scalar(1).as_py()}
    )


def _twin_answers(path: Path) -> Any:
    return read_responses(path, expectations=True)


@pytest.mark.parametrize(
    ("text", "twice", "read"),
    [
        ("respondent_id,item_id,value,value\na,Q1,1,2\n", "value", read_responses),
        (
            "respondent_id,item_id,category,probability,probability\na,Q1,1,1,1\n",
            "probability",
            _twin_answers,
        ),
        ("item_id,category,share,share\nQ1,1,1,1\n", "share", read_marginals),
        ("column,category,share,share\ng,a,1,1\n", "share", read_margins),
        ("item_id,group,group\nQ1,a,b\n", "group", read_groups),
        ("item_id,block,block\nQ1,a,b\n", "block", read_blocks),
        ("item_id,low,low,high\nQ1,1,2,5\n", "low", read_items),
    ],
)
def test_a_column_that_occurs_twice_is_named(
    tmp_path: Path, text: str, twice: str, read: Callable[[Path], Any]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"every column must occur once in .*; '{twice}' occurs"):
        read(path)

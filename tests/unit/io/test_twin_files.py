"""Several sources of twin answers in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from truetwin.errors import AlignmentError, DataError, FileFormatError, ScaleError
from truetwin.io import write_table
from truetwin.io.panel_files import read_panel
from truetwin.io.twin_files import files_by_role, read_twins, twin_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A human table, and a folder with the tables of two sources and what lies beside an export."""
    sources = tmp_path / "twins"
    sources.mkdir()
    write_table(pa.table({"id": ["a", "b", "c"], "Q1": [1, 2, 3], "Q2": [3, 1, 2]}), tmp_path / "human.csv")
    write_table(
        pa.table({"id": ["a", "b", "c"], "Q1": [1, 1, 3], "Q2": [2, 2, 1], "Q3": [1, 2, 3]}),
        sources / "gpt.csv",
    )
    write_table(pa.table({"id": ["c", "a"], "Q1": [2, 2], "Q3": [3, 3]}), sources / "gemini.parquet")
    (sources / "gpt.json").write_text("{}")
    (sources / "gpt.not-valid.csv").write_text("respondent_id,item_id\n")
    return tmp_path


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_folder_and_files_by_name_are_sources(folder: Path, as_folder: bool) -> None:
    twins = folder / "twins"
    files = {"gemini": twins / "gemini.parquet", "gpt": twins / "gpt.csv"}
    said: list[str] = []
    panel = read_panel(folder / "human.csv", twins if as_folder else files, say=said.append)
    assert panel.source_names == ("gemini", "gpt")
    assert panel.item_ids == ("Q1", "Q2", "Q3")
    np.testing.assert_array_equal(panel.source_values[0, :, 0], [2, np.nan, 2])
    assert said[:2] == [
        f"source 'gemini' ({twins / 'gemini.parquet'}): 2 people, 2 items",
        f"source 'gpt' ({twins / 'gpt.csv'}): 3 people, 3 items",
    ]


def test_files_by_role_name_the_tables_of_a_folder(folder: Path) -> None:
    found = files_by_role({"human": folder / "human.csv", "twin": folder / "twins"})
    assert list(found) == ["human", "twin.gemini", "twin.gpt"]


def test_one_long_table_holds_sources_and_replicates(folder: Path) -> None:
    table = pa.table(
        {
            "respondent_id": ["a", "b"] * 3,
            "item_id": ["Q1"] * 6,
            "value": [1, 2, 3, 1, 2, 3],
            "source": ["gpt"] * 4 + ["gemini"] * 2,
            "replicate": [0, 0, 1, 1, 0, 0],
        }
    )
    write_table(table, folder / "long.csv")
    panel = read_panel(folder / "human.csv", folder / "long.csv")
    assert panel.source_names == ("gpt/0", "gpt/1", "gemini")
    assert panel.sources["gpt/1"].source == f"{folder / 'long.csv'} (gpt/1)"


def test_a_lone_table_has_no_name_and_says_nothing(folder: Path) -> None:
    said: list[str] = []
    panel = read_panel(folder / "human.csv", folder / "twins" / "gpt.csv", say=said.append)
    assert panel.source_names == ("twin",)
    assert said == []


def test_columns_that_are_no_answers_are_left_out_of_each_source_by_itself(folder: Path) -> None:
    columns = {"id": ["a", "b", "c"], "Q1": [1, 2, 3], "Q3": ["I like it", "not at all", "never"]}
    write_table(pa.table(columns), folder / "twins" / "words.csv")
    panel = read_panel(folder / "human.csv", folder / "twins")
    assert panel.item_ids == ("Q1", "Q2", "Q3")
    assert panel.sources["words"].item_ids == ("Q1",)
    assert panel.sources["gpt"].item_ids == ("Q1", "Q2", "Q3")


def test_words_and_codes_in_different_sources_are_the_same_answers(folder: Path) -> None:
    (folder / "items.csv").write_text("item_id,low,high,labels\nQ1,1,3,1=no|2=perhaps|3=yes\n")
    columns = {"id": ["a", "b", "c"], "Q1": ["no", "yes", "perhaps"]}
    write_table(pa.table(columns), folder / "twins" / "words.csv")
    panel = read_panel(folder / "human.csv", folder / "twins", item_file=folder / "items.csv")
    np.testing.assert_array_equal(panel.sources["words"].values[:, 0], [1, 3, 2])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": ["x", "y"], "Q1": [1, 2]}, "the source 'other' must have respondent ids in common"),
        ({"id": ["a", "b"], "Q9": [1, 2]}, "the source 'other' must have items in common"),
    ],
)
def test_a_source_with_nothing_in_common_is_named(
    folder: Path, columns: dict[str, list[int]], words: str
) -> None:
    write_table(pa.table(columns), folder / "twins" / "other.csv")
    with pytest.raises(AlignmentError, match=words):
        read_panel(folder / "human.csv", folder / "twins")


def test_files_that_declare_different_scales_are_named_with_the_item(folder: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    pandas = pytest.importorskip("pandas")
    for name, high in (("five", 5), ("ten", 10)):
        labels = {"Q1": {float(k): f"answer {k}" for k in range(1, high + 1)}}
        frame = pandas.DataFrame({"id": ["a", "b", "c"], "Q1": [1.0, 2.0, 3.0]})
        pyreadstat.write_sav(frame, folder / "twins" / f"{name}.sav", variable_value_labels=labels)
    with pytest.raises(ScaleError, match=r"'Q1' is ordinal 1\.\.5 in the source 'five' and ordinal 1\.\.10"):
        read_panel(folder / "human.csv", folder / "twins")


def test_two_files_of_one_name_are_refused(folder: Path) -> None:
    write_table(pa.table({"id": ["a"], "Q1": [1]}), folder / "twins" / "gpt.tsv")
    with pytest.raises(FileFormatError, match=r"gpt\.csv and gpt\.tsv .* are both called 'gpt'"):
        twin_files(folder / "twins")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="holds none"):
        twin_files(tmp_path)


def test_a_replicate_and_a_file_of_one_name_are_refused(folder: Path) -> None:
    table = pa.table({"id": ["a", "b"] * 2, "Q1": [1, 2, 2, 1], "replicate": [1, 1, 2, 2]})
    write_table(table, folder / "more.csv")
    files = {"m/1": folder / "twins" / "gpt.csv", "m": folder / "more.csv"}
    with pytest.raises(DataError, match="two are called 'm/1'"):
        read_twins(files)


def test_sources_with_the_same_answers_are_named(folder: Path) -> None:
    gpt = folder / "twins" / "gpt.csv"
    said: list[str] = []
    read_panel(folder / "human.csv", {"one": gpt, "two": gpt}, say=said.append)
    assert "sources 'one' and 'two' hold the same answers: was a file given twice?" in said

"""People tables in files, and people columns of the human table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from truetwin.data.people_columns import PeopleColumns
from truetwin.data.person_design import check_design
from truetwin.errors import DataError, FileFormatError, UnknownNameError
from truetwin.io import read_people
from truetwin.io.panel_files import read_panel

HUMAN = "id,Q1,Q2,weight,region\n1,1,2,0.5,north\n2,2,2,1.5,north\n3,3,1,1,\n"
TWIN = "id,Q1,Q2,Q3\n1,1,1,1\n2,1,2,3\n3,2,2,2\n4,1,1,1\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "human.csv").write_text(HUMAN)
    (tmp_path / "twin.csv").write_text(TWIN)
    return tmp_path / "human.csv", tmp_path / "twin.csv"


def test_naming_a_column_takes_it_out_of_the_items(files: tuple[Path, Path]) -> None:
    panel = read_panel(*files, people_columns=PeopleColumns(by=("region",), weights="weight"))
    assert panel.item_ids == ("Q1", "Q2", "Q3")
    np.testing.assert_array_equal(panel.person_numbers("weight"), [0.5, 1.5, 1, np.nan])
    assert panel.person_groups("region").tolist() == ["north", "north", None, None]


def test_a_file_wins_over_the_human_table_where_an_option_names_a_column(files: tuple[Path, Path]) -> None:
    people = files[0].with_name("people.csv")
    people.write_text("id,weight\n1,7\n2,8\n3,9\n9,1\n")
    said: list[str] = []
    columns = PeopleColumns(listed=("region",), weights="weight")
    files[0].write_text(HUMAN.replace("weight", "w"))
    panel = read_panel(*files, people=people, people_columns=columns, say=said.append)
    np.testing.assert_array_equal(panel.person_numbers("weight"), [7, 8, 9, np.nan])
    assert any("1 of 4 respondents have no row, such as '4'" in text for text in said)
    assert any("1 rows are about people who are in no table of answers, such as '9'" in text for text in said)


def test_columns_of_the_twin_table_that_belong_to_people_are_left_out_and_named(
    files: tuple[Path, Path],
) -> None:
    files[1].write_text("id,Q1,Q2,Q3,region\n1,1,1,1,south\n2,1,2,3,\n3,1,1,1,north\n")
    said: list[str] = []
    columns = PeopleColumns(weights="weight", by=("region",))
    panel = read_panel(*files, people_columns=columns, say=said.append)
    assert "region" not in panel.item_ids
    assert any("left out what belongs to the people table: region" in text for text in said)


def test_weights_that_twins_have_as_an_item_are_refused(files: tuple[Path, Path]) -> None:
    files[0].write_text(HUMAN.replace("weight", "w").replace("region", "g"))
    files[1].write_text(TWIN.replace("Q3", "w"))
    columns = PeopleColumns(weights="w", by=("g",))
    panel = read_panel(*files, people_columns=columns)
    with pytest.raises(DataError, match="weights must be no item; 'w'"):
        check_design(panel, columns)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (PeopleColumns(weights="wieght", listed=("region",)), "Did you mean 'weight'"),
        (PeopleColumns(by=("regoin",), weights="weight"), "Did you mean 'region'"),
        (PeopleColumns(listed=("regions",), weights="weight"), "Did you mean 'region'"),
        (PeopleColumns(replicate_weights="rep", listed=("region",), weights="weight"), "no column 'rep1'"),
    ],
)
def test_wrong_names_are_answered_with_the_nearest(
    files: tuple[Path, Path], columns: PeopleColumns, message: str
) -> None:
    with pytest.raises(UnknownNameError, match=message):
        read_panel(*files, people_columns=columns)


def test_ids_are_those_of_the_option_in_every_table(files: tuple[Path, Path]) -> None:
    people = files[0].with_name("people.tsv")
    people.write_text("g\tid\nx\t1\nx\t2\n")
    columns = PeopleColumns(listed=("region", "weight"))
    panel = read_panel(*files, id_column="id", people=people, people_columns=columns)
    assert panel.person_groups("g").tolist() == ["x", "x", None, None]


def test_hostile_people_files(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("\ufeffid,g\n1,=1+1\n2,[red]x[/red]\n3,\n".encode())
    assert read_people(path).groups("g").tolist() == ["=1+1", "[red]x[/red]", None]
    path.write_text("id,g\n1,a\n1,b\n")
    with pytest.raises(DataError, match="'1' occurs several times"):
        read_people(path)
    path.write_text("id,g,g\n1,a,b\n")
    with pytest.raises(DataError, match="every column must occur once"):
        read_people(path)
    path.write_text("id\n1\n")
    with pytest.raises(FileFormatError, match="two columns"):
        read_people(path)
    path.write_bytes(b"id,g\n1,\xff\xfe\n")
    with pytest.raises(FileFormatError):
        read_people(path)
    path.write_text(f"id,g\n1,{'y' * 500_000}\n2,z\n")
    assert [len(str(g)) for g in read_people(path).groups("g")] == [500_000, 1]
    with pytest.raises(FileFormatError):
        read_people(tmp_path / "none.csv")


def test_value_labels_of_spss_files_name_groups(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    import pandas

    frame = pandas.DataFrame({"id": ["a", "b"], "sex": [1.0, 2.0], "w": [0.5, 2.5]})
    pyreadstat.write_sav(
        frame, str(tmp_path / "people.sav"), variable_value_labels={"sex": {1: "man", 2: "woman"}}
    )
    people = read_people(tmp_path / "people.sav")
    assert people.groups("sex").tolist() == ["man", "woman"]
    np.testing.assert_array_equal(people.numbers("w"), [0.5, 2.5])


def test_embedded_data_of_a_qualtrics_export_can_be_people_columns(tmp_path: Path) -> None:
    import csv

    rows = [
        ["ResponseId", "Q1", "wt"],
        ["Response ID", "Tea?", "wt"],
        ['{"ImportId":"_recordId"}', '{"ImportId":"QID1"}', '{"ImportId":"wt"}'],
        ["R_1", "1", "0.5"],
        ["R_2", "2", "1.5"],
    ]
    with (tmp_path / "human.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    (tmp_path / "twin.csv").write_text("id,Q1,Q2\nR_1,1,1\nR_2,1,2\n")
    panel = read_panel(
        tmp_path / "human.csv", tmp_path / "twin.csv", people_columns=PeopleColumns(weights="wt")
    )
    np.testing.assert_array_equal(panel.person_numbers("wt"), [0.5, 1.5])

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from truetwin.errors import FileFormatError, OutputError
from truetwin.io import check_outputs, file_hash, read_responses, read_table, write_table
from truetwin.io.excel_files import Sheet, Shown, read_workbook, sheet_names, write_workbook

pytestmark = pytest.mark.extra("excel")


def test_a_table_comes_back_with_ids_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    write_table(pa.table({"person": ["007", "b"], "Q1": [1.0, None], "Q2": [2.5, 3.0]}), path)
    found = read_responses(path)
    assert found.respondent_ids == ("007", "b")
    np.testing.assert_array_equal(found.values, [[1, 2.5], [np.nan, 3]])


def test_no_cell_is_ever_a_formula_or_a_link(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "http://example.org", "{=1}", "007"]
    write_workbook([Sheet("ids", ("id",), [(t,) for t in texts])], path)
    inside = zipfile.ZipFile(path)
    xml = inside.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    assert read_workbook(path).column("id").to_pylist() == texts


def test_numbers_are_numbers_and_missing_cells_are_empty(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    write_workbook([Sheet("a", ("x", "y"), [(np.float64(0.1), np.int64(3)), (float("nan"), None)])], path)
    xml = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    assert "<v>0.1</v>" in xml
    assert "<v>3</v>" in xml
    assert 'r="A3"' not in xml


def test_a_number_keeps_its_value_in_a_format_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    write_workbook(
        [Sheet("a", ("x",), [(Shown(0.234, '0%" BC"'),), (Shown(float("nan"), "0%"),)], "a footer")], path
    )
    inside = zipfile.ZipFile(path)
    assert "<v>0.234</v>" in inside.read("xl/worksheets/sheet1.xml").decode()
    assert "0%&quot; BC&quot;" in inside.read("xl/styles.xml").decode()
    assert read_workbook(path).column("x").to_pylist()[-1] == "a footer"


def test_equal_content_makes_equal_files(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook([Sheet.from_records("s", [{"a": 1, "b": "x"}])], tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_sheets_of_any_name_are_written(tmp_path: Path) -> None:
    names = ["shares [a/b]: all?", "x" * 40, "x" * 41, "", "'quoted'"]
    write_workbook([Sheet(n, ("a",), [(1,)]) for n in names], tmp_path / "out.xlsx")
    assert len(set(sheet_names(names))) == len(names)


def test_what_excel_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    wide = pa.table({f"Q{k}": [1.0] for k in range(16_385)})
    with pytest.raises(OutputError, match=r"16,384 columns.*\.csv"):
        write_table(wide, path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".xlsx", ".xls", ".ods"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nothing", b"\xd0\xcf\x11\xe0" * 200, b"a,b\n1,2\n"])
def test_what_is_no_workbook_is_refused(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"human{ending}"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="human"):
        read_table(path)


def test_an_empty_first_sheet_is_passed_over_and_a_missing_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    write_workbook([Sheet("cover", (), []), Sheet("data", ("id", "Q1"), [("a", 1)])], path)
    assert read_workbook(path).to_pylist() == [{"id": "a", "Q1": "1"}]
    with pytest.raises(FileFormatError, match="'cover', 'data'"):
        read_workbook(path, "dta")


def test_a_sheet_is_named_after_the_file_and_a_choice_among_sheets_is_said(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    people, twins = Sheet("people", ("id", "Q1"), [("a", 1)]), Sheet("Twins 1", ("id", "Q1"), [("a", 2)])
    write_workbook([people, twins], path)
    notes: list[str] = []
    assert read_table(str(path), say=notes.append).to_pylist() == [{"id": "a", "Q1": "1"}]
    assert notes == [f"{path}: read the sheet 'people' and not 'Twins 1'; in.xlsx#Twins 1 names another one"]
    assert read_table(f"{path}#twins 1", say=notes.append).to_pylist() == [{"id": "a", "Q1": "2"}]
    assert len(notes) == 1
    assert file_hash(f"{path}#people") == file_hash(path)
    with pytest.raises(FileFormatError, match=r"'people', 'Twins 1'.*Did you mean 'people'"):
        read_table(f"{path}#peple")
    with pytest.raises(FileFormatError, match="there is no file"):
        read_table(tmp_path / "un.xlsx#people")
    with pytest.raises(OutputError, match="overwrite an input"):
        check_outputs([path], [Path(f"{path}#people")])


def test_a_cover_page_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    write_workbook(
        [Sheet("cover", ("Survey",), [("of 2024",)]), Sheet("data", ("id", "Q1"), [("a", 1)])], path
    )
    assert read_table(path).to_pylist() == [{"id": "a", "Q1": "1"}]


def test_a_hidden_sheet_is_read_only_if_it_is_named(tmp_path: Path) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    path = tmp_path / "in.xlsx"
    workbook = xlsxwriter.Workbook(str(path))
    for name in ("lookup", "answers"):
        sheet = workbook.add_worksheet(name)
        for column, cell in enumerate(("id", "Q1", "")):
            sheet.write(0, column, cell)
            sheet.write(1, column, f"{name}{column}")
        if name == "lookup":
            sheet.hide()
    workbook.get_worksheet_by_name("answers").activate()
    workbook.get_worksheet_by_name("answers").set_first_sheet()
    workbook.close()
    notes: list[str] = []
    assert read_table(path, say=notes.append).to_pylist() == [{"id": "answers0", "Q1": "answers1"}]
    assert notes == [f"{path}: left out 1 columns without a name"]
    assert read_table(f"{path}#lookup").column("id").to_pylist() == ["lookup0"]


def test_predictions_are_a_workbook_with_real_numbers_and_the_disclosure(tmp_path: Path) -> None:
    from truetwin.calibration import calibrate
    from truetwin.datasets import generate_population
    from truetwin.report.files.prediction_files import write_predictions

    result = calibrate(generate_population(40, 10, n_new_items=2).panel)
    output = tmp_path / "out.xlsx"
    write_predictions(result, output, id_column="who", rounded=False, inputs={}, settings={}, interval=0.9)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.json", "out.xlsx"]
    predictions = read_responses(output)
    np.testing.assert_allclose(predictions.values, result.grid[:, -2:])
    intervals = read_workbook(output, "intervals")
    shares = [name for name in intervals.column_names if name.startswith("p_")]
    first = intervals.to_pylist()[0]
    assert sum(float(first[name]) for name in shares if first[name]) == pytest.approx(1, abs=0.001)
    assert "not answers that anybody gave" in read_workbook(output, "disclosure").column(0)[0].as_py()
    assert read_workbook(output, "items").column("inferred").to_pylist()[0] == "FALSE"

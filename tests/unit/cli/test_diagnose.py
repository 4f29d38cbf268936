"""`truetwin diagnose` and `truetwin plan`, run for real; bad input is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.cli import _run
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.io import write_table


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, str]:
    """80 people with 12 items, their twins with 15, and twins of 10 more people."""
    panel = generate_population(90, 15, n_new_items=3, n_new_respondents=10, random_state=2).panel
    return write(tmp_path, panel.human.values, panel.twin.values)


def write(folder: Path, human: np.ndarray, twin: np.ndarray) -> tuple[str, str]:
    paths = folder / "human.csv", folder / "twin.csv"
    for values, path in zip((human, twin), paths, strict=True):
        rows, columns = (
            [f"{p}{k:02d}" for k in range(1, n + 1)] for p, n in zip("RQ", values.shape, strict=True)
        )
        write_table(to_frame(values, rows, columns, id_column="person"), path)
    return str(paths[0]), str(paths[1])


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert _run(list(arguments), debug=True) == 0
    out = capsys.readouterr().out
    return json.loads(out) if "--json" in arguments else out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert _run(list(arguments), debug=False) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.strip().splitlines()
    assert line.startswith("error: ")
    return line


def test_diagnose_prints_one_object_of_the_promised_shape_and_the_numbers_of_calibrate(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], tmp_path: Path
) -> None:
    report = run(capsys, "diagnose", *tables, "--id-column", "person", "--json")
    assert set(report) == {"command", "version", "settings", "rows"}
    assert report["command"] == "diagnose"
    assert len(report["rows"]) == 15
    verdicts = {row["item"]: row["verdict"] for row in report["rows"] if "verdict" in row}
    assert list(verdicts) == ["Q13", "Q14", "Q15"]
    assert all(row["reasons"] for row in report["rows"] if "verdict" in row)
    assert {"effective_rank", "alignment", "moments", "record", "warnings"} <= set(report["settings"])
    output = tmp_path / "predictions.csv"
    run(capsys, "calibrate", *tables, "--id-column", "person", "--output", str(output))
    laws = json.loads(output.with_suffix(".json").read_text())["laws"]
    stated = {row["item"]: row["expected_calibrated"] for row in report["rows"] if "verdict" in row}
    assert stated == {item: laws[item]["expected_correlation"][1] for item in stated}


def test_diagnose_prints_tables_and_writes_figures(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "figures"
    shown = run(capsys, "diagnose", *tables, "--figures", str(folder), "--figure-format", "svg")
    assert "effective rank" in shown
    assert "verdicts" in shown
    names = ["alignment-items", "alignment-respondents", "faults", "spectrum", "verdicts"]
    assert sorted(p.name for p in folder.iterdir()) == [f"{n}.svg" for n in names]
    assert all(p.read_text().lstrip().startswith("<?xml") for p in folder.iterdir())


def test_declared_blocks_decide_what_a_new_battery_is(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], tmp_path: Path
) -> None:
    blocks = tmp_path / "blocks.csv"
    blocks.write_text("item_id,block\nQ13,new\nQ14,new\nQ15,old\nQ01,old\n")
    report = run(capsys, "diagnose", *tables, "--blocks", str(blocks), "--json")
    found = {row["item"]: row["new_battery"] for row in report["rows"] if "verdict" in row}
    assert found == {"Q13": True, "Q14": True, "Q15": False}


def test_tables_fit_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    monkeypatch.setattr("truetwin.cli.output.console", lambda: Console(width=60, highlight=False))
    tabled = [line for line in run(capsys, "diagnose", *tables).splitlines() if line.startswith(" ")]
    assert max(len(line.rstrip()) for line in tabled) <= 60
    (over_blocks,) = (line for line in tabled if "blocks" in line)
    assert over_blocks.split() == ["verdict", "blocks", "calib.", "SE", "twin", "SE"]


def test_nothing_to_predict_is_said_and_still_diagnosed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    panel = generate_population(60, 8, n_new_items=0).panel
    paths = write(tmp_path, panel.human.values, panel.twin.values)
    assert _run(["diagnose", *paths], debug=True) == 0
    captured = capsys.readouterr()
    assert "effective rank" in captured.out
    assert "no new item" in captured.err


@pytest.mark.parametrize(("axis", "first"), [("items", "Q"), ("respondents", "R")])
def test_plan_lists_as_many_as_the_budget(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], axis: str, first: str
) -> None:
    report = run(capsys, "plan", *tables, "--budget", "2", "--axis", axis, "--json")
    assert [row["rank"] for row in report["rows"]] == [1, 2]
    assert all(row[axis.removesuffix("s")].startswith(first) for row in report["rows"])
    assert report["settings"]["n_targets"] == (3 if axis == "items" else 10)
    assert "what to ask next" in run(capsys, "plan", *tables, "--budget", "2", "--axis", axis)


def test_plan_for_named_targets_asks_the_others(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str]
) -> None:
    report = run(capsys, "plan", *tables, "--budget", "1", "--targets", "Q13,Q14", "--json")
    assert [row["item"] for row in report["rows"]] == ["Q15"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--budget", "4"], "at most the 3 items"),
        (["--budget", "0"], "whole number >= 1; got 0"),
        (["--budget", "-3"], "whole number >= 1; got -3"),
        (["--budget", "many"], "--budget"),
        ([], "--budget"),
        (["--budget", "1", "--axis", "columns"], "items or respondents"),
        (["--budget", "1", "--targets", "Q1"], "no item 'Q1'"),
        (["--budget", "1", "--targets", "Q01"], "'Q01' is not"),
        (["--budget", "1", "--targets", "Q13,Q14,Q15"], "at most the 0 items"),
    ],
)
def test_plans_that_cannot_be_made(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], options: list[str], words: str
) -> None:
    assert words in refused(capsys, "plan", *tables, *options)


def test_diagnoses_that_cannot_be_made(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], tmp_path: Path
) -> None:
    assert "png, svg or pdf" in refused(capsys, "diagnose", *tables, "--figure-format", "gif")
    assert "is a file" in refused(capsys, "diagnose", *tables, "--figures", tables[0])
    assert "folder must exist" in refused(capsys, "diagnose", *tables, "--figures", str(tmp_path / "a" / "b"))
    assert "no file" in refused(capsys, "diagnose", tables[0], str(tmp_path / "none.csv"))
    blocks = tmp_path / "blocks.csv"
    blocks.write_text("item_id,block\nX1,new\n")
    assert "none of the 1" in refused(capsys, "diagnose", *tables, "--blocks", str(blocks))


def test_tables_with_too_little_in_common(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    panel = generate_population(30, 4, n_new_items=3).panel
    one = write(tmp_path, panel.human.values, panel.twin.values)
    assert "at least two items" in refused(capsys, "diagnose", *one)
    two = write(tmp_path, generate_population(30, 4, n_new_items=0).panel.human.values, panel.twin.values)
    text = Path(two[1]).read_text()
    Path(two[1]).write_text(text.replace("Q0", "X0"))
    assert "in common" in refused(capsys, "diagnose", *two)
    few = write(tmp_path, panel.twin.values[:2], panel.twin.values[:2])
    assert "at least three respondents" in refused(capsys, "diagnose", *few)


def test_diagnose_writes_verdicts_to_files(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], tmp_path: Path
) -> None:
    import pyarrow.csv as csv

    output = tmp_path / "verdicts.csv"
    common = ("diagnose", *tables, "--id-column", "person", "--method", "none")
    shown = run(capsys, *common, "--output", str(output), "--disclosure-column", "--json")
    found = csv.read_csv(output).to_pydict()
    assert found["item"] == [row["item"] for row in shown["rows"]]
    assert found["verdict"][-3:] == [row["verdict"] for row in shown["rows"][-3:]]
    assert set(found["disclosure"]) == {"model-based prediction"}
    record = json.loads(output.with_suffix(".json").read_text())
    assert "nothing of the new items was measured" in record["disclosure"]
    assert record["settings"]["method"] == "none"
    assert "ends in one of" in refused(capsys, *common, "--output", str(tmp_path / "a.docx"))


@pytest.mark.extra("excel")
def test_diagnose_writes_verdicts_to_a_sheet(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import python_calamine

    made = generate_population(60, 12, n_new_items=2, random_state=2).panel
    names = ["=1+1", *(f"Q{k}" for k in range(2, 12)), "=HYPERLINK(1)"]
    paths = [str(tmp_path / f"{side}.csv") for side in ("human", "twin")]
    for path, values in zip(paths, (made.human.values, made.twin.values), strict=True):
        people = [f"R{k}" for k in range(len(values))]
        write_table(to_frame(values, people, names[: values.shape[1]], id_column="person"), path)
    output = tmp_path / "verdicts.xlsx"
    run(capsys, "diagnose", *paths, "--method", "none", "--output", str(output))
    book = python_calamine.CalamineWorkbook.from_path(str(output))
    assert book.sheet_names == ["verdicts", "record", "items", "warnings", "disclosure"]
    header, *rows = book.get_sheet_by_name("verdicts").to_python()
    assert [row[0] for row in rows] == ["Q11", "=HYPERLINK(1)"]
    assert all(isinstance(row[header.index("expected_twin")], float) for row in rows)
    assert book.get_sheet_by_name("items").to_python()[1][0] == "=1+1"

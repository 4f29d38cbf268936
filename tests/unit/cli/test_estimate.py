"""Verb `truetwin estimate`, and the section of a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from truetwin.cli import _run
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.io import read_table, write_table
from truetwin.study import read_study, run_study
from truetwin.study.example_study import write_example

pytestmark = pytest.mark.usefixtures("shares_learned_once")


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    """Files of 100 people with 12 items, their twins with 14, and people."""
    panel = generate_population(100, 14, n_new_items=2, random_state=2).panel
    assert panel.people is not None
    for matrix, name in ((panel.human, "human"), (panel.twin, "twin")):
        write_table(to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids), tmp_path / f"{name}.csv")
    columns = {name: pa.array(values.tolist()) for name, values in panel.people.columns.items()}
    write_table(pa.table({"respondent_id": list(panel.people.ids), **columns}), tmp_path / "people.csv")
    return [
        *(str(tmp_path / f"{name}.csv") for name in ("human", "twin")),
        "--people",
        str(tmp_path / "people.csv"),
    ]


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert _run(list(arguments), debug=code == 0) == code
    captured = capsys.readouterr()
    return json.loads(captured.out) if "--json" in arguments else captured


def test_estimates_crosstab_and_sidecar_are_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: list[str]
) -> None:
    output = tmp_path / "out.csv"
    options = ["--by", "age_group", "--weights", "weight", "--output", str(output), "--disclosure-column"]
    printed = run(capsys, "estimate", *tables, *options)
    assert "A: 18-34" in printed.out
    assert "comparisons of pairs" in printed.err
    assert "disclosure" in read_table(output).column_names
    crosstab = read_table(tmp_path / "out.by-age_group.csv")
    assert crosstab.column_names[:3] == ["item", "row", "A: 18-34"]
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["settings"]["by"] == ["age_group"]
    assert set(record["inputs"]) == {"human", "twin", "people"}


@pytest.mark.extra("excel")
def test_raking_is_recorded_with_the_estimates(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: list[str]
) -> None:
    shares = "".join(
        f"age_group,{name},{share}\n" for name, share in (("18-34", 0.2), ("35-54", 0.3), ("55+", 0.5))
    )
    margins = tmp_path / "margins.csv"
    margins.write_text("column,category,share\n" + shares)
    options = [
        "--margins",
        str(margins),
        "--weights",
        "weight",
        "--items",
        "Q13",
        "--output",
        str(tmp_path / "o.xlsx"),
    ]
    run(capsys, "estimate", *tables, *options)
    record = json.loads((tmp_path / "o.json").read_text())
    assert any("design effect" in note for note in record["notes"])
    assert record["settings"]["margins"] == str(margins)
    assert "margins" in record["inputs"]


def test_rows_for_machines(capsys: pytest.CaptureFixture[str], tables: list[str]) -> None:
    found = run(capsys, "estimate", *tables, "--items", "Q13", "--statistics", "mean,top2", "--json")
    assert found["command"] == "estimate"
    assert [row["statistic"] for row in found["rows"]] == ["mean", "top2"]
    assert found["items"][0]["publish"] in ("publish", "publish with care", "indicative only")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--statistics", "nps"], "0..10"),
        (["--cross"], "--cross needs columns of groups: --by"),
        (["--replicate-weights", "rep"], "--replicate-weights and --replicate-kind go together"),
        (["--by", "aeg_group"], "Did you mean 'age_group'"),
        (["--change", "Q01"], "OLD=NEW"),
        (["--weights", "sex"], "must hold numbers"),
    ],
)
def test_wrong_use_says_what_must_hold_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: list[str], options: list[str], text: str
) -> None:
    before = set(tmp_path.iterdir())
    assert _run(["estimate", *tables, *options, "--output", str(tmp_path / "out.csv")], debug=False) != 0
    assert text in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before


def test_a_study_estimates_and_reports(tmp_path: Path) -> None:
    path = write_example(tmp_path / "study", n_respondents=80)
    path.write_text(
        "inputs: {human: human.csv, twin: generated.csv, people: people.csv, by: [age_group], weights: weight}\n"
        "estimate: {statistics: [share, mean]}\n",
        encoding="utf-8",
    )
    result = run_study(read_study(path), path.parent / "run")
    assert (result.folder / "estimates.by-age_group.csv").exists()
    page = result.report.read_text(encoding="utf-8")
    assert "Estimates" in page
    assert "A: 18-34" in page
    again = run_study(read_study(path), path.parent / "run")
    assert all(step.skipped for step in again.steps)


def test_group_names_cannot_control_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: list[str]
) -> None:
    ids = read_table(tables[0])["respondent_id"].to_pylist()
    groups = ["\x1b[31m=cmd()" if k % 2 else "[bold]<b>" for k in range(len(ids))]
    write_table(pa.table({"respondent_id": ids, "g": groups}), tmp_path / "groups.csv")
    printed = run(
        capsys, "estimate", *tables[:3], str(tmp_path / "groups.csv"), "--by", "g", "--items", "Q13"
    )
    assert "\x1b" not in printed.out + printed.err
    assert "\\x1b[31m=cmd()" in printed.out
    assert "[bold]<b>" in printed.out


def test_dollar_signs_in_group_names_start_no_formula(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: list[str]
) -> None:
    ids = read_table(tables[0])["respondent_id"].to_pylist()
    groups = ["$100-$200" if k % 2 else "$x^{_$" for k in range(len(ids))]
    write_table(pa.table({"respondent_id": ids, "g": groups}), tmp_path / "groups.csv")
    figures = tmp_path / "figures"
    options = ["--by", "g", "--items", "Q13", "--figures", str(figures)]
    run(capsys, "estimate", *tables[:3], str(tmp_path / "groups.csv"), *options)
    assert [path.name for path in figures.iterdir()] == ["estimates.png"]

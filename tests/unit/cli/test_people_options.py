"""Options about people mean the same in every verb."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.cli import _run, main
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.errors import DataError, ParameterError, UnknownNameError
from truetwin.io import read_table, write_table
from truetwin.study import read_study, run_study
from truetwin.study.study_check import check_study

N = 60


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables of 60 people: the human one also has a weight, a region and a text."""
    panel = generate_population(N, 10, n_new_items=2, random_state=2).panel
    for matrix, name in ((panel.human, "human.csv"), (panel.twin, "twin.csv")):
        write_table(
            to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids, id_column="id"), tmp_path / name
        )
    rows = list(csv.reader((tmp_path / "human.csv").read_text().splitlines()))
    rng = np.random.default_rng(0)
    rows[0] += ["w", "region", "remark"]
    for k, row in enumerate(rows[1:]):
        row += [f"{rng.uniform(0.5, 2):.3f}", "north" if k % 3 else "south", "=1+1, [b]x[/b]"]
    with (tmp_path / "human.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    (tmp_path / "margins.csv").write_text("column,category,share\nregion,north,.5\nregion,south,.5\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert _run([*arguments, "--json"], debug=True) == code
    return json.loads(capsys.readouterr().out)


TABLES = ("human.csv", "twin.csv")
REST = ("--people-columns", "remark")
VERBS = [
    ("calibrate", *TABLES, "--method", "ridge", "--output", "out.csv", "--check", "0"),
    ("evaluate", *TABLES, "--methods", "twin,ridge", "--max-folds", "3"),
    ("diagnose", *TABLES, "--method", "none"),
    (
        *("reweight", *TABLES, "--from-answers", "--method", "transition", "--level", "0"),
        *("--output", "out.csv"),
    ),
    ("evaluate-marginals", *TABLES, "--from-answers", "--methods", "transition", "--splits", "1"),
]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_naming_columns_takes_them_out_of_the_items_of_every_verb(
    folder: Path, capsys: pytest.CaptureFixture[str], verb: tuple[str, ...]
) -> None:
    columns = ("--weights", "w", "--people-columns", "region,remark")
    assert run(capsys, *verb, *columns)["settings"]["weights"] == "w"
    raked = run(capsys, *verb, *REST, "--margins", "margins.csv", "--weights", "w")
    assert raked["settings"]["margins"] == "margins.csv"


@pytest.mark.parametrize("option", ["--by", "--weights", "--clusters"])
def test_a_column_that_the_human_table_lacks_leads_to_the_people_table(folder: Path, option: str) -> None:
    with pytest.raises(UnknownNameError, match="name that table with --people FILE"):
        _run(["estimate", "human.csv", "twin.csv", "--output", "out.csv", option, "age_group"], debug=True)
    with pytest.raises(UnknownNameError) as raised:
        _run(
            [
                "estimate",
                "human.csv",
                "twin.csv",
                "--output",
                "out.csv",
                "--people",
                "human.csv",
                option,
                "age_group",
            ],
            debug=True,
        )
    assert "--people FILE" not in str(raised.value)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize(
    ("cell", "message"),
    [("-1", "not be negative"), ("", "1 of 60 have none"), ("heavy", "hold numbers"), ("inf", "be finite")],
)
def test_bad_weights_are_refused_and_nothing_is_written(
    folder: Path, verb: tuple[str, ...], cell: str, message: str
) -> None:
    rows = list(csv.reader((folder / "human.csv").read_text().splitlines()))
    rows[3][-3] = cell
    with (folder / "human.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    before = sorted(folder.iterdir())
    with pytest.raises(DataError, match=message):
        _run([*verb, "--weights", "w", "--people-columns", "region,remark"], debug=True)
    assert sorted(folder.iterdir()) == before


def test_a_people_file_may_hold_the_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = read_table(folder / "human.csv").column("id").to_pylist()
    lines = ["id,v", *(f"{i},{k + 1}" for k, i in enumerate(ids[:-1]))]
    (folder / "people.csv").write_text("\n".join(lines))
    verb = ("evaluate", *TABLES, "--methods", "twin", "--people-columns", "w,region,remark")
    with pytest.raises(DataError, match=f"1 of 60 have none, such as respondent '{ids[-1]}'"):
        _run([*verb, "--people", "people.csv", "--weights", "v"], debug=True)
    (folder / "people.csv").write_text("\n".join([*lines, f"{ids[-1]},1"]))
    found = run(capsys, *verb, "--people", "people.csv", "--weights", "v")
    assert found["rows"][0]["n_scored"] == 8


def test_a_misspelt_column_ends_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["diagnose", *TABLES, "--weights", "W_", *REST])
    assert stopped.value.code != 0
    assert "Did you mean 'w'" in capsys.readouterr().err


def test_marginals_hold_no_people_to_weight(folder: Path) -> None:
    with pytest.raises(ParameterError, match="--weights goes with --from-answers"):
        _run(["reweight", *TABLES, "--weights", "w", "--output", "out.csv"], debug=True)


def test_counted_marginals_are_those_of_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Shares counted from answers lead where a file of the same shares leads."""
    answers = read_table(folder / "human.csv")
    lines = ["item_id,category,count"]
    for item in [n for n in answers.column_names if n.startswith("Q")]:
        values = [v for v in answers.column(item).to_pylist() if v]
        lines += [f"{item},{c},{values.count(c)}" for c in sorted({*"1234567", *values})]
    (folder / "marginals.csv").write_text("\n".join(lines))
    more = ("--method", "transition", "--level", "0", "--output")
    run(capsys, "reweight", "marginals.csv", "twin.csv", *more, "one.csv")
    columns = ("--people-columns", "w,region,remark")
    run(capsys, "reweight", *TABLES, "--from-answers", *columns, *more, "two.csv")
    one, two = (read_table(folder / name).to_pylist() for name in ("one.csv", "two.csv"))
    assert {(r["item_id"], r["category"]): r["share"] for r in one} == {
        (r["item_id"], r["category"]): r["share"] for r in two
    }


STUDY = """
inputs:
  human: human.csv
  twin: twin.csv
  people_columns: [remark]
  weights: w
  margins: margins.csv
evaluate: {methods: [twin, ridge], protocols: [leave-one-item-out], preset: twin-2k-500}
calibrate: {method: ridge, preset: twin-2k-500}
diagnose:
reweight: {method: transition, level: 0}
"""


@pytest.mark.usefixtures("figures_left_out")
def test_a_study_can_say_what_the_options_say(folder: Path) -> None:
    (folder / "study.yaml").write_text(STUDY)
    study = read_study(folder / "study.yaml")
    found = check_study(study)
    assert any("60 people raked to the population by region: design effect" in text for text in found)
    result = run_study(study, folder / "run")
    assert [s.skipped for s in result.steps] == [False] * 5
    assert [s.skipped for s in run_study(study, folder / "run").steps] == [True] * 5
    (folder / "study.yaml").write_text(STUDY.replace("  weights: w\n", "").replace("remark", "remark, w"))
    again = run_study(read_study(folder / "study.yaml"), folder / "run")
    assert [s.skipped for s in again.steps] == [False] * 5


def test_a_study_with_a_wrong_column_stops_before_anything_is_computed(folder: Path) -> None:
    (folder / "study.yaml").write_text(STUDY.replace("weights: w", "weights: v"))
    with pytest.raises(ParameterError, match="no column 'v'"):
        run_study(read_study(folder / "study.yaml"), folder / "run")
    assert list((folder / "run").glob("*.csv")) == []


def write_items(folder: Path) -> None:
    lines = ["item_id,text,kind,low,high", *(f"Q{k:02d},How about {k}?,ordinal,1,7" for k in range(1, 11))]
    (folder / "items.csv").write_text("\n".join(lines))


def test_personas_do_not_show_people_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_items(folder)
    verb = ("personas", "build", "human.csv", "--item-file", "items.csv", "--output", "personas.jsonl")
    run(capsys, *verb, "--people-columns", "w,region,remark")
    people = [json.loads(line) for line in (folder / "personas.jsonl").read_text().splitlines()]
    assert {item for person in people for item in person["answers"]} == {f"Q{k:02d}" for k in range(1, 9)}
    assert not any("1+1" in person["text"] for person in people)


SIMULATED = """
inputs:
  human: human.csv
  items: items.csv
  people_columns: [remark]
  weights: w
  margins: margins.csv
personas: {builder: text}
simulate: {model: generated, only: [Q09, Q10, Q01, Q02]}
calibrate: {method: ridge, preset: twin-2k-500}
"""


def test_a_study_checks_people_before_anything_is_simulated(folder: Path) -> None:
    write_items(folder)
    (folder / "study.yaml").write_text(SIMULATED)
    found = check_study(read_study(folder / "study.yaml"))
    assert any("60 people raked" in text for text in found)
    (folder / "margins.csv").write_text("column,category,share\nregion,north,.5\nregion,west,.5\n")
    with pytest.raises(DataError, match="lacks 'south'"):
        check_study(read_study(folder / "study.yaml"))

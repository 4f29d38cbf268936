"""`truetwin experiment effects`, run for real; bad input is refused in one line that names the row."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.cli import _run

N = 200
CONTRASTS = [
    (
        "contrast_id",
        "study",
        "kind",
        "condition",
        "treatment",
        "control",
        "outcomes",
        "minus_outcomes",
        "headline",
    ),
    ("warm", "s", "between", "message", "warm", "plain", "buy;like", "", "1"),
    ("buy_or_like", "s", "within", "", "", "", "buy", "like", "0"),
]
USUAL = CONTRASTS[1]


def write(path: Path, rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tables of an experiment in which warmth adds 1 to both outcomes among people, and 2 among twins."""
    rng = np.random.default_rng(0)
    ids = [f"p{k}" for k in range(N)]
    arms = rng.choice(["plain", "warm"], N)
    party = rng.choice(["left", "right"], N)
    for name, effect in (("human", 1.0), ("twin", 2.0)):
        buy = 3 + effect * (arms == "warm") + rng.normal(size=N)
        like = buy + rng.normal(size=N)
        rows = [(i, f"{b:.3f}", f"{x:.3f}", "a remark") for i, b, x in zip(ids, buy, like, strict=True)]
        write(tmp_path / f"{name}.csv", [("id", "buy", "like", "remark"), *rows])
    rows = [(i, "s", arm, side) for i, arm, side in zip(ids, arms, party, strict=True)]
    write(tmp_path / "conditions.csv", [("id", "study", "message", "party"), *rows])
    write(tmp_path / "contrasts.csv", CONTRASTS)
    return tmp_path


def call(folder: Path, *options: str, tables: tuple[str, ...] = ("human.csv", "twin.csv")) -> list[str]:
    files = ("--conditions", str(folder / "conditions.csv"), "--contrasts", str(folder / "contrasts.csv"))
    return ["experiment", "effects", *(str(folder / name) for name in tables), *files, *options]


def told(capsys: pytest.CaptureFixture[str], words: list[str]) -> Any:
    assert _run(words, debug=True) == 0
    out = capsys.readouterr().out
    return json.loads(out) if "--json" in words else out


def refused(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    assert _run(words, debug=False) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_effects_of_people_and_twins_are_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys, call(folder, "--json"))["rows"]
    found = {(row["contrast_id"], row["side"]): row for row in rows}
    assert found["warm", "human"]["effect"] == pytest.approx(1.0, abs=3 * found["warm", "human"]["se"])
    assert found["warm", "twin"]["effect"] == pytest.approx(2.0, abs=3 * found["warm", "twin"]["se"])
    assert found["warm", "twin"]["standardiser"] == "human within-arm sd"
    assert found["buy_or_like", "human"]["standardiser"] == "human sd of the two composites"
    assert "same sign as people" in told(capsys, call(folder))


def test_people_or_twins_may_be_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pilot = told(capsys, call(folder, "--json", tables=("human.csv",)))
    assert {row["side"] for row in pilot["rows"]} == {"human"}
    new = told(capsys, call(folder, "--twin", f"gpt={folder / 'twin.csv'}", "--json", tables=()))
    assert {row["side"] for row in new["rows"]} == {"gpt"}
    assert "answers must be given" in refused(capsys, call(folder, tables=()))


@pytest.mark.parametrize("ending", ["csv", pytest.param("xlsx", marks=pytest.mark.extra("excel")), "parquet"])
def test_effects_are_written_with_a_record(
    folder: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from truetwin.io import read_table

    output = folder / f"effects.{ending}"
    told(capsys, call(folder, "--output", str(output), "--by", "party"))
    assert read_table(output).num_rows == 2 * 2 * 4  # everybody, two groups, their difference
    record = json.loads((folder / "effects.json").read_text())
    assert record["settings"]["by"] == ["party"]
    assert set(record["inputs"]) == {"human", "twin", "conditions", "contrasts"}


WRONG = [
    ("treatment", "wram", "Did you mean 'warm'"),
    ("control", "warm", "its own reverse"),
    ("minus_outcomes", "like;buy", "its own reverse"),
    ("condition", "mesage", "Did you mean 'message'"),
    ("outcomes", "bye", "no item 'bye'"),
    ("study", "t", "'t' is not"),
    ("kind", "betwen", "Did you mean 'between'"),
]


@pytest.mark.parametrize(("column", "value", "words"), WRONG)
def test_a_wrong_contrast_is_refused_by_line_and_nothing_is_written(
    folder: Path, column: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    row = list(USUAL)
    row[CONTRASTS[0].index(column)] = value
    write(folder / "contrasts.csv", [CONTRASTS[0], CONTRASTS[2], tuple(row)])
    output = folder / "effects.csv"
    error = refused(capsys, call(folder, "--output", str(output)))
    assert "line 3" in error
    assert words in error
    assert not output.exists()


def test_all_wrong_contrasts_are_named_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = [("c1", *USUAL[1:4], "cold", *USUAL[5:]), ("c2", *USUAL[1:6], "nothing", *USUAL[7:])]
    write(folder / "contrasts.csv", [*CONTRASTS, *bad])
    error = refused(capsys, call(folder))
    assert "line 4" in error
    assert "line 5" in error


def test_a_person_in_two_arms_is_refused_by_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (folder / "conditions.csv").open("a") as file:
        file.write("p0,s,plain,left\np0,s,warm,left\n")
    error = refused(capsys, call(folder))
    assert f"'p0' is in line 2 and in line {N + 2}" in error


def test_outcomes_that_are_no_numbers_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = list(USUAL)
    row[CONTRASTS[0].index("outcomes")] = "remark"
    write(folder / "contrasts.csv", [CONTRASTS[0], tuple(row)])
    assert "column 'remark' holds texts" in refused(capsys, call(folder))


def test_other_columns_are_not_looked_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(call(folder), debug=True) == 0
    assert "remark" not in capsys.readouterr().err


def test_calibrating_with_a_column_of_arms_warns(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from truetwin.data.frames import to_frame
    from truetwin.datasets import generate_population
    from truetwin.io import write_table

    panel = generate_population(60, 12, n_new_items=1).panel
    for name, source in (("h", panel.human), ("t", panel.twin)):
        write_table(to_frame(source.values, source.respondent_ids, source.item_ids), tmp_path / f"{name}.csv")
    write(
        tmp_path / "people.csv",
        [
            ("respondent_id", "arm"),
            *((i, "warm" if k % 2 else "plain") for k, i in enumerate(panel.respondent_ids)),
        ],
    )
    tables = [str(tmp_path / name) for name in ("h.csv", "t.csv")]
    people = ["--people", str(tmp_path / "people.csv")]
    assert _run(["estimate", *tables, *people, "--by", "arm"], debug=True) == 0
    assert "Do not compare arms on predicted answers" in capsys.readouterr().err
    output = ["--method", "ridge", "--output", str(tmp_path / "p.csv")]
    assert _run(["calibrate", *tables, *people, *output], debug=True) == 0
    assert "Do not compare arms on predicted answers" in capsys.readouterr().err


def test_a_file_of_effects_says_that_those_of_twins_are_not_calibrated(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, call(folder, "--output", str(folder / "effects.csv"), "--disclosure-column"))
    assert "not calibrated" in json.loads((folder / "effects.json").read_text())["disclosure"]
    with (folder / "effects.csv").open() as file:
        told_of = {row["side"]: row["disclosure"] for row in csv.DictReader(file)}
    assert told_of["human"] == "measured on people"
    assert "not calibrated" in told_of["twin"]

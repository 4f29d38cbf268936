"""Nominal items on the command line: declared in an item file, predicted, drawn, described."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from truetwin.cli import main
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_world


def write(path: Path, matrix: ResponseMatrix) -> None:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["person", *matrix.item_ids])
        for person, row in zip(matrix.respondent_ids, matrix.values.tolist(), strict=True):
            out.writerow([person, *("" if v != v else f"{v:g}" for v in row)])


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Panel:
    """Files of a panel in the working folder: half of the items are nominal, two of three new ones too."""
    monkeypatch.chdir(tmp_path)
    made = generate_world(
        "base", 60, 11, n_new_items=3, n_new_respondents=5, kinds=("nominal", "five-point")
    ).panel
    write(tmp_path / "human.csv", made.human)
    write(tmp_path / "twin.csv", made.twin)
    with (tmp_path / "items.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["item_id", "kind", "categories", "labels"])
        for item, scale in made.scales.items():
            out.writerow([item, scale.kind, "|".join(f"{c:g}" for c in scale.categories), ""])
    return made


def run(*arguments: str) -> object:
    with pytest.raises(SystemExit) as end:
        main([*arguments, "human.csv", "twin.csv", "--item-file", "items.csv"])
    return end.value.code


def test_predictions_probabilities_and_draws_of_nominal_items(
    panel: Panel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(
        "calibrate",
        "--output",
        "out.csv",
        "--intervals",
        "0.9",
        "--draws",
        "2",
        "--draws-output",
        "draws.csv",
    )
    assert code == 0
    rows = read(tmp_path / "out.csv")
    assert {row["Q09"] for row in rows} <= {"1", "2", "3", "4"}
    intervals = [row for row in read(tmp_path / "out.intervals.csv") if row["item_id"] == "Q09"]
    assert len(intervals) == 60
    for row in intervals:
        assert row["lower"] == row["upper"] == ""
        chances = {code: float(row[f"p_{code}"]) for code in ("1", "2", "3", "4")}
        assert sum(chances.values()) == pytest.approx(1)
        assert max(chances, key=lambda code: chances[code]) == row["prediction"]
    drawn = [row for row in read(tmp_path / "draws.csv") if row["item_id"] == "Q11"]
    assert {row["value"] for row in drawn} <= {"1", "2", "3", "4"}
    assert len(drawn) == 2 * 60
    notes = {t["target"]: t for t in json.loads((tmp_path / "out.json").read_text())["targets"]}
    assert notes["Q09"]["scale"] == "nominal with 4 categories"
    assert "no draws of item" not in capsys.readouterr().err


def test_the_gain_of_a_panel_of_nominal_items_is_told_by_right_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made = generate_world("base", 40, 6, n_new_items=1, kinds=("nominal",)).panel
    write(tmp_path / "human.csv", made.human)
    write(tmp_path / "twin.csv", made.twin)
    (tmp_path / "items.csv").write_text(
        "item_id,kind,categories\n" + "".join(f"{item},nominal,1|2|3|4\n" for item in made.item_ids)
    )
    assert run("calibrate", "--output", "out.csv") == 0
    told = capsys.readouterr()
    assert "share of hidden human answers that are predicted" in told.out
    assert "nan" not in told.out + told.err


@pytest.mark.parametrize("verb", ["evaluate", "diagnose", "plan"])
def test_other_verbs_take_panels_with_nominal_items(
    verb: str, panel: Panel, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = {"evaluate": ["--metric", "accuracy", "--methods", "twin,auto"], "plan": ["--budget", "1"]}
    assert run(verb, *extra.get(verb, [])) == 0
    assert "nan" not in capsys.readouterr().out

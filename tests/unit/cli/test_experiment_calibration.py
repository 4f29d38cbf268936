"""Verbs `truetwin experiment calibrate`, `evaluate` and `rank`, and `truetwin plan --experiment`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from effect_examples import experiment_tables
from truetwin.cli import _run
from truetwin.io import read_table, write_table


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert _run(list(arguments), debug=code == 0) == code
    captured = capsys.readouterr()
    return json.loads(captured.out) if "--json" in arguments else captured


def files(folder: Path, **world: int) -> list[str]:
    """Write the tables of generated experiments and return the arguments that name them."""
    for name, table in experiment_tables(**world).items():
        write_table(table, folder / f"{name}.csv")
    return [
        str(folder / "human.csv"),
        str(folder / "twin.csv"),
        "--conditions",
        str(folder / "conditions.csv"),
        "--contrasts",
        str(folder / "contrasts.csv"),
    ]


def test_calibrate_says_in_words_which_arm_beats_which(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tables = files(tmp_path, n_studies=5, new=1)
    output = tmp_path / "out.csv"
    printed = run(capsys, "experiment", "calibrate", *tables, "--output", str(output))
    assert "study4:\n" in printed.out
    assert " beats " not in printed.out
    assert " is expected ahead of " in printed.out
    assert "points, not sure (90%: " in printed.out
    written = read_table(output)
    assert written.column("contrast").to_pylist() == [
        f"study4:{arm}:{outcome}" for outcome in ("likes", "shares") for arm in "BC"
    ]
    assert read_table(tmp_path / "out.slopes.csv").num_rows == 4
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["learned"]["past_studies"] == ["study0", "study1", "study2", "study3"]
    assert set(record["inputs"]) == {"human", "twin", "conditions", "contrasts"}


def test_tables_fit_sixty_columns(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    from truetwin.cli import output

    monkeypatch.setattr(output, "console", lambda: Console(soft_wrap=False, highlight=False, width=60))
    tables = files(tmp_path, n_studies=6, new=1)
    for verb in ("calibrate", "evaluate", "rank"):
        printed = run(capsys, "experiment", verb, *tables).out
        tables_only = printed.split("study5:\n")[0] if verb == "calibrate" else printed
        assert max(map(len, tables_only.splitlines())) <= 60, printed


def test_json_has_rows_sentences_and_what_was_learned(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = run(capsys, "experiment", "calibrate", *files(tmp_path, n_studies=5, new=1), "--json")
    assert found["command"] == "experiment calibrate"
    assert len(found["rows"]) == len(found["sentences"]) == 4
    assert found["learned"]["calibrated"]
    assert found["rows"][0]["low"] < found["rows"][0]["effect"] < found["rows"][0]["high"]


def test_too_few_past_studies_print_a_warning(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tables = files(tmp_path, n_studies=3, new=1)
    printed = run(capsys, "experiment", "calibrate", *tables, "--published", "no")
    assert "not calibrated: 2 past studies" in printed.err
    assert "effects in sd, not calibrated" in printed.out


def test_past_effects_come_from_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tables = files(tmp_path, n_studies=4, new=1)
    past = tmp_path / "past.csv"
    lines = ["contrast_id,study,kind,human_d,human_se,twin_d,twin_se,twin_own_d,twin_own_se"]
    lines += [f"c{k},old{k},between,{0.1 * k},0.05,{0.2 * k},0.05,{0.4 * k},0.1" for k in range(3)]
    past.write_text("\n".join(lines) + "\n")
    found = run(capsys, "experiment", "calibrate", *tables, "--past", str(past), "--json")
    assert found["learned"]["past_studies"] == ["study0", "study1", "study2", "old0", "old1", "old2"]


def test_evaluate_writes_scores_predictions_and_figures(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tables = files(tmp_path, n_studies=6)
    output, figures = tmp_path / "scores.csv", tmp_path / "figures"
    printed = run(
        capsys, "experiment", "evaluate", *tables, "--output", str(output), "--figures", str(figures)
    )
    assert "24 effects of 6 studies" in printed.out
    assert "people against people: r" in printed.out
    assert sorted(path.name for path in figures.iterdir()) == ["effect-scatter.png", "effects.png"]
    assert "gain_over_twin_low" in read_table(output).column_names
    assert read_table(tmp_path / "scores.predictions.csv").num_rows == 24


def test_rank_prints_the_chance_of_being_best_and_losses(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tables = files(tmp_path, n_studies=5, new=1)
    found = run(capsys, "experiment", "rank", *tables, "--pilot-n", "30", "--json")
    assert sum(row["best"] for row in found["rows"]) == pytest.approx(2)  # two outcomes
    assert all(row["people"] == 30 for row in found["losses"])
    assert "choosing by" in run(capsys, "experiment", "rank", *tables).out


def test_plan_reads_the_table_of_calibrated_effects(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    run(capsys, "experiment", "calibrate", *files(tmp_path, n_studies=5, new=1), "--output", str(output))
    found = run(capsys, "plan", "--experiment", str(output), "--effect", "0.3", "--json")
    assert [row["people_without_twins"] for row in found["rows"]] == [175] * 4
    assert all(row["people"] < 175 for row in found["rows"])
    printed = run(capsys, "plan", "--experiment", str(output))
    assert "with twins" in printed.out
    assert "conclusive" in printed.out
    assert "beyond" not in printed.err
    assert "points here) is beyond" in run(capsys, "plan", "--experiment", str(output), "--effect", "20").err


def test_plan_refuses_other_tables_and_two_plans(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = tmp_path / "other.csv"
    table.write_text("a,b\n1,2\n")
    assert "lacks study, contrast" in run(capsys, "plan", "--experiment", str(table), code=2).err
    told = run(capsys, "plan", "--experiment", str(table), "--budget", "3", code=2).err
    assert "--experiment is a plan of its own" in told


def test_no_new_study_writes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    told = run(
        capsys, "experiment", "calibrate", *files(tmp_path, n_studies=4), "--output", str(output), code=2
    ).err
    assert "Name the studies to calibrate" in told
    assert not output.exists()


@pytest.mark.extra("excel")
def test_a_workbook_has_a_sheet_for_each_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output = tmp_path / "out.xlsx"
    run(capsys, "experiment", "calibrate", *files(tmp_path, n_studies=5, new=1), "--output", str(output))
    assert read_table(output).num_rows == 4

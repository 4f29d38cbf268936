"""Folders that version 0.1 has written: they open, nothing is asked again, and the figures are the same.

``tests/fixtures/version_0_1`` holds a study and a voice run of that version; the databases are there as SQL.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truetwin as tt
from truetwin.cli import main
from truetwin.errors import RunError
from truetwin.evaluation.evaluation_record import from_record
from truetwin.io import read_responses
from truetwin.study import read_study

WRITTEN = Path(__file__).parents[1] / "fixtures" / "version_0_1"


def opened(name: str, tmp_path: Path) -> Path:
    """A copy of a folder of the old version, with its databases."""
    folder = tmp_path / name
    shutil.copytree(WRITTEN / name, folder)
    for dump in folder.rglob("run.sql"):
        store = sqlite3.connect(dump.with_suffix(".sqlite"))
        store.executescript(dump.read_text(encoding="utf-8"))
        store.execute("PRAGMA journal_mode = wal")
        store.close()
        dump.unlink()
    return folder


def calls(store: Path) -> list[tuple[Any, ...]]:
    """What was asked, when, and what came back."""
    connection = sqlite3.connect(store)
    found = connection.execute(
        "SELECT step, persona, item, replicate, time, value FROM calls ORDER BY 1, 2, 3, 4"
    ).fetchall()
    connection.close()
    return found


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    """What a verb says as JSON."""
    with pytest.raises(SystemExit) as stop:
        main([*map(str, arguments), "--json"])
    said = capsys.readouterr()
    assert stop.value.code == 0, said.err
    return json.loads(said.out)


def test_a_study_goes_on_where_the_old_version_left_it(tmp_path: Path) -> None:
    folder = opened("study", tmp_path)
    before = calls(folder / "study-run" / "simulation" / "run.sqlite")
    found = tt.run_study(read_study(folder / "study.yaml"), folder / "study-run")
    assert {step.name for step in found.steps} == {"simulate", "evaluate", "calibrate", "diagnose", "report"}
    assert calls(folder / "study-run" / "simulation" / "run.sqlite") == before
    assert (folder / "study-run" / "report.html").stat().st_size > 100_000
    old = WRITTEN / "study" / "study-run"
    assert (folder / "study-run" / "twin.csv").read_bytes() == (old / "twin.csv").read_bytes()
    np.testing.assert_allclose(table(folder / "study-run" / "simulated.csv"), table(old / "simulated.csv"))
    predicted, before = table(folder / "study-run" / "predictions.csv"), table(old / "predictions.csv")
    np.testing.assert_array_equal(np.isfinite(predicted), np.isfinite(before))
    for now, then in zip(predicted.T, before.T, strict=True):  # levels of new items are estimated anew since
        assert np.corrcoef(now, then)[0, 1] > 0.999


def table(path: Path) -> np.ndarray:
    return read_responses(path, id_column="respondent_id").values


def test_an_evaluation_of_the_old_version_is_read(tmp_path: Path) -> None:
    path = WRITTEN / "study" / "study-run" / "evaluation-leave-one-item-out.json"
    found = from_record(json.loads(path.read_text(encoding="utf-8")))
    panel = tt.Panel(*(read_responses(WRITTEN / "study" / name) for name in ("human.csv", "generated.csv")))
    now = tt.evaluate(panel, ["twin", "ridge"], preset="twin-2k-500", metric=("pearson", "bias"))
    assert {row["method"] for row in found.summary()} == {"twin", "ridge"}
    for method in ("twin", "ridge"):
        # A bias is the difference of two means: where there is none, only rounding errors remain.
        np.testing.assert_allclose(found.scores[method, "bias"], now.scores[method, "bias"], atol=1e-14)


def test_a_store_of_the_old_version_is_shown_and_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = opened("study", tmp_path) / "study-run"
    shown = run(capsys, "runs", "show", folder / "simulation")
    assert [row["states"]["valid"] for row in shown["rows"]] == [10]
    run(capsys, "runs", "reparse", folder / "simulation")
    run(capsys, "runs", "export", folder / "simulation", "--output", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (folder / "simulated.csv").read_bytes()


def test_a_voice_run_of_the_old_version_is_scored_and_not_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = opened("voice", tmp_path)
    monkeypatch.chdir(folder)
    before, outcomes = calls(folder / "run" / "run.sqlite"), (folder / "run" / "choice.jsonl").read_bytes()
    scored = run(capsys, "voice", "score", "run/choice.jsonl")["rows"]
    again = run(
        capsys,
        "voice",
        "run",
        "items.jsonl",
        "--model",
        "scripted:model.yaml",
        "--run",
        "run",
        "--rotations",
        "2",
    )
    assert {row["dimension"]: row["accuracy_all"] for row in scored} == {
        "narrative": 50.0,
        "social": 50.0,
        "interpersonal": 50.0,
    }
    assert [row["accuracy_all"] for row in again["rows"]] == [row["accuracy_all"] for row in scored]
    assert calls(folder / "run" / "run.sqlite") == before
    assert (folder / "run" / "choice.jsonl").read_bytes() == outcomes


def test_a_record_of_steps_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    folder = opened("study", tmp_path)
    study = read_study(folder / "study.yaml")
    for damaged in ("{", '{"simulate": {"hash": "0"}}'):
        (folder / "study-run" / "steps.json").write_text(damaged)
        with pytest.raises(RunError, match=r"steps\.json must be the record of a run.* Remove it\."):
            tt.run_study(study, folder / "study-run")

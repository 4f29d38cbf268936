"""The program's verbs, run for real."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import truetwin
from truetwin.cli import _run
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.io import read_responses, write_table


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, str]:
    """Two CSV files: 80 people with 12 items, their twins with 15."""
    panel = generate_population(80, 15, n_new_items=3, random_state=2).panel
    paths = tmp_path / "human.csv", tmp_path / "twin.csv"
    for matrix, path in zip((panel.human, panel.twin), paths, strict=True):
        write_table(to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids, id_column="person"), path)
    return str(paths[0]), str(paths[1])


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert _run(list(arguments), debug=True) == code
    out = capsys.readouterr().out
    return json.loads(out) if "--json" in arguments else out


def test_calibrate_writes_draws_with_their_disclosure(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: tuple[str, str]
) -> None:
    output, file = tmp_path / "out.csv", tmp_path / "draws.parquet"
    options = ["--output", str(output), "--check", "0", "--draws", "3", "--draws-output", str(file)]
    run(capsys, "calibrate", *tables, *options, "--seed", "4")
    table = pq.read_table(file)
    assert table.column_names == ["draw", "respondent_id", "item_id", "value"]
    assert set(table["draw"].to_pylist()) == {1, 2, 3}
    assert b"real persons" in table.schema.metadata[b"truetwin"]
    sidecar = json.loads((tmp_path / "draws.json").read_text())
    assert "real persons" in sidecar["disclosure"]
    assert sidecar["draws"]["seed"] == 4
    assert sidecar["draws"]["drawn_items"] == ["Q13", "Q14", "Q15"]


def test_wrong_draws_are_refused_and_nothing_is_written(tmp_path: Path, tables: tuple[str, str]) -> None:
    output, draws = str(tmp_path / "out.csv"), str(tmp_path / "draws.csv")
    for wrong in (
        ["--draws", "3"],
        ["--draws-output", draws],
        ["--draws", "1", "--draws-output", draws],
        ["--draws", "3", "--draws-output", output],
        ["--draws", "3", "--draws-output", draws, "--seed", "-1"],
    ):
        assert _run(["calibrate", *tables, "--output", output, *wrong], debug=False) == 2
    assert not list(tmp_path.glob("out*")) + list(tmp_path.glob("draws*"))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_calibrate_writes_predictions_under_the_same_ids(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: tuple[str, str], ending: str
) -> None:
    output = tmp_path / f"out{ending}"
    report = run(
        capsys,
        "calibrate",
        *tables,
        "--id-column",
        "person",
        "--output",
        str(output),
        "--method",
        "ridge",
        "--json",
    )
    predictions = read_responses(output, id_column="person")
    assert predictions.respondent_ids == read_responses(tables[0]).respondent_ids
    assert predictions.item_ids == ("Q13", "Q14", "Q15")
    assert predictions.n_missing == 0
    assert [row["target"] for row in report["rows"]] == ["Q13", "Q14", "Q15"]
    assert {"twin", "human-respondent-mean", "ridge"} == {row["method"] for row in report["settings"]["gain"]}
    sidecar = json.loads(output.with_suffix(".json").read_text())
    assert sidecar["method"] == "ridge"
    assert len(sidecar["inputs"]["human"]["sha256"]) == 64
    assert sidecar["versions"]["truetwin"] == truetwin.__version__
    assert "not answers that anybody gave" in sidecar["disclosure"]
    if ending == ".parquet":
        assert b"truetwin" in pq.read_schema(output).metadata


def test_rounding_and_restriction(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: tuple[str, str]
) -> None:
    output = tmp_path / "out.csv"
    options = ["--items", "Q15,Q13", "--round", "--check", "0", "--preset", "movielens", "--json"]
    report = run(capsys, "calibrate", *tables, "--output", str(output), *options)
    predictions = read_responses(output)
    assert predictions.item_ids == ("Q13", "Q15")
    assert set(np.unique(predictions.values)) <= set(range(1, 8))
    assert report["settings"]["gain"] == []


def test_predictions_can_be_written_long(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: tuple[str, str]
) -> None:
    wide, long = tmp_path / "wide.csv", tmp_path / "long.parquet"
    options = ["--preset", "movielens", "--check", "0"]
    run(capsys, "calibrate", *tables, "--output", str(wide), *options)
    run(capsys, "calibrate", *tables, "--output", str(long), "--long", *options)
    first, second = read_responses(wide), read_responses(long)
    assert first.respondent_ids == second.respondent_ids
    np.testing.assert_allclose(first.values, second.values)


def test_a_target_that_cannot_be_predicted_is_named_and_the_rest_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tables: tuple[str, str]
) -> None:
    twin = read_responses(tables[1])
    values = twin.values.copy()
    values[:, 13] = 4.0
    write_table(to_frame(values, twin.respondent_ids, twin.item_ids, id_column="person"), Path(tables[1]))
    output = tmp_path / "out.csv"
    options = ["--output", str(output), "--method", "elastic-net", "--preset", "twin-2k-500", "--json"]
    report = run(capsys, "calibrate", *tables, *options, code=1)
    reasons = {row["target"]: row.get("reason") for row in report["rows"]}
    assert "same answer" in reasons["Q14"]
    assert reasons["Q13"] is None
    predictions = read_responses(output)
    assert np.isnan(predictions.values[:, 1]).all()
    assert np.isfinite(predictions.values[:, [0, 2]]).all()


def test_evaluate_prints_one_object_of_the_promised_shape(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], tmp_path: Path
) -> None:
    scores = tmp_path / "scores.csv"
    options = ["--methods", "twin,ridge", "--metric", "pearson,mae", "--per-target", str(scores), "--json"]
    report = run(capsys, "evaluate", *tables, "--preset", "movielens", *options)
    assert set(report) == {"command", "version", "settings", "rows"}
    assert [(r["method"], r["metric"]) for r in report["rows"]] == [
        ("twin", "pearson"),
        ("twin", "mae"),
        ("ridge", "pearson"),
        ("ridge", "mae"),
    ]
    ridge = report["rows"][2]
    assert {"mean", "standard_error", "n_scored", "n_unscored", "difference", "seconds"} <= set(ridge)
    assert ridge["n_scored"] == 12
    assert len(scores.read_text().splitlines()) == 1 + 4 * 12


def test_evaluate_over_blocks_and_settings_by_hand(
    capsys: pytest.CaptureFixture[str], tables: tuple[str, str], tmp_path: Path
) -> None:
    blocks = tmp_path / "blocks.csv"
    blocks.write_text("item_id,block\nQ01,A\nQ02,A\nQ03,A\n")
    options = ["--protocol", "leave-block-out", "--blocks", str(blocks), "--methods", "ridge,hard-svd"]
    by_hand = ["--set", "ridge.alpha=7", "--set", "hard-svd.rank=2"]
    report = run(capsys, "evaluate", *tables, *options, *by_hand, "--json")
    assert report["settings"]["parameters"]["ridge"] == {"alpha": 7.0}
    assert report["settings"]["parameters"]["hard-svd"]["rank"] == 2
    assert report["settings"]["n_folds"] == 10


@pytest.mark.usefixtures("needs_data")
def test_reproduce_puts_the_papers_figure_beside_ours(capsys: pytest.CaptureFixture[str]) -> None:
    report = run(capsys, "reproduce", "table-2", "--methods", "twin,in-context", "--json")
    twin, in_context = report["rows"]
    assert (twin["dataset"], twin["method"], twin["paper"]) == ("movielens", "twin", 0.349)
    assert twin["difference"] == pytest.approx(twin["mean"] - 0.349)
    assert in_context["mean"] == pytest.approx(0.406, abs=0.001)
    assert "construction" not in twin


def test_methods_and_datasets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    methods = run(capsys, "methods", "--json")["rows"]
    assert {"ridge", "als", "twin", "synthetic-control-paper"} <= {row["method"] for row in methods}
    assert "elastic-net" in run(capsys, "methods")
    datasets = {row["dataset"]: row for row in run(capsys, "datasets", "list", "--json")["rows"]}
    assert len(datasets["twin-2k-500"]["variants"]) == 13
    assert "movielens" in run(capsys, "datasets", "list")


def test_the_demo_does_the_whole_job(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    report = run(capsys, "demo", "--output", str(folder), "--json")
    written = {"human.csv", "twin.csv", "predictions.csv", "predictions.json", "estimates.csv", "report.html"}
    assert written <= set(os.listdir(folder))
    shares = [row for row in report["estimates"] if row["statistic"] == "share"]
    off = {name: sum(abs(row[name] - row["truth"]) for row in shares) for name in ("twins", "estimate")}
    assert off["estimate"] < 0.6 * off["twins"]
    assert sum(row["lower"] <= row["truth"] <= row["upper"] for row in shares) >= 0.85 * len(shares)
    rows = {row["method"]: row for row in report["rows"]}
    assert rows["auto"]["difference"] > 5 * rows["auto"]["difference_standard_error"]
    page = (folder / "report.html").read_text()
    assert "generated" in page
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )


def test_columns_that_no_twin_was_asked_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel = generate_population(60, 12, n_new_items=2).panel
    human = to_frame(panel.human.values, panel.human.respondent_ids, panel.human.item_ids)
    age = pa.array([float(20 + k % 60) for k in range(60)])
    write_table(human, tmp_path / "human.csv")
    write_table(human.append_column("age", age), tmp_path / "with_age.csv")
    write_table(
        to_frame(panel.twin.values, panel.twin.respondent_ids, panel.twin.item_ids), tmp_path / "twin.csv"
    )
    for name in ("human", "with_age"):
        files = [str(tmp_path / f"{name}.csv"), str(tmp_path / "twin.csv")]
        assert _run(["calibrate", *files, "--output", str(tmp_path / f"{name}-out.csv")], debug=False) == 0
    assert "left out what no twin has been asked: age" in capsys.readouterr().err
    assert (tmp_path / "human-out.csv").read_bytes() == (tmp_path / "with_age-out.csv").read_bytes()


def heed_interrupts() -> None:
    """Undo what a shell does to jobs in its background: they ignore interrupts, and so do their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# The program, which says when it has begun to compute.
TELLING = """
import sys
from truetwin.calibration import workers

plain = workers.on_one_thread

def telling(*arguments):
    print("computing", flush=True)
    return plain(*arguments)

workers.on_one_thread = telling
from truetwin.cli import main

main(sys.argv[1:])
"""


def interrupt(process: subprocess.Popen[str]) -> str:
    """Interrupt a process as a person does, once more if nothing happens: Python drops what lands in a finaliser."""
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=8)[1]
    process.kill()
    return process.communicate()[1]


def test_interrupting_leaves_no_partial_output(tmp_path: Path) -> None:
    panel = generate_population(700, 200, n_new_items=150).panel  # too much to be done before the signal
    for matrix, name in ((panel.human, "human"), (panel.twin, "twin")):
        write_table(
            to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids), tmp_path / f"{name}.parquet"
        )
    before = sorted(os.listdir(tmp_path))
    arguments = [
        "calibrate",
        "human.parquet",
        "twin.parquet",
        "--output",
        "out.csv",
        "--method",
        "neural-net",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", TELLING, *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "computing\n"
    errors = interrupt(process)
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert sorted(os.listdir(tmp_path)) == before


def test_an_interrupt_in_a_callback_of_a_library_is_heard() -> None:
    script = """
import ctypes, time
from truetwin.cli import _hear_dropped_interrupts

def interrupted():
    raise KeyboardInterrupt

_hear_dropped_interrupts()
try:
    ctypes.CFUNCTYPE(None)(interrupted)()
    time.sleep(5)
    print("lost")
except KeyboardInterrupt:
    print("heard")
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        preexec_fn=heed_interrupts,
    )
    assert (done.stdout, done.stderr) == ("heard\n", "")


def test_help_and_import_stay_light() -> None:
    heavy = {"sklearn", "matplotlib", "pandas", "pyarrow", "scipy", "plotly", "torch", "pooch", "jinja2"}
    for code in ("import truetwin", "from truetwin.cli.app import app"):
        script = f"import sys; {code}; print(*sys.modules)"
        loaded = subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, text=True
        ).stdout
        assert {m.partition(".")[0] for m in loaded.split()} & heavy == set()

"""Several sources of twin answers in the verbs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.cli import _run
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_world
from truetwin.io import read_table, write_table

pytestmark = pytest.mark.usefixtures("shares_learned_once")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """80 people with 12 items, and two sources with 15: one good, one that leaves people and an item out."""
    panel = generate_world("base", 80, 15, n_new_items=3, kinds=("five-point",)).panel
    noise = np.random.default_rng(0).integers(-1, 2, panel.twin.values.shape)
    other = np.clip(panel.twin.values + noise, 1, 5)
    write_table(
        to_frame(panel.human.values, panel.human.respondent_ids, panel.human.item_ids), tmp_path / "human.csv"
    )
    twin = panel.twin
    write_table(to_frame(twin.values, twin.respondent_ids, twin.item_ids), tmp_path / "a.csv")
    write_table(to_frame(other[:70, 1:], twin.respondent_ids[:70], twin.item_ids[1:]), tmp_path / "b.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


BOTH = ["--twin", "gpt=a.csv", "--twin", "gemini=b.csv"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[Any, str]:
    assert _run(list(arguments), debug=code == 0) == code
    captured = capsys.readouterr()
    return (json.loads(captured.out) if "--json" in arguments else captured.out), captured.err


def test_calibrate_says_which_sources_it_reads_and_records_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = run(capsys, "calibrate", "human.csv", *BOTH, "--output", "out.csv", "--check", "0")
    assert "source 'gpt' (a.csv): 80 people, 15 items" in said
    assert "source 'gemini' (b.csv): 70 people, 14 items" in said
    record = json.loads((folder / "out.json").read_text())
    assert list(record["inputs"]) == ["human", "twin.gpt", "twin.gemini"]
    assert record["inputs"]["twin.gemini"]["file"] == "b.csv"
    assert list(record["panel"]["sources"]) == ["gpt", "gemini"]
    assert record["panel"]["sources"]["gemini"]["n_items"] == 14
    assert read_table(folder / "out.csv").num_rows == 80


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "--methods", "twin,ridge", "--preset", "twin-2k-500"],
        ["diagnose"],
        ["plan", "--budget", "1"],
        ["estimate", "--output", "out.csv"],
        ["reweight", "--from-answers", "--output", "out.csv"],
        ["evaluate-marginals", "--from-answers", "--splits", "1", "--methods", "mix"],
    ],
)
def test_every_verb_reads_sources_by_name_and_from_a_folder(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    verb, *options = arguments
    _, said = run(capsys, verb, "human.csv", *BOTH, *options, "--json")
    assert "source 'gemini' (b.csv): 70 people, 14 items" in said
    (folder / "twins").mkdir()
    (folder / "a.csv").rename(folder / "twins" / "gpt.csv")
    (folder / "b.csv").rename(folder / "twins" / "gemini.csv")
    _, said = run(capsys, verb, "human.csv", "twins", *options, "--json")
    assert "source 'gpt' (twins/gpt.csv): 80 people, 15 items" in said


def test_a_lone_named_source_gives_the_same_predictions_as_the_table(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "calibrate", "human.csv", "a.csv", "--output", "plain.csv", "--check", "0")
    run(capsys, "calibrate", "human.csv", "--twin", "gpt=a.csv", "--output", "named.csv", "--check", "0")
    assert (folder / "plain.csv").read_bytes() == (folder / "named.csv").read_bytes()


@pytest.mark.parametrize(
    ("twins", "words"),
    [
        (["--twin", "x=a.csv", "--twin", "x=b.csv"], "'x' is given twice"),
        (["a.csv", "--twin", "x=b.csv"], "they are given both ways"),
        ([], "there are none"),
        (["--twin", "a.csv"], "must be given as NAME=FILE"),
        (["--twin", "x=a.csv", "--twin", "y=human.json"], "human.json"),
    ],
)
def test_wrong_sources_are_refused_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], twins: list[str], words: str
) -> None:
    _, said = run(capsys, "calibrate", "human.csv", *twins, "--output", "out.csv", code=2)
    assert words in " ".join(said.split())
    assert not list(folder.glob("out*"))


def test_a_source_without_anybody_in_common_is_named_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(to_frame(np.ones((2, 1)), ["x", "y"], ["Q01"]), folder / "c.csv")
    _, said = run(capsys, "calibrate", "human.csv", *BOTH, "--twin", "c=c.csv", "--output", "out.csv", code=2)
    assert "the source 'c' must have respondent ids in common" in " ".join(said.split())
    assert not list(folder.glob("out*"))


def test_an_output_does_not_go_where_it_would_be_read_as_a_source(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "twins").mkdir()
    (folder / "a.csv").rename(folder / "twins" / "gpt.csv")
    _, said = run(capsys, "calibrate", "human.csv", "twins", "--output", "twins/out.csv", code=2)
    assert "must not lie in a folder of inputs" in " ".join(said.split())


def test_weights_of_twins_name_the_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--from-answers",
        "--method",
        "ensemble",
        "--output",
        "out.csv",
        "--weights-output",
        "weights.csv",
    ]
    run(capsys, "reweight", "human.csv", *BOTH, *options)
    rows = [row for row in read_table(folder / "weights.csv").to_pylist() if row["kind"] == "twin"]
    assert {row["source"] for row in rows} == {"gpt", "gemini"}
    assert len(rows) == 150

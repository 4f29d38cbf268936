"""`truetwin update` and `truetwin plan --precision`, run for real; bad input is refused in one line."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.cli import _run
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.io import write_table

pytestmark = pytest.mark.usefixtures("shares_learned_once")
ITEM = "Q15"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of a generated population, and answers to a new item in two exports."""
    folder = tmp_path_factory.mktemp("fieldwork")
    population = generate_population(200, 15, n_new_items=2, random_state=0)
    panel = population.panel
    for name, source in (("human", panel.human), ("twin", panel.twin)):
        write_table(to_frame(source.values, source.respondent_ids, source.item_ids), folder / f"{name}.csv")
    truth = population.truth.values[:, population.truth.item_ids.index(ITEM)]
    order = np.random.default_rng(1).permutation(200)
    for n in (30, 120):
        rows = [(panel.respondent_ids[k], f"{truth[k]:g}", "by phone") for k in order[:n]]
        write_csv(folder / f"answers{n}.csv", [("respondent_id", ITEM, "mode"), *rows])
    return folder


@pytest.fixture(scope="module")
def state(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state file after the first answers; tests change copies of it."""
    path = tmp_path_factory.mktemp("state") / "fieldwork.json"
    assert _run(call(folder, "--state", str(path)), debug=True) == 0
    return path


def write_csv(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def call(folder: Path, *options: str, answers: str = "answers30.csv") -> list[str]:
    tables = [str(folder / "human.csv"), str(folder / "twin.csv")]
    return ["update", *tables, "--item", ITEM, "--answers", str(folder / answers), *options]


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert _run([*words], debug=True) == 0
    out = capsys.readouterr().out
    return json.loads(out) if "--json" in words else out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert _run([*words], debug=False) in (1, 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_intervals_narrow_from_call_to_call(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    state = ("--state", str(tmp_path / "fieldwork.json"), "--precision", "0.12", "--json")
    early = told(capsys, *call(folder, *state))
    late = told(capsys, *call(folder, *state, answers="answers120.csv"))
    assert [early["settings"]["enough"], late["settings"]["enough"]] == [False, True]
    assert early["settings"]["still_needed"] > 0
    assert sorted({row["answers"] for row in late["rows"]}) == [30, 120]
    assert late["rows"][: len(early["rows"])] == early["rows"]  # a look stays as it was
    assert late["settings"]["widest"] < early["settings"]["widest"]


def test_the_table_says_whether_to_go_on(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = ("--state", str(tmp_path / "fieldwork.json"), "--precision", "0.12")
    assert "go on: +-0.12 at 90% is wanted; about " in told(capsys, *call(folder, *state))
    text = told(capsys, *call(folder, *state, answers="answers120.csv"))
    assert "stop: every interval is within +-0.12 at 90%" in text
    assert "how the intervals narrow" in text
    assert max(map(len, text.splitlines())) <= 60


def test_a_refused_call_leaves_the_state_as_it_was(
    capsys: pytest.CaptureFixture[str], folder: Path, state: Path, tmp_path: Path
) -> None:
    path = shutil.copy(state, tmp_path / "fieldwork.json")
    before = path.read_bytes()
    wrong = tmp_path / "wrong.csv"
    first = (folder / "answers30.csv").read_text(encoding="utf-8").splitlines()[1].split(",")
    write_csv(wrong, [("respondent_id", ITEM), (first[0], "2" if first[1] != "2" else "3")])
    options = ["--state", str(path)]
    again = refused(capsys, *call(folder, *options)[:-4], "--answers", str(wrong), *options)
    assert f"each person answers once; respondent '{first[0]}'" in again
    assert path.read_bytes() == before
    assert list(tmp_path.glob(".fieldwork*")) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("respondent_id", ITEM), ("nobody", "3")], "'nobody' is none"),
        ([("respondent_id", ITEM), ("R001", "9")], "not on the scale"),
        ([("respondent_id", ITEM), ("R001", "3"), ("R001", "3")], "must occur once"),
        ([("respondent_id", "Q1"), ("R001", "3")], f"must have a column '{ITEM}'"),
    ],
)
def test_wrong_answers_are_refused(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path, rows: list[tuple[str, ...]], words: str
) -> None:
    path = tmp_path / "wrong.csv"
    write_csv(path, rows)
    state = tmp_path / "state.json"
    assert words in refused(capsys, *call(folder)[:-1], str(path), "--state", str(state))
    assert not state.exists()


def test_people_without_a_valid_answer_are_counted(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "gaps.csv"
    write_csv(path, [("respondent_id", ITEM), ("R001", "3"), ("R002", "")])
    assert _run([*call(folder)[:-1], str(path)], debug=True) == 0
    assert "no valid answer: 1 in" in capsys.readouterr().err


def test_settings_that_cannot_change_are_refused(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    state = ["--state", str(tmp_path / "fieldwork.json")]
    told(capsys, *call(folder, *state, "--precision", "0.1"))
    told(capsys, *call(folder, *state))  # what is not said stays as it was
    assert "--precision must stay" in refused(capsys, *call(folder, *state, "--precision", "0.05"))
    assert "--statistic must stay" in refused(capsys, *call(folder, *state, "--statistic", "mean"))
    other = tmp_path / "human.csv"
    other.write_text((folder / "human.csv").read_text(encoding="utf-8") + "new,1\n", encoding="utf-8")
    words = call(folder, *state)
    words[1] = str(other)
    assert "the human table differs" in refused(capsys, *words)
    (tmp_path / "fieldwork.json").write_text("{}", encoding="utf-8")
    assert "must be a state file" in refused(capsys, *call(folder, *state))
    assert "must not overwrite an input" in refused(
        capsys, *call(folder, "--state", str(folder / "answers30.csv"))
    )


def test_plan_says_how_many_people_are_needed(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    tables = [str(folder / "human.csv"), str(folder / "twin.csv")]
    found = told(capsys, "plan", *tables, "--precision", "0.1", "--json")
    assert [row["item"] for row in found["rows"]] == ["Q14", "Q15"]
    assert all(0 < row["people"] <= row["people_without_twins"] <= 200 for row in found["rows"])
    assert found["settings"]["n_people"] == 200
    text = told(capsys, "plan", *tables, "--precision", "0.1", "--targets", ITEM)
    assert "without twins" in text
    assert max(map(len, text.splitlines())) <= 60
    assert "--budget" in refused(capsys, "plan", *tables, "--precision", "0.1", "--budget", "1")
    assert "--axis" in refused(capsys, "plan", *tables, "--precision", "0.1", "--axis", "respondents")


def test_plan_counts_weights_and_answers_so_far(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    ids = [line.split(",")[0] for line in (folder / "human.csv").read_text().splitlines()[1:]]
    write_csv(people, [("respondent_id", "w"), *((who, str(1 + k % 3)) for k, who in enumerate(ids))])
    tables = [str(folder / "human.csv"), str(folder / "twin.csv"), "--people", str(people), "--weights", "w"]
    sample = ["--sample", str(folder / "answers30.csv")]
    found = told(capsys, "plan", *tables, *sample, "--budget", "1", "--json")
    assert [row["item"] for row in found["rows"]] == ["Q14"]  # the sample has answers to the other
    assert found["settings"]["weights"] == "w"
    assert found["settings"]["sample"] == sample[1]
    words = refused(capsys, "plan", *tables, *sample, "--sources")
    assert "--sample goes with --budget or --precision" in words
    words = refused(capsys, "plan", "--experiment", str(people), "--weights", "w")
    assert "--weights needs tables of answers" in words


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda record: record.pop("tables"), "which tables"),
        (lambda record: record.pop("looks"), "'looks'"),
        (lambda record: record["forecast"].pop("law"), "'law'"),
        (lambda record: record.update(precision=None), "damaged"),
        (lambda record: record.update(looks=[0]), "looks"),
        (lambda record: record["answers"].append(["nobody", 1]), "'nobody'"),
        (lambda record: record["forecast"].update(predictions=[1.0]), "prediction for each"),
    ],
)
def test_a_damaged_state_is_refused(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    state: Path,
    tmp_path: Path,
    change: Any,
    word: str,
) -> None:
    path = shutil.copy(state, tmp_path / "fieldwork.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record), encoding="utf-8")
    said = refused(capsys, *call(folder, "--state", str(path)))
    assert said.startswith("error: ")
    assert word in said
    assert "begin again" in said
    assert json.loads(path.read_text(encoding="utf-8")) == record


def test_a_state_that_is_a_device_is_refused(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert "device" in refused(capsys, *call(folder, "--state", "/dev/full"))


@pytest.mark.parametrize("precision", ["3", "1e-300"])
def test_a_precision_that_means_nothing_is_refused(
    capsys: pytest.CaptureFixture[str], folder: Path, precision: str
) -> None:
    tables = (str(folder / "human.csv"), str(folder / "twin.csv"))
    for words in (call(folder, "--precision", precision), ["plan", *tables, "--precision", precision]):
        assert "error: the precision must be" in refused(capsys, *words)


def test_two_processes_that_update_one_state_lose_no_answers(
    folder: Path, state: Path, tmp_path: Path
) -> None:
    state = shutil.copy(state, tmp_path / "fieldwork.json")
    lines = (folder / "answers120.csv").read_text(encoding="utf-8").splitlines()
    parts = [[lines[0], *lines[41:80]], [lines[0], *lines[81:120]]]
    running = []
    for k, part in enumerate(parts):
        (tmp_path / f"part{k}.csv").write_text("\n".join(part) + "\n", encoding="utf-8")
        words = call(folder, "--state", str(state), answers=str(tmp_path / f"part{k}.csv"))
        code = f"from truetwin.cli import main; main({words!r})"
        running.append(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL))
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    assert len(json.loads(state.read_text(encoding="utf-8"))["answers"]) == 30 + 39 + 39

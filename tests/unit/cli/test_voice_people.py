"""`truetwin voice sample`, `agree` and `leaderboard`, run for real."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.voice.items.voice_items import Option, VoiceItem, VoicePersona, write_voice_items
from truetwin.voice.people.annotator_files import FORMAT
from truetwin.voice.people.blinded_samples import read_key
from truetwin.voice.protocols.capability_annotation import CAPABILITIES
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome, write_outcomes

N = 12


@pytest.fixture
def items(tmp_path: Path) -> Path:
    write_voice_items(
        tmp_path / "items.jsonl",
        [
            VoiceItem(f"i{k}", "social", "en", VoicePersona(f"p{k}"), f"s{k}",
                      tuple(Option(x, f"{k}{x}") for x in "abcd"), "a", group=f"g{k % 2}")
            for k in range(N)
        ],
    )  # fmt: skip
    write_outcomes(
        tmp_path / "marks.jsonl",
        [
            Outcome(f"i{k}", Protocol.SCORING, Status.DONE, "m", "social", f"p{k}", reply=f"r{k}", judge="j",
                    score=float(1 + k % 5))
            for k in range(N)
        ],
    )  # fmt: skip
    write_outcomes(
        tmp_path / "choices.jsonl",
        [
            choice_outcome(f"i{k}", tuple("abcd"), "a", "ab"[k % 2], model="m", dimension="social")
            for k in range(N)
        ],
    )
    return tmp_path / "items.jsonl"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert _run(list(arguments), debug=True) == 0
    out = capsys.readouterr().out
    return json.loads(out) if "--json" in arguments else out


def annotate(folder: Path, name: str, label: Any) -> str:
    key = read_key(folder / "key.json")
    labels = [
        {"task_id": task, "label": label(k, entry)} for k, (task, entry) in enumerate(key.tasks.items())
    ]
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"format": FORMAT, "sample": key.sample, "annotator": name, "labels": labels}))
    return str(path)


@pytest.mark.extra("voice")
def test_people_s_choices_are_compared_with_a_model_s(
    items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sample"
    shown = run(capsys, "voice", "sample", str(items), "--folder", str(folder), "--n", "8")
    assert "8 tasks of 12" in shown
    files = [annotate(folder, name, lambda k, e: e.answer if k < 6 else "ABCD"[k - 6]) for name in ("x", "y")]
    command = [
        "voice",
        "agree",
        *files,
        "--key",
        str(folder / "key.json"),
        "--answers",
        str(tmp_path / "choices.jsonl"),
    ]
    found = run(capsys, *command, "--resamples", "100", "--json")
    assert found["settings"]["annotators"] == {"x": 8, "y": 8}
    rows = {(r["what"], r["rater"], r["measure"]): r for r in found["rows"]}
    assert rows["human-human", "people", "kappa"]["value"] == 1.0
    assert rows["annotator", "x", "accuracy"]["value"] >= 6 / 8
    assert "share right" in run(capsys, *command, "--resamples", "100")


@pytest.mark.extra("voice")
def test_a_judge_s_marks_are_corrected(
    items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, marks = tmp_path / "sample", str(tmp_path / "marks.jsonl")
    run(capsys, "voice", "sample", str(items), "--folder", str(folder), "--n", "10", "--protocol", "scoring",
        "--answers", marks, "--json")  # fmt: skip
    file = annotate(folder, "x", lambda k, e: str(max(1, int(e.item_id[1:]) % 5)))
    found = run(
        capsys, "voice", "agree", file, "--key", str(folder / "key.json"), "--answers", marks, "--json"
    )
    (row,) = [r for r in found["rows"] if r["what"] == "corrected"]
    assert row["bias"] == pytest.approx(row["judge_mean"] - row["people_mean"], abs=0.5)
    assert row["value"] < row["judge_mean"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--protocol", "scoring"], "--answers must be given"),
        (["--protocol", "rank"], "no protocol named 'rank'"),
        (["--protocol", "reply"], "no protocol named 'reply'"),
        (["--n", "13"], "between 1 and 12"),
    ],
)
def test_samples_that_make_no_sense_are_refused(
    items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert (
        _run(["voice", "sample", str(items), "--folder", str(tmp_path / "s"), *arguments], debug=False) == 2
    )
    assert words in capsys.readouterr().err


def test_a_leaderboard_with_capabilities(
    items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations = tmp_path / "annotations.jsonl"
    labels = dict.fromkeys(CAPABILITIES, True)
    annotations.write_text(
        "".join(
            json.dumps({"item_id": f"i{k}", "primary": "persona_tone", "labels": labels}) + "\n"
            for k in range(N - 1)
        )
    )
    board, figures = tmp_path / "board.md", tmp_path / "figures"
    arguments = ["voice", "leaderboard", str(tmp_path / "choices.jsonl"), str(tmp_path / "marks.jsonl")]
    found = run(capsys, *arguments, "--output", str(board), "--annotations", str(annotations), "--figures",
                str(figures), "--figure-format", "svg", "--json")  # fmt: skip
    assert [(r["protocol"], r["n"]) for r in found["rows"]] == [("choice", N), ("scoring", N)]
    capability = found["capabilities"][0]
    assert (capability["n"], capability["protocol"]) == (N - 1, "choice")
    assert "| m | 50.0 |" in board.read_text()
    assert (figures / "radar-social-choice.svg").is_file()
    assert "persona_tone" in run(capsys, *arguments, "--annotations", str(annotations))


def test_a_mean_mark_stands_beside_its_interval(
    items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["voice", "score", str(tmp_path / "marks.jsonl")]
    (row,) = run(capsys, *command, "--json")["rows"]
    table = run(capsys, *command)
    assert f"{row['normalised_ci_low'] / 100:.3f} to {row['normalised_ci_high'] / 100:.3f}" in table


def test_a_leaderboard_says_where_the_best_guess_is_missing(
    items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["voice", "leaderboard", str(tmp_path / "choices.jsonl")], debug=True) == 0
    assert "voice score FILE --items ITEMS --json" in capsys.readouterr().err


def test_tasks_without_history_are_said(
    items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["voice", "sample", str(items), "--folder", str(tmp_path / "s"), "--n", "5"], debug=True) == 0
    assert "5 of 5 tasks show nothing" in capsys.readouterr().err


def test_people_see_items_without_leaks_as_models_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true = "I never said such a thing"
    options = tuple(Option(x, true if x == "a" else f"other {x}") for x in "abcd")
    item = VoiceItem("i", "social", "en", VoicePersona("p"), f"He said: {true}.", options, "a")
    write_voice_items(tmp_path / "leaky.jsonl", [item])
    run(capsys, "voice", "sample", str(tmp_path / "leaky.jsonl"), "--folder", str(tmp_path / "s"), "--n", "1")
    with (tmp_path / "s" / "tasks.csv").open(encoding="utf-8-sig", newline="") as table:
        (task,) = csv.DictReader(table)
    assert task["stimulus"] == "He said: [...]."


def test_figures_need_annotations(items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["voice", "leaderboard", str(tmp_path / "choices.jsonl"), "--figures", str(tmp_path / "f")]
    assert _run(arguments, debug=False) == 2
    assert "--annotations" in capsys.readouterr().err

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import DataError, FileFormatError
from truetwin.report.voice_leaderboard import (
    leaderboard_csv,
    leaderboard_html,
    leaderboard_markdown,
    write_leaderboard,
)
from truetwin.voice.leaderboard import Standing, holds_scores, ranked, read_standings
from truetwin.voice.outcomes import Outcome, Protocol, Status, write_outcomes

EVIL = "=<script>alert(1)</script>|x"


def scored(path: Path, *rows: dict[str, Any], command: str = "voice score") -> Path:
    path.write_text(json.dumps({"command": command, "version": "1", "settings": {}, "rows": rows}))
    return path


def row(**change: Any) -> dict[str, Any]:
    return {
        "dimension": "social", "protocol": "choice", "model": "m", "n": 10, "n_answered": 9, "n_failed": 1,
        "accuracy_answered": 0.5, "accuracy_all": 0.45, "ci_low": 0.2, "ci_high": 0.7, "some_new_field": [1],
        **change,
    }  # fmt: skip


def test_answers_and_scores_give_the_same_kind_of_standing(tmp_path: Path) -> None:
    outcomes = [
        Outcome(
            f"i{k}",
            Protocol.CHOICE,
            s,
            "m",
            "social",
            f"p{k}",
            picked="x" if s is not Status.FAILED else None,
        )
        for k, s in enumerate([Status.CORRECT, Status.INCORRECT, Status.FAILED, Status.CORRECT])
    ]
    outcomes += [Outcome("i0", Protocol.SCORING, Status.DONE, "m", "social", "p0", score=4.0, judge="j")]
    outcomes += [Outcome("i0", Protocol.REPLY, Status.DONE, "m", "social", "p0", reply="unjudged")]
    write_outcomes(tmp_path / "answers.jsonl", outcomes)
    choice, marks = read_standings(tmp_path / "answers.jsonl")
    assert (choice.accuracy_all, choice.accuracy_answered) == (0.5, pytest.approx(2 / 3))
    assert (choice.n, choice.n_answered, choice.n_failed) == (4, 3, 1)
    assert (marks.mean_mark, marks.accuracy_all, marks.judge) == (4.0, None, "j")
    (again,) = read_standings(scored(tmp_path / "scores.json", row()))
    assert (again.model, again.accuracy_all, again.file) == ("m", 0.45, str(tmp_path / "scores.json"))
    assert holds_scores(tmp_path / "scores.json")
    assert not holds_scores(tmp_path / "answers.jsonl")


def test_the_best_over_all_items_comes_first_not_the_best_over_answered() -> None:
    lazy = Standing("social", "choice", "lazy", 100, 10, 0.9, 0.09)
    solid = Standing("social", "choice", "solid", 100, 100, 0.5, 0.5)
    assert [s.model for s in ranked([lazy, solid])] == ["solid", "lazy"]
    with pytest.raises(DataError, match="at least one"):
        ranked([])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n": "many"}, "'n' must be a number"),
        ({"model": 3}, "'model' must be a text"),
        ({"n": None}, "must be there"),
    ],
)
def test_bad_rows_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(FileFormatError, match=f"row 2: .*{words}"):
        read_standings(scored(tmp_path / "s.json", row(), row(**change)))


def test_results_of_another_verb_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="of 'evaluate'"):
        read_standings(scored(tmp_path / "s.json", row(), command="evaluate"))


def test_every_format_says_the_same(tmp_path: Path) -> None:
    standings = [
        Standing("social", "choice", "m", 10, 9, 0.5, 0.45, 0.2, 0.7, baseline="shortest", baseline_accuracy=0.335),
        Standing("social", "scoring", "m", 10, 10, mean_mark=2.125, ci_low=1.5, ci_high=3.0, judge="j"),
    ]  # fmt: skip
    for ending in (".md", ".html"):
        path = tmp_path / f"board{ending}"
        write_leaderboard(path, standings)
        text = path.read_text(encoding="utf-8")
        for cell in ("45.0", "50.0", "20.0 to 70.0", "33.5 (shortest)", "2.12", "1.50 to 3.00"):
            assert cell in text
    write_leaderboard(tmp_path / "board.csv", standings)
    rows = list(csv.DictReader((tmp_path / "board.csv").read_text().splitlines()))
    assert [(r["accuracy_all"], r["mean_mark"]) for r in rows] == [("0.45", ""), ("", "2.125")]
    with pytest.raises(FileFormatError, match="must end in one of"):
        write_leaderboard(tmp_path / "board.xlsx", standings)


def test_hostile_names_stay_text() -> None:
    standings = [Standing("social", "choice", EVIL, 1, 1, 1.0, 1.0)]
    assert "<script>" not in leaderboard_html(standings)
    assert "<script>" not in leaderboard_markdown(standings)
    assert "\\|x |" in leaderboard_markdown(standings)
    (cells,) = csv.DictReader(leaderboard_csv(standings).splitlines())
    assert cells["model"] == f"'{EVIL}"

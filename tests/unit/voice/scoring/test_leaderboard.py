from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import DataError, FileFormatError
from truetwin.report.files.leaderboard_files import (
    leaderboard_csv,
    leaderboard_html,
    leaderboard_markdown,
    write_leaderboard,
)
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, write_outcomes
from truetwin.voice.scoring.leaderboard import Standing, ranked, read_results, score_rows

EVIL = "=<script>alert(1)</script>|x"


def scored(path: Path, *rows: dict[str, Any], command: str = "voice score") -> Path:
    settings = {"unit": "percent"}
    path.write_text(json.dumps({"command": command, "version": "1", "settings": settings, "rows": rows}))
    return path


def row(**change: Any) -> dict[str, Any]:
    return {
        "dimension": "social", "protocol": "choice", "model": "m", "n": 10, "n_answered": 9, "n_failed": 1,
        "accuracy_answered": 50.0, "accuracy_all": 45.0, "ci_low": 20, "ci_high": 70, "some_new_field": [1],
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
    scored(tmp_path / "scores.json", row(cluster_ci_low=15.0, cluster_ci_high=75.0))
    again, choice, marks = read_results([tmp_path / "answers.jsonl", tmp_path / "scores.json"]).standings
    assert (choice.accuracy_all, choice.accuracy_answered) == (50.0, pytest.approx(200 / 3))
    assert (choice.n, choice.n_answered, choice.n_failed) == (4, 3, 1)
    assert (marks.mean_score, marks.accuracy_all, marks.judge) == (4.0, None, "j")
    assert (again.model, again.accuracy_all, again.file) == ("m", 45.0, str(tmp_path / "scores.json"))
    assert (again.ci_low, again.ci_high) == (15.0, 75.0)
    assert score_rows(tmp_path / "answers.jsonl") is None


def test_damaged_lines_are_failures_and_said(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    write_outcomes(path, [Outcome("i0", Protocol.CHOICE, Status.CORRECT, "m", "social", "p0", picked="x")])
    path.write_text(path.read_text() + '{"item_id": "i1", "prot\n')
    results = read_results([path])
    assert (results.standings[0].accuracy_all, results.is_damaged, len(results.notes)) == (50.0, True, 1)


def test_the_best_over_all_items_comes_first_not_the_best_over_answered() -> None:
    lazy = Standing("social", "choice", "lazy", 100, 10, 90.0, 9.0)
    solid = Standing("social", "choice", "solid", 100, 100, 50.0, 50.0)
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
        read_results([scored(tmp_path / "s.json", row(), row(**change))])


def test_scores_in_another_unit_are_refused(tmp_path: Path) -> None:
    path = scored(tmp_path / "s.json", row())
    path.write_text(path.read_text().replace("percent", "share"))
    with pytest.raises(FileFormatError, match="in percent"):
        read_results([path])


def test_results_of_another_verb_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="of 'evaluate'"):
        read_results([scored(tmp_path / "s.json", row(), command="evaluate")])


def test_every_format_says_the_same(tmp_path: Path) -> None:
    standings = [
        Standing("social", "choice", "m", 10, 9, 50.0, 45.0, 20.0, 70.0, baseline="shortest", baseline_accuracy=33.5),
        Standing("social", "scoring", "m", 10, 10, mean_score=2.125, ci_low=1.5, ci_high=3.0, judge="j"),
    ]  # fmt: skip
    for ending in (".md", ".html"):
        path = tmp_path / f"board{ending}"
        write_leaderboard(path, standings)
        text = path.read_text(encoding="utf-8")
        for cell in ("45.0", "50.0", "20.0 to 70.0", "33.5 (shortest)", "2.12", "1.50 to 3.00"):
            assert cell in text
    write_leaderboard(tmp_path / "board.csv", standings)
    rows = list(csv.DictReader((tmp_path / "board.csv").read_text().splitlines()))
    assert [(r["accuracy_all"], r["mean_score"]) for r in rows] == [("45.0", ""), ("", "2.125")]
    with pytest.raises(FileFormatError, match="must end in one of"):
        write_leaderboard(tmp_path / "board.xlsx", standings)


def test_results_of_one_model_are_told_apart_by_their_runs() -> None:
    standings = [
        Standing("social", "choice", "m", 1, 1, 100.0, 100.0, file=f"/x/{run}/choice.jsonl") for run in "ab"
    ]
    text = leaderboard_markdown(standings)
    assert "a/choice.jsonl" in text
    assert "b/choice.jsonl" in text
    assert "/x" not in text


def test_hostile_names_stay_text() -> None:
    standings = [Standing("social", "choice", EVIL, 1, 1, 100.0, 100.0)]
    assert EVIL not in leaderboard_html(standings)
    assert "<script>" not in leaderboard_markdown(standings)
    assert "\\|x |" in leaderboard_markdown(standings)
    (cells,) = csv.DictReader(leaderboard_csv(standings).splitlines())
    assert cells["model"] == f"'{EVIL}"


def test_the_page_opens_with_the_best_result_beside_the_rule_without_persona() -> None:
    standings = [
        Standing("social", "choice", "worse", 10, 9, 30.0, 30.0),
        Standing(
            "social", "choice", "better", 10, 9, 50.0, 45.0, baseline="shortest", baseline_accuracy=33.5
        ),
    ]
    answer = "social: better chooses the true reply in 45.0% of 10 questions asked (a rule without persona: 33.5%)."
    assert answer in leaderboard_html(standings)

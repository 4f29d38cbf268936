from __future__ import annotations

import json
from pathlib import Path

import pytest

from truetwin.voice.scoring.dimension_averages import average_standings
from truetwin.voice.scoring.leaderboard import Standing, ranked, read_results


def standing(dimension: str, model: str, accuracy: float, half: float = 3.0, **changes: object) -> Standing:
    fields = {"ci_low": accuracy - half, "ci_high": accuracy + half, **changes}
    return Standing(dimension, "choice", model, 100, 90, accuracy + 1, accuracy, **fields)  # type: ignore[arg-type]


def test_every_dimension_counts_alike_and_intervals_combine() -> None:
    found = average_standings([standing("social", "m", 40.0), standing("narrative", "m", 60.0, half=4.0)])
    (row,) = found.standings
    assert (row.dimension, row.accuracy_all, row.accuracy_answered) == ("average", 50.0, 51.0)
    assert (row.n, row.n_answered) == (200, 180)
    assert (row.ci_low, row.ci_high) == (47.5, 52.5)  # half of the root of 9 + 16
    assert found.notes == ()


def test_marks_are_averaged_and_judges_kept_apart() -> None:
    rows = [
        Standing(dimension, "scoring", "m", 10, 10, mean_score=mark, judge=judge)
        for dimension, mark in (("social", 2.0), ("narrative", 3.0))
        for judge in ("a", "b")
    ]
    assert [(s.judge, s.mean_score) for s in average_standings(rows).standings] == [("a", 2.5), ("b", 2.5)]


def test_pillars_and_imputed_marks_of_an_average_are_those_of_all_dimensions() -> None:
    about = {"mean_score": 2.0, "judge": "j"}
    rows = [
        Standing("social", "scoring", "m", 10, 9, opinion=20.0, logic=50.0, n_imputed=1, **about),  # type: ignore[arg-type]
        Standing("narrative", "scoring", "m", 10, 7, opinion=40.0, n_imputed=3, **about),  # type: ignore[arg-type]
    ]
    (row,) = average_standings(rows).standings
    assert (row.opinion, row.logic, row.n_imputed) == (30.0, None, 4)


def test_a_model_that_lacks_a_dimension_has_no_average_and_is_named() -> None:
    rows = [
        standing("social", "m", 40.0),
        standing("narrative", "m", 60.0),
        standing("social", "other", 90.0),
    ]
    found = average_standings(rows)
    assert [s.model for s in found.standings] == ["m"]
    assert "no average over dimensions (choice) for other" in found.notes[0]
    twice = average_standings([*rows[:2], standing("social", "m", 42.0)])
    assert (twice.standings, len(twice.notes)) == ((), 1)
    assert average_standings([rows[0], rows[2]]).standings == ()  # one dimension alone


def test_averages_come_last_and_a_leaderboard_that_is_read_again_computes_them_anew(tmp_path: Path) -> None:
    rows = [standing("social", "m", 40.0), standing("narrative", "m", 60.0)]
    ordered = ranked([*average_standings(rows).standings, *rows])
    assert [s.dimension for s in ordered] == ["narrative", "social", "average"]
    content = {
        "command": "voice leaderboard",
        "settings": {"unit": "percent"},
        "rows": [s.to_row() for s in ordered],
    }
    (tmp_path / "board.json").write_text(json.dumps(content))
    again = read_results([tmp_path / "board.json"]).standings
    assert [s.dimension for s in again] == ["narrative", "social", "average"]
    assert again[-1].accuracy_all == pytest.approx(50.0)

"""The page of reproduced tables, from results made up here."""

from __future__ import annotations

from typing import Any

from reproduction_page import BODIES, TITLES, page


def record(*arguments: str, rows: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    result = {"version": "1", "settings": settings, "rows": rows}
    return {
        "arguments": list(arguments),
        "date": "2026-01-01",
        "commit": "abc",
        "seconds": 3.0,
        "result": result,
    }


def test_every_table_has_a_title_and_a_body() -> None:
    assert set(TITLES) == set(BODIES)


def test_gains_and_best_methods_are_shown_beside_the_papers() -> None:
    row = {"method": "ridge", "mean": 0.5, "n_scored": 9, "n_unscored": 0, "paper": 0.4, "difference": 0.1}
    row |= {"gain_over_twin": 25.0, "paper_gain_over_twin": 20.0, "best": True, "paper_best": True}
    text = page([record("table-2", rows=[row])], [("table-2",)])
    assert "+25.0 (+20.0)" in text
    assert "here and in the paper" in text
    assert "## Not computed\n\nNothing." in text


def test_what_was_tried_for_text_metrics_stands_below_their_table() -> None:
    texts = record(
        "voice-table-5",
        rows=[{"model": "m", "dimension": "narrative", "metric": "meteor", "n": 2, "mean": 10.0}],
    )
    tried = {
        "meteor": [{"setting": "words at spaces", "mean": 5.0, "difference": -6.9}],
        "bertscore": {
            "model": "tiny",
            "layer": 6,
            "package": "0.3",
            "mean": 40.0,
            "ci_low": 39.0,
            "ci_high": 41.0,
            "n": 2,
        },
    }
    text = page([texts], [("voice-table-5",)], tried)
    assert "| words at spaces | 5.00 | -6.90 |" in text
    assert "tiny, layer 6 (bert-score 0.3): F1 40.00 (95%: 39.00 to 41.00)" in text
    assert "what was tried" not in page([texts], [])


def test_data_that_is_not_here_is_said_and_other_failures_too() -> None:
    failed = {"arguments": ["table-4"], "failure": "it is not in the mirror"}
    broken = {"arguments": ["table-6"], "failure": "no output"}
    text = page([failed, broken], [("table-4",), ("table-6",), ("table-2",)])
    assert "`truetwin reproduce table-4` | its data are not in this mirror" in text
    assert "`truetwin reproduce table-6` | it failed" in text
    assert "`truetwin reproduce table-2` | not run for this edition" in text


def test_no_path_of_a_machine_stands_on_the_page() -> None:
    row = {"dimension": "interpersonal", "statistic": "instances", "paper": 2500}
    row["unavailable"] = "it is not in this mirror (/some/folder)"
    text = page([record("voice-table-2", rows=[row])], [])
    assert "interpersonal: the published items are not in this mirror." in text
    assert "/some/folder" not in text


def test_cells_without_answers_are_listed_model_by_model() -> None:
    lacking = ["a, social, accuracy", "a, social, score_gen", "a, narrative, accuracy", "b, social, accuracy"]
    reasons = {"not in this mirror": lacking}
    text = page([record("voice-table-3", rows=[], why_without_answers=reasons)], [("voice-table-3",)])
    listed = "a: social (accuracy, score_gen), narrative (accuracy); b: social (accuracy)"
    assert f"not in this mirror: {listed}" in text

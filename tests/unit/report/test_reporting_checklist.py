"""The reporting checklist knows what files know, and leaves the rest to the author."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.report.reporting_checklist import Known, checklist, checklist_markdown

SIMULATED = {
    "model": {"name": "small-<b>model</b>", "engine": "openai"},
    "settings": {"base_url": "http://localhost:8000/v1", "prompts": None},
    "survey": {
        "design": {"elicit": "answer", "reply": "code", "replicates": 3},
        "sampling": {"temperature": 0.7, "top_p": None},
        "prompts": {"survey-user": "version 1, abc"},
        "personas": {"count": 12, "digest": "0123456789abcdef"},
    },
    "states": {"valid": 9, "refused": 1, "truncated": 0},
    "valid_share": 0.9,
    "versions": {"truetwin": "0.2.0"},
}
PREDICTED = {
    "disclosure": "Predictions.",
    "method": "auto",
    "settings": {"preset": "cv"},
    "targets": [{}, {}],
    "panel": {
        "respondents": {"in_both": 4, "human_only": 1},
        "items": {"in_both": 2, "human_only": 0, "twin_only": 1},
        "notes": ["A note."],
    },
    "inputs": {"human": {"file": "human.csv", "sha256": "f" * 64}},
    "interval": {"level": 0.9},
    "versions": {"truetwin": "0.2.0"},
}


def answers(records: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in checklist(Known.among(records)):
        found.setdefault(entry.topic, []).append(entry.answer)
    return found


def test_what_files_know_is_filled_in() -> None:
    found = answers({"a.json": SIMULATED, "b.json": PREDICTED, "other.json": {"x": 1}})
    assert found["models"] == ["small-<b>model</b>; at http://localhost:8000/v1", ""]
    assert "temperature 0.7; answer elicited as code" in found["sampling"][0]
    assert "3 replies a question" in found["sampling"][0]
    assert found["exclusions"] == ["90.0% of the replies are valid: valid 9, refused 1"]
    assert found["human data"][0].startswith(
        "5 people, 2 items that they answered, 1 that only twins answered"
    )
    assert found["calibration"] == ["method auto, preset cv, for 2 targets"]
    assert found["limits"] == ["Predictions. A note."]
    assert found["software"] == ["truetwin 0.2.0"]
    assert found["validation"] == ["", ""]


def test_experiments_are_known() -> None:
    inputs = {"human": {"file": "human.csv", "sha256": "f" * 64}}
    origin = {"settings": {"level": 0.9}, "inputs": inputs, "versions": {"truetwin": "0.2.0"}}
    rows = [{"study": "s1"}, {"study": "s2"}, {"study": "s2"}]
    learned = {"calibrated": True, "past_studies": ["s1", "s2"]}
    records = {
        "e.json": {**origin, "effects": rows, "disclosure": "Effects."},
        "c.json": {**origin, "effects": rows, "learned": learned, "disclosure": "Predicted."},
        "s.json": {**origin, "ceiling": {}, "differences": [], "predictions": rows},
    }
    assert Known.among(records)
    found = answers(records)
    assert found["human data"][0] == "human human.csv (sha256 ffffffffffff)"
    assert found["calibration"] == ["effects of twins, as 2 past studies teach: s1, s2"]
    assert found["validation"][0] == (
        "each of 2 studies was left out and its effects predicted from the others (3 effects)"
    )
    assert found["uncertainty"] == ["90% intervals of effects", "90% intervals of calibrated effects"]
    assert found["limits"] == ["Effects.", "Predicted."]
    assert found["software"] == ["truetwin 0.2.0"]


def test_the_record_beside_verdicts_is_known() -> None:
    items = [
        {"item": "Q1", "n_twin": 9},
        {"item": "Q2", "verdict": "calibrate"},
        {"item": "Q3", "verdict": None},
    ]
    found = answers({"d.json": {"items": items, "versions": {"truetwin": "0.2.0"}}})
    assert found["validation"] == ["", "verdicts on new items: calibrate 1"]
    assert not Known.among({"d.json": {"items": [{"item": "Q1", "verdict": ["calibrate"]}, 1]}})


def test_what_no_file_knows_is_left_to_the_author_and_texts_stay_text() -> None:
    entries = checklist(Known.among({"a.json": SIMULATED}))
    text = checklist_markdown(entries)
    assert r"small-\<b\>model\</b\>" in text
    assert "- [ ] **Oversight.** Who checked the replies" in text
    assert "- [ ] **Calibration.** How were twins calibrated?" in text


def test_a_record_that_lacks_what_is_looked_for_knows_nothing() -> None:
    broken = {"survey": [], "states": {"valid": "many"}, "model": None}
    assert not any(text for texts in answers({"a.json": broken}).values() for text in texts)


def test_the_verb_reads_files_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "simulated.json").write_text(json.dumps(SIMULATED), encoding="utf-8")
    (tmp_path / "run" / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "predictions.json").write_text(json.dumps(PREDICTED), encoding="utf-8")
    paths = [str(tmp_path / "run"), str(tmp_path / "predictions.json")]
    assert _run(["disclose", *paths], debug=True) == 0
    shown = capsys.readouterr().out
    assert "method auto, preset cv, for 2 targets" in shown
    assert "simulated.json" in shown
    assert _run(["disclose", *paths, "--json"], debug=True) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["answer"] for row in rows if row["topic"] == "oversight"} == {"only you can say"}
    assert _run(["disclose", *paths, "--output", str(tmp_path / "list.md")], debug=True) == 0
    assert (tmp_path / "list.md").read_text(encoding="utf-8").startswith("# Reporting checklist")


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "must be a JSON file"), ("[]", "one JSON object"), ("{}", "must hold records")],
)
def test_a_file_that_is_no_record_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    assert _run(["disclose", str(tmp_path / "x.json")], debug=False) == 2
    assert words in capsys.readouterr().err

"""Files as survey teams export them, small: people, their twins, and ways to write them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from truetwin.cli import _run
from truetwin.datasets import generate_population

PEOPLE = [f"P{k:03d}" for k in range(40)]
ASKED = [f"Q{k}" for k in range(1, 9)]
NEW = ["N1", "N2"]
Rows = list[list[Any]]


def answers(n: int = 40) -> tuple[Rows, Rows]:
    """Make a human table of Q1..Q8 and a twin table that also has N1 and N2, with a header each; answers are 1 to 5."""
    panel = generate_population(n, 10, n_new_items=2, missing=0.0, random_state=3).panel
    human, twin = (np.clip(values - 1, 1, 5) for values in (panel.human_values, panel.twin_values))
    return (
        [["person", *ASKED], *([who, *map(int, row[:8])] for who, row in zip(PEOPLE, human, strict=False))],
        [["person", *ASKED, *NEW], *([who, *map(int, row)] for who, row in zip(PEOPLE, twin, strict=False))],
    )


def write(path: Path, rows: Sequence[Sequence[Any]], **dialect: Any) -> Path:
    """Write rows as CSV."""
    with path.open("w", newline="", encoding=dialect.pop("encoding", "utf-8")) as stream:
        csv.writer(stream, lineterminator="\n", **dialect).writerows(rows)
    return path


def export(rows: Rows, further: Mapping[str, tuple[str, Any]] = {}, *, quote: str = '"') -> Rows:
    """Turn a human table into a Qualtrics export with three header rows and further columns (import id, cell)."""
    names = [*rows[0][1:], *further]
    imports = [f"QID{k}" for k in range(1, len(rows[0]))] + [import_id for import_id, _ in further.values()]
    ids = ["startDate", "status", "finished", "_recordId", *imports]
    body = [
        ["2024-03-05", 0, 1, f"R_{row[0]}", *row[1:], *(c for _, c in further.values())] for row in rows[1:]
    ]
    return [
        ["StartDate", "Status", "Finished", "ResponseId", *names],
        [
            "Start Date",
            "Response Type",
            "Finished",
            "Response ID",
            *(f"<p>{n}?</p>\nPick; one" for n in names),
        ],
        [f"{{{quote}ImportId{quote}:{quote}{i}{quote}}}" for i in ids],
        *body,
    ]


def with_prefix(rows: Rows) -> Rows:
    """Write ids as Qualtrics does."""
    return [["ResponseId", *rows[0][1:]], *([f"R_{row[0]}", *row[1:]] for row in rows[1:])]


def question(tag: str, number: int, labels: Sequence[str], **payload: Any) -> dict[str, Any]:
    """Write a multiple-choice question of a Qualtrics instrument."""
    choices = {str(k): {"Display": f"<b>{label}</b>"} for k, label in enumerate(labels, 1)}
    content = {
        "QuestionText": f"About {tag}?", "DataExportTag": tag, "QuestionType": "MC", "Selector": "SAVR",
        "Choices": choices, "ChoiceOrder": list(choices), "QuestionID": f"QID{number}", **payload,
    }  # fmt: skip
    return {"Element": "SQ", "Payload": content}


def write_qsf(path: Path, elements: Sequence[Mapping[str, Any]]) -> Path:
    """Write a Qualtrics instrument."""
    path.write_text(json.dumps({"SurveyEntry": {}, "SurveyElements": elements}), encoding="utf-8")
    return path


def predict(human: Path, twin: Path, *options: str) -> tuple[int, np.ndarray]:
    """Run `truetwin calibrate`; returns its exit status and the predictions of N1 and N2."""
    output = human.parent / "predictions.csv"
    code = _run(
        ["calibrate", str(human), str(twin), "--check", "0", *options, "--output", str(output)], debug=False
    )
    if not output.exists():
        return code, np.empty((0, 2))
    with output.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    output.unlink()
    return code, np.array([[float(row[n]) for n in NEW] for row in rows])

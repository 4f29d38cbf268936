"""A study that plays, judges, audits and scores a benchmark of voices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from novel_examples import made_up_novel
from truetwin.errors import RunError, TruetwinError
from truetwin.study import read_study, run_study
from truetwin.study.study_check import check_study
from truetwin.voice.items.voice_items import write_voice_items
from voice_examples import items

STUDY = """
inputs: {}
seed: 3
voice:
  run: {items: items.jsonl, model: "scripted:player.json", limit: 8, history: 1}
  generate: {items: items.jsonl, model: "scripted:writer.json", limit: 4}
  audit: {source: items.jsonl}
  annotate: {items: items.jsonl, model: "scripted:annotator.json", limit: 8}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_voice_items(tmp_path / "items.jsonl", items(12))
    (tmp_path / "player.json").write_text(json.dumps({"default": {"choice": "B"}}))
    (tmp_path / "writer.json").write_text(json.dumps({"default": "Lovely."}))
    (tmp_path / "judge.json").write_text(json.dumps({"default": "Score: 4"}))
    labels = {"primary": "memory", "labels": {}}
    (tmp_path / "annotator.json").write_text(json.dumps({"default": labels}))
    return tmp_path


def run(folder: Path, text: str) -> Path:
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    run_study(read_study(folder / "study.yaml"), folder / "done")
    return folder / "done"


def without(text: str, *names: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith(names)) + "\n"


def test_a_benchmark_is_played_audited_and_reported(folder: Path) -> None:
    text = without(STUDY, "annotate")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    said = check_study(read_study(folder / "study.yaml"))
    assert any(sentence.startswith("voice.run: 8 items, played by scripted:") for sentence in said)
    done = run(folder, text)
    outcomes = [json.loads(line) for line in (done / "voice-run" / "choice.jsonl").read_text().splitlines()]
    assert len(outcomes) == 8
    assert len((done / "voice-replies" / "reply.jsonl").read_text().splitlines()) == 4
    assert json.loads((done / "voice-audit.json").read_text())["n_items"] == 12
    assert "player" in (done / "report.html").read_text(encoding="utf-8")
    again = run_study(read_study(folder / "study.yaml"), folder / "done")
    assert all(step.skipped for step in again.steps)


def test_replies_that_an_earlier_run_wrote_are_judged_and_scored(folder: Path) -> None:
    run(folder, without(STUDY, "run", "audit", "annotate"))
    replies = folder / "replies.jsonl"
    replies.write_bytes((folder / "done" / "voice-replies" / "reply.jsonl").read_bytes())
    done = run(
        folder,
        """
inputs: {}
voice:
  judge: {replies: replies.jsonl, items: items.jsonl, judge_model: "scripted:judge.json", protocol: scoring}
  score: {files: [replies.jsonl], items: items.jsonl}
""",
    )
    marks = [
        json.loads(line) for line in (done / "voice-judgements" / "scoring.jsonl").read_text().splitlines()
    ]
    assert {mark["score"] for mark in marks} == {4.0}
    assert json.loads((done / "voice-scores.json").read_text())["rows"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "  run: {items: items.jsonl, model: m, protocol: judged}",
            r"name the judging model with voice\.run\.judge_model",
        ),
        (
            "  run: {items: items.jsonl, model: m, rotations: 5}",
            r"voice\.run\.rotations must lie between 1 and 4",
        ),
        ("  run: {items: items.jsonl}", r"voice\.run\.model is missing"),
        ("  play: {items: items.jsonl}", r"no setting 'voice\.play'"),
        ("  run: {items: nowhere.jsonl, model: m}", "nowhere"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(folder: Path, line: str, words: str) -> None:
    (folder / "study.yaml").write_text(f"inputs: {{}}\nvoice:\n{line}\n", encoding="utf-8")
    with pytest.raises(TruetwinError, match=words):
        check_study(read_study(folder / "study.yaml"))


def test_items_without_a_readable_annotation_stop_the_study(folder: Path) -> None:
    (folder / "annotator.json").write_text(json.dumps({"default": "no idea"}))
    with pytest.raises(RunError, match="8 items have no readable annotation"):
        run(folder, without(STUDY, "run", "generate", "audit"))


def test_benchmark_items_are_made_from_a_novel(folder: Path) -> None:
    (folder / "book.txt").write_text(made_up_novel(4, 8), encoding="utf-8")
    done = run(
        folder,
        """
inputs: {}
voice:
  build:
    narrative:
      books: [book.txt]
      items: {chunk_words: 110, min_history: 3}
      build: {limit: 16, licence: public domain, matching: {rounds: 0, triples: 30}}
""",
    )
    made = done / "voice-items"
    assert 0 < len((made / "items.jsonl").read_text().splitlines()) <= 16
    assert "public domain" in (made / "datasheet.md").read_text(encoding="utf-8")
    assert all(step.skipped for step in run_study(read_study(folder / "study.yaml"), done).steps)

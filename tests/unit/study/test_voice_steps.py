"""A study that plays, judges, audits and scores a benchmark of voices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from novel_examples import made_up_novel
from truetwin.errors import RunError, TruetwinError
from truetwin.study import read_study, run_study
from truetwin.study.study_check import check_study
from truetwin.voice.items.voice_items import read_voice_items, write_voice_items
from truetwin.voice.protocols.capability_annotation import CAPABILITIES
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
    report = (done / "report.html").read_text(encoding="utf-8")
    assert "player" in report
    assert "length-outlier" in report, "the best rule that knows no persona stands beside it"
    assert len(read_voice_items(done / "voice-items-repaired.jsonl")) > 0
    again = run_study(read_study(folder / "study.yaml"), folder / "done")
    assert all(step.skipped for step in again.steps)


@pytest.mark.usefixtures("figures_left_out")
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
        ("  run: {items: items.jsonl, model: m, protocol: skoring}", "Did you mean 'scoring'"),
        (
            "  run: {items: items.jsonl, model: m, cap_cost: 1}",
            r"voice\.run\.cap_cost needs prices: .*voice\.run\.price_in",
        ),
        (
            "  run: {model: m}",
            r"voice\.run\.items is missing: name the items, or make them in .* voice\.build",
        ),
        (
            "  run: {items: items.jsonl, model: m, temprature: 1}",
            r"no setting 'voice\.run\.temprature'.*Did you mean 'temperature'",
        ),
        (
            "  generate: {items: items.jsonl, model: m, repetitions: 9}",
            r"voice\.generate\.repetitions must lie between 1 and 4",
        ),
        ("  judge: {items: items.jsonl}", r"voice\.judge\.judge_model is missing"),
        ("  judge: {items: items.jsonl, judge_model: m}", r"voice\.judge\.replies is missing: name the file"),
        (
            "  judge: {items: items.jsonl, replies: items.jsonl, judge_model: m, protocol: choice}",
            "'choice' is none",
        ),
        ("  annotate: {items: items.jsonl}", r"a model \(voice\.annotate\.model\) or a file"),
        ("  score: {items: items.jsonl}", r"voice\.score\.files is missing: name the files, or play"),
        ("  audit: {}", r"voice\.audit\.source is missing"),
        ("  build: {}", "one set of items.*got 0"),
        ("  build: {repair: {}}", r"voice\.build\.repair\.source is missing"),
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


CHAIN = """
inputs: {}
voice:
  build: {narrative: {books: [book.txt], items: {chunk_words: 110, min_history: 3},
    build: {limit: 16, matching: {rounds: 0, triples: 30}}}}
  annotate: {model: "scripted:annotator.json"}
  audit:
  run: {model: "scripted:player.json", history: 2}
  generate: {model: "scripted:writer.json"}
  judge: {judge_model: "scripted:judge.json", protocol: scoring}
  score:
"""


def test_each_step_takes_what_an_earlier_one_has_made(folder: Path) -> None:
    (folder / "book.txt").write_text(made_up_novel(4, 8), encoding="utf-8")
    labels = {"primary": "persona_tone", "labels": {name: name == "persona_tone" for name in CAPABILITIES}}
    (folder / "annotator.json").write_text(json.dumps({"default": labels}))
    (folder / "study.yaml").write_text(CHAIN, encoding="utf-8")
    assert (
        "voice.run: the items of voice.build, played by" in check_study(read_study(folder / "study.yaml"))[0]
    )
    done = run(folder, CHAIN)
    n = len(read_voice_items(done / "voice-items" / "items.jsonl"))
    assert {i.capabilities["primary"] for i in read_voice_items(done / "voice-items-annotated.jsonl")} == {
        "persona_tone"
    }
    rows = json.loads((done / "voice-scores.json").read_text())["rows"]
    assert {(row["protocol"], row["n"]) for row in rows} == {("choice", n), ("reply", n), ("scoring", n)}
    report = (done / "report.html").read_text(encoding="utf-8")
    assert "Leaderboard" in report
    assert "persona" in report


@pytest.mark.usefixtures("figures_left_out")
def test_a_step_is_done_anew_if_what_it_rests_on_has_changed(folder: Path) -> None:
    text = """
inputs: {}
voice:
  generate: {items: items.jsonl, model: "scripted:writer.json", limit: 4}
  judge: {items: items.jsonl, judge_model: "scripted:judge.json", protocol: scoring}
  score:
"""
    run(folder, text)
    write_voice_items(folder / "items.jsonl", items(13))
    with pytest.raises(RunError, match="continued only under its own settings"):
        run(folder, text)
    steps = run_study(read_study(folder / "study.yaml"), folder / "anew").steps
    assert [step.name for step in steps] == ["voice.generate", "voice.judge", "voice.score", "report"]
    again = run_study(read_study(folder / "study.yaml"), folder / "anew", again=["voice.judge"]).steps
    assert [step.name for step in again if not step.skipped] == ["voice.judge"]


@pytest.mark.usefixtures("figures_left_out")
def test_a_list_of_files_still_stands_for_results(folder: Path) -> None:
    done = run(folder, without(STUDY, "annotate", "audit", "generate"))
    (folder / "choice.jsonl").write_bytes((done / "voice-run" / "choice.jsonl").read_bytes())
    (folder / "study.yaml").write_text("inputs: {}\nvoice: [choice.jsonl]\n", encoding="utf-8")
    found = run_study(read_study(folder / "study.yaml"), folder / "listed")
    assert "Leaderboard" in found.report.read_text(encoding="utf-8")


def test_a_run_that_is_not_whole_stops_the_study_and_goes_on_later(folder: Path) -> None:
    text = without(STUDY, "annotate", "audit", "generate")
    rules = [{"item": "i3", "error": "rejected"}]
    (folder / "player.json").write_text(json.dumps({"rules": rules, "default": {"choice": "B"}}))
    with pytest.raises(RunError, match=r"voice\.run is not complete"):
        run(folder, text)
    assert not (folder / "done" / "report.html").exists()


def test_benchmark_items_are_made_from_a_novel(folder: Path) -> None:
    (folder / "book.txt").write_text(made_up_novel(4, 8), encoding="utf-8")
    done = run(
        folder,
        """
inputs: {}
seed: 5
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
    assert json.loads((made / "datasheet.json").read_text(encoding="utf-8"))["settings"]["build"]["seed"] == 5
    assert all(step.skipped for step in run_study(read_study(folder / "study.yaml"), done).steps)

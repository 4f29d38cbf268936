"""The narrative build and repair, from file to file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from novel_examples import made_up_novel
from truetwin.cli import _run
from truetwin.errors import DataError, ParameterError
from truetwin.io.setting_files import read_setting_file
from truetwin.llm import scripted_model
from truetwin.settings.declaration import Side, read_settings
from truetwin.settings.voice_build_settings import (
    BuildOptions,
    MatchingOptions,
    NarrativeOptions,
    NarrativeSettings,
    RepairOptions,
)
from truetwin.voice.items.verbatim import stands_in
from truetwin.voice.items.voice_items import Option, VoiceItem, read_voice_items, write_voice_items
from truetwin.voice_sets.common import finishing
from truetwin.voice_sets.common.release_gate import GateError, judge
from truetwin.voice_sets.common.set_repair import repair
from truetwin.voice_sets.common.stages import Stages
from truetwin.voice_sets.novels.novel_pipeline import build_narrative

QUICK = NarrativeSettings(
    items=NarrativeOptions(chunk_words=110, min_history=3),
    build=BuildOptions(matching=MatchingOptions(rounds=0, triples=40), limit=24),
)
OUTPUTS = ("items.jsonl", "datasheet.json", "datasheet.md")


def outputs(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in OUTPUTS]


@pytest.fixture(scope="module")
def novel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("books") / "the-made-up-novel.txt"
    path.write_text(made_up_novel(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def built(novel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build_narrative([novel], folder, QUICK)
    return folder


def test_items_have_what_was_said_before_and_nothing_of_what_follows(built: Path) -> None:
    items = read_voice_items(built / "items.jsonl")
    assert len({i.provenance["chunk_id"] for i in items}) == len(items)
    for item in items:
        assert not stands_in(item.true_option.text, item.stimulus)
        assert all(int(turn.position) < item.provenance["utterance"] for turn in item.history)
        assert len(item.history) >= 3
        assert item.persona.name in {"Anna Reed", "Thomas Hale", "Clara Voss", "Anna", "Hale", "Clara"}


def test_the_datasheet_counts_every_filter(built: Path) -> None:
    sheet = json.loads((built / "datasheet.json").read_text(encoding="utf-8"))
    drafts = next(s for s in sheet["stages"] if s["stage"] == "drafts")
    assert drafts["n_in"] == drafts["n_out"] + sum(drafts["dropped"].values())
    assert sheet["n_items"] == len(read_voice_items(built / "items.jsonl"))
    assert len(sheet["sources"][0]["sha256"]) == 64
    assert sheet["settings"]["build"]["seed"] == 0


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(
    novel: Path, built: Path, tmp_path: Path
) -> None:
    build_narrative([novel], tmp_path / "same", QUICK)
    build_narrative(
        [novel],
        tmp_path / "other",
        QUICK.model_copy(update={"build": QUICK.build.model_copy(update={"seed": 1})}),
    )
    assert outputs(built) == outputs(tmp_path / "same")
    assert outputs(built)[0] != outputs(tmp_path / "other")[0]


@pytest.mark.parametrize("stage", [2, 4, 5])
def test_a_build_that_breaks_at_any_stage_resumes_to_the_same_bytes(
    novel: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: int
) -> None:
    work = Stages._work

    def breaks(self: Stages, *args: object) -> object:
        if len(self.done) + 1 == stage:
            raise KeyboardInterrupt
        return work(self, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Stages, "_work", breaks)
        with pytest.raises(KeyboardInterrupt):
            build_narrative([novel], tmp_path, QUICK)
    assert not (tmp_path / "items.jsonl").exists()
    build_narrative([novel], tmp_path, QUICK)
    assert outputs(built) == outputs(tmp_path)


def test_a_killed_process_resumes_to_the_same_bytes(novel: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        "items: {chunk_words: 110, min_history: 3}\nbuild: {limit: 24, matching: {rounds: 1, triples: 200}}\n",
        encoding="utf-8",
    )
    settings = read_settings(NarrativeSettings, read_setting_file(config), Side.FILE)
    build_narrative([novel], tmp_path / "whole", settings)
    command = [
        "voice",
        "build",
        "narrative",
        str(novel),
        "--output",
        str(tmp_path / "out"),
        "--config",
        str(config),
    ]
    program = [sys.executable, "-c", "from truetwin.cli import main; main()", *command]
    steps = tmp_path / "out" / ".stages" / "steps.json"
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(600):
            if steps.is_file() and '"drafts"' in steps.read_text(encoding="utf-8"):
                break
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert not (tmp_path / "out" / "items.jsonl").exists()
    build_narrative([novel], tmp_path / "out", settings)
    assert outputs(tmp_path / "whole") == outputs(tmp_path / "out")


def test_a_model_is_asked_only_where_the_rules_are_not_sure(novel: Path, tmp_path: Path) -> None:
    sure = QUICK.model_copy(update={"items": QUICK.items.model_copy(update={"min_margin": 4.0})})
    model = scripted_model({"default": '{"speaker": 1}'})
    found = build_narrative([novel], tmp_path, sure, model=model)
    asked = next(s for s in found.stages if s["stage"] == "speakers")
    assert 0 < asked["noted"]["asked: valid"] < asked["n_in"]
    again = build_narrative([novel], tmp_path, sure, model=scripted_model({"default": '{"speaker": 1}'}))
    assert found.items == again.items


def test_lines_of_a_model_are_candidates_of_their_own_item_only(novel: Path, tmp_path: Path) -> None:
    lines = {
        "lines": [
            "We never carry the lamp this week! You must sell the kettle today?",
            "“Let us paint the old boat on Friday. I should keep the mill.”",
            "They could hide the letter, then? We should mend the bridge tonight!",
        ]
    }
    matching = QUICK.build.matching.model_copy(update={"length_ratio": 4.0, "max_uses": 99})
    written = QUICK.model_copy(
        update={"distractors": "written", "build": QUICK.build.model_copy(update={"matching": matching})}
    )
    found = build_narrative([novel], tmp_path, written, model=scripted_model({"default": json.dumps(lines)}))
    stage = next(s for s in found.stages if s["stage"] == "written lines")
    assert {"asked: valid": stage["n_out"] // 3} == stage["noted"]
    assert all(o.source.startswith("written as ") for i in found.items for o in i.distractors)
    assert all("“" not in o.text for i in found.items for o in i.distractors)
    with pytest.raises(ParameterError, match="written by a model"):
        build_narrative([novel], tmp_path, written)


def test_a_build_that_fails_its_gate_says_which_items_and_writes_none(
    novel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaky(*args: object, **kwargs: object) -> list[VoiceItem]:
        items = furnished(*args, **kwargs)  # type: ignore[arg-type]
        return [replace(items[0], stimulus=f"They heard: {items[0].true_option.text}"), *items[1:]]

    furnished = finishing.furnished
    monkeypatch.setattr("truetwin.voice_sets.novels.novel_pipeline.furnished", leaky)
    with pytest.raises(GateError, match=r"leak in context.*1 items: the-made-up-novel-\d+") as caught:
        build_narrative([novel], tmp_path, QUICK)
    assert len(caught.value.problems[0].item_ids) == 1
    (problem,) = json.loads((tmp_path / "problems.json").read_text(encoding="utf-8"))
    assert list(caught.value.problems[0].item_ids) == problem["item_ids"]
    assert not (tmp_path / "items.jsonl").exists()


def test_a_set_with_a_shortcut_does_not_pass(built: Path) -> None:
    items = read_voice_items(built / "items.jsonl")
    told = [
        replace(
            item,
            item_id=f"{item.item_id}-{k}",
            stimulus=f"{item.stimulus} {k}",
            options=tuple(
                Option(o.id, o.text + " and so on and on and on" * (o.id == item.answer), o.source)
                for o in item.options
            ),
        )
        for item in items
        for k in range(8)
    ]
    problems = [p.what for p in judge(told, BuildOptions().limits).problems]
    assert any("longest finds the true reply" in what for what in problems)
    assert any("length-outlier finds" in what for what in problems)


def test_repair_takes_faults_out_and_gives_new_distractors(built: Path, tmp_path: Path) -> None:
    items = read_voice_items(built / "items.jsonl")
    bad = [replace(o, text=o.text[:3]) if o.id != items[0].answer else o for o in items[0].options]
    broken = [
        *items[1:],
        replace(items[0], options=tuple(bad)),
        replace(items[1], item_id="again"),
        replace(items[2], item_id="bare", history=(), stimulus="Elsewhere, later."),
        replace(items[3], item_id="leaky", stimulus=f"So: {items[3].true_option.text} And on."),
    ]
    write_voice_items(tmp_path / "in.jsonl", [replace(i, group="book") for i in broken])
    options = RepairOptions(build=QUICK.build)
    found = repair(str(tmp_path / "in.jsonl"), tmp_path / "out", options)
    faults = next(s for s in found.stages if s["stage"] == "faults")
    assert faults["dropped"] == {"duplicate": 1, "too little history": 1}
    assert found.before is not None
    assert found.before.finding("leak in context").n == 1
    assert found.verdict.report.finding("leak in context").n == 0
    again = repair(str(tmp_path / "in.jsonl"), tmp_path / "again", options)
    assert outputs(tmp_path / "out") == outputs(tmp_path / "again")
    assert found.items == again.items


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("itms: {}", r"no setting 'itms'. Did you mean 'items'"),
        ("items: {min_words: many}", r"items\.min_words must be a whole number; got 'many'"),
        ("items: 3", r"items must be settings by name; got 3"),
        ("build: {seed: true}", r"build\.seed must be a whole number; got True"),
        ("build: {matching: {nearest: 1}}", r"nearest must be at least 3"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=message):
        read_settings(NarrativeSettings, read_setting_file(tmp_path / "c.yaml"), Side.FILE)


def test_options_go_before_the_file_and_the_rest_of_the_file_holds(novel: Path, tmp_path: Path) -> None:
    config, out = tmp_path / "c.yaml", tmp_path / "out"
    config.write_text(
        "items: {chunk_words: 110, min_history: 3}\n"
        "build: {seed: 3, limit: 24, licence: public domain, matching: {rounds: 0, triples: 40}}\n",
        encoding="utf-8",
    )
    options = ["--output", str(out), "--config", str(config), "--seed", "1"]
    assert _run(["voice", "build", "narrative", str(novel), *options], debug=True) == 0
    settings = json.loads((out / "datasheet.json").read_text(encoding="utf-8"))["settings"]
    assert (settings["build"]["seed"], settings["build"]["limit"]) == (1, 24)
    assert settings["build"]["licence"] == "public domain"
    assert settings["build"]["matching"]["triples"] == 40
    assert settings["items"]["chunk_words"] == 110
    assert settings["build"]["least_share"] == 0.4


def test_books_need_different_names(novel: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="different file names"):
        build_narrative([novel, novel], tmp_path)

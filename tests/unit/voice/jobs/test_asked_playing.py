"""Benchmark runs as settings ask for them, in Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from truetwin.errors import ParameterError, UnknownNameError
from truetwin.settings.voice_settings import Control, VoiceGenerate, VoiceRun
from truetwin.voice.items.voice_items import write_voice_items
from truetwin.voice.jobs.asked_playing import asked_run, check_judge, play_asked
from truetwin.voice.protocols.item_selection import CONTROLS, select_items
from truetwin.voice.protocols.outcomes import Protocol
from truetwin.voice.protocols.voice_task import Setup
from voice_examples import items


@pytest.fixture
def played(tmp_path: Path) -> dict[str, Any]:
    write_voice_items(tmp_path / "items.jsonl", items(8))
    for name, reply in (("player", {"choice": "B"}), ("writer", "Lovely."), ("judge", "Score: 4")):
        (tmp_path / f"{name}.json").write_text(json.dumps({"default": reply}))
    return {"items": str(tmp_path / "items.jsonl"), "model": f"scripted:{tmp_path / 'player.json'}"}


def test_a_run_is_played_as_its_settings_say(played: dict[str, Any], tmp_path: Path) -> None:
    run = asked_run(VoiceRun(**played, rotations=2, limit=3), seed=1)
    assert [task.step for task in run.first_tasks()] == ["choice"]
    done = play_asked(run, tmp_path / "run")
    assert [path.name for path in done.files] == ["choice.jsonl"]
    assert len(done.played.outcomes) == 6
    assert done.played.complete


def test_to_generate_is_to_run_the_protocol_reply(played: dict[str, Any]) -> None:
    run = asked_run(VoiceGenerate(**played, repetitions=2, history=1))
    assert (run.protocols, run.setup.rotations, run.setup.history) == ((Protocol.REPLY,), 2, 1)
    assert not run.is_judged


def test_a_judge_is_needed_before_anything_is_made(played: dict[str, Any], tmp_path: Path) -> None:
    settings = VoiceRun(**played, protocol="judged")
    with pytest.raises(ParameterError, match="name the judging model with judge_model"):
        check_judge(settings)
    with pytest.raises(ParameterError, match="judge_model"):
        play_asked(asked_run(settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert asked_run(settings.model_copy(update={"judge_model": settings.model})).remarks


def test_a_model_that_cannot_be_opened_leaves_no_folder(played: dict[str, Any], tmp_path: Path) -> None:
    run = asked_run(VoiceRun(**played | {"model": "generated"}))
    with pytest.raises(ParameterError, match="survey items only"):
        play_asked(run, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_settings_are_checked_by_the_same_models_in_python(played: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="rotations must lie between 1 and 10; got 11"):
        VoiceRun(**played, rotations=11)
    with pytest.raises(ParameterError, match="rotations must lie between 1 and 10; got 11"):
        Setup(rotations=11)
    with pytest.raises(ParameterError, match="history must not be negative; got -1"):
        Setup(history=-1)
    with pytest.raises(ParameterError, match="limit must be at least 1; got 0"):
        select_items(played["items"], limit=0)
    with pytest.raises(ParameterError, match="Did you mean 'swapped'"):
        select_items(played["items"], control="swop")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="Did you mean 'scoring'"):
        asked_run(VoiceRun(**played, protocol="skoring"))


def test_every_control_that_can_be_asked_for_is_there() -> None:
    assert get_args(Control) == tuple(CONTROLS)

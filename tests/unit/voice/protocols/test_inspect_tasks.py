from __future__ import annotations

import asyncio
import dataclasses
import gc
import hashlib
import importlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai", reason="needs the extra 'inspect'")

from inspect_ai import eval as inspect_eval
from inspect_ai import eval_retry
from inspect_ai.log import EvalLog
from inspect_ai.model import GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.util import registry_info

from truetwin.errors import DataError, FileFormatError, ParameterError, TransientError
from truetwin.llm import Reply, Request, RunOptions, Store
from truetwin.voice.items.voice_items import VoiceItem, write_voice_items
from truetwin.voice.protocols.inspect_tasks import (
    read_inspect_outcomes,
    task_of,
    voice_narrative,
    voice_social,
)
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status
from truetwin.voice.protocols.playing import JUDGED, Player, play
from truetwin.voice.protocols.voice_task import Setup
from truetwin.voice.scoring.stored_answers import read_answers

pytestmark = [  # Inspect leaves streams and an event loop unclosed, and uses a deprecated name
    pytest.mark.extra("inspect"),
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"),
]
ASKED: list[str] = []
BROKEN: set[str] = set()  # prompts that hold one of these fail


def answer(prompt: str) -> str:
    """A reply that depends on the prompt alone: letters and marks, some of them unreadable, or free text."""
    number = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4], "big")
    if '"choice"' in prompt:
        return "no idea" if number % 7 == 0 else json.dumps({"reason": "x", "choice": "ABCD"[number % 4]})
    if '"score"' in prompt:
        return "fine" if number % 7 == 0 else json.dumps({"score": 1 + number % 5, "reason": "x"})
    return "" if number % 7 == 0 else f"Typical {number}."


class Fake:
    """The same model for the project's own runner."""

    name = "fake"

    def describe(self) -> Mapping[str, Any]:
        return {"name": self.name}

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        if any(text in request.messages[-1].content for text in BROKEN):
            raise TransientError("broken")
        return Reply(answer(request.messages[-1].content))

    async def close(self) -> None: ...


@modelapi(name="faketwin")
class FakeAPI(ModelAPI):
    """The same model for Inspect; it says what it used, so that nothing is counted by a tokenizer."""

    def __init__(self, model_name: str, config: GenerateConfig = GenerateConfig(), **ignored: Any) -> None:  # noqa: B008
        super().__init__(model_name, config=config)

    async def generate(self, input: Any, tools: Any, tool_choice: Any, config: GenerateConfig) -> ModelOutput:
        prompt = input[-1].text
        ASKED.append(prompt)
        if any(text in prompt for text in BROKEN):
            raise RuntimeError("broken")
        output = ModelOutput.from_content(self.model_name, answer(prompt))
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with nothing asked; leave neither an open loop behind nor Inspect's own ``asyncio.run``."""
    monkeypatch.setattr(asyncio, "run", asyncio.run)
    ASKED.clear()
    BROKEN.clear()
    yield
    asyncio.set_event_loop(None)


@pytest.fixture(scope="module", autouse=True)
def _left_behind() -> Iterator[None]:
    """Let what Inspect leaves unclosed go while its warnings are ignored."""
    yield
    gc.collect()


@pytest.fixture
def inspect(tmp_path: Path) -> Callable[..., EvalLog]:
    def run(task: Any, **options: Any) -> EvalLog:
        [log] = inspect_eval(
            task, model="faketwin/fake", log_dir=str(tmp_path / "logs"), display="none", **options
        )
        return log

    return run


def plain(outcomes: list[Outcome]) -> list[Outcome]:
    kept = [dataclasses.replace(o, model="", judge="", reason="") for o in outcomes]
    return sorted(kept, key=lambda o: (o.protocol.value, o.item_id, o.run))


@pytest.mark.parametrize("protocols", [(Protocol.CHOICE,), JUDGED])
def test_both_engines_give_the_same_outcomes_on_the_same_replies(
    protocols: tuple[Protocol, ...],
    make_item: Callable[..., VoiceItem],
    inspect: Callable[..., EvalLog],
    tmp_path: Path,
) -> None:
    items, setup = [make_item(k) for k in range(12)], Setup(rotations=2)
    BROKEN.add("(3)")
    log = inspect(task_of(items, protocols, setup), model_roles={"grader": "faketwin/fake"})
    with Store(tmp_path) as store:
        player = Player(Fake(), RunOptions(attempts=1))
        own = play(items, protocols, player, store, setup=setup, judge=player).outcomes
    theirs = read_inspect_outcomes(log.location)
    assert len(theirs) == 24 * len(protocols)
    assert plain(own) == plain(theirs)
    assert read_answers(log.location).outcomes == theirs
    assert len({o.status for o in theirs}) >= 3  # the replies are of all kinds


def test_a_failed_sample_stays_in_the_denominator(
    items: list[VoiceItem], inspect: Callable[..., EvalLog]
) -> None:
    BROKEN.add("(3)")
    log = inspect(task_of(items, [Protocol.CHOICE], Setup(rotations=4)))
    assert log.results
    [scores] = log.results.scores
    right = sum(o.status is Status.CORRECT for o in read_inspect_outcomes(log.location))
    assert scores.scored_samples == 6
    assert scores.metrics["accuracy"].value == pytest.approx(right / 24)
    [failed] = [m.value for name, m in scores.metrics.items() if name.endswith("failed")]
    assert failed == pytest.approx(1 / 6)


def test_only_what_failed_is_asked_again(
    items: list[VoiceItem], inspect: Callable[..., EvalLog], tmp_path: Path
) -> None:
    path = tmp_path / "items.jsonl"
    write_voice_items(path, items)
    BROKEN.add("(3)")
    first = inspect(voice_narrative(items=str(path)))
    assert first.status == "error"
    BROKEN.clear()
    ASKED.clear()
    [second] = eval_retry(first, log_dir=str(tmp_path / "logs"), display="none")
    assert second.status == "success"
    assert ["(3)" in prompt for prompt in ASKED] == [True]
    assert len(read_inspect_outcomes(second.location)) == 6


def test_without_a_judge_nothing_is_asked(items: list[VoiceItem], inspect: Callable[..., EvalLog]) -> None:
    log = inspect(task_of(items, JUDGED, Setup()))
    assert log.status == "error"
    assert ASKED == []
    assert log.samples
    assert log.samples[0].error
    assert "--model-role grader=MODEL" in log.samples[0].error.message


def test_wrong_arguments_are_refused_when_the_task_is_made(items: list[VoiceItem], tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    write_voice_items(path, items)
    with pytest.raises(ParameterError, match="Did you mean 'scoring'"):
        voice_narrative(items=str(path), protocol="skoring")
    with pytest.raises(DataError, match="dimension social"):
        voice_social(items=str(path))
    with pytest.raises(FileFormatError, match="log"):
        read_inspect_outcomes(path)


def test_the_tasks_are_found_by_the_package_name() -> None:
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())["project"]
    module = importlib.import_module(project["entry-points"]["inspect_ai"]["truetwin"])
    for name in ("voice_social", "voice_interpersonal", "voice_narrative"):
        assert registry_info(getattr(module, name)).name == f"truetwin/{name}"


def test_prompts_of_a_run_are_on_record(items: list[VoiceItem]) -> None:
    task = task_of(items, [Protocol.CHOICE], Setup(seed=7))
    assert task.score_on_error is True
    assert task.metadata
    assert task.metadata["seed"] == 7
    assert task.metadata["prompts"][0]["name"] == "choose-narrative"

"""Caps hold for the run, however many processes share it, and whatever the lengths of replies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import ParameterError
from truetwin.llm import (
    Caps,
    Prices,
    Reply,
    Request,
    RunOptions,
    RunSummary,
    Shard,
    State,
    Store,
    Usage,
    run,
    run_async,
)

PRICES = Prices(1.0, 4.0)


class Model:
    """Counts what it is paid for; the lengths of its replies vary widely."""

    name = "model"

    def __init__(self, *, counts_tokens: bool = True, seconds: float = 0.0005) -> None:
        self.seconds = seconds
        self.chance = random.Random(1)
        self.counts_tokens = counts_tokens
        self.paid: list[Usage] = []

    def describe(self) -> Mapping[str, Any]:
        return {"name": self.name}

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        await asyncio.sleep(self.seconds)
        used = Usage(self.chance.randint(40, 60), int(self.chance.lognormvariate(3.0, 0.8)) + 1)
        self.paid.append(used)
        return Reply("3", usage=used if self.counts_tokens else Usage())

    @property
    def tokens(self) -> int:
        return sum(used.prompt_tokens + used.completion_tokens for used in self.paid)

    @property
    def cost(self) -> float:
        return sum(PRICES.cost(used) for used in self.paid)

    async def close(self) -> None: ...


def together(task: Any, model: Model, folder: Path, *options: RunOptions) -> list[RunSummary]:
    """Run a task by several runners at once, each with a store of its own on the same file."""

    async def work() -> list[RunSummary]:
        stores = [Store(folder) for _ in options]
        try:
            each = (run_async(task, model, s, o) for s, o in zip(stores, options, strict=True))
            return await asyncio.gather(*each)
        finally:
            for store in stores:
                store.close()

    return asyncio.run(work())


@pytest.mark.parametrize("runners", [2, 3])
def test_processes_that_share_a_run_share_its_cap_on_requests(
    survey: Any, tmp_path: Path, runners: int
) -> None:
    model = Model()
    options = RunOptions(caps=Caps(requests=100), concurrency=16)
    found = together(survey(30, 10), model, tmp_path, *[options] * runners)
    assert len(model.paid) == 100
    assert all("cap of 100 requests" in summary.stopped for summary in found)
    together(survey(30, 10), model, tmp_path, *[options] * runners)
    assert len(model.paid) == 100
    together(
        survey(30, 10), model, tmp_path, *[RunOptions(caps=Caps(requests=150), concurrency=16)] * runners
    )
    assert len(model.paid) == 150


@pytest.mark.parametrize("runners", [1, 2])
def test_caps_on_tokens_and_money_are_passed_by_less_than_a_reply(
    survey: Any, tmp_path: Path, runners: int
) -> None:
    for name, caps in (("tokens", Caps(tokens=20_000)), ("cost", Caps(cost=0.04))):
        model = Model()
        options = RunOptions(caps=caps, prices=PRICES, concurrency=32)
        (tmp_path / name).mkdir()
        together(survey(60, 10), model, tmp_path / name, *[options] * runners)
        spent, cap = (model.tokens, 20_000) if name == "tokens" else (model.cost, 0.04)
        longest = max(used.completion_tokens for used in model.paid)
        room = (longest + 60) if name == "tokens" else PRICES.cost(Usage(60, longest))
        assert cap - 2 * runners * room < spent <= cap + room


def test_a_process_without_a_cap_counts_for_one_that_has_a_cap(survey: Any, tmp_path: Path) -> None:
    model = Model(seconds=0.01)
    capped, free = RunOptions(caps=Caps(requests=50), concurrency=4), RunOptions(concurrency=4)
    found = together(survey(30, 10), model, tmp_path, capped, free)
    assert len(model.paid) == 300
    assert "cap of 50" in found[0].stopped
    assert found[0].asked < 50


def test_caps_are_divided_among_the_parts_of_a_run(survey: Any, tmp_path: Path) -> None:
    model = Model()
    parts = [RunOptions(caps=Caps(requests=101), shard=Shard(k, 3), concurrency=8) for k in (1, 2, 3)]
    for k, part in enumerate(parts):  # each in a store of its own, as on several machines
        (tmp_path / str(k)).mkdir()
        together(survey(30, 10), model, tmp_path / str(k), part)
    assert len(model.paid) == 101
    (tmp_path / "one").mkdir()
    together(survey(30, 10), model, tmp_path / "one", *parts)  # and all in one
    assert len(model.paid) == 202
    with pytest.raises(ParameterError, match="leaves nothing for a part"):
        Caps(requests=2).of_part(Shard(3, 3))


def test_replies_that_an_endpoint_did_not_count_keep_counting_in_the_next_session(
    survey: Any, tmp_path: Path
) -> None:
    model = Model(counts_tokens=False)
    options = RunOptions(caps=Caps(tokens=10_000), concurrency=4)
    with Store(tmp_path) as store:
        run(survey(30, 10), model, store, options)
    asked = len(model.paid)
    assert 10 < asked < 300
    with Store(tmp_path) as store:
        assert "cap of 10,000 tokens" in run(survey(30, 10), model, store, options).stopped
        assert store.counts()[State.VALID] == asked == len(model.paid)

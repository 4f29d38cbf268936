"""A few calls made before a run, to say what the whole of it will cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from truetwin.errors import ParameterError
from truetwin.llm.messages import Cell, Reply, Request
from truetwin.llm.options import RunOptions
from truetwin.llm.pricing import Estimate, estimate_total
from truetwin.llm.progress import Progress, RunSummary
from truetwin.llm.runner import run
from truetwin.llm.shards import Shard
from truetwin.llm.store import Store
from truetwin.llm.task import ChatModel, Parsed, Task


@dataclass(frozen=True)
class Every:
    """Evenly spaced cells of a task, with the same settings: what a pilot asks is part of the run and is kept."""

    task: Task
    shard: Shard
    step: int

    @property
    def settings(self) -> Mapping[str, Any]:
        """Those of the task."""
        return self.task.settings

    def cells(self) -> Iterator[Cell]:
        """Every ``step``-th cell."""
        for k, cell in enumerate(filter(self.shard.holds, self.task.cells())):
            if k % self.step == self.step // 2:
                yield cell

    def request(self, cell: Cell) -> Request:
        """As the task."""
        return self.task.request(cell)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """As the task."""
        return self.task.parse(cell, reply)


@dataclass(frozen=True)
class Pilot:
    """What a pilot showed.

    Parameters
    ----------
    summary : RunSummary
        Of its own calls.
    tokens : Estimate
        Tokens of the whole run, sent and received; reasoning tokens are among them.
    cost : Estimate, optional
        Money of the whole run; None without prices.
    seconds : float
        Seconds that a reply took, on average: the whole run takes about ``n * seconds / concurrency``.
    """

    summary: RunSummary
    tokens: Estimate
    cost: Estimate | None
    seconds: float


def run_pilot(
    task: Task,
    model: ChatModel,
    store: Store,
    options: RunOptions | None = None,
    *,
    size: int = 20,
    progress: Callable[[Progress], None] | None = None,
) -> Pilot:
    """Ask ``size`` evenly spaced cells and project tokens and money of the whole run from their replies.

    The replies are stored: the run that follows does not ask these cells again.

    Raises
    ------
    ParameterError
        If fewer than two cells were answered, which says nothing about the rest.
    """
    options = options or RunOptions()
    total = sum(1 for _ in filter(options.shard.holds, task.cells()))
    sample = Every(task, options.shard, max(1, math.ceil(total / size)))
    summary = run(sample, model, store, options, progress=progress)
    found = [call for call in map(store.call, sample.cells()) if call is not None and call.reply is not None]
    if len(found) < 2:
        raise ParameterError(
            f"a pilot needs at least 2 replies to judge a run by; {len(found)} came of {summary.total} cells. "
            f"{summary.stopped or 'Look at the failures in the store.'}"
        )
    usages = [call.reply.usage for call in found if call.reply is not None]
    tokens = estimate_total([u.prompt_tokens + u.completion_tokens for u in usages], total)
    cost = None
    if options.prices is not None and all(u.prompt_tokens for u in usages):
        cost = estimate_total([options.prices.cost(u) for u in usages], total)
    seconds = sum(call.reply.latency for call in found if call.reply is not None) / len(found)
    return Pilot(summary, tokens, cost, seconds)

"""Forecast what a run will send and cost: from the sizes of its prompts, or from a few calls made first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from truetwin.errors import ParameterError
from truetwin.llm.messages import Cell
from truetwin.llm.running.budget import estimated_tokens
from truetwin.llm.running.pricing import Estimate, Prices, estimate_total
from truetwin.llm.running.run_options import RunOptions
from truetwin.llm.running.run_progress import Progress, RunSummary
from truetwin.llm.running.runner import run
from truetwin.llm.running.shards import Shard
from truetwin.llm.store.run_store import Store
from truetwin.llm.task import ChatModel, PartOfTask, Task

_SAMPLED = 300


@dataclass(frozen=True)
class Forecast:
    """Size of a run, estimated without a call.

    ``prompt_tokens`` is the total over all calls at four bytes a token, extrapolated from up to 300 of them.
    ``longest`` is the longest prompt among these, in tokens.
    """

    n_calls: int
    prompt_tokens: int
    longest: int


@dataclass(frozen=True)
class PilotForecast:
    """Forecast from calls that were made: prediction intervals for what the whole run will use.

    Parameters
    ----------
    prompt_tokens, completion_tokens, reasoning_tokens : Estimate
        Tokens sent, tokens received, and the part of the received tokens that was reasoning.
    cost : Estimate, optional
        Cost; None without prices, or if the endpoint counts no tokens.
    seconds : float
        Mean seconds a reply. A run of n calls takes about ``n * seconds / concurrency``.
    """

    prompt_tokens: Estimate
    completion_tokens: Estimate
    reasoning_tokens: Estimate
    cost: Estimate | None
    seconds: float


def forecast(task: Task, cells: Sequence[Cell]) -> Forecast:
    """Count the calls and estimate the size of what they send."""
    if not cells:
        return Forecast(0, 0, 0)
    places = np.unique(np.linspace(0, len(cells) - 1, min(_SAMPLED, len(cells))).round().astype(int))
    sizes = [estimated_tokens(task.request(cells[k])) for k in places]
    total = round(float(np.mean(sizes)) * len(cells))
    return Forecast(len(cells), total, max(sizes))


def run_pilot(
    task: Task,
    model: ChatModel,
    store: Store,
    options: RunOptions | None = None,
    *,
    size: int = 20,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[RunSummary, PilotForecast]:
    """Ask ``size`` cells drawn at random and project the whole run from their replies.

    The replies are stored: the run that follows does not ask these cells again.

    Raises
    ------
    ParameterError
        If ``size`` is less than 2 or more than the calls of the run, or if fewer than two cells were answered. One
        answer tells nothing about the rest.
    """
    options = options or RunOptions()
    cells = list(filter(options.shard.holds, task.cells()))
    chosen = pilot_cells(cells, size, seed)
    part = PartOfTask(task, chosen)
    summary = run(part, model, store, replace(options, shard=Shard()), progress=progress)
    found = forecast_from_pilot(store, chosen, len(cells), options.prices)
    if found is None:
        raise ParameterError(
            f"a pilot needs at least 2 replies to forecast a run; {summary.total} cells gave fewer. "
            f"{summary.stopped or 'Look at the failures in the store.'}"
        )
    return summary, found


def pilot_cells(cells: Sequence[Cell], count: int, seed: int = 0) -> list[Cell]:
    """Draw a random sample of cells that represents the run."""
    # Evenly spaced cells would not do: a step that is a multiple of the number of items would always ask the same item.
    if not 2 <= count <= len(cells):
        raise ParameterError(
            f"a pilot needs at least 2 calls and at most as many as the run ({len(cells):,}); got {count}"
        )
    chosen = np.random.default_rng(seed).choice(len(cells), count, replace=False)
    return [cells[k] for k in sorted(chosen)]


def forecast_from_pilot(
    store: Store, pilot: Sequence[Cell], n_calls: int, prices: Prices | None, *, confidence: float = 0.9
) -> PilotForecast | None:
    """Estimate the totals of a run from the answered cells of a pilot. Returns None if fewer than two were answered."""
    replies = [
        call.reply for cell in pilot if (call := store.call(cell)) is not None and call.reply is not None
    ]
    if len(replies) < 2:
        return None
    used = [reply.usage for reply in replies]

    def total(figures: Sequence[float]) -> Estimate:
        return estimate_total(figures, n_calls, confidence=confidence)

    return PilotForecast(
        total([u.prompt_tokens for u in used]),
        total([u.completion_tokens for u in used]),
        total([u.reasoning_tokens for u in used]),
        None
        if prices is None or not all(u.prompt_tokens for u in used)
        else total([prices.cost(u) for u in used]),
        sum(reply.latency for reply in replies) / len(replies),
    )

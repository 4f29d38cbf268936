"""What a run will send and cost, before it is paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truetwin.errors import ParameterError
from truetwin.llm import (
    Cell,
    Estimate,
    Parsed,
    Prices,
    Reply,
    Request,
    Store,
    Task,
    estimate_total,
    estimated_tokens,
)

_SAMPLED = 300


@dataclass(frozen=True)
class Forecast:
    """Sizes of a run judged without a call.

    ``prompt_tokens`` is the total over all calls at four bytes a token, extrapolated from ``n_sampled`` of them;
    ``longest`` is the longest prompt among these.
    """

    n_calls: int
    n_sampled: int
    prompt_tokens: int
    longest: int


@dataclass(frozen=True)
class PilotForecast:
    """What a run will use, judged from calls that were made: prediction intervals for the totals."""

    prompt_tokens: Estimate
    completion_tokens: Estimate
    reasoning_tokens: Estimate
    cost: Estimate | None


class PartOfTask:
    """Some cells of a task under its own settings, so that their answers belong to the same run."""

    def __init__(self, task: Task, cells: Sequence[Cell]) -> None:
        self._task, self._cells = task, tuple(cells)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Those of the whole task."""
        return self._task.settings

    def cells(self) -> Iterator[Cell]:
        """The chosen cells."""
        return iter(self._cells)

    def request(self, cell: Cell) -> Request:
        """As the whole task."""
        return self._task.request(cell)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """As the whole task."""
        return self._task.parse(cell, reply)


def forecast(task: Task, cells: Sequence[Cell]) -> Forecast:
    """Number of calls and size of what they send."""
    places = np.unique(np.linspace(0, len(cells) - 1, min(_SAMPLED, len(cells))).round().astype(int))
    sizes = [estimated_tokens(task.request(cells[k])) for k in places]
    total = round(float(np.mean(sizes)) * len(cells))
    return Forecast(len(cells), len(sizes), total, max(sizes))


def pilot_cells(cells: Sequence[Cell], count: int, seed: int = 0) -> list[Cell]:
    """Cells drawn at random, so that they stand for all."""
    if not 2 <= count <= len(cells):
        raise ParameterError(
            f"a pilot needs at least 2 calls and at most as many as the run ({len(cells):,}); got {count}"
        )
    chosen = np.random.default_rng(seed).choice(len(cells), count, replace=False)
    return [cells[k] for k in sorted(chosen)]


def forecast_from_pilot(
    store: Store, pilot: Iterable[Cell], n_calls: int, prices: Prices | None, *, confidence: float = 0.9
) -> PilotForecast | None:
    """Totals of the run from the answered cells of a pilot; None if fewer than two were answered."""
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
        None if prices is None else total([prices.cost(u) for u in used]),
    )

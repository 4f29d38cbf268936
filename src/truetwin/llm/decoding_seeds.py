"""Give each cell of a run a decoding seed of its own, so that repetitions differ and a run can be repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from truetwin.errors import RunError
from truetwin.llm.messages import Cell, Reply, Request
from truetwin.llm.store.run_file import RunFile
from truetwin.llm.task import Parsed, Task


def decoding_seed(run_seed: int, cell: Cell) -> int:
    """Derive the decoding seed of a cell from the seed of the run: 31 bits, the same on every machine.

    Examples
    --------
    >>> [decoding_seed(0, Cell("anna", "q1", replicate=k)) for k in (0, 1)]
    [860830267, 1775059731]
    """
    key = json.dumps([run_seed, cell.step, cell.persona, cell.item, cell.replicate])
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1


class SeededTask:
    """Task whose requests carry the decoding seeds of their cells. Requests that have a seed keep it.

    The seed is no setting of the run: with other seeds, or without, it is the same run. It is stored with each prompt.
    """

    def __init__(self, task: Task, run_seed: int) -> None:
        self._task, self._seed = task, run_seed

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the task."""
        return self._task.settings

    def cells(self) -> Iterable[Cell]:
        """Yield the cells of the task."""
        return self._task.cells()

    def request(self, cell: Cell) -> Request:
        """Make the request of the task, and add the seed."""
        request = self._task.request(cell)
        if request.sampling.seed is not None:
            return request
        return replace(request, sampling=replace(request.sampling, seed=decoding_seed(self._seed, cell)))

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read a reply as the task reads it."""
        return self._task.parse(cell, reply)


def with_seeds(task: Task, run: RunFile, run_seed: int | None) -> Task:
    """Add decoding seeds to a task; None adds none. A run that was begun without seeds goes on without.

    Raises
    ------
    RunError
        If the run was begun with decoding seeds, and there are none now.
    """
    first = next(iter(task.cells()), None)
    begun_with = None if first is None else run.has_seeds(first.step)
    if first is not None and begun_with and run_seed is None and task.request(first).sampling.seed is None:
        raise RunError(
            f"a run goes on with decoding seeds as it was begun; {run.path} was begun with them. Leave out "
            "--no-decoding-seed, or use another folder (--run)."
        )
    return task if run_seed is None or begun_with is False else SeededTask(task, run_seed)

"""Define tasks: what a run asks, and how its replies are read. The runner can ask any task of any model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from truetwin.llm.messages import Cell, Reply, Request


class State(StrEnum):
    """State in which a cell ended. Every cell of a finished run has exactly one."""

    VALID = "valid"
    REFUSED = "refused"
    UNPARSEABLE = "unparseable"
    OFF_SCALE = "off-scale"
    TRUNCATED = "truncated"
    TOO_LONG = "too-long"
    PROVIDER_ERROR = "provider-error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Parsed:
    """Reading of a reply.

    ``value`` is anything JSON can hold. It is None unless the state is valid; for several items in one call it holds
    the answers that could be read. ``reason`` says in words why a reply could not be read.
    """

    state: State
    value: Any = None
    reason: str = ""


class ReplyReader(Protocol):
    """Reader of replies. ``parse`` must be pure: called again with the same reply, it returns the same reading."""

    def parse(self, cell: Cell, reply: Reply) -> Parsed: ...  # noqa: D102


class Task(ReplyReader, Protocol):
    """Task of a run: its cells, a request for each cell, and a reading of each reply.

    ``settings`` is everything that makes two runs differ, as JSON. A stored run is continued only under equal settings.
    ``request`` and ``parse`` must be pure: called again, they return the same. A stored reply can then be read again.
    """

    @property
    def settings(self) -> Mapping[str, Any]: ...  # noqa: D102

    def cells(self) -> Iterable[Cell]: ...  # noqa: D102

    def request(self, cell: Cell) -> Request: ...  # noqa: D102


def digest_of(records: Iterable[Any]) -> str:
    """Hash records in their order. The hash goes into a run's settings, so that its personas and items cannot change.

    Examples
    --------
    >>> digest_of([{"id": "anna"}])[:8]
    '365d8366'
    """
    total = hashlib.sha256()
    for record in records:
        total.update(json.dumps(record, sort_keys=True).encode())
    return total.hexdigest()


class PartOfTask:
    """Part of a task: some of its cells, under the settings of the whole task. Their answers belong to the same run.

    Parameters
    ----------
    task : Task
        The task.
    cells : sequence of Cell, optional
        The cells of the part. By default all cells of the task.
    settings : mapping, optional
        Settings of the whole, if the task is itself a part of a larger run.
    """

    def __init__(
        self, task: Task, cells: Sequence[Cell] | None, *, settings: Mapping[str, Any] | None = None
    ) -> None:
        self._task, self._cells = task, None if cells is None else tuple(cells)
        self._settings = settings

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the whole task."""
        return self._task.settings if self._settings is None else self._settings

    def cells(self) -> Iterator[Cell]:
        """Yield the chosen cells."""
        return iter(self._task.cells() if self._cells is None else self._cells)

    def request(self, cell: Cell) -> Request:
        """Make the request that the whole task makes."""
        return self._task.request(cell)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read a reply as the whole task reads it."""
        return self._task.parse(cell, reply)


class ChatModel(Protocol):
    """Model that answers requests: an HTTP endpoint, a script, a statistical stand-in.

    ``name`` is the name that the user gave for the model. ``describe`` returns what a store records about it, without
    secrets. ``complete`` makes one attempt and raises a :class:`truetwin.errors.ProviderError` if it fails; the runner
    retries. ``close`` closes connections, which belong to one event loop; a later ``complete`` opens new ones. A model
    may have ``adjustments``: a tuple of sentences, shown to the user, that say how requests had to be changed.
    """

    name: str

    def describe(self) -> Mapping[str, Any]: ...  # noqa: D102

    async def complete(self, request: Request, *, timeout: float) -> Reply: ...  # noqa: D102

    async def close(self) -> None: ...  # noqa: D102

"""Reading the stored replies of a run anew, from what the run itself records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

from truetwin.llm import Cell, Parsed, Reply, Store, Task
from truetwin.simulation.portraits import read_portrait
from truetwin.simulation.questionnaire import Questionnaire


class _Reader(Protocol):
    def parse(self, cell: Cell, reply: Reply) -> Parsed: ...


class _PortraitReader:
    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        return read_portrait(reply)


def reread(store: Store) -> dict[str, int]:
    """Read every stored reply of a simulation anew, without a call; how many readings changed, by step.

    After an improvement of the reading, answers that were unreadable may become valid; replies stay as they came.

    Raises
    ------
    RunError
        If the run is not a simulation.
    """
    return {
        step: store.reparse(cast(Task, _reader(store.settings(step)["task"])), step) for step in store.steps()
    }


def _reader(settings: Mapping[str, Any]) -> _Reader:
    if settings.get("task") == "portraits":
        return _PortraitReader()
    return Questionnaire.from_settings(settings)

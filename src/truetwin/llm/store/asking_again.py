"""Decide which cells of a stored run are asked again, and under which settings.

A run is begun under settings of its own. Cells whose reply is of no use may be asked again under others, such as a
higher limit on tokens. Such settings have a name: the hash of how they differ from the run's own. Every reply carries
the name of the settings that gave it, so that a command that was interrupted goes on where it stopped, and asks no cell
twice under the same settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from truetwin.llm.store.settings_comparison import (
    compare_settings,
    differences,
    in_short,
    is_among,
    is_missing,
)
from truetwin.llm.store.stored_call import OPEN_STATES, text_id
from truetwin.llm.task import State

#: Cells in these states have no reply that could be better than nothing, and a new call may well end otherwise.
_WITHOUT_REPLY = OPEN_STATES | {State.TOO_LONG}


@dataclass(frozen=True)
class AskAgain:
    """Wish to ask cells of a stored run again.

    Parameters
    ----------
    states : frozenset of State
        The cells to ask again are those in these states.
    may_differ : tuple of str
        Dotted names of settings that may be others than those of the run, such as ``"task.sampling"``.
    """

    states: frozenset[State]
    may_differ: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """How a cell of a stored run stands: its state, and the name of the settings that gave its reply."""

    state: State
    setting: str | None = None


@dataclass(frozen=True)
class Round:
    """Cells that a command asks: those that were never asked, and those that are to be asked again.

    Parameters
    ----------
    states : frozenset of State
        States that are asked again.
    text : str, optional
        How the settings differ from those of the run, as JSON; None in a round that asks nothing again.
    """

    states: frozenset[State] = OPEN_STATES
    text: str | None = None

    @property
    def setting(self) -> str | None:
        """Name of the settings of this round."""
        return None if self.text is None else text_id(self.text)

    @property
    def differs(self) -> bool:
        """Whether the settings are others than those of the run."""
        return self.text not in (None, "[]")

    def asks(self, standing: Standing | None) -> bool:
        """Tell whether a cell that stands so is asked. ``standing`` is None for a cell that was never asked."""
        if standing is None:
            return True
        if standing.state not in self.states:
            return False
        return standing.state in _WITHOUT_REPLY or standing.setting != self.setting

    def record(self) -> str | None:
        """Write the round as JSON; None for a round that asks nothing again."""
        return None if self.text is None else json.dumps({"states": sorted(self.states), "text": self.text})

    @classmethod
    def from_record(cls, record: str | None) -> Round:
        """Read what :meth:`record` wrote."""
        if record is None:
            return cls()
        found = json.loads(record)
        return cls(frozenset(map(State, found["states"])), found["text"])

    def setting_of(self, before: Standing | None) -> str | None:
        """Return the name to record with a reply. First replies under the run's own settings have none."""
        return self.setting if before is not None or self.differs else None


def round_of(
    stored: Mapping[str, Any],
    asked: Mapping[str, Any],
    where: str,
    may_differ: Sequence[str] = (),
    again: AskAgain | None = None,
) -> Round:
    """Return the round of a command under the settings ``asked``, of a run with the settings ``stored``.

    Raises
    ------
    RunError
        If the settings differ where they must not. The message names the differences.

    Examples
    --------
    >>> stored, asked = ({"task": {"sampling": {"max_tokens": n}}} for n in (2, 60))
    >>> wish = AskAgain(frozenset({State.TRUNCATED}), ("task.sampling",))
    >>> found = round_of(stored, asked, "the run", again=wish)
    >>> found.text
    '[[["task", "sampling", "max_tokens"], 60]]'
    >>> found.asks(Standing(State.TRUNCATED)), found.asks(Standing(State.VALID))
    (True, False)
    >>> found.asks(Standing(State.TRUNCATED, found.setting))
    False
    """
    free = () if again is None else again.may_differ
    compare_settings(stored, asked, where, (*may_differ, *free), hint=again is None and _is_survey(asked))
    if again is None:
        return Round()
    changes = [
        [list(path), None if is_missing(new) else new]
        for path, _, new in differences(stored, asked)
        if is_among(path, free) and not is_among(path, may_differ)
    ]
    return Round(again.states, json.dumps(changes))


def _is_survey(settings: Mapping[str, Any]) -> bool:
    """Tell whether settings are those of a survey: only surveys are asked again so far."""
    task = settings.get("task")
    return isinstance(task, Mapping) and task.get("task") == "survey"


def settings_under(stored: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return the whole settings of a round from those of the run and the text of the differences.

    Examples
    --------
    >>> settings_under({"a": {"b": 1, "c": 2}}, '[[["a", "b"], 3], [["a", "c"], null]]')
    {'a': {'b': 3, 'c': None}}
    """
    found: dict[str, Any] = json.loads(json.dumps(stored))
    for path, new in json.loads(text):
        here = found
        for name in path[:-1]:
            here = here.setdefault(name, {})
        here[path[-1]] = new
    return found


def in_words(text: str) -> str:
    """Say how settings differ from those of the run; empty if they do not.

    Examples
    --------
    >>> in_words('[[["task", "sampling", "max_tokens"], 60], [["task", "design", "reply"], "schema"]]')
    'max_tokens 60, reply schema'
    """
    parts = []
    for path, new in json.loads(text):
        if path[:2] == ["task", "prompts"]:
            name, value = f"prompt {path[2]}", "" if len(path) == 3 else " changed"
            parts.append(f"{name}{value}" if new is not None or len(path) > 3 else f"no {name}")
        else:
            parts.append(f"{path[-1]} {'none' if new is None else in_short(new).strip(chr(34))}")
    return ", ".join(parts)

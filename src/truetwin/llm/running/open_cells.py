"""Find the cells of a stored run that a command would ask, without sending or writing anything."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from truetwin.llm.messages import Cell
from truetwin.llm.running.run_options import RunOptions
from truetwin.llm.store.asking_again import Round, round_of
from truetwin.llm.store.run_file import RunFile
from truetwin.llm.task import State, Task


@dataclass(frozen=True)
class OpenCells:
    """Cells that a command would ask.

    Parameters
    ----------
    cells : tuple of Cell
        The cells, in the order of the task.
    states : mapping from State to int
        How many of them ended before, by state; the others were never asked.
    """

    cells: tuple[Cell, ...]
    states: Mapping[State, int]

    @property
    def in_words(self) -> str:
        """How many calls are made, and why.

        Examples
        --------
        >>> OpenCells((Cell("anna", "q1"), Cell("ben", "q1")), {State.TRUNCATED: 1}).in_words
        '1 truncated is asked again, 1 was never asked'
        """
        parts = [
            f"{n:,} {state} {'is' if n == 1 else 'are'} asked again" for state, n in self.states.items() if n
        ]
        never = len(self.cells) - sum(self.states.values())
        if never:
            parts.append(f"{never:,} {'was' if never == 1 else 'were'} never asked")
        return ", ".join(parts) or "nothing is left to ask"


def open_cells(task: Task, run: RunFile, cells: Sequence[Cell], options: RunOptions) -> OpenCells:
    """Find those of ``cells`` that a run of the task would ask.

    Raises
    ------
    RunError
        If the run was begun with other settings. Those of the model are not compared.
    """
    rounds: dict[str, Round] = {}
    found: list[Cell] = []
    states: Counter[State] = Counter()
    for cell in cells:
        if cell.step not in rounds:
            rounds[cell.step] = _round(task, run, cell.step, options)
        standing = run.standing(cell)
        if rounds[cell.step].asks(standing):
            found.append(cell)
            if standing is not None:
                states[standing.state] += 1
    return OpenCells(tuple(found), states)


def _round(task: Task, run: RunFile, step: str, options: RunOptions) -> Round:
    if step not in run.steps():
        return Round()
    stored = run.settings(step)
    asked = {"task": json.loads(json.dumps(task.settings)), "model": stored["model"]}
    return round_of(stored, asked, f"step {step!r} of {run.path}", options.may_differ, options.again)

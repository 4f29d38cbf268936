"""Ask a model for everything that a stage of a build needs; calls are kept on disk and not repeated."""

from __future__ import annotations

from pathlib import Path

from truetwin.errors import RunError
from truetwin.llm import Cell, ChatModel, Parsed, RunOptions, Store, Task, run
from truetwin.voice_sets.common.stages import Tally


def ask_all(
    task: Task, model: ChatModel, folder: Path, options: RunOptions | None, tally: Tally
) -> dict[Cell, Parsed]:
    """Run a task to its end; give the answers in the order of its cells.

    Raises
    ------
    RunError
        If the run stopped before everything was asked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with Store(folder) as store:
        summary = run(
            task,
            model,
            store,
            options,
            progress=lambda state: tally.tick(sum(state.counts.values()), state.total),
        )
        answers = {call.cell: call.parsed for call in store.calls()}
    if not summary.complete:
        raise RunError(
            f"the model must have been asked for everything; the run {folder} stopped early ({summary.stopped}). "
            "Run the same command again to go on."
        )
    return {cell: answers[cell] for cell in task.cells() if cell in answers}

"""Ask a model for everything that a stage of a build needs; calls are kept on disk and not repeated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from truetwin.errors import RunError
from truetwin.llm import Cell, ChatModel, Parsed, RunOptions, Store, Task, run
from truetwin.voice_sets.common.stages import Tally


@dataclass(frozen=True)
class Asker:
    """Model that helps with a build, the build's folder, and options of asking (caps, retries, concurrency)."""

    model: ChatModel
    output: Path
    options: RunOptions | None = None

    def answers(self, task: Task, name: str, tally: Tally) -> dict[Cell, Parsed]:
        """Run a task to its end, its calls kept in the folder ``name``; give the answers in the order of its cells.

        Raises
        ------
        RunError
            If the run stopped before everything was asked.
        """
        folder = self.output / name
        folder.mkdir(parents=True, exist_ok=True)
        with Store(folder) as store:
            summary = run(
                task,
                self.model,
                store,
                self.options,
                progress=lambda state: tally.tick(sum(state.counts.values()), state.total),
            )
            answers = {call.cell: call.parsed for call in store.calls()}
        if not summary.complete:
            raise RunError(
                f"the model must have been asked for everything; the run {folder} stopped early ({summary.stopped}). "
                "Run the same command again to go on."
            )
        return {cell: answers[cell] for cell in task.cells() if cell in answers}

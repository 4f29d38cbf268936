"""What a step of a study works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from truetwin.data import Panel
from truetwin.io import read_blocks
from truetwin.study.study_file import Study

Progress = Callable[[int, int], None]
#: Where a study keeps adaptive transfer at every threshold, and shares of example items.
THRESHOLDS, EXAMPLES = "thresholds.json", "examples.json"


@dataclass
class Work:
    """What a step works with: the study, where its results go, and the panel, read once."""

    study: Study
    folder: Path
    n_jobs: int = 1
    progress: Progress | None = None

    @property
    def twin(self) -> Path:
        """The twins' answers: given, or with those that an earlier step simulated."""
        if self.study.simulate is not None:
            return self.folder / "twin.csv"
        assert self.study.inputs.twin is not None
        return self.study.inputs.twin

    @cached_property
    def panel(self) -> Panel:
        """Human and twin answers."""
        from truetwin.io.panel_files import read_panel

        inputs = self.study.inputs
        assert inputs.human is not None
        return read_panel(
            inputs.human,
            self.twin,
            id_column=inputs.id_column,
            item_file=inputs.items,
            in_context=inputs.in_context,
        )

    @cached_property
    def blocks(self) -> dict[str, str] | None:
        """Batteries, if a file declares them."""
        return read_blocks(self.study.inputs.blocks) if self.study.inputs.blocks else None

    def tables(self) -> dict[str, Path]:
        """The files behind the panel, by role."""
        inputs = self.study.inputs
        found = {
            "human": inputs.human,
            "twin": self.twin,
            "in_context": inputs.in_context,
            "items": inputs.items,
            "blocks": inputs.blocks,
        }
        return {role: path for role, path in found.items() if path is not None}


def evaluation_path(folder: Path, protocol: str) -> Path:
    """Where the evaluation under a protocol is stored."""
    return folder / f"evaluation-{protocol}.json"

"""What a step of a study works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from truetwin.data import Panel
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.io import read_blocks
from truetwin.settings.study_settings import Study

Progress = Callable[[int, int], None]
#: Where a study keeps adaptive transfer at every threshold, and shares of example items.
THRESHOLDS, EXAMPLES = "thresholds.json", "examples.json"
#: Where a study keeps the personas that it makes, what to ask next, and scores of predicted marginals.
PERSONAS, PLAN, MARGINAL_SCORES = "personas.jsonl", "plan.json", "marginal-scores.json"


@dataclass
class Work:
    """What a step works with: the study, where its results go, and the panel, read once."""

    study: Study
    folder: Path
    n_jobs: int = 1
    progress: Progress | None = None

    @property
    def personas(self) -> Path:
        """Who is simulated: given, or made by an earlier step."""
        if self.study.personas is not None:
            return self.folder / PERSONAS
        assert self.study.inputs.personas is not None
        return self.study.inputs.personas

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
        """Batteries, if a file declares them or they are to be found by what answers show."""
        given = self.study.inputs.blocks
        if given == "auto":
            return resolve_blocks(self.panel, "auto")[0]
        return read_blocks(given) if given else None

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
        return {role: path for role, path in found.items() if isinstance(path, Path)}


def evaluation_path(folder: Path, protocol: str) -> Path:
    """Where the evaluation under a protocol is stored."""
    return folder / f"evaluation-{protocol}.json"

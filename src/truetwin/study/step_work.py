"""Provide each step of a study with its inputs: the study, the folder of results, and the panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from truetwin.data import Panel, ResponseMatrix
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.io import read_blocks
from truetwin.settings.study_settings import Study

Progress = Callable[[int, int], None]
#: Files for adaptive transfer at every threshold, and for shares of example items.
THRESHOLDS, EXAMPLES = "thresholds.json", "examples.json"
#: Files for the personas that a study makes, for the plan of what to ask next, and for scores of predicted marginals.
PERSONAS, PLAN, MARGINAL_SCORES = "personas.jsonl", "plan.json", "marginal-scores.json"


@dataclass
class Work:
    """Inputs of a step: the study, the folder of its results, and the panel, which is read once."""

    study: Study
    folder: Path
    n_jobs: int = 1
    progress: Progress | None = None

    @property
    def personas(self) -> Path:
        """File of the personas to simulate: given, or made by an earlier step."""
        if self.study.personas is not None:
            return self.folder / PERSONAS
        assert self.study.inputs.personas is not None
        return self.study.inputs.personas

    @property
    def twin(self) -> Path:
        """File of the twins' answers: given, or joined with those that an earlier step simulated."""
        if self.study.simulate is not None:
            return self.folder / "twin.csv"
        assert self.study.inputs.twin is not None
        return self.study.inputs.twin

    @cached_property
    def panel(self) -> Panel:
        """Panel of human and twin answers."""
        from truetwin.io.panel_files import read_panel

        inputs = self.study.inputs
        assert inputs.human is not None
        return read_panel(
            inputs.human,
            self.twin,
            id_column=inputs.id_column,
            item_file=inputs.items,
            in_context=inputs.in_context,
            people=inputs.people,
            people_columns=inputs.columns_of_people,
        )

    @property
    def groups_of_people(self) -> list[str]:
        """Columns of the people table that people are grouped by."""
        from truetwin.data.people_columns import names_among

        people = self.panel.people
        return [] if people is None else names_among(self.study.inputs.by, tuple(people.columns))

    @cached_property
    def retest(self) -> ResponseMatrix | None:
        """Answers of people who were asked again, if the study has them."""
        from truetwin.io.panel_files import read_retest

        inputs = self.study.inputs
        return read_retest(inputs.retest, self.panel, id_column=inputs.id_column) if inputs.retest else None

    @cached_property
    def blocks(self) -> dict[str, str] | None:
        """Battery of each item, if a file declares batteries or they are to be found from the answers; else None."""
        given = self.study.inputs.blocks
        if given == "auto":
            return resolve_blocks(self.panel, "auto")[0]
        return read_blocks(given) if given else None

    def tables(self) -> dict[str, Path]:
        """Files of the panel, by role."""
        inputs = self.study.inputs
        found = {
            "human": inputs.human,
            "twin": self.twin,
            "in_context": inputs.in_context,
            "people": inputs.people,
            "retest": inputs.retest,
            "items": inputs.items,
            "blocks": inputs.blocks,
        }
        return {role: path for role, path in found.items() if isinstance(path, Path)}


def evaluation_path(folder: Path, protocol: str) -> Path:
    """Return the path of the stored evaluation under a protocol."""
    return folder / f"evaluation-{protocol}.json"

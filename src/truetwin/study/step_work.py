"""Provide each step of a study with its inputs: the study, the folder of results, and the panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from truetwin.data import Axis, Panel, ResponseMatrix
from truetwin.data.people_columns import PeopleColumns
from truetwin.data.person_design import Array, person_weights
from truetwin.estimation.raking import Raking, rake
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.io import read_blocks, read_personas
from truetwin.io.margin_files import columns_to_rake, read_margins
from truetwin.io.twin_files import TwinTables, twin_files
from truetwin.settings.study_settings import Study
from truetwin.settings.value_kinds import ids_among

Progress = Callable[[int, int], None]
#: Files for adaptive transfer at every threshold, and for shares of example items.
THRESHOLDS, EXAMPLES = "thresholds.json", "examples.json"
#: File of all twins' answers, given and simulated.
TWINS = "twin.csv"
#: Name of the file with estimates, without its ending.
ESTIMATES = "estimates"
#: File for scores of estimates.
ESTIMATE_SCORES = "estimate-scores.json"
#: File for the audit of the twins.
AUDIT = "twin-audit.json"
#: Files for the personas that a study makes, for the plan of what to ask next, and for scores of predicted marginals.
PERSONAS, PLAN, MARGINAL_SCORES = "personas.jsonl", "plan.json", "marginal-scores.json"


def people_columns_of(study: Study) -> PeopleColumns:
    """Return the columns of people that a study names, those in its file of margins included."""
    inputs = study.inputs
    return replace(inputs.columns_of_people, margins=columns_to_rake(inputs.margins))


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
    def twin(self) -> TwinTables:
        """Tables of the twins' answers: given, or joined with those that an earlier step simulated."""
        if self.study.simulate is not None:
            return self.folder / TWINS
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
            people_columns=people_columns_of(self.study),
            choices=inputs.reading,
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
        if inputs.retest is None:
            return None
        return read_retest(inputs.retest, self.panel, id_column=inputs.id_column, choices=inputs.reading)

    def persona_items(self, axis: Axis = "item") -> tuple[str, ...] | None:
        """Return the items whose answers twins were shown, as declared or as personas say; None if unknown."""
        inputs = self.study.inputs
        made = self.study.personas is not None and (self.folder / PERSONAS).exists()
        if not inputs.persona_items and inputs.personas is None and not made:
            return None
        named = ids_among(inputs.persona_items, self.panel.item_ids) or []
        personas = read_personas(self.personas) if made or inputs.personas is not None else []
        return tuple(
            dict.fromkeys([*named, *(item for persona in personas for item in persona.shown_items(axis))])
        )

    @cached_property
    def sample(self) -> ResponseMatrix | None:
        """Answers of some people to new items, if the study has them."""
        from truetwin.io.sample_files import read_sample

        inputs = self.study.inputs
        if inputs.sample is None:
            return None
        named = self.study.estimate.items if self.study.estimate is not None else ()
        return read_sample(
            inputs.sample,
            self.panel,
            items=ids_among(named, self.panel.item_ids) or (),
            id_column=inputs.id_column,
            choices=inputs.reading,
        )

    @cached_property
    def raking(self) -> Raking | None:
        """Raked weights of the people; None if the study names no population margins."""
        inputs = self.study.inputs
        if inputs.margins is None:
            return None
        return rake(self.panel, read_margins(inputs.margins), inputs.weights)

    @cached_property
    def weights(self) -> Array | None:
        """One weight for each respondent of the panel; None if all count alike."""
        if self.raking is not None:
            return self.raking.weights
        column = self.study.inputs.weights
        return None if column is None else person_weights(self.panel, column)

    @cached_property
    def blocks(self) -> dict[str, str] | None:
        """Battery of each item, if a file declares batteries or they are to be found from the answers; else None."""
        given = self.study.inputs.blocks
        if given == "auto":
            return resolve_blocks(self.panel, "auto")[0]
        return read_blocks(given) if given else None

    def twin_files(self) -> dict[str, Path]:
        """Tables of the twins' answers, by role: ``twin``, or ``twin.NAME`` for each source."""
        return {f"twin.{name}" if name else "twin": path for name, path in twin_files(self.twin).items()}

    def tables(self) -> dict[str, Path]:
        """Files of the panel, by role."""
        inputs = self.study.inputs
        found = {
            "human": inputs.human,
            **self.twin_files(),
            "in_context": inputs.in_context,
            "people": inputs.people,
            "retest": inputs.retest,
            "margins": inputs.margins,
            "sample": inputs.sample,
            "items": inputs.items,
            "blocks": inputs.blocks,
        }
        return {role: path for role, path in found.items() if isinstance(path, Path)}


def evaluation_path(folder: Path, protocol: str) -> Path:
    """Return the path of the stored evaluation under a protocol."""
    return folder / f"evaluation-{protocol}.json"

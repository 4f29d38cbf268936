"""Prepare personas from the settings of a job: read what is known of people, and have a model write portraits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from truetwin.data import Item, ResponseMatrix
from truetwin.data.people_columns import PeopleColumns
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.errors import DataError
from truetwin.io import read_attributes, read_items
from truetwin.io.people_files import read_human
from truetwin.llm import ChatModel, RunOptions, RunSummary, State, Store, Task, check_context, open_model
from truetwin.llm.running.requested_run import connection_of, run_options_of, sampling_of
from truetwin.registry import closest
from truetwin.settings.declaration import RuleBrokenError
from truetwin.settings.personas_settings import Personas
from truetwin.settings.value_kinds import ids_among
from truetwin.simulation.personas.persona_builders import BUILDERS, DEMOGRAPHICS, PersonaSource
from truetwin.simulation.survey.portraits import STEP, PortraitTask
from truetwin.simulation.survey.prompt_set import PromptSet

CarryOut = Callable[[Task, ChatModel, Store, RunOptions], RunSummary]


@dataclass(frozen=True)
class PersonaFiles:
    """Files with the tables that personas are made from."""

    answers: Path
    item_file: Path | None = None
    id_column: str | None = None
    people: Path | None = None
    people_columns: PeopleColumns | None = None
    choices: ReadingChoices = AS_USUAL


@dataclass(frozen=True)
class Portraits:
    """Portraits by respondent, and the summary of the run that wrote them."""

    texts: Mapping[str, str]
    model: ChatModel
    stopped: str = ""


def needs_portraits(settings: Personas) -> bool:
    """Tell whether a model must write portraits before personas can be built.

    Raises
    ------
    ParameterError
        If a model is needed and not named, or named and not needed.
    """
    builder = BUILDERS[settings.builder]
    needed = "portraits" in builder.needs
    names = [
        name for name in ("model", "run") if name in type(settings).model_fields
    ]  # the settings of a study name no run: a study keeps its own
    given = [getattr(settings, name) is not None for name in names]
    both = " and ".join(f"{{{name}}}" for name in names)
    if needed and not all(given):
        raise RuleBrokenError(
            f"the builder {builder.name!r} has portraits written by a model: give {both}. Without a model, "
            "{builder} distinctive makes short personas."
        )
    if not needed and any(given):
        raise RuleBrokenError(f"{both} go with the builders summary and summary+json; got {builder.name!r}")
    return needed


def source_of(settings: Personas, files: PersonaFiles, *, targets: Sequence[str] = ()) -> PersonaSource:
    """Read people's answers and attributes, and find the items that personas must not show.

    Parameters
    ----------
    settings : Personas
        Settings of the job.
    files : PersonaFiles
        Files with the tables.
    targets : sequence of str
        Items that will be asked, besides those that the settings name.
    """
    asked = read_items(settings.target_file) if settings.target_file else {}
    declared = {**asked, **(read_items(files.item_file) if files.item_file else {})}
    own = read_human(
        files.answers,
        id_column=files.id_column,
        items=declared,
        people=files.people,
        columns=files.people_columns,
        choices=files.choices,
    )
    own = _chosen(own, settings.respondents, files.answers)
    catalogue = {**declared, **{item.id: item for item in own.items}}
    return PersonaSource(
        own,
        catalogue,
        targets_of([*settings.targets, *targets], asked, catalogue),
        read_attributes(settings.attributes, files.id_column) if settings.attributes else {},
        settings.demographics or DEMOGRAPHICS,
    )


def targets_of(named: Sequence[str], asked: Iterable[str], catalogue: Mapping[str, Item]) -> list[str]:
    """Return the ids of the items that will be asked, from names and from an item file.

    Raises
    ------
    DataError
        If there is no item of a given name.
    """
    found = ids_among(named, list(catalogue)) or []
    unknown = [target for target in found if target not in catalogue]
    if unknown:
        raise DataError(
            f"targets must be items of the tables or item files; there is no {unknown[0]!r}."
            f"{closest(unknown[0], list(catalogue))}"
        )
    return list(dict.fromkeys([*found, *asked]))


def _chosen(own: ResponseMatrix, respondents: Sequence[str], source: Path) -> ResponseMatrix:
    wanted = ids_among(respondents, own.respondent_ids)
    if wanted is None:
        return own
    unknown = [who for who in wanted if who not in own.respondent_ids]
    if unknown:
        raise RuleBrokenError(
            "{source} must hold all {respondents}; it has no {unknown}",
            source=source,
            unknown=repr(unknown[0]),
        )
    return ResponseMatrix(own.on_grid(wanted, own.item_ids), wanted, own.items, source=own.source)


def write_portraits(
    settings: Personas, source: PersonaSource, store: Store, carry_out: CarryOut
) -> Portraits:
    """Have a model write a portrait of each person. Portraits that the run holds already are not written again.

    Raises
    ------
    DataError
        If no portrait was written.
    """
    assert settings.model is not None
    task = PortraitTask(
        source, words=settings.words, sampling=sampling_of(settings), prompts=PromptSet(settings.prompts)
    )
    options = run_options_of(settings, settings.model, seed=0)
    check_context(task, settings.context_tokens)
    model = open_model(settings.model, **connection_of(settings))
    summary = carry_out(task, model, store, options)
    found = {c.cell.persona: str(c.parsed.value) for c in store.calls(STEP) if c.parsed.state is State.VALID}
    if not found:
        raise DataError(f"no portrait was written; `truetwin runs show {store.path.parent}` says why")
    texts = {who: found[who] for who in source.answers.respondent_ids if who in found}
    return Portraits(texts, model, summary.stopped or "")

"""Verbs `truetwin personas list`, `build` and `fine-tune`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from truetwin.cli import run_display
from truetwin.cli.export import disclose
from truetwin.cli.verbs import verb
from truetwin.settings.declaration import RuleBrokenError
from truetwin.settings.personas_settings import FineTuneCommand, PersonasBuildCommand, PersonasListCommand

if TYPE_CHECKING:
    from truetwin.simulation.personas.persona_builders import PersonaSource


@verb(PersonasListCommand)
def list_command(settings: PersonasListCommand) -> None:
    """List the persona builders, and the paper's thirteen constructions (ways of making twins) for `simulate`."""
    from truetwin.cli.output import Column, print_json, print_table
    from truetwin.simulation.personas.persona_builders import BUILDERS
    from truetwin.simulation.questions.survey_design import CONSTRUCTIONS

    builders = [
        {"builder": b.name, "summary": b.summary, "needs": ", ".join(sorted(b.needs)) or None}
        for _, b in BUILDERS.items()
    ]
    constructions = [
        {
            "number": k,
            "construction": name,
            "builder": c.builder,
            "model": c.model or "your own",
            "strategy": c.strategy,
            "temperature": c.temperature,
            "predicted_output": "yes" if c.predicted_output else None,
        }
        for k, (name, c) in enumerate(((n, CONSTRUCTIONS[n]) for n in CONSTRUCTIONS), 1)
    ]
    if settings.as_json:
        print_json("personas list", {"builders": builders}, constructions)
        return
    print_table(
        builders,
        [
            Column("builder", "builder"),
            Column("summary", "what it shows", foldable=True),
            Column("needs", "needs"),
        ],
        title="builders (`personas build --builder`)",
    )
    print_table(
        constructions,
        [
            Column("number", "no.", "d"),
            Column("construction", "construction"),
            Column("builder", "builder"),
            Column("model", "model", optional=True),
            Column("strategy", "strategy"),
            Column("temperature", "temp.", ".1f"),
            Column("predicted_output", "predicted output", optional=True),
        ],
        title="constructions (`simulate --construction`)",
    )


@verb(PersonasBuildCommand)
def build_command(settings: PersonasBuildCommand) -> int:
    """Make a persona of every respondent from their own answers and attributes.

    Calibration later compares twins with people on items that both have answered. Name these items as targets too, not
    only new items, and keep some answers for the personas. Missing and off-scale answers are left out. Portraits
    (builders summary and summary+json) are written by a language model, are paid for, and are kept in --run.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.io import check_outputs, write_personas
    from truetwin.simulation.personas.persona_builders import build_personas
    from truetwin.simulation.survey.asked_personas import PersonaFiles, needs_portraits, source_of

    with_portraits = needs_portraits(settings)
    inputs = [settings.answers, settings.item_file, settings.target_file, settings.attributes]
    check_outputs([settings.output], inputs)
    columns = settings.columns_of_people
    files = PersonaFiles(
        settings.answers,
        settings.item_file,
        settings.id_column,
        people_columns=columns,
        choices=settings.reading,
    )
    source = source_of(settings, files)
    portraits = _portraits(settings, source) if with_portraits else None
    left = 0 if portraits is None else len(source.answers.respondent_ids) - len(portraits)
    personas = build_personas(source, settings.builder, portraits=portraits)
    write_personas(personas, settings.output)
    described = {
        "builder": settings.builder,
        "output": str(settings.output),
        "n_personas": len(personas),
        "n_without_portrait": left,
        "n_items_shown": len(source.shown_columns),
        "items_hidden": sorted(source.hidden),
        "items_without_text": list(source.without_text),
        "longest_in_characters": max(p.n_characters for p in personas),
    }
    if settings.as_json:
        print_json("personas build", described, [])
    else:
        _tell(described, has_targets=bool(source.targets))
    if left:
        note(
            f"{left} respondents have no portrait and so no persona; run the same command again to ask for them anew"
        )
    return 1 if left else 0


def _portraits(settings: PersonasBuildCommand, source: PersonaSource) -> dict[str, str]:
    from truetwin.cli.output import note
    from truetwin.llm.store.run_folder import run_store
    from truetwin.simulation.survey.asked_personas import write_portraits

    assert settings.run is not None
    with run_store(settings.run) as store:
        written = write_portraits(settings, source, store, partial(run_display.carry_out, label="portraits"))
    disclose(written.model)
    if written.stopped:
        note(f"stopped: {written.stopped}")
    return dict(written.texts)


@verb(FineTuneCommand)
def fine_tune_command(settings: FineTuneCommand) -> None:
    """Write files to fine-tune a model on people's own answers, in the chat format of providers.

    The prompts are those of `simulate` with its default settings. Targets (items that the model will be asked later),
    items of their batteries and items of the same wording are refused. fine-tuning.json lists the people who are
    learned from, and those who are left to test the result.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.io import make_folder, read_items, read_personas
    from truetwin.io.people_files import read_human
    from truetwin.simulation.personas.leaks import hidden_with
    from truetwin.simulation.survey.asked_personas import targets_of
    from truetwin.simulation.survey.fine_tuning import split_people, write_fine_tuning
    from truetwin.simulation.survey.prompt_set import PromptSet
    from truetwin.simulation.survey.survey_task import SurveyTask

    learned = read_items(settings.items)
    asked = read_items(settings.target_file) if settings.target_file else {}
    catalogue = {**asked, **learned}
    named = targets_of(settings.targets, asked, catalogue)
    if not named:
        raise RuleBrokenError(
            "fine-tuning needs {targets} or {target_file}: the items that the model will be asked"
        )
    known = read_personas(settings.personas)
    hidden = hidden_with(named, catalogue)
    task = SurveyTask(
        known,
        [i for i in learned.values() if i.id not in hidden],
        prompts=PromptSet(settings.prompts),
        catalogue=catalogue,
    )
    own = read_human(
        settings.answers,
        id_column=settings.id_column,
        items=catalogue,
        columns=settings.columns_of_people,
        choices=settings.reading,
    )
    split = split_people(
        [p.id for p in known],
        n_people=settings.people,
        validation=settings.validation,
        seed=settings.seed,
    )
    output = settings.output
    make_folder(output, "--output")
    counts = write_fine_tuning(task, own, output, split, targets=named, catalogue=catalogue)
    rows = [{"file": str(output / name), "examples": n} for name, n in counts.items()]
    if settings.as_json:
        print_json("personas fine-tune", {"people_left_for_measuring": len(split.left)}, rows)
        return
    for row in rows:
        note(f"{row['file']}: {row['examples']} examples")
    note(
        f"{len(split.left)} people are left to measure the result on; {output / 'fine-tuning.json'} names everybody"
    )


def _tell(settings: dict[str, Any], *, has_targets: bool) -> None:
    from truetwin.cli.output import note

    note(
        f"{settings['n_personas']:,} personas ({settings['builder']}) in {settings['output']}; the longest has "
        f"{settings['longest_in_characters']:,} characters"
    )
    hidden = settings["items_hidden"]
    if settings["builder"].endswith("in-context"):
        note("ratings of the targets are shown too, but for the one that is asked and its battery")
    elif has_targets:
        shown = ", ".join(hidden[:8]) + (", ..." if len(hidden) > 8 else "")
        note(f"{len(hidden)} items are not shown (targets, their batteries, the same wordings): {shown}")
    else:
        note(
            "no targets were named: every item with a text is shown, and none of them can be asked of these personas"
        )
    missing = settings["items_without_text"]
    if missing:
        note(f"{len(missing)} answered items have no text and are not shown, such as {missing[0]!r}")

"""`truetwin personas list|build|fine-tune`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.cli import model_options as ro
from truetwin.cli.export import disclose
from truetwin.cli.shared_options import IdColumn, Json, ids_of, names_of

if TYPE_CHECKING:
    from truetwin.data import Item
    from truetwin.simulation.personas.persona_builders import PersonaSource

app = typer.Typer(help="Make personas for twins, and files to fine-tune a model on them.", no_args_is_help=True,
                  rich_markup_mode=None)  # fmt: skip

Answers = Annotated[
    Path, typer.Argument(help="People's own answers: CSV, Parquet, SPSS or Stata; wide or long.")
]
Items = Annotated[
    Path | None,
    typer.Option("--item-file", help="CSV or JSON with texts, categories and labels of the items. An SPSS or Stata "
                 "file brings its own."),
]  # fmt: skip
Targets = Annotated[
    list[str] | None,
    typer.Option(help="Items that will be asked, separated by commas; may be repeated. They, their batteries and items "
                 "of the same wording are not shown."),
]  # fmt: skip
TargetFile = Annotated[
    Path | None,
    typer.Option("--target-file", help="The same, as an item file: what `simulate --items` will get."),
]


@app.command("list")
def list_command(json: Json = False) -> None:
    """List the builders, and the thirteen constructions of the paper that they and `simulate --construction` make."""
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
    if json:
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


@app.command("build")
def build_command(
    answers: Answers,
    output: Annotated[Path, typer.Option(help="Where to write the personas: .jsonl.")],
    item_file: Items = None,
    builder: Annotated[str, typer.Option(help="How; `truetwin personas list` shows all.")] = "text",
    targets: Targets = None,
    target_file: TargetFile = None,
    attributes: Annotated[
        Path | None, typer.Option(help="Table of people's attributes: ids, and one column an attribute.")
    ] = None,
    demographics: Annotated[
        str | None,
        typer.Option(
            help="For the builder demographics: the attributes that count, separated by commas. "
            "[default: the paper's 14]"
        ),
    ] = None,
    respondents: Annotated[
        list[str] | None, typer.Option(help="Only these respondents, separated by commas; may be repeated.")
    ] = None,
    id_column: IdColumn = None,
    model: Annotated[
        str | None, typer.Option(help="For the builders summary and summary+json: who writes the portraits.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="For the same: the run that keeps the portraits.")] = None,
    words: Annotated[int, typer.Option(help="For the same: longest portrait, in words.", min=20)] = 500,
    base_url: ro.BaseUrl = None,
    engine: ro.Engine = "openai",
    key_variable: ro.KeyVariable = None,
    temperature: ro.Temperature = 0.0,
    max_tokens: ro.MaxTokens = None,
    prompts: ro.Prompts = None,
    concurrency: ro.Concurrency = 64,
    timeout: ro.Timeout = 120.0,
    cap_cost: ro.CapCost = None,
    cap_tokens: ro.CapTokens = None,
    price_in: ro.PriceIn = None,
    price_out: ro.PriceOut = None,
    json: Json = False,
) -> None:
    """Make a persona of every respondent from their own answers and attributes.

    Calibration later compares twins with people on items that both have answered: name these as targets too, not only
    new items, and keep some answers for the personas. Answers that are missing or off the scale are left out. Portraits
    (builders summary and summary+json) are written by a model, are paid for, and are kept in --run.
    """  # fmt: skip
    from truetwin.cli.output import note, print_json
    from truetwin.errors import ParameterError
    from truetwin.io import check_outputs, write_personas
    from truetwin.simulation.personas.persona_builders import BUILDERS, build_personas

    chosen = BUILDERS[builder]
    if output.suffix.lower() != ".jsonl":
        raise ParameterError(f"personas are written as JSON lines; the name of {output} must end in .jsonl")
    if "portraits" in chosen.needs and (model is None or run is None):
        raise ParameterError(
            f"the builder {chosen.name!r} has portraits written by a model: give --model and --run. Without a model, "
            "--builder distinctive makes short personas."
        )
    if "portraits" not in chosen.needs and (model or run):
        raise ParameterError(
            f"--model and --run go with the builders summary and summary+json; got {chosen.name!r}"
        )
    check_outputs([output], [answers, item_file, target_file, attributes])
    source = _source(
        answers, item_file, targets, target_file, attributes, demographics, respondents, id_column
    )
    portraits, left = None, 0
    if model and run:
        choices = ro.RunChoices(
            concurrency, timeout, 6, cap_cost, cap_tokens, None, price_in, price_out, None, None
        )
        sampling = ro.sampling_of(temperature, max_tokens, None, None)
        connection = {
            "base_url": base_url,
            "engine": engine,
            "key_variable": key_variable,
            "concurrency": concurrency,
        }
        portraits = _portraits(source, words, sampling, prompts, model, connection, run, choices)
        left = len(source.answers.respondent_ids) - len(portraits)
    personas = build_personas(source, builder, portraits=portraits)
    write_personas(personas, output)
    longest = max(p.n_characters for p in personas)
    settings = {
        "builder": chosen.name,
        "output": str(output),
        "n_personas": len(personas),
        "n_without_portrait": left,
        "n_items_shown": len(source.shown_columns),
        "items_hidden": sorted(source.hidden),
        "items_without_text": list(source.without_text),
        "longest_in_characters": longest,
    }
    if json:
        print_json("personas build", settings, [])
    else:
        _tell(settings, has_targets=bool(source.targets))
    if left:
        note(
            f"{left} respondents have no portrait and so no persona; run the same command again to ask for them anew"
        )
        raise typer.Exit(1)


@app.command("fine-tune")
def fine_tune_command(
    answers: Answers,
    personas: Annotated[Path, typer.Option(help="Personas that show none of the items to be learned.")],
    items: Annotated[Path, typer.Option(help="Item file: the items to learn from, and the targets.")],
    output: Annotated[
        Path, typer.Option(help="Folder for train.jsonl, validation.jsonl and fine-tuning.json.")
    ],
    targets: Targets = None,
    target_file: TargetFile = None,
    people: Annotated[
        int | None, typer.Option(help="Learn from this many people, drawn at random (the paper: 500).")
    ] = None,
    validation: Annotated[
        float, typer.Option(help="Share of them kept for validation, whole persons.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    id_column: IdColumn = None,
    prompts: ro.Prompts = None,
    json: Json = False,
) -> None:
    """Write files to fine-tune a model on people's own answers, in the chat format of providers.

    The prompts are those of `simulate` with its default settings. Targets, their batteries and items of the same
    wording are refused. fine-tuning.json says who is learned from and who is left to measure the result on.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.errors import ParameterError
    from truetwin.io import make_folder, read_items, read_personas, read_responses
    from truetwin.simulation.personas.leaks import hidden_with
    from truetwin.simulation.survey.fine_tuning import split_people, write_fine_tuning
    from truetwin.simulation.survey.prompt_set import PromptSet
    from truetwin.simulation.survey.survey_task import SurveyTask

    learned = read_items(items)
    asked = read_items(target_file) if target_file else {}
    catalogue = {**asked, **learned}
    named = _targets(targets, asked, catalogue)
    if not named:
        raise ParameterError(
            "fine-tuning needs --targets or --target-file: the items that the model will be asked"
        )
    known = read_personas(personas)
    hidden = hidden_with(named, catalogue)
    task = SurveyTask(
        known,
        [i for i in learned.values() if i.id not in hidden],
        prompts=PromptSet(prompts),
        catalogue=catalogue,
    )
    own = read_responses(answers, id_column=id_column, items=catalogue)
    split = split_people([p.id for p in known], n_people=people, validation=validation, seed=seed)
    make_folder(output, "--output")
    counts = write_fine_tuning(task, own, output, split, targets=named, catalogue=catalogue)
    rows = [{"file": str(output / name), "examples": n} for name, n in counts.items()]
    if json:
        print_json("personas fine-tune", {"people_left_for_measuring": len(split.left)}, rows)
        return
    for row in rows:
        note(f"{row['file']}: {row['examples']} examples")
    note(
        f"{len(split.left)} people are left to measure the result on; {output / 'fine-tuning.json'} names everybody"
    )


def _source(
    answers: Path,
    item_file: Path | None,
    targets: list[str] | None,
    target_file: Path | None,
    attributes: Path | None,
    demographics: str | None,
    respondents: list[str] | None,
    id_column: str | None,
) -> PersonaSource:
    from truetwin.data import ResponseMatrix
    from truetwin.errors import DataError
    from truetwin.io import read_attributes, read_items, read_responses
    from truetwin.simulation.personas.persona_builders import DEMOGRAPHICS, PersonaSource

    asked = read_items(target_file) if target_file else {}
    declared = {**asked, **(read_items(item_file) if item_file else {})}
    own = read_responses(answers, id_column=id_column, items=declared)
    wanted = ids_of(respondents, own.respondent_ids)
    if wanted is not None:
        unknown = [w for w in wanted if w not in own.respondent_ids]
        if unknown:
            raise DataError(f"{answers} must hold all --respondents; it has no {unknown[0]!r}")
        own = ResponseMatrix(own.on_grid(wanted, own.item_ids), wanted, own.items, source=own.source)
    catalogue = {**declared, **{i.id: i for i in own.items}}
    return PersonaSource(
        own,
        catalogue,
        _targets(targets, asked, catalogue),
        read_attributes(attributes, id_column) if attributes else {},
        tuple(names_of(demographics, "attribute")) if demographics else DEMOGRAPHICS,
    )


def _targets(targets: list[str] | None, asked: Iterable[str], catalogue: Mapping[str, Item]) -> list[str]:
    from truetwin.errors import DataError
    from truetwin.registry import closest

    named = ids_of(targets, list(catalogue)) or []
    unknown = [t for t in named if t not in catalogue]
    if unknown:
        raise DataError(
            f"targets must be items of the tables or item files; there is no {unknown[0]!r}."
            f"{closest(unknown[0], list(catalogue))}"
        )
    return list(dict.fromkeys([*named, *asked]))


def _portraits(
    source: PersonaSource,
    words: int,
    sampling: Any,
    prompts: Path | None,
    model: str,
    connection: dict[str, Any],
    run: Path,
    choices: ro.RunChoices,
) -> dict[str, str]:
    from truetwin.cli.output import note
    from truetwin.errors import DataError
    from truetwin.llm import State, check_context, open_model
    from truetwin.simulation.survey.portraits import STEP, PortraitTask
    from truetwin.simulation.survey.prompt_set import PromptSet
    from truetwin.simulation.survey.survey_task import CONTEXT_TOKENS

    task = PortraitTask(source, words=words, sampling=sampling, prompts=PromptSet(prompts))
    options = choices.run_options(model, CONTEXT_TOKENS)
    check_context(task, CONTEXT_TOKENS)
    asked = open_model(model, **connection)
    with ro.run_store(run) as store:
        summary = ro.carry_out(task, asked, store, options, "portraits")
        found = {
            c.cell.persona: str(c.parsed.value) for c in store.calls(STEP) if c.parsed.state is State.VALID
        }
    disclose(asked)
    if summary.stopped:
        note(f"stopped: {summary.stopped}")
    if not found:
        raise DataError(f"no portrait was written; `truetwin runs show {run}` says why")
    return {who: found[who] for who in source.answers.respondent_ids if who in found}


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

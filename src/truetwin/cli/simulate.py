"""`truetwin simulate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.cli import batches
from truetwin.cli import dry_run as dry_runs
from truetwin.cli import model_options as ro
from truetwin.cli.export import Long, Point, ValidityFloor, check_export, check_floor, disclose, export_run
from truetwin.cli.shared_options import Json, ids_of

if TYPE_CHECKING:
    from truetwin.data import Item
    from truetwin.data.persona import Persona
    from truetwin.llm import ChatModel, RunSummary, Store
    from truetwin.simulation.questions.survey_design import Construction, SurveyDesign
    from truetwin.simulation.survey.survey_task import SurveyTask

INTERRUPTED = 130
STOPPED_BY_HAND = "interrupted"


def simulate_command(
    personas: Annotated[
        Path, typer.Option(help="Personas: .jsonl of `personas build`, or a table with id and text.")
    ],
    items: Annotated[Path, typer.Option(help="Item file: texts, categories and labels of what is asked.")],
    run: Annotated[
        Path | None,
        typer.Option(
            help="Folder that keeps the run: every prompt and raw reply. Begun, or continued if it exists."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="The provider's name of a model; scripted:FILE; generated or generated:TABLE (statistical)."
        ),
    ] = None,
    construction: Annotated[
        str | None, typer.Option(help="One of the paper's thirteen: sets model, strategy, temperature.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Ask only these items, separated by commas; may be repeated.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the answers here when done: CSV, TSV or Parquet.")
    ] = None,
    long: Long = False,
    point: Point = "expected",
    validity_floor: ValidityFloor = 0.9,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show prompts and sizes; send nothing (but a --pilot).")
    ] = False,
    pilot: Annotated[
        int,
        typer.Option(
            help="With --dry-run: make and PAY this many calls, to estimate all; --run keeps them.",
            min=0,
        ),
    ] = 0,
    show: Annotated[int, typer.Option(help="With --dry-run: how many prompts to show.", min=1)] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run; refuse to begin a new one.")
    ] = False,
    strategy: Annotated[
        str | None, typer.Option(help="default, reasoning (chain of thought) or repeat (the question first).")
    ] = None,
    elicit: Annotated[
        str, typer.Option(help="answer, distribution (in words) or logprobs (of the first token).")
    ] = "answer",
    reply: Annotated[
        str | None,
        typer.Option(
            help="code, json, or schema (structured output). [default: code; json for several items a call "
            "and for distributions]"
        ),
    ] = None,
    per_call: Annotated[
        str, typer.Option("--per-call", help="Items a call: a number, or 'block' for whole batteries.")
    ] = "1",
    order: Annotated[
        str, typer.Option(help="Of the answers shown: fixed, reversed or rotated (by --seed).")
    ] = "fixed",
    markers: Annotated[
        str | None,
        typer.Option(help="What stands for an answer: codes or letters. [default: letters for logprobs]"),
    ] = None,
    offer_off_scale: Annotated[
        bool, typer.Option("--offer-off-scale", help='Offer declared off-scale answers ("don\'t know") too.')
    ] = False,
    frame: Annotated[
        str | None,
        typer.Option(help="Prompts: survey or rating. [default: rating for rating-history personas]"),
    ] = None,
    predicted_output: Annotated[
        bool, typer.Option("--predicted-output", help="Send a likely reply along (needs json or schema).")
    ] = False,
    prompts: ro.Prompts = None,
    replicates: Annotated[int, typer.Option(help="How often each item is asked of each persona.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Of the rotation of answers, and of what a pilot draws.")] = 0,
    temperature: ro.Temperature = None,
    max_tokens: ro.MaxTokens = None,
    reasoning_effort: ro.ReasoningEffort = None,
    extra: ro.Extra = None,
    base_url: ro.BaseUrl = None,
    engine: ro.Engine = "openai",
    key_variable: ro.KeyVariable = None,
    moved: ro.Moved = False,
    context_tokens: Annotated[
        int, typer.Option("--context-tokens", help="Longest prompt that the model takes, in tokens.", min=1)
    ] = 250_000,
    concurrency: ro.Concurrency = 64,
    timeout: ro.Timeout = 120.0,
    attempts: ro.Attempts = 6,
    shard: Annotated[
        str | None, typer.Option(help="Part i/N of the personas, for many machines; see `runs merge`.")
    ] = None,
    batch: Annotated[
        bool,
        typer.Option(
            "--batch",
            help="Through the provider's batch service: collect what is done, submit what is open, and end.",
        ),
    ] = False,
    write_requests: Annotated[
        bool,
        typer.Option(
            "--write-requests",
            help="Only write request files (JSONL) beside the run, for an engine of your own.",
        ),
    ] = False,
    cap_cost: ro.CapCost = None,
    cap_tokens: ro.CapTokens = None,
    cap_requests: ro.CapRequests = None,
    price_in: ro.PriceIn = None,
    price_out: ro.PriceOut = None,
    price_cached: ro.PriceCached = None,
    prices: ro.PriceFile = None,
    json: Json = False,
) -> Any:
    """Ask twins survey items through a language model, and keep every reply.

    What is stored is never paid for again: the same command continues a run that was stopped, and asks anew only what
    failed. Ends with 1 if the run is not complete, or if fewer answers are valid than --validity-floor says.
    """  # fmt: skip
    from truetwin.errors import ParameterError
    from truetwin.io import read_items, read_personas
    from truetwin.simulation.questions.survey_design import CONSTRUCTIONS
    from truetwin.simulation.survey.prompt_set import PromptSet
    from truetwin.simulation.survey.statistical_twin import open_twin
    from truetwin.simulation.survey.survey_task import SurveyTask

    if run is None and (not dry_run or pilot):
        raise ParameterError(
            "a simulation needs --run, the folder that keeps it (only --dry-run does without)"
        )
    if pilot and not dry_run:
        raise ParameterError("--pilot goes with --dry-run")
    if export and dry_run:
        raise ParameterError("--export does not go with --dry-run: there is nothing to write")
    if sum((dry_run, batch, write_requests)) > 1:
        raise ParameterError("--dry-run, --batch and --write-requests exclude each other")
    check_floor(validity_floor)
    if export:
        check_export(export, [personas, items])
    chosen = CONSTRUCTIONS[construction] if construction else None
    model = model or (chosen.model if chosen else None)
    if not model:
        raise ParameterError("--model is missing: the name of a model (with --base-url for an endpoint of your own), "
                             "scripted:FILE, or generated")  # fmt: skip
    people, catalogue = read_personas(personas), read_items(items)
    design = _design(
        chosen,
        people,
        strategy=strategy,
        elicit=elicit,
        reply=reply,
        per_call=per_call,
        order=order,
        markers=markers,
        offer_off_scale=offer_off_scale,
        frame=frame,
        predicted_output=predicted_output,
        replicates=replicates,
        seed=seed,
    )
    sampling = ro.sampling_of(_temperature(temperature, chosen), max_tokens, reasoning_effort, extra)
    task = SurveyTask(
        people,
        _asked(catalogue, only, items),
        design,
        sampling,
        prompts=PromptSet(prompts),
        catalogue=catalogue,
        context_tokens=context_tokens,
    )
    choices = ro.RunChoices(
        concurrency, timeout, attempts, cap_cost, cap_tokens, cap_requests, price_in, price_out, price_cached, prices,
        moved, shard,
    )  # fmt: skip
    options = choices.run_options(model, context_tokens)
    _say_what_is_strange(task)
    if dry_run and not pilot:
        return dry_runs.show_dry_run(task, model, options, show, json=json)
    connection = {
        "base_url": base_url,
        "engine": engine,
        "key_variable": key_variable,
        "concurrency": concurrency,
    }
    asked = open_twin(model, task, **connection)
    assert run is not None
    with ro.run_store(run, resume=resume) as store:
        if dry_run:
            return dry_runs.show_pilot(task, asked, store, options, pilot, seed, show, json=json)
        if write_requests:
            return batches.write_requests(task, asked, store, options, json=json)
        if batch and (code := batches.advance_batches(task, asked, store, options, json=json)):
            return code
        summary = ro.carry_out(task, asked, store, options, "simulating")
        disclose(asked)
        written = export_run(store, export, long=long, point=point) if export else []
        valid = _valid_share(task, summary, store)
        return _report(summary, valid, asked, store, run, written, validity_floor, json=json)


def _design(
    construction: Construction | None,
    personas: Sequence[Persona],
    *,
    strategy: str | None,
    reply: str | None,
    per_call: str,
    markers: str | None,
    frame: str | None,
    predicted_output: bool,
    **rest: Any,
) -> SurveyDesign:
    from truetwin.errors import DataError, ParameterError
    from truetwin.simulation.questions.survey_design import BY_BLOCK, SurveyDesign

    if construction:
        if strategy not in (None, construction.strategy):
            raise ParameterError(
                f"the construction asks for --strategy {construction.strategy}; got {strategy!r}"
            )
        strategy, predicted_output = construction.strategy, predicted_output or construction.predicted_output
        other = next((p for p in personas if p.builder and p.builder != construction.builder), None)
        if other is not None:
            raise DataError(
                f"the construction takes personas of the builder {construction.builder!r}; persona {other.id!r} was "
                f"made by {other.builder!r}"
            )
    several = per_call != "1"
    if per_call != BY_BLOCK and not per_call.isdecimal():
        raise ParameterError(f"--per-call must be a number or 'block'; got {per_call!r}")
    if reply is None:
        reply = "json" if several or predicted_output or rest["elicit"] == "distribution" else "code"
    if frame is None:
        ratings = all(p.builder.startswith("rating-history") for p in personas)
        frame = "rating" if ratings else "survey"
    chosen: dict[str, Any] = {
        "strategy": strategy or "default",
        "reply": reply,
        "per_call": per_call if per_call == BY_BLOCK else int(per_call),
        "markers": markers or ("letters" if rest["elicit"] == "logprobs" else "codes"),
        "frame": frame,
        "predicted_output": predicted_output,
        **rest,
    }
    return SurveyDesign(**chosen)


def _temperature(asked: float | None, construction: Construction | None) -> float | None:
    from truetwin.errors import ParameterError

    if construction is None or asked in (None, construction.temperature):
        return asked if construction is None else construction.temperature
    raise ParameterError(
        f"the construction asks for --temperature {construction.temperature:g}; got {asked:g}"
    )


def _asked(catalogue: dict[str, Item], only: list[str] | None, source: Path) -> list[Item]:
    from truetwin.errors import DataError
    from truetwin.registry import closest

    wanted = ids_of(only, list(catalogue))
    if wanted is None:
        return list(catalogue.values())
    unknown = [w for w in wanted if w not in catalogue]
    if unknown:
        raise DataError(f"{source} must declare what --only names; it has no {unknown[0]!r}."
                        f"{closest(unknown[0], list(catalogue))}")  # fmt: skip
    return [catalogue[w] for w in wanted]


def _say_what_is_strange(task: SurveyTask) -> None:
    from truetwin.cli.output import note
    from truetwin.simulation.personas.leaks import texts_that_occur
    from truetwin.simulation.questions.question import wordings_like_codes

    found = texts_that_occur(list(task.personas.values()), task.items)
    if found:
        note(
            f"warning: the wording of {len(found)} items to be asked, such as {found[0]!r}, stands in the personas; "
            "if their answers do too, the model copies them"
        )
    unclear = [i for i in task.items if wordings_like_codes(task.questionnaire.ask(i))]
    if unclear:
        note(
            f"warning: wordings of {len(unclear)} items, such as {unclear[0].id!r}, are codes of other answers: a "
            "reply that gives the wording is taken for the code. --markers letters tells them apart"
        )


def _valid_share(task: SurveyTask, summary: RunSummary, store: Store) -> float | None:
    """Valid answers among all; where a call asks several items, each of them counts."""
    from truetwin.simulation.survey.survey_answers import collect_answers

    if all(len(group) == 1 for group in task.groups.values()):
        return summary.valid_share
    return collect_answers(store).valid_share


def _report(
    summary: RunSummary,
    valid: float | None,
    model: ChatModel,
    store: Store,
    run: Path,
    written: Sequence[Path],
    floor: float,
    *,
    json: bool,
) -> int:
    from truetwin.cli.export import print_states
    from truetwin.cli.output import note, print_json

    below = valid is not None and valid < floor
    settings = {
        "run": str(store.path),
        "model": model.describe(),
        "n_calls": summary.total,
        "asked_now": summary.asked,
        "remaining": summary.remaining,
        "valid_share": valid,
        "validity_floor": floor,
        "stopped": summary.stopped or None,
        "seconds": summary.seconds,
        "cost_now": summary.cost,
        "prompt_tokens_now": summary.usage.prompt_tokens,
        "completion_tokens_now": summary.usage.completion_tokens,
        "reasoning_tokens_now": summary.usage.reasoning_tokens,
        "failed_attempts_now": dict(summary.failed_attempts),
        "may_have_been_paid_without_answer": summary.interrupted,
        "written": [str(p) for p in written],
    }
    rows = [
        {"state": str(s), "calls": n, "share": n / max(summary.total, 1)} for s, n in summary.counts.items()
    ]
    if json:
        print_json("simulate", settings, rows)
    else:
        print_states(summary.counts, summary.total, title=f"calls of {run} ({model.name})")
        used = summary.usage
        spent = "" if summary.cost is None else f", cost {summary.cost:,.4g}"
        note(
            f"now: {summary.asked:,} calls in {summary.seconds:,.1f} s, {used.prompt_tokens:,} tokens sent, "
            f"{used.completion_tokens:,} received ({used.reasoning_tokens:,} reasoning){spent}"
        )
        if summary.failed_attempts:
            note(
                "failed attempts: "
                + ", ".join(f"{n:,} {kind}" for kind, n in summary.failed_attempts.items())
            )
        for path in written:
            note(f"written: {path}")
        if summary.stopped:
            note(f"stopped: {summary.stopped}")
        if summary.remaining:
            note(
                f"{summary.remaining:,} calls have no reply; the same command asks them again and nothing else"
            )
        if below:
            note(f"only {valid:.1%} of the answers are valid, less than the floor of {floor:.0%}; "
                 f"`truetwin runs show {run}` says why")  # fmt: skip
    if summary.stopped == STOPPED_BY_HAND:
        return INTERRUPTED
    return 1 if summary.remaining or below else 0

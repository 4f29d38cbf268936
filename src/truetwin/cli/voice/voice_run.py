"""`truetwin voice run`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from truetwin.cli.model_options import (
    Attempts,
    BaseUrl,
    CapCost,
    CapRequests,
    CapTokens,
    Concurrency,
    Engine,
    KeyVariable,
    MaxTokens,
    Moved,
    PriceCached,
    PriceFile,
    PriceIn,
    PriceOut,
    ReasoningEffort,
    RunChoices,
    Timeout,
    run_store,
    sampling_of,
)
from truetwin.cli.shared_options import Json
from truetwin.cli.voice.voice_playing import (
    ContextTokens,
    Control,
    History,
    Items,
    JudgeBaseUrl,
    JudgeEngine,
    JudgeKeyVariable,
    JudgeModel,
    JudgeTemperature,
    Limit,
    Model,
    Profiles,
    Rotations,
    RunFolder,
    Seed,
    Structured,
    Temperature,
    carry_out,
    open_player,
    protocols_of,
    show_outcomes,
    show_prompts,
    temperature_of,
    write_outcomes_of,
)


def run_command(
    items: Items,
    model: Model,
    run: RunFolder,
    protocol: Annotated[
        str,
        typer.Option(
            help="choice, reply, reply-vs-distractors, map-to-options, scoring; several by commas; 'judged': a free "
            "reply under all three judging protocols."
        ),
    ] = "choice",
    judge_model: JudgeModel = None,
    base_url: BaseUrl = None,
    engine: Engine = "openai",
    key_variable: KeyVariable = None,
    judge_base_url: JudgeBaseUrl = None,
    judge_engine: JudgeEngine = None,
    judge_key_variable: JudgeKeyVariable = None,
    history: History = 30,
    rotations: Rotations = 1,
    control: Control = "none",
    limit: Limit = None,
    seed: Seed = 0,
    profiles: Profiles = None,
    temperature: Temperature = "0",
    judge_temperature: JudgeTemperature = "0",
    max_tokens: MaxTokens = None,
    reasoning_effort: ReasoningEffort = None,
    structured: Structured = True,
    concurrency: Concurrency = 64,
    timeout: Timeout = 120.0,
    attempts: Attempts = 6,
    cap_cost: CapCost = None,
    cap_tokens: CapTokens = None,
    cap_requests: CapRequests = None,
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    price_cached: PriceCached = None,
    price_file: PriceFile = None,
    context_tokens: ContextTokens = 250_000,
    moved: Moved = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the first prompts and how many calls there are; ask nothing."),
    ] = False,
    json: Json = False,
) -> int:
    """Play the benchmark: choose replies, or write them and have them judged; then score."""
    from truetwin.cli.output import note
    from truetwin.errors import ParameterError
    from truetwin.voice.protocols.choosing import ChoiceTask
    from truetwin.voice.protocols.free_replies import ReplyTask
    from truetwin.voice.protocols.item_selection import select_items
    from truetwin.voice.protocols.outcomes import Protocol
    from truetwin.voice.protocols.playing import JUDGED, play_async
    from truetwin.voice.protocols.voice_task import Setup

    protocols = protocols_of(protocol)
    judged = [p for p in protocols if p in JUDGED]
    if judged and judge_model is None and not dry_run:
        raise ParameterError(
            f"the protocol {judged[0].value} needs a judge; name the judging model with --judge-model"
        )
    choices = RunChoices(
        concurrency,
        timeout,
        attempts,
        cap_cost,
        cap_tokens,
        cap_requests,
        price_in,
        price_out,
        price_cached,
        price_file,
        moved,
    )
    selected = select_items(items, control=control, seed=seed, limit=limit, profiles=profiles)
    sampling = sampling_of(temperature_of(temperature), max_tokens, reasoning_effort, None)
    setup = Setup(history, rotations, seed, structured, sampling, selected.about)
    if dry_run:
        kinds = [ChoiceTask] * (Protocol.CHOICE in protocols) + [ReplyTask] * (protocols != [Protocol.CHOICE])
        show_prompts([kind(selected.items, setup) for kind in kinds], json=json)
        return 0
    if judged and judge_model == model:
        note("the judge is the model that is judged; judges favour their own words")
    player = open_player(model, base_url, engine, key_variable, choices, context_tokens)
    judge = None
    if judged and judge_model is not None:
        judge = open_player(
            judge_model,
            judge_base_url or base_url,
            judge_engine or engine,
            judge_key_variable or key_variable,
            replace(choices, price_in=None, price_out=None, price_cached=None)
            if judge_model != model
            else choices,
            context_tokens,
        )
    judging = replace(setup, sampling=replace(sampling, temperature=temperature_of(judge_temperature)))
    with run_store(run) as store:
        played = carry_out(
            lambda show: play_async(
                selected.items,
                protocols,
                replace(player, progress=show),
                store,
                setup=setup,
                judge=judge and replace(judge, progress=show),
                judge_setup=judging,
            ),
            player,
            judge,
        )
        files = write_outcomes_of(run, played.outcomes)
    settings = {
        "items": dict(selected.about),
        "model": model,
        "judge": judge_model,
        "history": history,
        "rotations": rotations,
        "seed": seed,
        "stopped": played.stopped,
    }
    show_outcomes("voice run", files, selected.items, dict(played.summaries), settings, json=json)
    return 0 if played.complete else 1

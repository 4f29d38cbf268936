"""`truetwin voice judge`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
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
    History,
    Limit,
    Profiles,
    RunFolder,
    Seed,
    Structured,
    Temperature,
    carry_out,
    open_player,
    protocols_of,
    show_outcomes,
    temperature_of,
    write_outcomes_of,
)


def judge_command(
    replies: Annotated[
        Path, typer.Argument(help="Free replies: reply.jsonl of a run, or the published layout (JSONL).")
    ],
    items: Annotated[
        str,
        typer.Option(
            help="The items that were replied to: 'narrative', or a JSONL file in any known layout."
        ),
    ],
    judge_model: Annotated[
        str, typer.Option("--judge-model", help="Who judges: the provider's name, or scripted:FILE.")
    ],
    run: RunFolder,
    protocol: Annotated[
        str, typer.Option(help="reply-vs-distractors, map-to-options, scoring; several by commas.")
    ] = "reply-vs-distractors,map-to-options,scoring",
    base_url: BaseUrl = None,
    engine: Engine = "openai",
    key_variable: KeyVariable = None,
    history: History = 30,
    limit: Limit = None,
    seed: Seed = 0,
    profiles: Profiles = None,
    temperature: Temperature = "0",
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
    json: Json = False,
) -> int:
    """Have a model judge free replies, whoever wrote them: two rankings and marks; then score."""
    from truetwin.errors import AlignmentError, ParameterError
    from truetwin.io import file_hash
    from truetwin.llm import RunSummary
    from truetwin.voice.protocols.item_selection import select_items
    from truetwin.voice.protocols.outcomes import Protocol
    from truetwin.voice.protocols.playing import JUDGED, judge_replies, replies_of
    from truetwin.voice.protocols.voice_task import Setup
    from truetwin.voice.scoring.stored_answers import read_answers

    protocols = protocols_of(protocol)
    wrong = [p.value for p in protocols if p not in JUDGED]
    if wrong:
        raise ParameterError(
            f"judging protocols are {', '.join(p.value for p in JUDGED)}; {wrong[0]!r} is none"
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
    written = [o for o in read_answers(replies).outcomes if o.protocol is Protocol.REPLY]
    selected = select_items(items, seed=seed, limit=limit, profiles=profiles)
    known = {o.item_id for o in written}
    chosen = [item for item in selected.items if item.item_id in known]
    models = {o.model for o in written}
    if not chosen or len(models) != 1:
        raise AlignmentError(
            f"{replies} must hold free replies of one model to items of {items}; it has {len(written)} replies of "
            f"{len(models)} models, {len(chosen)} of them to those items"
        )
    sampling = sampling_of(temperature_of(temperature), max_tokens, reasoning_effort, None)
    about = {**selected.about, "replies": file_hash(replies)}
    rotations = 1 + max(o.run for o in written)
    setup = Setup(history, rotations, seed, structured, sampling, about)
    judge = open_player(judge_model, base_url, engine, key_variable, choices, context_tokens)
    summaries: dict[str, RunSummary] = {}
    with run_store(run) as store:
        outcomes = carry_out(
            lambda show: judge_replies(
                chosen,
                replies_of(written),
                protocols,
                replace(judge, progress=show),
                store,
                setup=setup,
                model=next(iter(models)),
                summaries=summaries,
            ),
            judge,
        )
        files = write_outcomes_of(run, outcomes)
    settings = {"replies": str(replies), "items": dict(selected.about), "judge": judge_model, "seed": seed}
    show_outcomes("voice judge", files, chosen, summaries, settings, json=json)
    return 0 if all(o.status.value not in ("failed", "unscored") for o in outcomes) else 1

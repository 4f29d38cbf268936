"""`truetwin voice generate`."""

from __future__ import annotations

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
    Timeout,
)
from truetwin.cli.shared_options import Json
from truetwin.cli.voice.voice_playing import (
    ContextTokens,
    Control,
    History,
    Items,
    Limit,
    Model,
    Profiles,
    RunFolder,
    Temperature,
)
from truetwin.cli.voice.voice_run import run_command


def generate_command(
    items: Items,
    model: Model,
    run: RunFolder,
    base_url: BaseUrl = None,
    engine: Engine = "openai",
    key_variable: KeyVariable = None,
    history: History = 30,
    repetitions: Annotated[
        int, typer.Option(help="Replies to each item, for judging in as many orders.", min=1, max=4)
    ] = 1,
    control: Control = "none",
    limit: Limit = None,
    seed: Annotated[int, typer.Option(help="Seed of swapped histories.")] = 0,
    profiles: Profiles = None,
    temperature: Temperature = "0",
    max_tokens: MaxTokens = None,
    reasoning_effort: ReasoningEffort = None,
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
        typer.Option("--dry-run", help="Show the first prompt and how many calls there are; ask nothing."),
    ] = False,
    json: Json = False,
) -> int:
    """Have a model write the replies of the personas, to be judged later."""
    return run_command(
        items,
        model,
        run,
        protocol="reply",
        base_url=base_url,
        engine=engine,
        key_variable=key_variable,
        history=history,
        rotations=repetitions,
        control=control,
        limit=limit,
        seed=seed,
        profiles=profiles,
        temperature=temperature,
        max_tokens=max_tokens,
        reasoning_effort=reasoning_effort,
        concurrency=concurrency,
        timeout=timeout,
        attempts=attempts,
        cap_cost=cap_cost,
        cap_tokens=cap_tokens,
        cap_requests=cap_requests,
        price_in=price_in,
        price_out=price_out,
        price_cached=price_cached,
        price_file=price_file,
        context_tokens=context_tokens,
        moved=moved,
        dry_run=dry_run,
        json=json,
    )

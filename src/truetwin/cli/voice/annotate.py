"""`truetwin voice annotate`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from truetwin.cli.options import Json
from truetwin.cli.run_options import (
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
from truetwin.cli.voice.playing import (
    ContextTokens,
    History,
    Items,
    Limit,
    Profiles,
    RunFolder,
    Structured,
    Temperature,
    carry_out,
    open_player,
    summary_row,
    temperature_of,
)


def annotate_command(
    items: Items,
    model: Annotated[
        str, typer.Option("--model", help="Who annotates: the provider's name, or scripted:FILE.")
    ],
    run: RunFolder,
    output: Annotated[
        Path | None,
        typer.Option(help="File for the annotations (JSONL). [default: annotations.jsonl in the run]"),
    ] = None,
    base_url: BaseUrl = None,
    engine: Engine = "openai",
    key_variable: KeyVariable = None,
    history: History = 30,
    limit: Limit = None,
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
    """Have a model say which of the six capabilities each item tests: one primary, six yes or no."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.io import check_writable
    from truetwin.llm import State
    from truetwin.voice.capabilities import CAPABILITIES, write_annotations
    from truetwin.voice.play import annotate
    from truetwin.voice.selecting import select_items
    from truetwin.voice.task import Setup

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
    selected = select_items(items, limit=limit, profiles=profiles)
    sampling = sampling_of(temperature_of(temperature), max_tokens, reasoning_effort, None)
    setup = Setup(history, structured=structured, sampling=sampling, items=selected.about)
    player = open_player(model, base_url, engine, key_variable, choices, context_tokens)
    with run_store(run) as store:
        path = output or store.path.parent / "annotations.jsonl"
        check_writable(path)
        records, summary = carry_out(
            lambda show: annotate(selected.items, replace(player, progress=show), store, setup), player
        )
        write_annotations(path, records)
    primary = Counter(record["primary"] for record in records)
    rows = [
        {
            "capability": name,
            "n": len(records),
            "primary": primary[name],
            "labelled": sum(record["labels"][name] for record in records),
        }
        for name in CAPABILITIES
    ]
    missing = len(selected.items) - len(records)
    if json:
        settings = {"items": dict(selected.about), "model": model, "output": str(path), "n_missing": missing}
        print_json("voice annotate", settings, rows, steps=[summary_row("annotate", summary)])
    else:
        columns = [
            Column("capability", "capability"),
            Column("primary", "primary", "d"),
            Column("labelled", "true", "d"),
        ]
        print_table(rows, columns, title=f"{len(records)} of {len(selected.items)} items annotated")
        if missing:
            states = [
                f"{n} {state.value}" for state, n in summary.counts.items() if n and state is not State.VALID
            ]
            note(f"{missing} items have no readable annotation: {', '.join(states) or 'not asked'}")
        note(f"annotations: {path}")
    return 0 if not missing else 1

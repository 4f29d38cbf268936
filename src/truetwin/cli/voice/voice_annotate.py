"""`truetwin voice annotate`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
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
    Items,
    Limit,
    Profiles,
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
        str | None, typer.Option("--model", help="Who annotates: the provider's name, or scripted:FILE.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", help="Folder of the run, with raw replies; the same command again continues it."
        ),
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option("--annotations", help="Take these (JSONL, by people, say) instead of asking a model."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="File for the annotations (JSONL). [default: annotations.jsonl in the run]"),
    ] = None,
    merged: Annotated[
        Path | None, typer.Option("--merged", help="Write the items with their annotations here (JSONL).")
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
    """Say which of the six capabilities each item tests, by a model or by people; merge that into the items."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.errors import ParameterError
    from truetwin.io import check_outputs
    from truetwin.llm import State
    from truetwin.voice.items.voice_items import write_voice_items
    from truetwin.voice.protocols.capability_annotation import CAPABILITIES, write_annotations
    from truetwin.voice.protocols.item_selection import select_items
    from truetwin.voice.protocols.playing import annotate
    from truetwin.voice.protocols.voice_task import Setup
    from truetwin.voice.scoring.capability_results import Annotation, merge_annotations, read_annotations

    if (annotations is None) != (model is not None and run is not None) or (annotations and (model or run)):
        raise ParameterError(
            "annotations must come from a model (--model with --run) or a file (--annotations)"
        )
    named = [path for path in (output, merged) if path]
    check_outputs(named, [Path(items) if Path(items).is_file() else None, annotations])
    selected = select_items(items, limit=limit, profiles=profiles)
    path, summary = output, None
    if annotations:
        known = read_annotations(annotations)
    else:
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
        sampling = sampling_of(temperature_of(temperature), max_tokens, reasoning_effort, None)
        setup = Setup(history, structured=structured, sampling=sampling, items=selected.about)
        player = open_player(str(model), base_url, engine, key_variable, choices, context_tokens)
        with run_store(Path(str(run))) as store:
            path = output or store.path.parent / "annotations.jsonl"
            check_outputs([path], [])
            records, summary = carry_out(
                lambda show: annotate(selected.items, replace(player, progress=show), store, setup), player
            )
        known = {record["item_id"]: Annotation.from_record(record) for record in records}
    together = merge_annotations(selected.items, known)
    if path:
        write_annotations(path, [asdict(annotation) for annotation in known.values()])
    if merged:
        write_voice_items(merged, together)
    primary = Counter(annotation.primary for annotation in known.values())
    rows = [
        {
            "capability": name,
            "n": len(known),
            "primary": primary[name],
            "labelled": sum(annotation.labels[name] for annotation in known.values()),
        }
        for name in CAPABILITIES
    ]
    missing = len(selected.items) - len(known)
    if json:
        written = {"output": path, "merged": merged}
        settings = {
            "items": dict(selected.about),
            "model": model,
            "n_missing": missing,
            **{name: str(file) for name, file in written.items() if file},
        }
        steps = [summary_row("annotate", summary)] if summary else []
        print_json("voice annotate", settings, rows, steps=steps)
    else:
        columns = [
            Column("capability", "capability"),
            Column("primary", "primary", "d"),
            Column("labelled", "true", "d"),
        ]
        print_table(rows, columns, title=f"{len(known)} of {len(selected.items)} items annotated")
        if missing:
            counts = summary.counts if summary else {}
            states = [f"{n} {state.value}" for state, n in counts.items() if n and state is not State.VALID]
            note(f"{missing} items have no readable annotation: {', '.join(states) or 'none is given'}")
        for what, file in (("annotations", path), ("items", merged)):
            if file:
                note(f"{what}: {file}")
    return 0 if not missing else 1

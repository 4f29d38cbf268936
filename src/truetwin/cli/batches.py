"""Carry out `truetwin simulate --batch` and `--write-requests`: send requests in files instead of one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.errors import ParameterError

if TYPE_CHECKING:
    from truetwin.llm import ChatModel, RunOptions, Store, Task


def write_requests(task: Task, model: ChatModel, store: Store, options: RunOptions, *, json: bool) -> int:
    """Write the requests of all unanswered cells beside the store, for software that reads such files."""
    from truetwin.cli.output import note, print_json
    from truetwin.llm.batches.batch_files import export_requests

    _no_caps(options, "--write-requests")
    written = export_requests(
        task, model, store, store.path.parent, shard=options.shard, context_limit=options.context_limit
    )
    rows = [{"file": str(each.path), "requests": each.requests} for each in written]
    if json:
        print_json("simulate", {"run": str(store.path), "waiting": store.waiting()}, rows)
    else:
        for row in rows:
            note(f"written: {row['file']} ({row['requests']:,} requests)")
        waiting = sum(store.waiting().values())
        note(f"{waiting:,} calls wait; `truetwin runs import {store.path.parent} FILE` takes replies in")
    return 1 if store.waiting() else 0


def advance_batches(task: Task, model: ChatModel, store: Store, options: RunOptions, *, json: bool) -> int:
    """Collect the replies that the provider's batch service has ready, submit open requests, and show all jobs."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.llm.batches.batch_api import collect_batches, submit_batches
    from truetwin.llm.batches.batch_files import export_requests
    from truetwin.llm.providers.openai_client import OpenAIModel

    _no_caps(options, "--batch")
    if not isinstance(model, OpenAIModel):
        raise ParameterError(f"--batch needs an OpenAI-compatible batch service; {model.name!r} is none")
    collected = collect_batches(task, model, store, prices=options.prices)
    folder = store.path.parent
    export_requests(task, model, store, folder, shard=options.shard, context_limit=options.context_limit)
    jobs = submit_batches(model, store, [folder / name for name in store.waiting()])
    rows: list[dict[str, Any]] = [
        {
            "job": job.id,
            "file": job.file,
            "status": job.status,
            "completed": job.completed,
            "failed": job.failed,
        }
        for job in [*(c.job for c in collected), *jobs]
    ]
    waiting = sum(store.waiting().values())
    if json:
        settings = {
            "run": str(store.path),
            "waiting": waiting,
            "states": {str(s): n for s, n in store.counts().items()},
        }
        print_json("simulate", settings, rows)
        return 1 if waiting else 0
    columns = [
        Column("job", "job"),
        Column("file", "file", optional=True),
        Column("status", "status"),
        Column("completed", "completed", ",d"),
        Column("failed", "failed", ",d"),
    ]
    print_table(rows, columns, title="batch jobs")
    for each in collected:
        note(
            f"collected {each.job.id}: {each.imported.answered:,} replies, {each.imported.failed:,} failures"
        )
        if each.unanswered:
            note(
                f"{each.unanswered:,} requests of {each.job.id} came back without a reply and are asked again"
            )
    if waiting:
        note(f"{waiting:,} calls wait for the provider; the same command collects them when they are done")
    return 1 if waiting else 0


def _no_caps(options: RunOptions, option: str) -> None:
    if options.caps.any:
        raise ParameterError(
            f"caps hold only if requests are sent one by one; they do not go with {option}. Give no cap, or leave "
            f"out {option}."
        )

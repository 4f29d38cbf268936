"""Carry out `truetwin simulate --batch` and `--write-requests`: send requests in files instead of one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from truetwin.errors import ParameterError

if TYPE_CHECKING:
    from truetwin.llm import ChatModel, RunOptions, Store, Task
    from truetwin.llm.batches.batch_api import Collected


def give_up_files(store: Store, files: Sequence[str]) -> None:
    """End the wait for replies to request files, so that their calls are asked again.

    Raises
    ------
    ParameterError
        If a file is not waited for.
    """
    from truetwin.cli.output import note

    waiting = store.waiting()
    names = [file.replace("\\", "/").rpartition("/")[2] for file in files]
    for file, name in zip(files, names, strict=True):
        if name not in waiting and name != "all":
            raise ParameterError(
                f"--give-up names a request file that is waited for; {file!r} is not. Waited for: "
                f"{', '.join(waiting) or 'none'}."
            )
    for name in waiting if "all" in names else dict.fromkeys(names):
        note(f"given up: {name}; {store.give_up(name):,} calls are open again")


def note_waiting(store: Store) -> int:
    """Say for which request files the run waits, and what can be done. Returns the number of calls."""
    from truetwin.cli.output import note

    waiting = store.waiting()
    number = sum(waiting.values())
    if number:
        note(
            f"{number:,} calls wait for replies to {', '.join(waiting)}: `simulate --batch` or `runs import` takes "
            "them in; `simulate --give-up FILE` asks the calls of a lost file again"
        )
    return number


def write_requests(task: Task, model: ChatModel, store: Store, options: RunOptions, *, json: bool) -> int:
    """Write the requests of all unanswered cells beside the store, for software that reads such files."""
    from truetwin.cli.output import note, print_json
    from truetwin.llm.batches.batch_files import export_requests
    from truetwin.llm.decoding_seeds import with_seeds

    _no_caps(options, "--write-requests")
    written = export_requests(
        with_seeds(task, store, options.decoding_seed),
        model,
        store,
        store.path.parent,
        shard=options.shard,
        context_limit=options.context_limit,
        may_differ=options.may_differ,
        again=options.again,
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
    from truetwin.llm.decoding_seeds import with_seeds
    from truetwin.llm.providers.openai_client import OpenAIModel
    from truetwin.simulation.survey.rereading import StoredReader

    _no_caps(options, "--batch")
    if not isinstance(model, OpenAIModel):
        raise ParameterError(f"--batch needs an OpenAI-compatible batch service; {model.name!r} is none")
    # The run may have been asked more than this command names, so that its own settings tell how replies are read.
    reader = StoredReader(store)
    collected = collect_batches(reader, model, store, prices=options.prices, under=reader.under)
    folder = store.path.parent
    asked = with_seeds(task, store, options.decoding_seed)
    export_requests(
        asked,
        model,
        store,
        folder,
        shard=options.shard,
        context_limit=options.context_limit,
        may_differ=options.may_differ,
        again=options.again,
    )
    jobs = submit_batches(model, store, [folder / name for name in store.waiting()])
    rows: list[dict[str, Any]] = [
        {
            "job": job.id,
            "file": job.file,
            "status": job.status,
            "completed": job.completed,
            "failed": job.failed,
            "reason": job.reason or None,
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
        _note_collected(each)
    for job in jobs:
        if job.status == "unknown":
            note(f"the provider does not know {job.id} any more; --give-up {job.file} asks its calls again")
    if waiting:
        note(f"{waiting:,} calls wait for the provider; the same command collects them when they are done")
    return 1 if waiting else 0


def _note_collected(collected: Collected) -> None:
    from truetwin.cli.output import note

    job, found = collected.job, collected.imported
    note(f"collected {job.id}: {found.answered:,} replies, {found.failed:,} failures")
    if job.reason:
        note(f"the provider says about {job.id}: {job.reason}")
    if found.unexpected or found.unreadable:
        note(
            f"left alone: {found.unexpected:,} lines that answer nothing open, {found.unreadable:,} unreadable"
        )
    for fault in collected.faults:
        note(f"{job.id}: {fault}")
    if collected.unanswered:
        note(f"{collected.unanswered:,} requests of {job.id} came back without a reply and are asked again")


def _no_caps(options: RunOptions, option: str) -> None:
    if options.caps.any:
        raise ParameterError(
            f"caps hold only if requests are sent one by one; they do not go with {option}. Give no cap, or leave "
            f"out {option}."
        )

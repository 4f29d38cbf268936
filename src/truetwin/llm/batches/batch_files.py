"""Write requests to files and read replies from files, in the JSON lines of batch services and local engines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from truetwin.errors import FileFormatError, ParameterError, ProviderError
from truetwin.io import check_writable, replacing
from truetwin.llm.messages import Cell, Request, Usage
from truetwin.llm.providers.chat_format import chat_body, read_completion
from truetwin.llm.running.budget import estimated_tokens
from truetwin.llm.running.pricing import Prices
from truetwin.llm.running.shards import Shard
from truetwin.llm.store.run_store import Store
from truetwin.llm.store.stored_call import Failure, storable
from truetwin.llm.task import ChatModel, Parsed, ReplyReader, State, Task
from truetwin.settings.declaration import default_of
from truetwin.settings.shared_settings import ContextLimit

ENDPOINT = "/v1/chat/completions"
_BLOCK = 500  # number of cells that are claimed at once


@dataclass(frozen=True)
class Exported:
    """File of requests, with the number of requests in it."""

    path: Path
    requests: int


@dataclass(frozen=True)
class Imported:
    """Counts of the replies in a file.

    ``answered`` cells have a reply. ``failed`` cells have none and may be asked again. ``unexpected`` lines belong to
    no request that is waited for: they were imported before, or belong to another run. ``unreadable`` lines are no
    replies.
    """

    answered: int
    failed: int
    unexpected: int
    unreadable: int


def export_requests(
    task: Task,
    model: ChatModel,
    store: Store,
    folder: Path,
    *,
    shard: Shard | None = None,
    context_limit: int = default_of(ContextLimit, "context_tokens"),
    max_requests: int = 50_000,
    max_bytes: int = 180_000_000,
) -> list[Exported]:
    """Write the requests of all cells without an answer to files ``requests-*.jsonl``.

    From then on these cells wait for :func:`import_replies`, and no process asks them. Several files are written if
    one would pass the limits of batch services.

    Parameters
    ----------
    task : Task
        What to ask.
    model : ChatModel
        The model to ask. Its name and description are recorded; nothing is sent.
    store : Store
        Where answers will go.
    folder : Path
        Where files are written; it must exist.
    shard : Shard, optional
        The part of the run to write.
    context_limit : int, default=250_000
        Longest request, in estimated tokens. A longer one is stored as skipped.
    max_requests, max_bytes : int
        Most requests and bytes in one file.

    Raises
    ------
    RunError
        If the store belongs to other settings.
    OutputError
        If the folder cannot be written to.
    """
    if max_requests < 1 or max_bytes < 1:
        raise ParameterError(
            f"a file must hold at least one request; the limits are {max_requests} and {max_bytes}"
        )
    check_writable(folder / "requests.jsonl")
    pending = _pending(task, model, store, shard or Shard(), context_limit)
    written: list[Exported] = []
    while (done := _write_file(pending, model.name, store, folder, max_requests, max_bytes)) is not None:
        written.append(done)
    store.flush()
    return written


def _pending(
    task: Task, model: ChatModel, store: Store, shard: Shard, context_limit: int
) -> Iterator[tuple[Cell, Request]]:
    cells = filter(shard.holds, task.cells())
    settings = {"task": task.settings, "model": model.describe()}
    begun: set[str] = set()
    while block := list(islice(cells, _BLOCK)):
        for step in {cell.step for cell in block} - begun:
            store.begin(step, settings)
            begun.add(step)
        for cell in store.claim(block).mine:
            request = task.request(cell)
            tokens = estimated_tokens(request)
            if tokens > context_limit:
                reason = f"about {tokens:,} tokens; the context limit is {context_limit:,}"
                store.put(cell, request, Parsed(State.SKIPPED, None, reason), attempts=0)
            else:
                yield cell, request


def _write_file(
    pending: Iterator[tuple[Cell, Request]],
    model: str,
    store: Store,
    folder: Path,
    max_requests: int,
    max_bytes: int,
) -> Exported | None:
    """Write one file of pending requests. The request that passes the limit of bytes is the last one of the file."""
    lines: list[tuple[str, Cell, Request]] = []
    path = _free_name(folder)
    with replacing(path) as (draft,), draft.open("w", encoding="utf-8") as stream:
        size = 0
        while len(lines) < max_requests and size < max_bytes:
            found = next(pending, None)
            if found is None:
                break
            cell, request = found
            name = custom_id(cell)
            body = chat_body(request, model)
            size += stream.write(
                json.dumps({"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body}) + "\n"
            )
            lines.append((name, cell, request))
    if not lines:
        path.unlink()
        return None
    store.hand_over(
        path.name, lines
    )  # comes last: a file that nobody waits for does no harm, but a wait without a file would never end
    return Exported(path, len(lines))


def _free_name(folder: Path) -> Path:
    number = 1
    while (path := folder / f"requests-{number:04d}.jsonl").exists():
        number += 1
    return path


def import_replies(
    reader: ReplyReader, store: Store, path: Path, *, prices: Prices | None = None
) -> Imported:
    """Store the replies of a file: JSON lines with ``custom_id`` and either ``response.body`` or ``error``.

    Lines may be in any order. Importing a file twice changes nothing.

    Raises
    ------
    FileFormatError
        If no line of the file is a reply.
    """
    counts = dict.fromkeys(("answered", "failed", "unexpected", "unreadable"), 0)
    taken: list[str] = []
    n_lines = 0
    with path.open("rb") as stream:
        for line in stream:
            if not line.strip():
                continue
            n_lines += 1
            name, outcome = _import_line(line, reader, store, taken, prices)
            counts[outcome] += 1
            if outcome in ("answered", "failed"):
                taken.append(name)
            if len(taken) >= _BLOCK:
                store.take_back(taken)
                taken.clear()
    store.take_back(taken)
    if n_lines and counts["unreadable"] == n_lines:
        raise FileFormatError(
            f"replies must be JSON lines with a 'custom_id' and a 'response' each; no line of {path} is one"
        )
    return Imported(**counts)


def _import_line(
    line: bytes, reader: ReplyReader, store: Store, taken: Collection[str], prices: Prices | None
) -> tuple[str, str]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return "", "unreadable"
    name = found.get("custom_id") if isinstance(found, dict) else None
    if not isinstance(name, str):
        return "", "unreadable"
    expected = None if name in taken else store.handed_over(storable(name))
    if expected is None:
        return name, "unexpected"
    cell, request = expected
    try:
        reply = read_completion(_body(found))
    except ProviderError as error:
        used = getattr(error, "usage", None) or Usage()
        store.put_failure(Failure(cell, "batch", str(error), used, _cost(used, prices)))
        store.put(cell, request, Parsed(State.PROVIDER_ERROR, None, str(error)))
        return name, "failed"
    store.put(cell, request, reader.parse(cell, reply), reply, cost=_cost(reply.usage, prices))
    return name, "answered"


def _cost(used: Usage, prices: Prices | None) -> float | None:
    counted = used.prompt_tokens or used.completion_tokens
    return prices.cost(used) if prices is not None and counted else None


def _body(line: dict[str, Any]) -> Any:
    response = line.get("response")
    response = response if isinstance(response, dict) else {}
    status = response.get("status_code", 200)
    if response.get("body") and isinstance(status, int) and status < 400:
        return response["body"]
    inner = line.get("error") or response.get("body") or "no response"
    raise ProviderError(f"the batch failed at this request: {json.dumps(inner)[:300]}")


def custom_id(cell: Cell) -> str:
    """Name a cell's request in a file by a hash, because the ids of personas and items may be private."""
    text = json.dumps([cell.step, cell.persona, cell.item, cell.replicate])
    return "tt-" + hashlib.sha256(text.encode()).hexdigest()[:40]

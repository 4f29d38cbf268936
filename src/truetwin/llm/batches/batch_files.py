"""Write requests to files and read replies from files, in the JSON lines of batch services and local engines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from truetwin.errors import FileFormatError, ParameterError, ProviderError
from truetwin.io import check_writable, replacing
from truetwin.llm.batches.reply_lines import reply_lines
from truetwin.llm.messages import Cell, Request, Usage
from truetwin.llm.providers.chat_format import chat_body, read_completion
from truetwin.llm.running.budget import estimated_tokens
from truetwin.llm.running.pricing import Prices
from truetwin.llm.running.shards import Shard
from truetwin.llm.store.asking_again import AskAgain, Round
from truetwin.llm.store.batched_run import HandedOver, Outcome
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

    ``answered`` cells have a reply. ``failed`` cells have none and may be asked again. ``unexpected`` lines answer
    nothing open: they were imported before, their cells have an answer, or they belong to another run. ``unreadable``
    lines are no replies.
    """

    answered: int
    failed: int
    unexpected: int
    unreadable: int

    def __add__(self, other: Imported) -> Imported:
        return Imported(
            self.answered + other.answered,
            self.failed + other.failed,
            self.unexpected + other.unexpected,
            self.unreadable + other.unreadable,
        )


def export_requests(
    task: Task,
    model: ChatModel,
    store: Store,
    folder: Path,
    *,
    shard: Shard | None = None,
    context_limit: int = default_of(ContextLimit, "context_tokens"),
    may_differ: Sequence[str] = (),
    again: AskAgain | None = None,
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
    may_differ : sequence of str
        Names of settings in which the stored run may differ, for example ``"model.base_url"``.
    again : AskAgain, optional
        Which cells that have an answer are asked again, and in which settings they may differ.
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
    pending = _pending(task, model, store, shard or Shard(), context_limit, may_differ, again)
    written: list[Exported] = []
    while (done := _write_file(pending, model, store, folder, max_requests, max_bytes)) is not None:
        written.append(done)
    store.flush()
    return written


def _pending(
    task: Task,
    model: ChatModel,
    store: Store,
    shard: Shard,
    context_limit: int,
    may_differ: Sequence[str],
    again: AskAgain | None,
) -> Iterator[tuple[Cell, Request]]:
    cells = filter(shard.holds, task.cells())
    settings = {"task": task.settings, "model": model.describe()}
    begun: set[str] = set()
    while block := list(islice(cells, _BLOCK)):
        for step in {cell.step for cell in block} - begun:
            store.begin(step, settings, may_differ=may_differ, again=again)
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
    model: ChatModel,
    store: Store,
    folder: Path,
    max_requests: int,
    max_bytes: int,
) -> Exported | None:
    """Write one file of pending requests. The request that passes the limit of bytes is the last one of the file."""
    lines: list[tuple[str, Cell, Request]] = []
    described = model.describe()
    path = _free_name(folder, store)
    with replacing(path) as (draft,), draft.open("w", encoding="utf-8") as stream:
        size = 0
        while len(lines) < max_requests and size < max_bytes:
            found = next(pending, None)
            if found is None:
                break
            cell, request = found
            name = custom_id(cell, path.stem.rpartition("-")[2])
            body = chat_body(request, model.name, system=not described.get("no_system"))
            body |= described.get("extra", {})
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


def _free_name(folder: Path, store: Store) -> Path:
    """Find a name that no file of the run ever had, because ids of requests hold it."""
    taken = store.request_files()
    number = 1
    while (path := folder / f"requests-{number:04d}.jsonl").exists() or path.name in taken:
        number += 1
    return path


def import_replies(
    reader: ReplyReader,
    store: Store,
    path: Path,
    *,
    prices: Prices | None = None,
    under: Callable[[str], ReplyReader] | None = None,
) -> Imported:
    """Store the replies of a file: JSON lines with ``custom_id`` and either ``response.body`` or ``error``.

    Lines may be in any order. A good reply is taken if its cell is open, whatever file the request was in. A failure
    counts for the request of its own file only. Importing a file twice changes nothing.

    Parameters
    ----------
    reader : ReplyReader
        Reader of replies under the settings of the run.
    store : Store
        Where answers go.
    path : Path
        File of replies.
    prices : Prices, optional
        Prices of tokens.
    under : callable, optional
        Makes the reader of replies to calls that were asked again, from how the settings differ (JSON); by default
        ``reader`` reads them.

    Raises
    ------
    FileFormatError
        If no line of the file is a reply.
    """
    counts = dict.fromkeys(("answered", "failed", "unexpected", "unreadable"), 0)
    taking = _Taking(reader, store, prices, under)
    for line in reply_lines(path):
        counts[taking.line(line)] += 1
    taking.write()
    n_lines = sum(counts.values())
    if n_lines and counts["unreadable"] == n_lines:
        raise FileFormatError(
            f"replies must be JSON lines with a 'custom_id' and a 'response' each; no line of {path} is one"
        )
    return Imported(**counts)


class _Taking:
    """Taking of a file's replies into a store, block by block."""

    def __init__(
        self,
        reader: ReplyReader,
        store: Store,
        prices: Prices | None,
        under: Callable[[str], ReplyReader] | None,
    ) -> None:
        self._reader, self._store, self._prices = reader, store, prices
        self._under = under
        self._readers: dict[str, ReplyReader] = {}
        self._outcomes: dict[str, Outcome] = {}  # of this block, as yet unwritten
        self._answered: set[Cell] = set()

    def line(self, line: bytes) -> str:
        """Take one line. Returns the name of its count."""
        found = _parsed(line)
        name = found.get("custom_id") if found is not None else None
        if found is None or not isinstance(name, str):
            return "unreadable"
        name = storable(name)
        asked = self._store.handed_over(name)
        if asked is None:
            return "unexpected"
        outcome = self._outcomes.get(name, asked.outcome)
        try:
            reply = read_completion(_body(found))
        except ProviderError as error:
            if outcome is not None:
                return "unexpected"
            self._fail(name, asked, error)
            return "failed"
        is_open = self._is_open(asked)
        if not is_open and outcome is Outcome.ANSWERED:
            return "unexpected"
        # The store keeps the tokens of a reply to a cell that has an answer, and not the reply.
        parsed = self._reader_in(asked.round_).parse(asked.cell, reply)
        cost = _cost(reply.usage, self._prices)
        self._store.put(asked.cell, asked.request, parsed, reply, cost=cost, round_=asked.round_)
        self._answered.add(asked.cell)
        self._note(name, Outcome.ANSWERED)
        return "answered" if is_open else "unexpected"

    def _fail(self, name: str, asked: HandedOver, error: ProviderError) -> None:
        used = getattr(error, "usage", None) or Usage()
        self._store.put_failure(Failure(asked.cell, "batch", str(error), used, _cost(used, self._prices)))
        if self._is_open(asked):
            failed = Parsed(State.PROVIDER_ERROR, None, str(error))
            self._store.put(asked.cell, asked.request, failed, round_=asked.round_)
        self._note(name, Outcome.FAILED)

    def _is_open(self, asked: HandedOver) -> bool:
        """Tell whether a reply is wanted: the cell has no answer, or one that was to be asked again."""
        if asked.cell in self._answered:
            return False
        standing = self._store.standing(asked.cell)
        return Round().asks(standing) or asked.round_.asks(standing)

    def _reader_in(self, round_: Round) -> ReplyReader:
        if round_.text is None or self._under is None:
            return self._reader
        if round_.text not in self._readers:
            self._readers[round_.text] = self._under(round_.text)
        return self._readers[round_.text]

    def _note(self, name: str, outcome: Outcome) -> None:
        self._outcomes[name] = outcome
        self._store.end_wait(name, outcome)
        if len(self._outcomes) >= _BLOCK:
            self.write()

    def write(self) -> None:
        """Write the block."""
        self._store.flush()
        self._outcomes.clear()
        self._answered.clear()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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


def custom_id(cell: Cell, file: str) -> str:
    """Name a cell's request in a file. The ids of personas and items may be private, so that a hash stands for them.

    Examples
    --------
    >>> custom_id(Cell("anna", "q1"), "0001")[-10:]
    '606bf-0001'
    """
    text = json.dumps([cell.step, cell.persona, cell.item, cell.replicate])
    return f"tt-{hashlib.sha256(text.encode()).hexdigest()[:40]}-{file}"

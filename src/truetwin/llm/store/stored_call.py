"""Turn calls and failed attempts into rows of a stored run, and back.

A row does not hold the texts of its prompt but their hashes: most prompts share most of their texts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from truetwin.llm.messages import Cell, Message, Reply, Request, Sampling, Usage
from truetwin.llm.task import Parsed, State

# A failed or skipped cell has no answer: it is asked again. One that is too long for the model is not, since the model
# would reject it again.
OPEN_STATES = frozenset({State.PROVIDER_ERROR, State.SKIPPED})
OPEN_IN_SQL = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))


@dataclass(frozen=True)
class StoredCall:
    """Stored cell of a run, with its reply and its reading.

    Parameters
    ----------
    cell : Cell
        The cell that was asked.
    parsed : Parsed
        State, value and reason.
    reply : Reply, optional
        The raw reply; None if the cell failed or was skipped.
    digest : str
        Hash of the request.
    attempts : int
        Number of attempts in the session that stored the cell, including the one that gave this reply.
    cost : float, optional
        Cost in the currency of the prices that were given; None without prices.
    time : float, optional
        Time at which it was stored, in seconds since 1970.
    setting : str, optional
        Name of the settings under which it was asked, if they are not the run's own, or if it was asked again
        (:mod:`truetwin.llm.store.asking_again`).
    """

    cell: Cell
    parsed: Parsed
    reply: Reply | None
    digest: str
    attempts: int = 1
    cost: float | None = None
    time: float = 0.0
    setting: str | None = None


@dataclass(frozen=True)
class Failure:
    """Attempt that gave no answer. ``kind`` is the reason in one word; ``usage`` holds the provider's token counts."""

    cell: Cell
    kind: str
    message: str
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None


COLUMNS = (
    "persona, item, step, replicate, state, value, reason, digest, reply, finish_reason, refusal, logprobs, model, "
    "prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost, latency, attempts, time, reasoning, "
    "seal, setting"
)
_SEAL = 22  # place of the seal in a row of these columns
_UNSEALED = (18, 20)  # latency and time: no figure rests on them
_SETTING = 23  # sealed where there is one
_TEXT, _WHOLE, _NUMBER, _NONE = (str,), (int,), (int, float), type(None)
_TYPES: tuple[tuple[type, ...], ...] = (
    _TEXT, _TEXT, _TEXT, _WHOLE, _TEXT, (str, _NONE), _TEXT, _TEXT, (str, _NONE), (str, _NONE), (str, _NONE),
    (str, _NONE), (str, _NONE), _WHOLE, _WHOLE, _WHOLE, _WHOLE, (*_NUMBER, _NONE), (*_NUMBER, _NONE), _WHOLE, _NUMBER,
    (str, _NONE), (int, _NONE), (str, _NONE),
)  # fmt: skip


def from_row(row: tuple[Any, ...]) -> StoredCall:
    """Read a row of :data:`COLUMNS`. Raises ValueError, TypeError or the like if it was damaged."""
    check_seal(row)
    reply = None
    if row[8] is not None:
        logprobs = tuple(json.loads(row[11])) if row[11] is not None else None
        reply = Reply(row[8], row[9], Usage(*row[13:17]), row[10], logprobs, row[12], row[18], row[21])
    value = None if row[5] is None else json.loads(row[5])
    parsed = Parsed(State(row[4]), value, row[6])
    return StoredCall(Cell(*row[:4]), parsed, reply, row[7], row[19], row[17], row[20], row[23])


def seal(row: Sequence[Any]) -> int:
    """Compute the checksum of a row of :data:`COLUMNS`. SQLite itself does not notice a changed byte of a text."""
    sealed = [
        row[k] if k != 17 or row[k] is None else float(row[k]) for k in range(_SEAL) if k not in _UNSEALED
    ]
    if len(row) > _SETTING and row[_SETTING] is not None:
        sealed.append(row[_SETTING])
    return zlib.crc32(json.dumps(sealed).encode())


def check_seal(row: Sequence[Any]) -> None:
    """Raise ValueError if the checksum of a row does not fit, or a value is of another type than was written.

    Rows of earlier versions have no checksum.
    """
    for value, types in zip(row, _TYPES, strict=True):
        if type(value) not in types:
            raise ValueError(f"{_named(row)} holds a value of another type than was written: {value!r:.60}")
    if row[_SEAL] is not None and row[_SEAL] != seal(row):
        raise ValueError(f"{_named(row)} has changed since it was written")
    State(row[4])


def _named(row: Sequence[Any]) -> str:
    return f"the call of persona {row[0]!r:.60} and item {row[1]!r:.60} (step {row[2]!r:.40}, replicate {row[3]!r:.40})"


def to_row(call: StoredCall, prompt: str, session: int) -> tuple[Any, ...]:
    """Return the values of a row of ``calls``: :data:`COLUMNS`, then prompt and session."""
    cell, parsed, reply = call.cell, call.parsed, call.reply
    head = (
        cell.persona, cell.item, cell.step, cell.replicate,
        parsed.state.value, value_json(parsed.value), storable(parsed.reason), call.digest,
    )  # fmt: skip
    thoughts = None if reply is None or reply.reasoning is None else storable(reply.reasoning)
    tail = (call.attempts, call.time, thoughts)
    if reply is None:
        row: tuple[Any, ...] = (*head, None, None, None, None, None, 0, 0, 0, 0, call.cost, None, *tail)
        return _sealed(row, call, prompt, session)
    used = reply.usage
    row = (
        *head, storable(reply.text), storable(reply.finish_reason), reply.refusal and storable(reply.refusal),
        None if reply.logprobs is None else json.dumps([dict(each) for each in reply.logprobs]), storable(reply.model),
        *_tokens(used), call.cost, reply.latency, *tail,
    )  # fmt: skip
    return _sealed(row, call, prompt, session)


def _sealed(row: tuple[Any, ...], call: StoredCall, prompt: str, session: int) -> tuple[Any, ...]:
    return (*row, seal((*row, None, call.setting)), call.setting, prompt, session)


def failure_row(failure: Failure, session: int) -> tuple[Any, ...]:
    """Return the values of a row of ``failures``."""
    used = failure.usage
    return (
        *key(failure.cell), failure.kind, storable(failure.message)[:500],
        *_tokens(used), failure.cost, time.time(), session,
    )  # fmt: skip


def _tokens(used: Usage) -> tuple[int, ...]:
    """Return counts of tokens as plain integers, whatever kind of number a model gave."""
    counts = (used.prompt_tokens, used.completion_tokens, used.reasoning_tokens, used.cached_tokens)
    return tuple(map(int, counts))


def key(cell: Cell) -> tuple[str, str, str, int]:
    """Return the step, persona, item and replicate of a cell: its key in every table."""
    return cell.step, cell.persona, cell.item, cell.replicate


def value_json(value: Any) -> str | None:
    """Write a parsed value as JSON; None stays None."""
    return None if value is None else json.dumps(value)


def storable(text: str) -> str:
    """Replace halves of surrogate pairs in ``text``: JSON can carry them, UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def text_id(text: str) -> str:
    """Hash ``text`` to the short name under which it is stored, the same on every machine."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:12]).decode()


def settings_seal(settings: Any) -> str:
    """Hash the settings of a step, in whatever order they stand."""
    return text_id(json.dumps(settings, sort_keys=True))


def prompt_and_texts(request: Request, known: Callable[[str], str]) -> str:
    """Write a request as JSON in which every text is replaced by its hash. ``known`` returns the hash of a text."""
    prompt: dict[str, Any] = {
        "messages": [(m.role, [known(part) for part in m.parts]) for m in request.messages]
    }
    if request.sampling.seed is not None:  # it differs from call to call; the rest does not
        prompt["seed"] = request.sampling.seed
    shared = replace(request.sampling, seed=None)
    if shared != Sampling():
        prompt["sampling"] = known(json.dumps(asdict(shared), sort_keys=True))
    if request.schema is not None:
        prompt["schema"] = known(json.dumps(request.schema))
    if request.prediction is not None:
        prompt["prediction"] = known(request.prediction)
    return json.dumps(prompt)


def to_request(prompt: str, cell: Cell, text: Callable[[str], str]) -> Request:
    """Restore the request from a stored prompt. ``text`` returns the text of a hash."""
    found: Mapping[str, Any] = json.loads(prompt)
    sampling = Sampling(**json.loads(text(found["sampling"]))) if "sampling" in found else Sampling()
    return Request(
        messages=tuple(Message(role, tuple(text(i) for i in parts)) for role, parts in found["messages"]),
        sampling=replace(sampling, seed=found["seed"]) if "seed" in found else sampling,
        schema=json.loads(text(found["schema"])) if "schema" in found else None,
        prediction=text(found["prediction"]) if "prediction" in found else None,
        cell=cell,
    )

"""Draw blinded samples for people to annotate, with the key that unblinds them.

Systematic sampling: units are put in order of their stratum, at random within it, and every k-th is taken from a
random start. Every unit has the same chance to be drawn. Means over a sample therefore need no weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np

from truetwin.errors import DataError, FileFormatError, ParameterError, UnknownNameError
from truetwin.io import replacing
from truetwin.registry import closest
from truetwin.settings.voice_settings import Stratum
from truetwin.voice.items.voice_items import LETTERS, VoiceItem
from truetwin.voice.protocols.outcomes import FOUR_WAY, Outcome, Protocol

KEY_FORMAT = "voice-sample-key/1"
MARKS = (1, 2, 3, 4, 5)
WRITTEN = "reply"
HISTORY_SHOWN = 30
STRATA: tuple[Stratum, ...] = get_args(Stratum)


def protocol_for_people(name: str) -> Protocol:
    """Look up a protocol that people can do.

    Raises
    ------
    UnknownNameError
        If there is no such protocol, or nothing in it for people to do.
    """
    known = [p.value for p in Protocol if p is not Protocol.REPLY]
    if name not in known:
        raise UnknownNameError(
            f"no protocol named {name!r} for people.{closest(name, known)} Known are {', '.join(known)}."
        )
    return Protocol(name)


@dataclass(frozen=True)
class Candidate:
    """Text to choose among others, under the letter that annotators see."""

    letter: str
    text: str


@dataclass(frozen=True)
class SampleTask:
    """Task as annotators see it: nothing in it says what is right, who wrote what, or which item it is.

    ``reference`` is the text to compare with (ranking and scoring), ``written`` the text to mark (scoring).
    """

    task_id: str
    language: str
    persona: str = ""
    history: tuple[tuple[str, str], ...] = ()
    stimulus: str = ""
    reference: str = ""
    candidates: tuple[Candidate, ...] = ()
    written: str = ""


@dataclass(frozen=True)
class KeyEntry:
    """Key of one task: the item, the model whose reply is judged, which option has which letter, what is right."""

    item_id: str
    model: str = ""
    persona_id: str = ""
    dimension: str = ""
    letters: Mapping[str, str] = field(default_factory=dict)
    answer: str | None = None


@dataclass(frozen=True)
class SampleKey:
    """Key that unblinds a sample; annotators must not see it.

    Attributes
    ----------
    sample : str
        Name of the sample, from its content.
    protocol : Protocol
        ``CHOICE``, ``REPLY_VS_DISTRACTORS``, ``MAP_TO_OPTIONS`` or ``SCORING``.
    tasks : mapping from task id to KeyEntry
        Key of each task.
    n_population : int
        Number of units that the sample was drawn from.
    seed : int
        Seed of the draw.
    """

    sample: str
    protocol: Protocol
    tasks: Mapping[str, KeyEntry]
    n_population: int
    seed: int

    @property
    def letters(self) -> tuple[str, ...]:
        """Letters of the task with the most options."""
        return tuple(LETTERS[: max((len(entry.letters) for entry in self.tasks.values()), default=0)])

    @property
    def chance(self) -> float:
        """Share of tasks that guessing gets right; NaN for marks."""
        sizes = [len(entry.letters) for entry in self.tasks.values() if entry.letters]
        return sum(1 / size for size in sizes) / len(sizes) if sizes else float("nan")

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that annotators may give."""
        return tuple(str(m) for m in MARKS) if self.protocol is Protocol.SCORING else self.letters


@dataclass(frozen=True)
class Sample:
    """Tasks for annotators, and their key."""

    tasks: tuple[SampleTask, ...]
    key: SampleKey


def draw_sample(
    items: Sequence[VoiceItem],
    protocol: Protocol,
    n: int,
    *,
    outcomes: Sequence[Outcome] = (),
    strata: Sequence[Stratum] = ("dimension", "group"),
    seed: int = 0,
) -> Sample:
    """Draw a stratified sample and blind it.

    Parameters
    ----------
    items : sequence of VoiceItem
        Items to draw from.
    protocol : Protocol
        Task of the annotators: choose the persona's own reply (``CHOICE``), rank as a judge does, in either estimand,
        or mark a written reply (``SCORING``).
    n : int
        Number of units to draw.
    outcomes : sequence of Outcome
        Written replies, for all but ``CHOICE``: outcomes of this protocol, or of ``REPLY``. Only written replies are
        drawn.
    strata : sequence of str
        Fields that the sample must mirror, in order of importance.
    seed : int
        Seed of the random choices: the units drawn, the order of tasks, and the letters of the options.

    Raises
    ------
    DataError
        If there are fewer units than ``n``, or an outcome's item is not among the items.
    ParameterError
        If the protocol is ``REPLY``, or a stratum is unknown.
    """
    if protocol is Protocol.REPLY:
        raise ParameterError("people can choose, rank or mark; the protocol 'reply' has nothing to annotate")
    strange = [s for s in strata if s not in STRATA]
    if strange:
        raise ParameterError(f"a stratum must be one of {', '.join(STRATA)}; got {strange[0]!r}")
    units = _units(items, protocol, outcomes)
    if not 1 <= n <= len(units):
        what = "items" if protocol is Protocol.CHOICE else f"written replies for protocol {protocol.value!r}"
        raise DataError(
            f"a sample must have between 1 and {len(units)} units, as there are so many {what}; got {n}"
        )
    # Other protocols draw other units: what one form shows must not give away the answers of another.
    random = np.random.default_rng([seed, list(Protocol).index(protocol)])
    drawn = [units[k] for k in _systematic([_stratum(*u, strata) for u in units], n, random)]
    width = len(str(n))
    blinded = [
        _blind(f"t{k + 1:0{width}d}", item, outcome, protocol, random)
        for k, (item, outcome) in enumerate(drawn[j] for j in random.permutation(n))
    ]
    tasks = tuple(task for task, _ in blinded)
    name = hashlib.sha256(json.dumps([asdict(t) for t in tasks], sort_keys=True).encode()).hexdigest()[:12]
    entries = {task.task_id: entry for task, entry in blinded}
    return Sample(tasks, SampleKey(name, protocol, entries, len(units), seed))


def write_key(path: str | Path, key: SampleKey) -> None:
    """Write the key as JSON, whole or not at all."""
    content = {"format": KEY_FORMAT, **asdict(key), "protocol": key.protocol.value}
    with replacing(Path(path)) as (draft,):
        draft.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_key(path: str | Path) -> SampleKey:
    """Read a key; any other file raises :class:`FileFormatError`."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.pop("format", None) != KEY_FORMAT:
            raise DataError(f"its 'format' must be {KEY_FORMAT!r}")
        tasks = {str(name): KeyEntry(**entry) for name, entry in content.pop("tasks").items()}
        return SampleKey(**{**content, "protocol": Protocol(content["protocol"]), "tasks": tasks})
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{path} must be the key of a sample ('truetwin voice sample'): {error}"
        ) from error


def _units(
    items: Sequence[VoiceItem], protocol: Protocol, outcomes: Sequence[Outcome]
) -> list[tuple[VoiceItem, Outcome | None]]:
    if protocol is Protocol.CHOICE:
        return [(item, None) for item in items]
    known = {item.item_id: item for item in items}
    units: dict[tuple[str, str], tuple[VoiceItem, Outcome | None]] = {}
    for wanted in (protocol, Protocol.REPLY):
        for outcome in outcomes:
            if outcome.protocol is not wanted or not outcome.reply.strip():
                continue
            if outcome.item_id not in known:
                raise DataError(f"every outcome's item must be among the items; {outcome.item_id!r} is not")
            units.setdefault((outcome.item_id, outcome.model), (known[outcome.item_id], outcome))
    return list(units.values())


def _stratum(item: VoiceItem, outcome: Outcome | None, strata: Sequence[Stratum]) -> tuple[str, ...]:
    values = {
        "group": item.group,
        "dimension": item.dimension,
        "language": item.language,
        "persona": item.persona.id,
        "model": outcome.model if outcome else "",
    }
    return tuple(values[s] for s in strata)


def _systematic(strata: Sequence[tuple[str, ...]], n: int, random: np.random.Generator) -> list[int]:
    total = len(strata)
    place = random.permutation(total)
    ordered = sorted(range(total), key=lambda k: (strata[k], place[k]))
    steps = random.uniform() + np.arange(n)
    return [ordered[min(int(step * total / n), total - 1)] for step in steps]


def _blind(
    task_id: str, item: VoiceItem, outcome: Outcome | None, protocol: Protocol, random: np.random.Generator
) -> tuple[SampleTask, KeyEntry]:
    shown: dict[str, Any] = {"task_id": task_id, "language": item.language}
    entry: dict[str, Any] = {
        "item_id": item.item_id,
        "persona_id": item.persona.id,
        "dimension": item.dimension,
        "model": outcome.model if outcome else "",
    }
    written = outcome.reply if outcome else ""
    turns = tuple((turn.context, turn.reply) for turn in item.history[-HISTORY_SHOWN:])
    if protocol is Protocol.SCORING:  # what the judge's prompt shows
        shown |= {"history": turns, "stimulus": item.stimulus}
        shown |= {"reference": item.true_option.text, "written": written}
        return SampleTask(**shown), KeyEntry(**entry)
    texts = {option.id: option.text for option in item.options}
    answer = item.answer
    if protocol is Protocol.CHOICE:
        shown |= {"persona": item.persona.name, "history": turns, "stimulus": item.stimulus}
    elif protocol is Protocol.MAP_TO_OPTIONS:
        shown |= {"reference": written}
    else:
        texts = {WRITTEN: written, **{option.id: option.text for option in item.distractors}}
        shown |= {"reference": item.true_option.text}
        answer = WRITTEN
    ids = sorted(texts)
    order = [ids[k] for k in random.permutation(len(ids))]
    letters = dict(zip(LETTERS, order, strict=False))
    candidates = tuple(Candidate(letter, texts[option]) for letter, option in letters.items())
    right = next(letter for letter, option in letters.items() if option == answer)
    return SampleTask(**shown, candidates=candidates), KeyEntry(**entry, letters=letters, answer=right)


def model_label(key: SampleKey, task_id: str, outcome: Outcome) -> str | None:
    """Convert a model's outcome to the label that an annotator would give; None if the model gave no answer."""
    entry = key.tasks[task_id]
    if outcome.protocol is not key.protocol:
        raise DataError(
            f"the outcome must be of protocol {key.protocol.value!r}, as the sample; item {outcome.item_id!r} is of "
            f"{outcome.protocol.value!r}"
        )
    if key.protocol not in FOUR_WAY:
        return None if outcome.score is None else f"{outcome.score:g}"
    return next((letter for letter, option in entry.letters.items() if option == outcome.picked), None)

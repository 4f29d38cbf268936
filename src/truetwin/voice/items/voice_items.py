"""Voice item: the one format of benchmark items, whatever dimension they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from truetwin.errors import DataError, FileFormatError
from truetwin.io.json_lines import read_json_lines, write_json_lines
from truetwin.voice.items.voice_dimensions import voice_dimensions

#: Name of a part of the benchmark; :data:`truetwin.voice.items.voice_dimensions.voice_dimensions` has all.
Dimension: TypeAlias = str
#: Options of a published item; those of one's own items are within the bounds.
N_OPTIONS = 4
FEWEST_OPTIONS, MOST_OPTIONS = 2, 10
#: Letters of options, in the order in which they are shown.
LETTERS = "ABCDEFGHIJ"
#: File in the folder of a run with the items that were played, as they were played.
PLAYED_ITEMS = "played-items.jsonl"


@dataclass(frozen=True)
class VoicePersona:
    """Person to be played: a user of a platform, a member of a chat, a character of a novel."""

    id: str
    name: str = ""
    traits: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Turn:
    """Earlier reply of the persona, and what it replied to; ``position`` orders turns within the source."""

    reply: str
    context: str = ""
    position: str = ""


@dataclass(frozen=True)
class Option:
    """Reply that may be chosen. ``id`` is stable; letters are assigned only when a prompt is rendered.

    ``source`` says where it comes from: ``"true"``, or whoever said or wrote the distractor.
    """

    id: str
    text: str
    source: str = ""


@dataclass(frozen=True)
class VoiceItem:
    """Benchmark item: a persona, what was said to that person, the true reply, and other replies.

    Parameters
    ----------
    item_id : str
        Unique within a file.
    dimension : str
        Part of the benchmark (paper B, section 3.2): "social", "interpersonal", "narrative", or a registered one.
    language : str
        ISO 639-1 code of the stimulus and the replies.
    persona : VoicePersona
        Person to be played.
    stimulus : str
        What the reply answers: a post, a message, a scene.
    options : tuple of Option
        Two to ten replies, in no meaningful order; published items have four.
    answer : str
        Id of the true option.
    history : tuple of Turn
        Earlier replies of the persona, oldest first; never from after the item.
    group : str
        Novel, channel or topic; cross-validation keeps the items of a group together.
    duplicate_of : str, optional
        Id of the first item with the same stimulus and true reply.
    capabilities : mapping, optional
        Annotation: ``{"primary": name, "labels": {name: bool}}``.
    provenance : mapping
        Where the item comes from; any JSON values.
    """

    item_id: str
    dimension: Dimension
    language: str
    persona: VoicePersona
    stimulus: str
    options: tuple[Option, ...]
    answer: str
    history: tuple[Turn, ...] = ()
    group: str = ""
    duplicate_of: str | None = None
    capabilities: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.dimension not in voice_dimensions:
            raise DataError(
                f"an item's dimension must be one of {', '.join(voice_dimensions)}; got {self.dimension!r} at item "
                f"{self.item_id!r}"
            )
        ids = [option.id for option in self.options]
        if not FEWEST_OPTIONS <= len(ids) <= MOST_OPTIONS or len(set(ids)) != len(ids):
            raise DataError(
                f"an item must have {FEWEST_OPTIONS} to {MOST_OPTIONS} options with different ids; item "
                f"{self.item_id!r} has {len(ids)} ({len(set(ids))} different)"
            )
        if self.answer not in ids:
            raise DataError(
                f"the answer must be one of the options; item {self.item_id!r} has {self.answer!r}"
            )

    @property
    def true_option(self) -> Option:
        """Option with the reply that the person gave."""
        return next(option for option in self.options if option.id == self.answer)

    @property
    def knows_persona(self) -> bool:
        """Whether anything is known of the person besides a name: earlier replies, traits, goals or details."""
        person = self.persona
        return bool(self.history or person.traits or person.goals or person.details)

    @property
    def distractors(self) -> tuple[Option, ...]:
        """Other options, in stored order."""
        return tuple(option for option in self.options if option.id != self.answer)

    def to_record(self) -> dict[str, Any]:
        """Convert the item to nested dictionaries and lists for JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> VoiceItem:
        """Restore an item from :meth:`to_record`; raises :class:`DataError` or KeyError/TypeError for anything else."""
        _check_texts(record, ("item_id", "dimension", "language", "stimulus", "answer"), required=True)
        _check_texts(record, ("group", "duplicate_of"))
        persona = dict(record["persona"])
        _check_texts(persona, ("id",), required=True)
        for part in (*record["options"], *record.get("history", ())):
            _check_texts(part, ("id", "text", "source", "reply", "context", "position"))
        for name in ("traits", "goals", "details"):
            persona[name] = tuple(persona.get(name, ()))
        return cls(
            **{
                **record,
                "persona": VoicePersona(**persona),
                "options": tuple(Option(**option) for option in record["options"]),
                "history": tuple(Turn(**turn) for turn in record.get("history", ())),
            }
        )


def _check_texts(record: Mapping[str, Any], names: Iterable[str], *, required: bool = False) -> None:
    for name in names:
        value = record[name] if required else record.get(name)
        if not isinstance(value, str) and (required or value is not None):
            raise DataError(f"{name!r} must be a text; got {value!r:.80}")
        if required and name.endswith("id") and not value:
            raise DataError(f"{name!r} must not be empty")


def chance(items: Sequence[VoiceItem]) -> float:
    """Return the share of items that guessing gets right: one in as many as an item has options, on average.

    Examples
    --------
    >>> options = tuple(Option(i, i) for i in "ab")
    >>> chance([VoiceItem("1", "social", "en", VoicePersona("p"), "Hi", options, "a")])
    0.5
    """
    return sum(1 / len(item.options) for item in items) / len(items) if items else float("nan")


def places_by_size(items: Sequence[VoiceItem]) -> dict[int, list[int]]:
    """Group the places of items by their number of options, the smallest number first."""
    found: dict[int, list[int]] = {}
    for place, item in enumerate(items):
        found.setdefault(len(item.options), []).append(place)
    return dict(sorted(found.items()))


def read_voice_items(path: str | Path) -> list[VoiceItem]:
    """Read items from a JSONL file of our own format; a bad line is an error that names the line."""
    path = Path(path)
    items: list[VoiceItem] = []
    seen: dict[str, int] = {}
    for number, record in read_json_lines(path):
        try:
            item = VoiceItem.from_record(record)
        except (KeyError, TypeError, ValueError, AttributeError, DataError) as error:
            raise FileFormatError(f"{path}, line {number}: not a benchmark item: {_said(error)}") from error
        if item.item_id in seen:
            raise DataError(
                f"{path}: item ids must be unique; {item.item_id!r} is on lines {seen[item.item_id]} and {number}"
            )
        seen[item.item_id] = number
        items.append(item)
    if not items:
        raise DataError(f"{path} must hold at least one item; it has none")
    return items


def _said(error: Exception) -> str:
    return f"the field {error} is missing" if isinstance(error, KeyError) else str(error)


def write_voice_items(path: str | Path, items: Iterable[VoiceItem]) -> None:
    """Write items as JSONL, whole or not at all."""
    write_json_lines(Path(path), (item.to_record() for item in items))

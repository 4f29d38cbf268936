"""Finish loading items, for all dimensions: remove leaks, mark duplicates, count both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from truetwin.errors import DataError, FileFormatError
from truetwin.io.json_lines import read_json_lines
from truetwin.voice.items.item_faults import duplicates_of, gives_away
from truetwin.voice.items.verbatim import cut_out, stands_in
from truetwin.voice.items.voice_items import N_OPTIONS, Option, Turn, VoiceItem


@dataclass(frozen=True)
class LoadReport:
    """Report on loading: what was found in the items, and what was done about it.

    Attributes
    ----------
    n_items : int
        Number of items loaded.
    found : mapping from str to tuple of str
        Ids of the items concerned, by finding. The findings are ``leak in context`` and ``leak in history`` (the true
        reply stands there word for word), ``later turn`` (a turn that is not from before the item), ``duplicate``,
        ``empty history``.
    turns_removed : mapping from str to int
        History turns left out, by finding.
    leaks_removed : bool
        Whether the leaks were removed; if not, they are only counted.
    remark : str
        What the items lack, and why, in a sentence; empty if nothing.
    """

    n_items: int
    found: Mapping[str, tuple[str, ...]]
    turns_removed: Mapping[str, int] = field(default_factory=dict)
    leaks_removed: bool = True
    remark: str = ""

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a finding: how many items, how many turns removed."""
        return [
            {
                "finding": name,
                "n": len(ids),
                "turns_removed": self.turns_removed.get(name),
                "item_ids": list(ids),
            }
            for name, ids in self.found.items()
        ]


@dataclass(frozen=True)
class Loaded:
    """Loaded items, and the report on loading them; ``layout`` is named where it is not that of the dimension."""

    items: list[VoiceItem]
    report: LoadReport
    layout: str = ""


def finish(items: Sequence[VoiceItem], later_turns: Mapping[str, int], *, remove_leaks: bool) -> Loaded:
    """Mark duplicates, remove (or only count) leaks of the true reply, and report.

    A history turn leaks if its reply has the same words as the true reply, or if the true reply of at least four
    words stands in its context; it is dropped. Where the true reply stands in the stimulus, a gap takes its place.
    """
    context_leaks: list[str] = []
    history_leaks: list[str] = []
    dropped = 0
    done = []
    for item in items:
        true = item.true_option.text
        kept = tuple(turn for turn in item.history if not gives_away(true, turn))
        if len(kept) < len(item.history):
            history_leaks.append(item.item_id)
            dropped += len(item.history) - len(kept)
        leaked = stands_in(true, item.stimulus)
        if leaked:
            context_leaks.append(item.item_id)
        if remove_leaks:
            stimulus = cut_out(true, item.stimulus) if leaked else item.stimulus
            item = replace(item, history=kept, stimulus=stimulus)
        done.append(item)
    originals = duplicates_of(done)
    done = [replace(item, duplicate_of=originals.get(item.item_id)) for item in done]
    found = {
        "leak in context": tuple(context_leaks),
        "leak in history": tuple(history_leaks),
        "later turn": tuple(later_turns),
        "duplicate": tuple(originals),
        "empty history": tuple(item.item_id for item in done if not item.history),
    }
    turns = {"later turn": sum(later_turns.values()), "leak in history": dropped if remove_leaks else 0}
    return Loaded(done, LoadReport(len(done), found, turns, remove_leaks))


def load_records(
    path: Path, record_to_item: Callable[[dict[str, Any], int, str], VoiceItem], *, remove_leaks: bool
) -> Loaded:
    """Load items from a JSONL file with one record each.

    ``record_to_item`` is called with the record, its number from 1, and its place for error messages.
    """
    items = [record_to_item(record, k, where) for k, (where, record) in enumerate(read_lines(path), 1)]
    if not items:
        raise DataError(f"{path} must hold at least one item; it has none")
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise DataError(f"{path}: item ids must be unique; {item.item_id!r} is there more than once")
        seen.add(item.item_id)
    return finish(items, {}, remove_leaks=remove_leaks)


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the records of a JSONL file, each with its place.

    A line that is no JSON object is an error that names it.
    """
    for number, record in read_json_lines(path):
        where = f"{path}, line {number}"
        if not isinstance(record, dict):
            raise FileFormatError(f"{where}: must be a JSON object; got {type(record).__name__}")
        yield where, record


def text_field(record: Mapping[str, Any], name: str, where: str) -> str:
    """Read a required field with a text (or a number, as ids may be)."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise FileFormatError(f"{where}: the field {name!r} must be a text; got {value!r:.80}")
    return str(value)


def whole_number(record: Mapping[str, Any], name: str, where: str) -> int:
    """Read a required field with a whole number."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise FileFormatError(f"{where}: {name!r} must be a whole number; got {value!r:.80}")
    return value


def indexed_options(
    record: Mapping[str, Any], answer_field: str, source: str, where: str
) -> tuple[tuple[Option, ...], str]:
    """Read options that are stored in a list; also return the id of the true one.

    Ids are ``o1`` to ``o4`` by stored position. Letters are assigned only when a prompt is rendered.
    """
    texts = record.get("choices")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise FileFormatError(f"{where}: 'choices' must be a list of texts; got {texts!r:.80}")
    if len(texts) != N_OPTIONS:
        raise DataError(f"{where}: an item must have {N_OPTIONS} options; got {len(texts)}")
    answer = record.get(answer_field)
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < N_OPTIONS:
        raise DataError(f"{where}: {answer_field!r} must be 0 to {N_OPTIONS - 1}; got {answer!r:.80}")
    options = tuple(
        Option(f"o{k + 1}", text, "true" if k == answer else source) for k, text in enumerate(texts)
    )
    return options, f"o{answer + 1}"


def marked_turn(text: object, marks: tuple[str, str], position: int, where: str) -> Turn:
    """Read a history turn written as ``"<first mark> ... <second mark> ..."``: context, then the persona's reply.

    Examples
    --------
    >>> marked_turn("AnchorPost: Rain. UserReply: Again!", ("AnchorPost:", "UserReply:"), 1, "line 1")
    Turn(reply='Again!', context='Rain.', position='1')
    """
    if not isinstance(text, str):
        raise FileFormatError(f"{where}: a history turn must be a text; got {text!r:.80}")
    first, second = marks
    context, mark, reply = text.rpartition(second)
    if not mark:
        raise FileFormatError(f"{where}: a history turn must contain {second!r}; got {text!r:.80}")
    return Turn(reply.strip(), context.strip().removeprefix(first).strip(), str(position))

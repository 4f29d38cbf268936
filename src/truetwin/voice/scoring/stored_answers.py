"""Read stored answers as outcomes, in the published layouts and our own; no model is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from truetwin.datasets.pinned_dataset import has_pin
from truetwin.datasets.twinvoice import ANSWERS, AnswerFile
from truetwin.errors import DataError, FileFormatError, MissingExtraError
from truetwin.io.json_lines import numbered_lines
from truetwin.voice.items.dimensions.social import item_id_of as social_id
from truetwin.voice.items.voice_items import PLAYED_ITEMS, VoiceItem, read_voice_items
from truetwin.voice.protocols.item_rendering import REPLY_ID
from truetwin.voice.protocols.outcomes import FORMAT, Outcome, Protocol, Status
from truetwin.voice.scoring.choice_answers import (
    interpersonal_item,
    interpersonal_outcome,
    narrative_id,
    narrative_outcome,
    social_item,
    social_outcome,
)
from truetwin.voice.scoring.generated_answers import describe_generated, generated_item
from truetwin.voice.scoring.item_matching import Content, content_of, matched, published_items, said_where

Records = Sequence[tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True)
class Answers:
    """Outcomes of one file.

    Attributes
    ----------
    path : Path
        The file.
    layout : str
        ``"own"``, ``"inspect"``, ``"social"``, ``"interpersonal"`` or ``"narrative"`` (choices), or ``"generated"``.
    outcomes : list of Outcome
        Outcomes in the file's order.
    broken_lines : tuple of int
        Numbers of lines that are no JSON: each is an item whose answer is lost, and counts as failed.
    items : list of VoiceItem, optional
        The items, where the file repeats them or they are the published ones.
    """

    path: Path
    layout: str
    outcomes: list[Outcome]
    broken_lines: tuple[int, ...] = ()
    items: list[VoiceItem] | None = None


def read_answers(
    path: str | Path, *, model: str | None = None, items: Sequence[VoiceItem] | None = None
) -> Answers:
    """Read stored answers in any known layout.

    A line that is no JSON (cut off, damaged) is an item whose answer is lost: it counts as failed and never leaves
    the denominator. A line that is JSON but contradicts itself (right answer outside the options, three options, the
    same item twice) is an error that names the line.

    Parameters
    ----------
    path : path
        JSONL, or a log (``.eval``) of the Inspect tasks.
    model : str, optional
        Name of the model; by default taken from the file's lines, its content or its name.
    items : sequence of VoiceItem, optional
        Items among which those of a published layout are found by content; by default the published ones, if they are
        on this machine.
    """
    path = Path(path)
    if path.suffix == ".eval":
        return _inspect_log(path, model)
    lines = list(_lines(path))
    records = [(number, record) for number, record in lines if record is not None]
    broken = tuple(number for number, record in lines if record is None)
    if not records:
        raise DataError(f"{path} must hold at least one stored answer; it has none")
    name = _layout_of(records, path)
    layout, published = _LAYOUTS[name], _published_as(path)
    lines_read = layout.read(path, records, model or (published.model if published else None))
    if name == "own":
        outcomes, known = [line.outcomes[0] for line in lines_read], _played_items(path, records)
    else:
        outcomes, known = _placed(lines_read, items)
    like = outcomes[0]
    outcomes += [
        Outcome(
            layout.lost_id(number),
            like.protocol,
            Status.FAILED,
            like.model,
            like.dimension,
            judge=like.judge,
            reason=f"line {number} of the file is damaged",
        )
        for number in broken
    ]
    _check_unique(outcomes, path)
    if known:
        outcomes = with_items(outcomes, known)
    return Answers(path, name, outcomes, broken, known)


def files_of(paths: Iterable[str | Path]) -> list[Path]:
    """Put the outcome files of a run in the place of its folder; files stay as they are.

    Raises
    ------
    FileFormatError
        If a folder holds no outcomes.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        here = [file for p in Protocol if (file := path / f"{p.value}.jsonl").is_file()]
        if not here:
            names = ", ".join(f"{p.value}.jsonl" for p in Protocol)
            raise FileFormatError(
                f"the folder {path} must be that of a voice run ({names}); it holds no outcomes"
            )
        found += here
    return found


def read_outcomes(paths: Iterable[Path]) -> list[Outcome]:
    """Read the outcomes of several files of stored answers, one after the other."""
    return [outcome for path in paths for outcome in read_answers(path).outcomes]


def _inspect_log(path: Path, model: str | None) -> Answers:
    try:
        from truetwin.voice.protocols.inspect_tasks import read_inspect_outcomes
    except ImportError:
        raise MissingExtraError("inspect-ai", "inspect", "reading logs of Inspect") from None
    outcomes = read_inspect_outcomes(path)
    if model:
        outcomes = [replace(outcome, model=model) for outcome in outcomes]
    return Answers(path, "inspect", outcomes)


def with_items(outcomes: Sequence[Outcome], items: Sequence[VoiceItem]) -> list[Outcome]:
    """Add persona, group and dimension of their items to outcomes."""
    known = {item.item_id: item for item in items}
    done = []
    for outcome in outcomes:
        item = known.get(outcome.item_id)
        if item is not None:
            outcome = replace(
                outcome,
                persona_id=item.persona.id,
                group=item.group,
                dimension=item.dimension,
            )
        done.append(outcome)
    return done


@dataclass(frozen=True)
class _Line:
    """Contents of one line: outcomes, the item as it repeats it, or only where in a novel the item is from."""

    outcomes: list[Outcome]
    item: VoiceItem | None = None
    place: Content | None = None


def _placed(
    lines: Sequence[_Line], items: Sequence[VoiceItem] | None
) -> tuple[list[Outcome], list[VoiceItem] | None]:
    """Find the items of a published file by content; what is to no known item keeps an id that is nobody else's."""
    known = items if items is not None else published_items(lines[0].outcomes[0].dimension)
    found: list[VoiceItem | None] = [None] * len(lines)
    if all(line.item for line in lines):
        found = matched([(line.item.item_id, content_of(line.item)) for line in lines if line.item], known)
    elif all(line.place for line in lines):
        found = matched([(line.outcomes[0].item_id, line.place) for line in lines], known, said_where)
    ids = {item.item_id for item in known} if any(found) else set()
    outcomes: list[Outcome] = []
    placed: list[VoiceItem] = []
    for line, item in zip(lines, found, strict=True):
        own = line.outcomes[0].item_id
        name = item.item_id if item else f"{own} of the file" if own in ids else own
        outcomes += [replace(outcome, item_id=name) for outcome in line.outcomes]
        best = item or (replace(line.item, item_id=name) if line.item else None)
        placed += [best] if best else []
    return outcomes, placed if len(placed) == len(lines) else None


def _social_lines(path: Path, records: Records, model: str | None) -> list[_Line]:
    name = model or _named(path, r"twin_(.+?)_merged")
    wheres = _wheres(path, records)
    return [
        _Line([social_outcome(record, n, name, where)], social_item(record, where))
        for (n, record), where in zip(records, wheres, strict=True)
    ]


def _interpersonal_lines(path: Path, records: Records, model: str | None) -> list[_Line]:
    name, wheres = model or path.stem, _wheres(path, records)
    return [
        _Line([interpersonal_outcome(record, n, name, where)], interpersonal_item(record, where))
        for (n, record), where in zip(records, wheres, strict=True)
    ]


def _narrative_lines(path: Path, records: Records, model: str | None) -> list[_Line]:
    name, wheres = model or path.stem, _wheres(path, records)
    return [
        _Line([narrative_outcome(record, n, name, where)], place=_place_of(record))
        for (n, record), where in zip(records, wheres, strict=True)
    ]


def _place_of(record: Mapping[str, Any]) -> Content | None:
    text = record.get("answer_text")
    return (record.get("chunk_id"), text.strip()) if isinstance(text, str) else None


def _generated_lines(path: Path, records: Records, model: str | None) -> list[_Line]:
    about = describe_generated(path, records)
    about = replace(about, model=model) if model else about
    wheres = _wheres(path, records)
    return [
        _Line(about.outcomes(record, n, where), generated_item(record, n, about.dimension, where))
        for (n, record), where in zip(records, wheres, strict=True)
    ]


def _own_lines(path: Path, records: Records, model: str | None) -> list[_Line]:
    lines = []
    for (n, record), where in zip(records, _wheres(path, records), strict=True):
        outcome = _own_outcome(record, n, where)
        lines.append(_Line([replace(outcome, model=model) if model else outcome]))
    return lines


def _wheres(path: Path, records: Records) -> list[str]:
    return [f"{path}, line {number}" for number, _ in records]


def _named(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.name)
    return found.group(1) if found else path.stem


def _own_outcome(record: Mapping[str, Any], number: int, where: str) -> Outcome:
    try:
        return Outcome.from_record(record)
    except (KeyError, TypeError, AttributeError, DataError) as error:
        raise FileFormatError(f"{where}: not an outcome: {error}") from error


def _played_items(path: Path, records: Sequence[tuple[int, Mapping[str, Any]]]) -> list[VoiceItem] | None:
    """Return the items that a run keeps beside its outcomes, if the outcomes are of them."""
    kept = path.parent / PLAYED_ITEMS
    if not kept.is_file():
        return None
    items = read_voice_items(kept)
    answers = {item.item_id: item.answer for item in items}
    for _, record in records:
        shown = record.get("answer")
        if record.get("item_id") not in answers or shown not in (None, REPLY_ID, answers[record["item_id"]]):
            return None
    return items


@dataclass(frozen=True)
class _Layout:
    """Layout of a file of answers: the fields by which it is recognised, how it is read, ids of lines that are lost."""

    fields: tuple[frozenset[str], ...]
    read: Callable[[Path, Records, str | None], list[_Line]]
    lost_id: Callable[[int], str]


def _line_id(number: int) -> str:
    return f"line {number}"


_LAYOUTS = {
    "own": _Layout((frozenset({"format"}),), _own_lines, _line_id),
    "social": _Layout(
        (frozenset({"line_idx", "choices", "ground_truth_index", "predicted_index"}),),
        _social_lines,
        social_id,
    ),
    "interpersonal": _Layout(
        (
            frozenset({"context", "choices", "answer_index", "predicted_choice"}),
            frozenset({"context", "choices", "answer_index", "predicted_index"}),
            frozenset({"context", "choices", "answer_idx", "predicted_choice"}),
            frozenset({"context", "choices", "answer_idx", "predicted_index"}),
        ),
        _interpersonal_lines,
        _line_id,
    ),
    "narrative": _Layout((frozenset({"chunk_id", "choice", "answer"}),), _narrative_lines, narrative_id),
    "generated": _Layout((frozenset({"lmut_reply"}),), _generated_lines, _line_id),
}


def _layout_of(records: Records, path: Path) -> str:
    """Find the layout by the fields of all lines, since the first may lack some where a model failed."""
    fields: set[str] = set().union(*(record for _, record in records))
    first = records[0][1]
    for name, layout in _LAYOUTS.items():
        if any(wanted <= fields for wanted in layout.fields) and (
            name != "own" or first.get("format") == FORMAT
        ):
            return name
    known = "; ".join(", ".join(sorted(layout.fields[0])) for layout in _LAYOUTS.values())
    raise FileFormatError(
        f"{path} must hold stored answers with the fields of a known layout ({known}); its first line has "
        f"{', '.join(sorted(first)) or 'no fields'}"
    )


def _published_as(path: Path) -> AnswerFile | None:
    """Find which published file this is, by its content."""
    return next((file for file in ANSWERS if has_pin(path, file.pin)), None)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield records with their line numbers; None for a line that is no JSON object."""
    for number, line in numbered_lines(path, errors="replace"):
        yield number, _record(line)


def _record(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _check_unique(outcomes: Sequence[Outcome], path: Path) -> None:
    seen: set[tuple[str, ...]] = set()
    for outcome in outcomes:
        key = (*map(str, outcome.key), outcome.judge)
        if key in seen:
            raise DataError(
                f"{path}: every item must be answered once a run; {outcome.item_id!r} is there more than once"
            )
        seen.add(key)

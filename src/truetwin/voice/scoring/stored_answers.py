"""Read stored answers as outcomes, in the published layouts and our own; no model is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from truetwin.datasets.pinned_dataset import has_pin
from truetwin.datasets.twinvoice import ANSWERS, AnswerFile, twinvoice
from truetwin.errors import DataError, FileFormatError, MissingExtraError
from truetwin.io.json_lines import numbered_lines
from truetwin.voice.items.dimensions import narrative, social
from truetwin.voice.items.dimensions.loading import indexed_options, text_field, whole_number
from truetwin.voice.items.voice_items import PLAYED_ITEMS, VoiceItem, read_voice_items
from truetwin.voice.protocols.item_rendering import REPLY_ID
from truetwin.voice.protocols.outcomes import FORMAT, Outcome, Protocol, Status, choice_outcome

NO_ANSWER = -1
#: Words with which the published files mark that no reply came at all, unlike a reply that could not be read.
MACHINERY = re.compile(
    r"connection|timed? ?out|rate.?limit|too many requests|service unavailable|bad gateway|internal server error"
    r"|quota|unauthorized|\b(?:429|500|502|503|504)\b",
    re.IGNORECASE,
)
_NOT_READABLE = "LLM did not return"


@dataclass(frozen=True)
class Answers:
    """Outcomes of one file.

    Attributes
    ----------
    path : Path
        The file.
    layout : str
        ``"own"``, ``"inspect"``, ``"social"``, ``"narrative"`` or ``"replies"``.
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


def read_answers(path: str | Path, *, model: str | None = None) -> Answers:
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
    """
    path = Path(path)
    if path.suffix == ".eval":
        return _inspect_log(path, model)
    lines = list(_lines(path))
    records = [(number, record) for number, record in lines if record is not None]
    broken = tuple(number for number, record in lines if record is None)
    if not records:
        raise DataError(f"{path} must hold at least one stored answer; it has none")
    layout = _layout_of(records[0][1], path)
    published = _published_as(path)
    name = model or (published.model if published else None) or _LAYOUTS[layout].model_of(path)
    outcomes = [
        _LAYOUTS[layout].read(record, number, name, f"{path}, line {number}") for number, record in records
    ]
    if model and layout == "own":
        outcomes = [replace(outcome, model=model) for outcome in outcomes]
    like = outcomes[0]
    outcomes += [
        Outcome(
            _LAYOUTS[layout].lost_id(number),
            like.protocol,
            Status.FAILED,
            like.model,
            like.dimension,
            reason=f"line {number} of the file is damaged",
        )
        for number in broken
    ]
    _check_unique(outcomes, path)
    items = _LAYOUTS[layout].items(path, records)
    if items:
        outcomes = with_items(outcomes, items)
    return Answers(path, layout, outcomes, broken, items)


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


def _social_outcome(record: Mapping[str, Any], number: int, model: str, where: str) -> Outcome:
    options, answer = indexed_options(record, "ground_truth_index", social.DISTRACTOR_SOURCE, where)
    line, picked = (whole_number(record, name, where) for name in ("line_idx", "predicted_index"))
    if picked != NO_ANSWER and not 0 <= picked < len(options):
        raise DataError(f"{where}: 'predicted_index' must be 0 to {len(options) - 1}, or -1; got {picked}")
    reason = str(record.get("reasoning") or "")
    shown = tuple(option.id for option in options)
    fields: dict[str, Any] = {
        "model": model,
        "dimension": social.DIMENSION,
        "persona_id": text_field(record, "user_id", where),
        "reason": reason,
    }
    item_id = social.item_id_of(line)
    if picked == NO_ANSWER and _is_machinery(reason):
        return Outcome(item_id, Protocol.CHOICE, Status.FAILED, shown=shown, answer=answer, **fields)
    return choice_outcome(item_id, shown, answer, None if picked == NO_ANSWER else shown[picked], **fields)


def _is_machinery(reason: str) -> bool:
    return not reason.startswith(_NOT_READABLE) and bool(MACHINERY.search(reason))


def _narrative_outcome(record: Mapping[str, Any], number: int, model: str, where: str) -> Outcome:
    shown = tuple(f"o{k}" for k in range(1, len(narrative.LETTERS) + 1))
    by_letter = dict(zip(narrative.LETTERS, shown, strict=True))
    answer = record.get("answer")
    if answer not in by_letter:
        raise DataError(f"{where}: 'answer' must be one of {', '.join(by_letter)}; got {answer!r:.80}")
    choice = record.get("choice")
    letter = choice.strip().upper() if isinstance(choice, str) else ""
    return choice_outcome(
        _narrative_id(number),
        shown,
        by_letter[answer],
        by_letter.get(letter),
        model=model,
        dimension=narrative.DIMENSION,
        persona_id=str(record.get("speaker", "")),
        details={"chunk_id": record.get("chunk_id"), "speaker": record.get("speaker")},
    )


def _reply_outcome(record: Mapping[str, Any], number: int, model: str, where: str) -> Outcome:
    line = whole_number({"line_idx": number, **record}, "line_idx", where)
    reply = record.get("lmut_reply")
    done = record.get("step1_status") == "Success" and isinstance(reply, str) and bool(reply.strip())
    return Outcome(
        _narrative_id(line),
        Protocol.REPLY,
        Status.DONE if done else Status.FAILED,
        model,
        narrative.DIMENSION,
        persona_id=text_field(record, "speaker_match_key", where),
        group=text_field(record, "source_novel", where),
        reply=str(reply) if done else "",
        reason="" if done else str(record.get("step1_status")),
        details={"true_reply": record.get("utterance", "")},
    )


def _own_outcome(record: Mapping[str, Any], number: int, model: str, where: str) -> Outcome:
    try:
        return Outcome.from_record(record)
    except (KeyError, TypeError, AttributeError, DataError) as error:
        raise FileFormatError(f"{where}: not an outcome: {error}") from error


def _narrative_id(line: int) -> str:
    return f"{narrative.DIMENSION}-{line:04d}"


def _social_items(path: Path, records: Sequence[tuple[int, Mapping[str, Any]]]) -> list[VoiceItem]:
    return [
        social.record_to_item(
            {**record, "history": []},
            record["line_idx"],
            f"{path}, line {n}",
            answer_field="ground_truth_index",
        )
        for n, record in records
    ]


def _narrative_items(path: Path, records: Sequence[tuple[int, Mapping[str, Any]]]) -> list[VoiceItem] | None:
    """Return the published items, if they are on this machine and the answers are to them, line by line."""
    if not all(map(twinvoice.is_available, (narrative_files := _narrative_paths()))):
        return None
    published = twinvoice.load("choices")
    for number, record in records:
        text = record.get("answer_text", record.get("utterance"))
        known = published[number - 1] if number <= len(published) else {}
        if (known.get("chunk_id"), known.get("utterance")) != (record.get("chunk_id"), text):
            return None
    return narrative.load(*map(twinvoice.fetch, narrative_files), remove_leaks=False).items


def _narrative_paths() -> tuple[str, str]:
    from truetwin.datasets.twinvoice import CHOICES, PROFILES

    return CHOICES, PROFILES


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
    """Layout of a file of answers: how it is recognised, and how it is read."""

    fields: frozenset[str]
    read: Callable[[Mapping[str, Any], int, str, str], Outcome]
    items: Callable[[Path, Sequence[tuple[int, Mapping[str, Any]]]], list[VoiceItem] | None]
    lost_id: Callable[[int], str]
    name_pattern: str = ""

    def model_of(self, path: Path) -> str:
        found = re.search(self.name_pattern, path.name) if self.name_pattern else None
        return found.group(1) if found else path.stem


_LAYOUTS = {
    "own": _Layout(frozenset({"format"}), _own_outcome, _played_items, lambda number: f"line {number}"),
    "social": _Layout(
        frozenset({"line_idx", "choices", "ground_truth_index", "predicted_index"}),
        _social_outcome,
        _social_items,
        social.item_id_of,
        r"twin_(.+?)_merged",
    ),
    "narrative": _Layout(
        frozenset({"chunk_id", "choice", "answer"}), _narrative_outcome, _narrative_items, _narrative_id
    ),
    "replies": _Layout(
        frozenset({"lmut_reply", "step1_status"}),
        _reply_outcome,
        _narrative_items,
        _narrative_id,
        r"generations_(?:lmut-)?(.+?)(?:_choices)?\.jsonl$",
    ),
}


def _layout_of(record: Mapping[str, Any], path: Path) -> str:
    for name, layout in _LAYOUTS.items():
        if layout.fields <= set(record) and (name != "own" or record["format"] == FORMAT):
            return name
    known = "; ".join(", ".join(sorted(layout.fields)) for layout in _LAYOUTS.values())
    raise FileFormatError(
        f"{path} must hold stored answers with the fields of a known layout ({known}); its first line has "
        f"{', '.join(sorted(record)) or 'no fields'}"
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

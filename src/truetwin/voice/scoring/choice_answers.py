"""Read published files of choices: which of four options a model took for the person's own reply, three dimensions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from truetwin.errors import DataError
from truetwin.voice.items.dimensions import interpersonal, narrative, social
from truetwin.voice.items.dimensions.loading import indexed_options, text_field, whole_number
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, choice_outcome

NO_ANSWER = -1
#: Words with which the published files mark that no reply came at all, unlike a reply that could not be read.
MACHINERY = re.compile(
    r"connection|timed? ?out|rate.?limit|too many requests|service unavailable|bad gateway|internal server error"
    r"|quota|unauthorized|\b(?:429|500|502|503|504)\b",
    re.IGNORECASE,
)
_NOT_READABLE = "LLM did not return"
_LOST = "API_ERROR"


def social_outcome(record: Mapping[str, Any], number: int, model: str, where: str) -> Outcome:
    """Read one line of a file of dimension 1."""
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


def social_item(record: Mapping[str, Any], where: str) -> VoiceItem:
    """Read the item that a line of dimension 1 repeats; its history is not there."""
    return social.record_to_item(
        {**record, "history": []}, record["line_idx"], where, answer_field="ground_truth_index"
    )


def interpersonal_outcome(record: Mapping[str, Any], number: int, model: str, where: str) -> Outcome:
    """Read one line of a file of dimension 2.

    Its lines are in no order and have no number: the item's name is drawn from its content, unless there is a number.
    """
    options, answer = indexed_options(record, _answer_field(record), interpersonal.DISTRACTOR_SOURCE, where)
    shown = tuple(option.id for option in options)
    said, place = record.get("predicted_choice"), record.get("predicted_index")
    letters = dict(zip(narrative.LETTERS, shown, strict=True))
    by_letter = letters.get(said.strip().upper()) if isinstance(said, str) else None
    by_place = None
    if isinstance(place, int) and not isinstance(place, bool) and place != NO_ANSWER:
        if not 0 <= place < len(shown):
            raise DataError(f"{where}: 'predicted_index' must be 0 to {len(shown) - 1}, or -1; got {place}")
        by_place = shown[place]
    if by_letter and by_place and by_letter != by_place:
        raise DataError(f"{where}: 'predicted_choice' and 'predicted_index' must agree; they do not")
    reason = "" if by_letter or said is None else str(said)
    fields: dict[str, Any] = {
        "model": model,
        "dimension": interpersonal.DIMENSION,
        "persona_id": str(record.get("user_id") or ""),
        "reason": reason,
    }
    item_id = _interpersonal_id(record, where)
    picked = by_letter or by_place
    if picked is None and (reason.startswith(_LOST) or MACHINERY.search(reason)):
        return Outcome(item_id, Protocol.CHOICE, Status.FAILED, shown=shown, answer=answer, **fields)
    return choice_outcome(item_id, shown, answer, picked, **fields)


def interpersonal_item(record: Mapping[str, Any], where: str) -> VoiceItem:
    """Read the item that a line of dimension 2 repeats; its history is not there."""
    known = {**record, "history": [], "answer_idx": record[_answer_field(record)]}
    known["user_id"] = str(record.get("user_id") or "")
    found = interpersonal.record_to_item(known, 0, where)
    return VoiceItem(**{**vars(found), "item_id": _interpersonal_id(record, where), "provenance": {}})


def _answer_field(record: Mapping[str, Any]) -> str:
    return "answer_index" if "answer_index" in record else "answer_idx"


def _interpersonal_id(record: Mapping[str, Any], where: str) -> str:
    if record.get("line_idx") is not None:
        return f"{interpersonal.DIMENSION}-{whole_number(record, 'line_idx', where):04d}"
    content = "\0".join([str(record.get("user_id")), str(record.get("context")), *record["choices"]])
    return f"{interpersonal.DIMENSION}-{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:12]}"


def narrative_outcome(record: Mapping[str, Any], number: int, model: str, where: str) -> Outcome:
    """Read one line of a file of dimension 3."""
    shown = tuple(f"o{k}" for k in range(1, len(narrative.LETTERS) + 1))
    by_letter = dict(zip(narrative.LETTERS, shown, strict=True))
    answer = record.get("answer")
    if answer not in by_letter:
        raise DataError(f"{where}: 'answer' must be one of {', '.join(by_letter)}; got {answer!r:.80}")
    choice = record.get("choice")
    said = choice.strip() if isinstance(choice, str) else ""
    fields: dict[str, Any] = {
        "model": model,
        "dimension": narrative.DIMENSION,
        "persona_id": str(record.get("speaker", "")),
        "details": {"chunk_id": record.get("chunk_id"), "speaker": record.get("speaker")},
    }
    item_id = narrative_id(number)
    if said.startswith(_LOST):
        failed = Status.FAILED
        return Outcome(
            item_id, Protocol.CHOICE, failed, shown=shown, answer=by_letter[answer], reason=said, **fields
        )
    return choice_outcome(item_id, shown, by_letter[answer], by_letter.get(said.upper()), **fields)


def narrative_id(line: int) -> str:
    """Make the id of the item on a line (from 1) of the published file."""
    return f"{narrative.DIMENSION}-{line:04d}"


def _is_machinery(reason: str) -> bool:
    return not reason.startswith(_NOT_READABLE) and bool(MACHINERY.search(reason))

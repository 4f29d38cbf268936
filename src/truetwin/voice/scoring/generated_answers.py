"""Read generations and judgements in the layouts of the published files, all three dimensions (paper B, appendix A).

A file holds one item a line: the item's fields, the reply that a model wrote (``lmut_reply``), and what judges made of
it. Which judgements there are is seen from the fields of all lines, since the first may have failed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import DataError
from truetwin.voice.items.dimensions import interpersonal, narrative, social
from truetwin.voice.items.dimensions.loading import indexed_options, whole_number
from truetwin.voice.items.voice_items import Option, VoiceItem, VoicePersona
from truetwin.voice.protocols.item_rendering import REPLY_ID
from truetwin.voice.protocols.outcomes import SCORE_RANGE, Outcome, Protocol, Status, choice_outcome

LETTERS = narrative.LETTERS
#: Fields that only lines with a judgement have, by protocol.
_JUDGED = {
    Protocol.REPLY_VS_DISTRACTORS: {"judge_choice_letter", "judge_choice_identity", "is_lmut_chosen"},
    Protocol.MAP_TO_OPTIONS: {"mapped_choice", "acc_gen"},
    Protocol.SCORING: {"judge_result", "score_gen_1to5"},
}
_NARRATIVE_FIELDS = {"mcq", "speaker", "speaker_match_key", "chunk_id", "utterance", "source_novel"}
_SUCCESS, _UNREADABLE = "Success", "PARSE_ERROR"
_ERROR = re.compile(r"(?:API|PARSE)_ERROR\b")
#: What follows a model's or a judge's name in the name of a published file.
_NAME_END = r"(?=_judge-|_range-|_choices|_by_|\.jsonl$)"


@dataclass(frozen=True)
class Generated:
    """Description of a file of generations, seen from all its lines.

    Attributes
    ----------
    dimension : str
        Dimension of the items.
    protocols : tuple of Protocol
        The judgements that the file holds, or ``REPLY`` alone if it holds none.
    model, judge : str
        Names of the models that wrote and judged.
    """

    dimension: str
    protocols: tuple[Protocol, ...]
    model: str
    judge: str

    def outcomes(self, record: Mapping[str, Any], number: int, where: str) -> list[Outcome]:
        """Read one line: one outcome for each judgement, or the written reply."""
        item_id = item_id_of(record, number, self.dimension, where)
        about = {"model": self.model, "dimension": self.dimension, **_person(record)}
        reply, fault = _reply(record)
        if reply:
            about["reply"] = reply
        return [self._outcome(protocol, record, item_id, fault, about, where) for protocol in self.protocols]

    def _outcome(
        self,
        protocol: Protocol,
        record: Mapping[str, Any],
        item_id: str,
        fault: str,
        about: dict[str, Any],
        where: str,
    ) -> Outcome:
        if protocol is Protocol.REPLY:
            details = {"true_reply": record.get("utterance", "")} if "utterance" in record else {}
            status = Status.FAILED if _is_lost(fault) else Status.DONE
            return Outcome(item_id, protocol, status, reason=fault, details=details, **about)
        about = {**about, "judge": str(record.get("judge_model") or self.judge)}
        if _is_lost(fault):
            return Outcome(item_id, protocol, Status.FAILED, reason=fault, **about)
        if protocol is Protocol.SCORING:
            return _marked(record, item_id, about, where)
        if fault:
            return Outcome(item_id, protocol, Status.INCORRECT, reason=fault, **about)
        read = _ranked if protocol is Protocol.REPLY_VS_DISTRACTORS else _mapped
        return read(record, item_id, about, where)


def describe_generated(path: Path, records: Sequence[tuple[int, Mapping[str, Any]]]) -> Generated:
    """Find out what a file of generations is about."""
    fields = set().union(*(record for _, record in records))
    protocols = tuple(protocol for protocol, wanted in _JUDGED.items() if wanted & fields)
    if "anchor_post" in fields:
        dimension = social.DIMENSION
    else:
        dimension = narrative.DIMENSION if fields & _NARRATIVE_FIELDS else interpersonal.DIMENSION
    first = records[0][1]
    named = str(first.get("lmut_model") or first.get("model") or "") or _named(
        path.name, "lmut-", "generations_"
    )
    return Generated(
        dimension,
        protocols or (Protocol.REPLY,),
        named or _writer_beside(path, records) or path.stem,
        _named(path.name, "_by_", "judge-"),
    )


def item_id_of(record: Mapping[str, Any], number: int, dimension: str, where: str) -> str:
    """Name the item of a line: by ``line_idx`` where there is one, else by the line's number."""
    known = record if record.get("line_idx") is not None else {"line_idx": number}
    return f"{dimension}-{whole_number(known, 'line_idx', where):04d}"


def generated_item(record: Mapping[str, Any], number: int, dimension: str, where: str) -> VoiceItem | None:
    """Read the item that a line repeats; None if it does not repeat all of it."""
    item_id = item_id_of(record, number, dimension, where)
    line = int(item_id.rpartition("-")[2])
    if "choices" in record and "answer_idx" in record:
        if dimension == social.DIMENSION:
            return social.record_to_item({"history": [], **record}, line, where)
        if dimension == interpersonal.DIMENSION:
            known = {"history": [], **record, "user_id": str(record.get("user_id") or "")}
            return interpersonal.record_to_item(known, line, where)
    if dimension != narrative.DIMENSION:
        return None
    options = _narrative_options(record, where)
    if options is None or not isinstance(record.get("context"), str):
        return None
    return VoiceItem(
        item_id,
        dimension,
        narrative.LANGUAGE,
        VoicePersona(_person(record)["persona_id"]),
        record["context"],
        *options,
        group=_person(record)["group"],
        provenance={"dataset": "twinvoice", "line": line, "chunk_id": record.get("chunk_id")},
    )


def _narrative_options(record: Mapping[str, Any], where: str) -> tuple[tuple[Option, ...], str] | None:
    listed = record.get("mcq")
    if not isinstance(listed, Mapping):
        return indexed_options(record, "answer_idx", "model", where) if "choices" in record else None
    texts, letter = listed.get("options"), str(listed.get("answer"))
    if not isinstance(texts, Mapping) or set(texts) != set(LETTERS) or letter not in texts:
        raise DataError(
            f"{where}: 'mcq' must have the options {', '.join(LETTERS)} and the right one; got {listed!r:.80}"
        )
    numbered = {"choices": [texts[k] for k in LETTERS], "answer_idx": LETTERS.index(letter)}
    return indexed_options(numbered, "answer_idx", "model", where)


def _person(record: Mapping[str, Any]) -> dict[str, str]:
    person = record.get("user_id") or record.get("speaker_match_key") or record.get("speaker") or ""
    return {"persona_id": str(person), "group": str(record.get("source_novel") or "")}


def _reply(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return the reply, and why there is none (empty if there is one)."""
    said, status = record.get("lmut_reply"), record.get("step1_status")
    reply = said.strip() if isinstance(said, str) else ""
    if status is not None and status != _SUCCESS:
        return "", str(status)
    if _ERROR.match(reply):
        return "", reply
    return (str(said), "") if reply else ("", "the reply is empty")


def _is_lost(fault: str) -> bool:
    """Tell whether no reply came; one that came and could not be read counts against the model instead."""
    return bool(fault) and not fault.startswith(_UNREADABLE)


def _unscored(item_id: str, protocol: Protocol, about: Mapping[str, Any], reason: str) -> Outcome:
    return Outcome(item_id, protocol, Status.UNSCORED, reason=f"judge: {reason}", **about)


def _ranked(record: Mapping[str, Any], item_id: str, about: Mapping[str, Any], where: str) -> Outcome:
    """Read which candidate the judge found closest to the true reply: the written one, or a distractor."""
    protocol = Protocol.REPLY_VS_DISTRACTORS
    letter, chosen = _letter(record.get("judge_choice_letter")), record.get("is_lmut_chosen")
    identity = record.get("judge_choice_identity")
    status = record.get("step2_status")
    shown = _candidates(record.get("shuffled_candidates"))
    if status not in (None, _SUCCESS):
        return _unscored(item_id, protocol, about, str(status))
    is_reply = shown.get(letter or "") == REPLY_ID if letter in shown else None
    said = [
        v
        for v in (is_reply, _is_lmut(identity), chosen if isinstance(chosen, bool) else None)
        if v is not None
    ]
    if not said:
        return _unscored(item_id, protocol, about, "no choice could be read")
    if len(set(said)) > 1:
        raise DataError(
            f"{where}: the judge's letter, 'judge_choice_identity' and 'is_lmut_chosen' must agree; they do not"
        )
    picked = shown[letter] if letter in shown else REPLY_ID if said[0] else "distractor"
    order = tuple(shown.values()) if letter in shown else ()
    more = {"details": {"reason": record["judge_reasoning"]}} if record.get("judge_reasoning") else {}
    return choice_outcome(item_id, order, REPLY_ID, picked, protocol=protocol, **about, **more)


def _candidates(listed: object) -> dict[str, str]:
    """Name the candidates by letter: the written reply, and distractors by their place."""
    if not isinstance(listed, Mapping):
        return {}
    names: dict[str, str] = {}
    for letter in sorted(listed):
        entry = listed[letter]
        identity = entry.get("identity") if isinstance(entry, Mapping) else None
        names[str(letter).strip().upper()] = REPLY_ID if _is_lmut(identity) else f"distractor {letter}"
    return names if list(names.values()).count(REPLY_ID) == 1 else {}


def _is_lmut(identity: object) -> bool | None:
    return identity.strip().upper() == "LMUT" if isinstance(identity, str) and identity.strip() else None


def _mapped(record: Mapping[str, Any], item_id: str, about: Mapping[str, Any], where: str) -> Outcome:
    """Read which option the judge found closest to the written reply."""
    protocol = Protocol.MAP_TO_OPTIONS
    gold, mapped = _letter(record.get("gold_letter")), _letter(record.get("mapped_choice"))
    if gold is None:
        options = _narrative_options(record, where)
        gold = LETTERS[int(options[1][1:]) - 1] if options else None
    if gold is None:
        raise DataError(f"{where}: 'gold_letter' must be one of {', '.join(LETTERS)}")
    if mapped is None:
        raw = record.get("judge_map_raw") or record.get("judge_status") or "no option could be read"
        return _unscored(item_id, protocol, about, f"no option could be read in {str(raw)!r:.80}")
    right = record.get("acc_gen")
    if isinstance(right, bool | int | float) and bool(right) != (mapped == gold):
        raise DataError(f"{where}: 'acc_gen' must agree with 'mapped_choice' and 'gold_letter'; it does not")
    shown = {letter: f"o{k}" for k, letter in enumerate(LETTERS, 1)}
    return choice_outcome(
        item_id, tuple(shown.values()), shown[gold], shown[mapped], protocol=protocol, **about
    )


def _letter(value: object) -> str | None:
    """Read a letter of an option, or its place from 0."""
    if isinstance(value, int) and not isinstance(value, bool):
        return LETTERS[value] if 0 <= value < len(LETTERS) else None
    found = (
        re.fullmatch(r"\W*([A-Da-d])(?:\W.*)?", value.strip(), re.DOTALL) if isinstance(value, str) else None
    )
    return found.group(1).upper() if found else None


def _marked(record: Mapping[str, Any], item_id: str, about: Mapping[str, Any], where: str) -> Outcome:
    """Read the judge's mark, and the verdicts on which it rests."""
    result = record.get("judge_result")
    result = result if isinstance(result, Mapping) else {}
    marks = [
        m for m in map(_number, (record.get("score_gen_1to5"), result.get("final_score"))) if m is not None
    ]
    status = record.get("judge_status")
    low, high = SCORE_RANGE
    if not marks or not low <= marks[0] <= high:
        fault = status if status not in (None, _SUCCESS) else "no mark from 1 to 5 could be read"
        return _unscored(item_id, Protocol.SCORING, about, str(fault))
    if len(set(marks)) > 1:
        raise DataError(
            f"{where}: 'score_gen_1to5' must be the judge's 'final_score'; got {marks[0]} and {marks[1]}"
        )
    details: dict[str, Any] = {"verdicts": _verdicts(result.get("analysis"))}
    if status not in (None, _SUCCESS):
        details["state"] = str(status)  # a mark without a judgement was given by rule
    if isinstance(result.get("final_justification"), str):
        details["reason"] = result["final_justification"]
    return Outcome(item_id, Protocol.SCORING, Status.DONE, score=marks[0], details=details, **about)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _verdicts(analysis: object) -> dict[str, str]:
    """Put the judge's verdicts on the three pillars into words."""
    if not isinstance(analysis, Mapping):
        return {}
    found: dict[str, str] = {}
    for pillar, name, words in (
        ("opinion_consistency", "is_consistent", ("inconsistent", "consistent")),
        ("logical_factual_fidelity", "is_faithful", ("unfaithful", "faithful")),
        ("stylistic_similarity", "similarity_level", ()),
    ):
        part = analysis.get(pillar)
        value = part.get(name) if isinstance(part, Mapping) else part
        if isinstance(value, bool) and words:
            found[pillar] = words[value]
        elif isinstance(value, str) and value.strip():
            word = value.strip().lower()
            found[pillar] = words[word == "true"] if words and word in ("true", "false") else word
    return found


def _named(name: str, *marks: str) -> str:
    """Read a model's name that follows a mark in a file's name; empty if none does."""
    for mark in marks:
        found = re.search(rf"{re.escape(mark)}(?:lmut-)?(.+?){_NAME_END}", name)
        if found:
            return found.group(1)
    return ""


def _writer_beside(path: Path, records: Sequence[tuple[int, Mapping[str, Any]]]) -> str:
    """Find who wrote the replies, if a file of generations beside this one holds the same; empty if none does."""
    replies = {(r.get("line_idx"), r.get("lmut_reply")) for _, r in records}
    for beside in sorted(path.parent.glob("*generations_*.jsonl")):
        if beside.name != path.name and replies <= _replies_in(beside):
            return _named(beside.name, "lmut-", "generations_")
    return ""


def _replies_in(path: Path) -> set[tuple[Any, Any]]:
    found: set[tuple[Any, Any]] = set()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.add((record.get("line_idx"), record.get("lmut_reply")))
    return found

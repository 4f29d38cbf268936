"""Read the closed questions of a Qualtrics instrument (QSF)."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from truetwin.data import Item, Scale
from truetwin.data.missing_codes import LabelledCodes, divide_labels, doubt_note
from truetwin.data.no_answer_words import says_no_answer
from truetwin.errors import DataError, FileFormatError
from truetwin.io.readable_files import check_is_file, reading

_SINGLE_ANSWER = {"SAVR", "SAHR", "SACOL", "DL", "SB", "NPS"}
_MATRIX_SINGLE = {"SingleAnswer", "DL"}
#: Ends of a slider that the file leaves open.
_SLIDER = {"CSSliderMin": 0.0, "CSSliderMax": 100.0}


@dataclass
class _Instrument:
    """Items found so far, the question that each comes from, and notes for the user."""

    found: list[tuple[Item, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubtful: dict[str, LabelledCodes] = field(default_factory=dict)

    def add(self, item: Item, question: str, long_id: str) -> None:
        self.found.append((item, question, long_id))


@dataclass(frozen=True)
class _Choice:
    """Choice of a question: its code, or the text that it is recoded to, and its label."""

    code: float | None
    recoded: str
    label: str


def read_qsf(path: str | Path) -> dict[str, Item]:
    """Read the closed questions of a Qualtrics instrument; :func:`read_instrument` also gives notes."""
    return read_instrument(path)[0]


def read_instrument(path: str | Path) -> tuple[dict[str, Item], list[str]]:
    """Read the closed questions of a Qualtrics instrument.

    Single-answer multiple choice, the rows of single-answer matrices, and sliders become items under the names that
    exports use (``Q1``, ``Q2_3``), with wording, codes (recoded values where there are any) and labels. Choices such
    as "Don't know" are off-scale codes. The others are ordinal if their codes rise or fall in the order shown, and
    nominal otherwise. The rows of a matrix, and the sliders of one question, are one block. Deleted questions, and
    those without a single answer per person (free text, ranking, several answers), are left out.

    Returns
    -------
    dict of item id to Item
        The items.
    list of str
        Notes for the user.

    Raises
    ------
    FileFormatError
        If the file is no instrument.
    DataError
        If it has no closed question, or two questions would have one name.
    """
    path = check_is_file(Path(path))
    instrument = _Instrument()
    with reading(path, "a Qualtrics instrument (QSF)", "Export it again: Survey > Tools > Export survey."):
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(content, Mapping) or not isinstance(content.get("SurveyElements"), list):
            raise FileFormatError(
                f"{path} must be a Qualtrics instrument (QSF); it has no list SurveyElements"
            )
        elements = [e for e in content["SurveyElements"] if isinstance(e, Mapping)]
        deleted = _deleted(elements)
        for element in elements:
            payload = element.get("Payload")
            if element.get("Element") != "SQ" or not isinstance(payload, Mapping):
                continue
            if str(payload.get("QuestionID", element.get("PrimaryAttribute", ""))) not in deleted:
                _add_question(payload, instrument)
    if not instrument.found:
        raise DataError(f"{path} must hold at least one closed question with a single answer; it has none")
    notes = [f"{path}: {note}" for note in instrument.notes]
    return _by_name(instrument, path), [*notes, *doubt_note(str(path), instrument.doubtful)]


def _deleted(elements: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of deleted questions, which every instrument keeps in a block of type "Trash"."""
    found = set()
    for element in elements:
        payload = element.get("Payload")
        blocks = (
            payload.values() if isinstance(payload, Mapping) else payload if isinstance(payload, list) else ()
        )
        if element.get("Element") == "BL":
            for block in blocks:
                if isinstance(block, Mapping) and block.get("Type") == "Trash":
                    parts = block.get("BlockElements") or ()
                    found |= {str(p.get("QuestionID")) for p in parts if isinstance(p, Mapping)}
    return found


def _by_name(instrument: _Instrument, path: Path) -> dict[str, Item]:
    """Give each item a name of its own.

    Rows of matrices may have names that are unique within their question only; exports then write the question's tag
    before them.
    """
    short = Counter(item.id for item, _, _ in instrument.found)
    named = [
        (item if short[item.id] == 1 else replace(item, id=long_id), question)
        for item, question, long_id in instrument.found
    ]
    questions: dict[str, list[str]] = {}
    for item, question in named:
        questions.setdefault(item.id, []).append(question)
    twice = {name: asked for name, asked in questions.items() if len(asked) > 1}
    if twice:
        shown = "; ".join(f"{name!r} of {' and '.join(asked)}" for name, asked in list(twice.items())[:10])
        raise DataError(
            f"{path}: every question must have an export tag of its own; found {shown}. Change the tags in Qualtrics "
            "and export answers and instrument again, or declare the items in an item file."
        )
    return {item.id: item for item, _ in named}


def _add_question(payload: Mapping[str, Any], instrument: _Instrument) -> None:
    tag, kind = str(payload.get("DataExportTag", "")), payload.get("QuestionType")
    question = str(payload.get("QuestionID") or f"question {tag!r}")
    text = plain_text(payload.get("QuestionText"))
    choices = _entries(payload.get("Choices"), payload.get("ChoiceOrder"))
    if not choices or not tag:
        return
    if kind == "MC" and payload.get("Selector") in _SINGLE_ANSWER:
        scale = _scale(_coded(choices, payload.get("RecodeValues")), tag, instrument)
        instrument.add(Item(tag, text, scale), question, tag)
    elif kind == "Matrix" and payload.get("SubSelector") in _MATRIX_SINGLE:
        answers = _entries(payload.get("Answers"), payload.get("AnswerOrder"))
        scale = _scale(_coded(answers, payload.get("RecodeValues")), tag, instrument) if answers else None
        for name, long_id, row in _rows(tag, choices, payload.get("ChoiceDataExportTags")):
            instrument.add(
                Item(name, f"{text} {row}".strip(), scale, tag), f"{question} ({row[:40]})", long_id
            )
    elif kind == "Slider":
        low, high = (_bound(payload.get("Configuration"), end, tag, instrument) for end in _SLIDER)
        scale = Scale.numeric(low, high) if low <= high else None
        for name, long_id, row in _rows(tag, choices, payload.get("ChoiceDataExportTags")):
            instrument.add(
                Item(name, f"{text} {row}".strip(), scale, tag), f"{question} ({row[:40]})", long_id
            )


def _rows(tag: str, choices: Mapping[str, str], names: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the long name and the text of each row of a matrix or slider."""
    for key, row in choices.items():
        name = str((names.get(key) if isinstance(names, Mapping) else None) or f"{tag}_{key}")
        yield name, name if name.startswith(f"{tag}_") else f"{tag}_{name}", row


def _bound(settings: Any, end: str, tag: str, instrument: _Instrument) -> float:
    """Read an end of a slider; an empty one is Qualtrics' default."""
    given = settings.get(end) if isinstance(settings, Mapping) else None
    if given in (None, ""):
        return _SLIDER[end]
    try:
        return float(given)
    except (TypeError, ValueError):
        note = f"the end {given!r} of slider {tag!r} is no number; it is taken as {_SLIDER[end]:g}"
        instrument.notes.append(note)
        return _SLIDER[end]


def _entries(found: Any, order: Any) -> dict[str, str]:
    """Return the texts of choices or answers by key, in the order shown."""
    if isinstance(found, list):  # Qualtrics writes a list where the keys happen to be 0, 1, 2 ...
        found = {str(k): value for k, value in enumerate(found)}
    if not isinstance(found, Mapping):
        return {}
    listed = [str(k) for k in order] if isinstance(order, list) else []
    keys = list(dict.fromkeys([*listed, *found]))
    return {k: plain_text(found[k].get("Display")) for k in keys if isinstance(found.get(k), Mapping)}


def _coded(choices: Mapping[str, str], recoded: Any) -> list[_Choice]:
    """Give each choice its code: what it is recoded to, or else its key. A code may be 0, and may be a text."""
    found = []
    for key, label in choices.items():
        given = recoded.get(key) if isinstance(recoded, Mapping) else None
        text = str(key if given is None or str(given).strip() == "" else given).strip()
        try:
            found.append(_Choice(float(text), text, label))
        except ValueError:
            found.append(_Choice(None, text, label))
    return found


def _scale(choices: list[_Choice], tag: str, instrument: _Instrument) -> Scale | None:
    """Make the scale of a question, or None with a note if its choices have no codes of their own."""
    choices = [
        c for c in choices if c.code is not None or not says_no_answer(c.label)
    ]  # their cells are words
    texts = [c for c in choices if c.code is None]
    if texts:
        instrument.notes.append(
            f"choice {texts[0].label[:40]!r} of question {tag!r} is recoded to the text {texts[0].recoded!r}; the "
            "question's codes are left open"
        )
        return None
    codes = [c.code for c in choices if c.code is not None]
    if len(set(codes)) < len(codes):
        twice = next(code for code, count in Counter(codes).items() if count > 1)
        instrument.notes.append(
            f"two choices of question {tag!r} are recoded to {twice:g}; the question's codes are left open"
        )
        return None
    labels = {c.code: c.label or f"{c.code:g}" for c in choices if c.code is not None}
    found = divide_labels(labels)
    instrument.doubtful[tag] = found
    named = {
        code: text for code, text in found.on.items() if any(c.code == code and c.label for c in choices)
    }
    shown = list(found.on)
    rising, span = sorted(shown), len(shown) - 1
    if len(shown) > 2 and shown in (rising, rising[::-1]) and rising[-1] - rising[0] == span:
        return Scale.ordinal(rising[0], rising[-1], labels=named, off_scale=found.off)
    if len(shown) > 2 and shown not in (rising, rising[::-1]):
        instrument.notes.append(
            f"the codes of question {tag!r} do not follow the order in which its choices are shown; it is taken as "
            "nominal. Declare kind and categories in an item file to use the order"
        )
    return Scale.nominal(shown, labels=named, off_scale=found.off) if shown else None


def plain_text(text: Any) -> str:
    """Remove the markup from a wording."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", str(text or ""))).split())

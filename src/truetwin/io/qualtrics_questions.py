"""Turn one question of a Qualtrics instrument into items."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from truetwin.data import Item, Scale
from truetwin.data.missing_codes import LabelledCodes, divide_labels
from truetwin.data.no_answer_words import says_no_answer

_SINGLE_ANSWER = {"SAVR", "SAHR", "SACOL", "DL", "SB", "NPS"}
_MATRIX_SINGLE = {"SingleAnswer", "DL"}
#: Ends of a slider that the file leaves open.
_SLIDER = {"CSSliderMin": 0.0, "CSSliderMax": 100.0}
#: Most answers of a drill-down question that becomes items.
_MOST_ANSWERS = 200


@dataclass(frozen=True)
class FoundItem:
    """Item of an instrument.

    Attributes
    ----------
    item : Item
        The item, under its short name.
    question : str
        The question that it comes from, for messages.
    long_id : str
        Name that exports give to the item if another one has the short name, too.
    """

    item: Item
    question: str
    long_id: str


@dataclass
class Instrument:
    """Items found so far, and notes for the user."""

    found: list[FoundItem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubtful: dict[str, LabelledCodes] = field(default_factory=dict)

    def add(self, item: Item, question: str, long_id: str) -> None:
        """Add an item, with its question and its long name."""
        self.found.append(FoundItem(item, question, long_id))


@dataclass(frozen=True)
class _Choice:
    """Choice of a question: its code, or the text that it is recoded to, and its label."""

    code: float | None
    recoded: str
    label: str


def add_question(payload: Mapping[str, Any], instrument: Instrument) -> None:
    """Add the items of a question: one, one for each row or level, or none if it has no single answers."""
    tag, kind = str(payload.get("DataExportTag", "")), payload.get("QuestionType")
    question = str(payload.get("QuestionID") or f"question {tag!r}")
    text = plain_text(payload.get("QuestionText"))
    choices = entries(payload.get("Choices"), payload.get("ChoiceOrder"))
    if not choices or not tag:
        return
    if kind == "MC" and payload.get("Selector") in _SINGLE_ANSWER:
        scale = _scale(_coded(choices, payload.get("RecodeValues")), tag, instrument)
        instrument.add(Item(tag, text, scale), question, tag)
    elif kind == "Matrix" and payload.get("SubSelector") in _MATRIX_SINGLE:
        answers = entries(payload.get("Answers"), payload.get("AnswerOrder"))
        scale = _scale(_coded(answers, payload.get("RecodeValues")), tag, instrument) if answers else None
        for name, long_id, row in _rows(tag, choices, payload.get("ChoiceDataExportTags")):
            instrument.add(
                Item(name, f"{text} {row}".strip(), scale, tag), f"{question} ({row[:40]})", long_id
            )
    elif kind == "SBS":
        _add_columns(payload, tag, question, instrument)
    elif kind == "DD":
        _add_levels(payload, tag, question, instrument)
    elif kind == "Slider":
        low, high = (_bound(payload.get("Configuration"), end, tag, instrument) for end in _SLIDER)
        scale = Scale.numeric(low, high) if low <= high else None
        for name, long_id, row in _rows(tag, choices, payload.get("ChoiceDataExportTags")):
            instrument.add(
                Item(name, f"{text} {row}".strip(), scale, tag), f"{question} ({row[:40]})", long_id
            )


def _add_columns(payload: Mapping[str, Any], tag: str, question: str, instrument: Instrument) -> None:
    """Add the columns of a side-by-side question: each is a matrix with the rows that they share."""
    columns = payload.get("AdditionalQuestions")
    if isinstance(columns, list):
        columns = {str(k): column for k, column in enumerate(columns, 1)}
    text = plain_text(payload.get("QuestionText"))
    for key, column in columns.items() if isinstance(columns, Mapping) else ():
        if not isinstance(column, Mapping):
            continue
        inherited = {
            k: payload[k] for k in ("Choices", "ChoiceOrder", "Answers", "AnswerOrder") if k in payload
        }
        matrix = {**inherited, **{k: value for k, value in column.items() if value not in (None, "")}}
        heading = plain_text(column.get("QuestionText"))
        matrix["QuestionText"] = f"{text} {heading}".strip()
        matrix["DataExportTag"], matrix["QuestionID"] = f"{tag}#{key}", f"{question}#{key}"
        if matrix.setdefault("QuestionType", "Matrix") == "Matrix":
            if matrix.get("Selector") in (None, "Likert", "DL"):
                matrix.setdefault("SubSelector", "SingleAnswer")
            add_question(matrix, instrument)


def _add_levels(payload: Mapping[str, Any], tag: str, question: str, instrument: Instrument) -> None:
    """Add the levels of a drill-down question, such as country and region: nominal items.

    The codes of its answers, each of which names all levels ("France ~ Brittany"), are the categories of every level.
    At the upper levels, the first answer with a name carries it as label.
    """
    levels = entries(payload.get("Choices"), payload.get("ChoiceOrder"))
    answers = _coded(entries(payload.get("Answers"), payload.get("AnswerOrder")), payload.get("RecodeValues"))
    codes = [c.code for c in answers if c.code is not None]
    if not answers or len(codes) < len(answers) or not 1 < len(set(codes)) == len(codes) <= _MOST_ANSWERS:
        instrument.notes.append(
            f"drill-down question {tag!r} is left open: it must have 2 to {_MOST_ANSWERS} answers with codes of their "
            "own"
        )
        return
    text = plain_text(payload.get("QuestionText"))
    for level, (key, name) in enumerate(levels.items()):
        labels: dict[float, str] = {}
        for code, answer in zip(codes, answers, strict=True):
            parts = [part.strip() for part in answer.label.split("~")]
            label = parts[level] if level < len(parts) else ""
            if label and label not in labels.values():
                labels[code] = label
        item = Item(f"{tag}_{key}", f"{text} {name}".strip(), Scale.nominal(codes, labels=labels), tag)
        instrument.add(item, f"{question} ({name[:40]})", item.id)


def _rows(tag: str, choices: Mapping[str, str], names: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the long name and the text of each row of a matrix or slider."""
    for key, row in choices.items():
        name = str((names.get(key) if isinstance(names, Mapping) else None) or f"{tag}_{key}")
        yield name, name if name.startswith(f"{tag}_") else f"{tag}_{name}", row


def _bound(settings: Any, end: str, tag: str, instrument: Instrument) -> float:
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


def entries(found: Any, order: Any) -> dict[str, str]:
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


def _scale(choices: list[_Choice], tag: str, instrument: Instrument) -> Scale | None:
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

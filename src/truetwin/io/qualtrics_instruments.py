"""Read the closed questions of a Qualtrics instrument (QSF)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from truetwin.data import Item
from truetwin.data.missing_codes import doubt_note
from truetwin.errors import DataError, FileFormatError
from truetwin.io.qualtrics_loops import blocks_of, loops_of, questions_of
from truetwin.io.qualtrics_questions import FoundItem, Instrument, add_question
from truetwin.io.readable_files import check_is_file, reading


def read_qsf(path: str | Path) -> dict[str, Item]:
    """Read the closed questions of a Qualtrics instrument; :func:`read_instrument` also gives notes."""
    return read_instrument(path)[0]


def read_instrument(path: str | Path) -> tuple[dict[str, Item], list[str]]:
    """Read the closed questions of a Qualtrics instrument.

    Single-answer multiple choice, the rows of single-answer matrices (also in side-by-side questions), the levels of
    drill-down questions, and sliders become items under the names that exports use (``Q1``, ``Q2_3``, ``Q3#1_2``),
    with wording, codes (recoded values where there are any) and labels. Choices such as "Don't know" are off-scale
    codes. The others are ordinal if their codes rise or fall in the order shown, and nominal otherwise. The rows of a
    matrix, the sliders of one question, and the repetitions of a looped one (``1_Q7``, ``2_Q7``) are one block. Deleted
    questions, and those without a single answer per person (free text, ranking, several answers), are left out.

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
    instrument = Instrument()
    with reading(path, "a Qualtrics instrument (QSF)", "Export it again: Survey > Tools > Export survey."):
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(content, Mapping) or not isinstance(content.get("SurveyElements"), list):
            raise FileFormatError(
                f"{path} must be a Qualtrics instrument (QSF); it has no list SurveyElements"
            )
        elements = [e for e in content["SurveyElements"] if isinstance(e, Mapping)]
        deleted, loops = _deleted(elements), loops_of(elements)
        for element in elements:
            payload = element.get("Payload")
            if element.get("Element") != "SQ" or not isinstance(payload, Mapping):
                continue
            question = str(payload.get("QuestionID", element.get("PrimaryAttribute", "")))
            if question in deleted:
                continue
            before = len(instrument.found)
            add_question(payload, instrument)
            if question in loops:
                added = instrument.found[before:]
                instrument.found[before:] = [
                    each for item in added for each in loops[question].repeated(item)
                ]
    if not instrument.found:
        raise DataError(f"{path} must hold at least one closed question with a single answer; it has none")
    notes = [f"{path}: {note}" for note in instrument.notes]
    return _by_name(instrument, path), [*notes, *doubt_note(str(path), instrument.doubtful)]


def _deleted(elements: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of deleted questions, which every instrument keeps in a block of type "Trash"."""
    trash = [block for block in blocks_of(elements) if block.get("Type") == "Trash"]
    return {question for block in trash for question in questions_of(block)}


def _by_name(instrument: Instrument, path: Path) -> dict[str, Item]:
    """Give each item a name of its own.

    Rows of matrices may have names that are unique within their question only; exports then write the question's tag
    before them.
    """
    short = Counter(each.item.id for each in instrument.found)

    def named_item(each: FoundItem) -> Item:
        return each.item if short[each.item.id] == 1 else replace(each.item, id=each.long_id)

    named = [(named_item(each), each.question) for each in instrument.found]
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

"""Read Qualtrics files: exported answers with three header rows, and instruments (QSF)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.data import Item, Scale
from truetwin.errors import DataError, FileFormatError
from truetwin.io.readable_files import check_is_file

if TYPE_CHECKING:
    import pyarrow as pa

RESPONSE_ID = "ResponseId"
_IMPORT_ID = re.compile(r'^\s*\{\s*"ImportId"\s*:')
_SINGLE_ANSWER = {"SAVR", "SAHR", "SACOL", "DL", "SB", "NPS"}
_MATRIX_SINGLE = {"SingleAnswer", "DL"}


def is_qualtrics_export(table: pa.Table) -> bool:
    """Test whether the second row under the header holds Qualtrics' import ids."""
    return table.num_rows >= 2 and any(
        isinstance(cell, str) and _IMPORT_ID.match(cell) for cell in table.slice(1, 1).to_pylist()[0].values()
    )


def from_qualtrics(
    table: pa.Table, id_column: str | None, source: str, people_columns: Sequence[str] = ()
) -> tuple[pa.Table, dict[str, Item], str]:
    """Return the answers, the items and the id column of an export with three header rows.

    Columns that are no closed question (dates, addresses, timers, free texts, embedded data) are left out. The id
    column stays; it is ``ResponseId`` unless another one is named. Question wordings become item texts.

    Parameters
    ----------
    table : pyarrow.Table
        The file with its first row as header, all cells as texts.
    id_column : str, optional
        Column of respondent ids, which may be embedded data such as a panel's own id.
    source : str
        What to call the file in messages.
    people_columns : sequence of str, default=()
        Further columns to keep, such as embedded data.

    Raises
    ------
    DataError
        If the id column is not there, or no closed question is.
    """
    ids = id_column or RESPONSE_ID
    if ids not in table.column_names:
        raise DataError(f"{source}: the id column must exist; {ids!r} does not. Name it with --id-column.")
    wordings, imports = table.slice(0, 2).to_pylist()
    questions = [name for name in table.column_names if name != ids and _is_answer(imports[name])]
    if not questions:
        raise DataError(
            f"{source} is a Qualtrics export without a closed question: every column is a date, text or timer"
        )
    items = {name: Item(name, _plain(wordings[name] or "")) for name in questions}
    kept = [name for name in people_columns if name not in {ids, *questions}]
    return table.slice(2).select([ids, *questions, *kept]), items, ids


def _is_answer(cell: str | None) -> bool:
    try:
        found = json.loads(cell or "{}")
    except json.JSONDecodeError:
        return False
    name = str(found.get("ImportId", ""))
    free = name.endswith("_TEXT") or "FIRST_CLICK" in name or "LAST_CLICK" in name
    timer = "PAGE_SUBMIT" in name or "CLICK_COUNT" in name
    return name.startswith("QID") and not free and not timer


def read_qsf(path: str | Path) -> dict[str, Item]:
    """Read the closed questions of a Qualtrics instrument.

    Single-answer multiple choice, the rows of single-answer matrices, and sliders become items under the names that
    exports use (``Q1``, ``Q2_3``), with wording, codes (recoded values where there are any) and labels. The rows of a
    matrix, and the sliders of one question, are one block. Other questions (free text, ranking, several answers) have
    no single answer per person and are left out.

    Raises
    ------
    FileFormatError
        If the file is no instrument.
    DataError
        If it has no closed question.
    """
    path = check_is_file(Path(path))
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        elements = list(content["SurveyElements"])
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            f"{path} must be a Qualtrics instrument (QSF); it cannot be read as one"
        ) from error
    items: dict[str, Item] = {}
    for element in elements:
        if isinstance(element, Mapping) and element.get("Element") == "SQ":
            items |= {item.id: item for item in _questions(element.get("Payload") or {})}
    if not items:
        raise DataError(f"{path} must hold at least one closed question with a single answer; it has none")
    return items


def _questions(payload: Mapping[str, Any]) -> Iterator[Item]:
    tag, kind = str(payload.get("DataExportTag", "")), payload.get("QuestionType")
    text = _plain(str(payload.get("QuestionText", "")))
    choices = _entries(payload.get("Choices"), payload.get("ChoiceOrder"))
    if kind == "MC" and payload.get("Selector") in _SINGLE_ANSWER and choices:
        yield Item(tag, text, _scale(choices, payload.get("RecodeValues")))
    elif kind == "Matrix" and payload.get("SubSelector") in _MATRIX_SINGLE and choices:
        answers = _entries(payload.get("Answers"), payload.get("AnswerOrder"))
        names = payload.get("ChoiceDataExportTags")
        for key, row in choices.items():
            name = names.get(key) if isinstance(names, Mapping) else None
            yield Item(
                str(name or f"{tag}_{key}"),
                f"{text} {row}".strip(),
                _scale(answers, payload.get("RecodeValues")) if answers else None,
                tag,
            )
    elif kind == "Slider" and choices:
        settings = payload.get("Configuration") or {}
        low, high = (
            float(settings.get(k, default)) for k, default in (("CSSliderMin", 0), ("CSSliderMax", 100))
        )
        for key, row in choices.items():
            yield Item(f"{tag}_{key}", f"{text} {row}".strip(), Scale.numeric(low, high), tag)


def _entries(found: Any, order: Any) -> dict[str, str]:
    """Return the texts of choices or answers by key, in the order shown."""
    if isinstance(found, list):  # Qualtrics writes a list where the keys happen to be 0, 1, 2 ...
        found = {str(k): value for k, value in enumerate(found)}
    if not isinstance(found, Mapping):
        return {}
    keys = [str(k) for k in order] if isinstance(order, list) else list(found)
    return {k: _plain(str(found[k].get("Display", ""))) for k in keys if isinstance(found.get(k), Mapping)}


def _scale(choices: Mapping[str, str], recoded: Any) -> Scale:
    codes = {
        key: float(recoded[key]) if isinstance(recoded, Mapping) and recoded.get(key) else float(key)
        for key in choices
    }
    labels = {codes[key]: text for key, text in choices.items() if text}
    ordered = sorted(codes.values())
    if len(ordered) > 2 and ordered == [ordered[0] + k for k in range(len(ordered))]:
        return Scale.ordinal(ordered[0], ordered[-1], labels=labels)
    return Scale.nominal(ordered, labels=labels)


def _plain(text: str) -> str:
    """Remove the markup from a wording."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())

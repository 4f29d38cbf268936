"""Read multiple-choice questions of any origin as items: the common layouts of JSON, JSON lines and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import DataError, FileFormatError
from truetwin.io.json_lines import read_json_lines
from truetwin.io.readable_files import read_text
from truetwin.io.text_tables import read_text_table
from truetwin.registry import closest
from truetwin.voice.items.script_language import language_of
from truetwin.voice.items.voice_dimensions import voice_dimensions
from truetwin.voice.items.voice_items import (
    FEWEST_OPTIONS,
    LETTERS,
    MOST_OPTIONS,
    Option,
    Turn,
    VoiceItem,
    VoicePersona,
)

#: Names of fields, the first that is there counts.
QUESTION = ("question", "stimulus", "context", "input", "prompt", "post", "message")
OPTIONS = ("options", "choices", "candidates")
ANSWER = (
    "answer",
    "target",
    "answer_idx",
    "answer_index",
    "answerKey",
    "answer_key",
    "label",
    "correct",
    "gold",
)
ITEM_ID, PERSONA = ("id", "item_id"), ("persona", "user_id")
_COLUMN = re.compile(r"(?:(?:option|choice|candidate)[ _-]?)?([A-Ja-j]|\d{1,2})")
#: Option with its letter or number, in a cell that holds all of them: ``1=No``.
_NAMED_OPTION = re.compile(r"([A-Ja-j]|\d{1,2})\s*=\s*(\S.*)")
#: Endings of tables.
TABLES = (".csv", ".tsv")
_LISTS = ("data", "items", "questions", "examples", "rows")


@dataclass(frozen=True)
class Reading:
    """Settings for reading questions where their fields do not tell.

    Parameters
    ----------
    dimension : str, optional
        Dimension of the questions that name none.
    language : str, optional
        ISO 639-1 code of the questions that name none; by default seen from the script.
    first_index : int, optional
        Number of the first option where answers are numbers: 0 or 1. Without it, a number cannot be read.
    remedy : str
        What a user can do about a missing dimension, in words.
    """

    dimension: str | None = None
    language: str | None = None
    first_index: int | None = 0
    remedy: str = "name it in the field 'dimension'"


def read_questions(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Read the records of a file, each with its place: JSON lines, one JSON list, or a table with a header line.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or a record is no object.
    """
    if path.suffix.lower() in TABLES:
        table, _ = read_text_table(path)
        found: list[tuple[str, Any]] = [
            (f"{path}, row {k}", row) for k, row in enumerate(table.to_pylist(), 1)
        ]
    elif (listed := json_list(path)) is not None:
        found = [(f"{path}, entry {k}", record) for k, record in enumerate(listed, 1)]
    else:
        found = [(f"{path}, line {number}", record) for number, record in read_json_lines(path)]
    for where, record in found:
        if not isinstance(record, dict):
            raise FileFormatError(f"{where}: must be a JSON object; got {type(record).__name__}")
    if not found:
        raise DataError(f"{path} must hold at least one question; it has none")
    return found


def first_index_of(records: Sequence[tuple[str, Mapping[str, Any]]]) -> int | None:
    """Find out whether answers that are numbers count options from 0 or from 1; None if the answers do not tell.

    An answer of 0 tells the first, an answer as high as the number of options the second.

    Raises
    ------
    DataError
        If one answer tells the first and another the second.
    """
    from_zero = from_one = ""
    for where, record in records:
        number = _number(_field(record, ANSWER))
        if number is None:
            continue
        _, texts = _options(record, where)
        if number == 0:
            from_zero = from_zero or where
        elif number == len(texts):
            from_one = from_one or where
    if from_zero and from_one:
        raise DataError(
            f"answers must be counted in one way; the 0 at {from_zero} is counted from 0, and the last number at "
            f"{from_one} from 1"
        )
    return 0 if from_zero else 1 if from_one else None


def item_of_question(record: Mapping[str, Any], number: int, where: str, reading: Reading) -> VoiceItem:
    """Read one question as an item.

    Parameters
    ----------
    record : mapping
        Question, options (a list of texts, of objects with ``label`` and ``text``, letters to texts, or one field an
        option), and answer (letter, number or the text itself); see ``QUESTION``, ``OPTIONS`` and ``ANSWER``.
    number : int
        Number of the question in its file, from 1.
    where : str
        Place of the question, for messages.
    reading : Reading
        How it is read where its fields do not tell.
    """
    question = _field(record, QUESTION)
    if not isinstance(question, str) or not question.strip():
        raise FileFormatError(f"{where}: 'question' must be a text; got {question!r:.80}")
    letters, texts = _options(record, where)
    place = _answer_place(_field(record, ANSWER), texts, letters, reading, where)
    own_id = f"item-{number:04d}"
    return VoiceItem(
        str(_field(record, ITEM_ID, own_id)),
        _dimension(record, reading, where),
        str(record.get("language") or reading.language or language_of(f"{question} {texts[place]}")),
        VoicePersona(str(_field(record, PERSONA, own_id))),
        question,
        tuple(
            Option(f"o{k}", text, "true" if k == place + 1 else "distractor")
            for k, text in enumerate(texts, 1)
        ),
        f"o{place + 1}",
        history=tuple(_turn(turn, k, where) for k, turn in enumerate(_history(record, where), 1)),
        group=str(record.get("group") or ""),
        provenance={"line": number},
    )


def _dimension(record: Mapping[str, Any], reading: Reading, where: str) -> str:
    known = voice_dimensions.names()
    name = record.get("dimension") or reading.dimension
    if name is None:
        raise DataError(
            f"{where}: it is not said which dimension the question is of ({', '.join(known)}); {reading.remedy}"
        )
    if not isinstance(name, str) or name not in voice_dimensions:
        raise DataError(
            f"{where}: 'dimension' must be one of {', '.join(known)}; got {name!r:.80}.{closest(str(name), known)}"
        )
    return str(name)


def _field(record: Mapping[str, Any], names: Sequence[str], default: Any = None) -> Any:
    return next((record[name] for name in names if record.get(name) is not None), default)


def _options(record: Mapping[str, Any], where: str) -> tuple[list[str], list[str]]:
    """Find the options and their letters; columns of a table stand in the order of their letters or numbers."""
    listed = _field(record, OPTIONS)
    if listed is None:
        listed = _option_columns(record, where)
    if isinstance(listed, str):
        listed = _options_in_cell(listed)
    letters: list[str] | None = None
    texts: Any = listed
    if isinstance(listed, dict) and isinstance(listed.get("text"), list):  # {"label": [...], "text": [...]}
        texts, label = listed["text"], listed.get("label")
        letters = list(map(str, label)) if label and isinstance(label, list | str) else None
    elif isinstance(listed, dict):
        letters, texts = list(map(str, listed)), list(listed.values())
    elif isinstance(listed, list) and listed and all(isinstance(entry, dict) for entry in listed):
        letters = [str(entry.get("label", LETTERS[k : k + 1])) for k, entry in enumerate(listed)]
        texts = [entry.get("text") for entry in listed]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise FileFormatError(
            f"{where}: 'options' must be texts; got {listed!r:.80}. Write them as a list, with | between them "
            "(No|Yes), or in one column each (option_1, option_2)."
        )
    if not FEWEST_OPTIONS <= len(texts) <= MOST_OPTIONS:
        raise DataError(
            f"{where}: an item must have {FEWEST_OPTIONS} to {MOST_OPTIONS} options; got {len(texts)}"
        )
    letters = list(LETTERS[: len(texts)]) if letters is None else letters
    if len(letters) != len(texts) or len(set(letters)) < len(letters):
        raise DataError(f"{where}: each option must have a letter of its own; got {', '.join(letters)}")
    return letters, texts


def _option_columns(record: Mapping[str, Any], where: str) -> dict[str, list[str]] | None:
    """Find the columns with one option each; in a table, those after the last option of a row are empty."""
    found: dict[str, object] = {}
    for name, value in record.items():
        if named := _COLUMN.fullmatch(str(name)):
            found[named.group(1).upper()] = value
    ordered = sorted(found, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
    texts = [value if isinstance(value := found[name], str) else "" for name in ordered]
    while texts and texts[-1] == "":
        texts.pop()
    if "" in texts:
        raise DataError(f"{where}: option {ordered[texts.index('')]} is empty, and a later one is not")
    if not texts:
        return None
    if ordered[0].isdigit():  # numbered columns: their options get letters
        return {"label": list(LETTERS[: len(texts)]), "text": texts}
    return {"label": ordered[: len(texts)], "text": texts}


def _answer_place(
    answer: object, texts: Sequence[str], letters: Sequence[str], reading: Reading, where: str
) -> int:
    """Find the place of the right option; an answer that can be read in two ways is refused."""
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    places: dict[int, str] = {}
    if isinstance(answer, str) and texts.count(answer) > 1:
        raise DataError(f"{where}: 'answer' must be clear; {answer!r:.80} is the text of several options")
    if isinstance(answer, str) and answer in texts:
        places.setdefault(texts.index(answer), "the text of an option")
    if isinstance(answer, str) and answer.strip().upper() in (upper := [x.upper() for x in letters]):
        places.setdefault(upper.index(answer.strip().upper()), "a letter")
    number = _number(answer)
    if number is not None and not (isinstance(answer, str) and places and answer in letters):
        if reading.first_index is None:
            raise DataError(
                f"{where}: the answer {number} may count the options from 0 or from 1, and no answer of the file "
                f"tells; say which with --first-index"
            )
        if 0 <= number - reading.first_index < len(texts):
            places.setdefault(number - reading.first_index, "a number")
    if len(places) > 1:
        meant = " and ".join(f"{what} (option {place + 1})" for place, what in places.items())
        raise DataError(f"{where}: 'answer' must be clear; {answer!r:.80} is {meant}")
    if answer is None:
        raise FileFormatError(
            f"{where}: the question must have an answer; none of {', '.join(ANSWER)} is there"
        )
    if not places:
        first = reading.first_index or 0
        raise DataError(
            f"{where}: 'answer' must be a place from {first} to {first + len(texts) - 1}, one of {', '.join(letters)}, "
            f"or the text of one option; got {answer!r:.80}"
        )
    return next(iter(places))


def _number(answer: object) -> int | None:
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, int) and not isinstance(answer, bool):
        return answer
    if isinstance(answer, str) and re.fullmatch(r"\s*\d{1,3}\s*", answer):
        return int(answer)
    return None


def _history(record: Mapping[str, Any], where: str) -> list[Any]:
    history = record.get("history") or ()
    if isinstance(history, str):
        listed = _from_cell(history)
        history = (
            listed if isinstance(listed, list) else [line for line in history.splitlines() if line.strip()]
        )
    if not isinstance(history, list | tuple):
        raise FileFormatError(f"{where}: 'history' must be a list of turns; got {history!r:.80}")
    return list(history)


def _turn(turn: object, position: int, where: str) -> Turn:
    if isinstance(turn, str):
        return Turn(turn, "", str(position))
    if isinstance(turn, dict) and isinstance(turn.get("reply"), str):
        return Turn(turn["reply"], str(turn.get("context") or ""), str(position))
    raise FileFormatError(f"{where}: a history turn must be a text or have a 'reply'; got {turn!r:.80}")


def _options_in_cell(cell: str) -> Any:
    """Read the options in one cell: a list or object, or texts with | between them as in item files."""
    listed = _from_cell(cell)
    if not isinstance(listed, str) or "|" not in listed:
        return listed
    texts = [text.strip() for text in listed.split("|")]
    if "" in texts:
        return listed
    named = [_NAMED_OPTION.fullmatch(text) for text in texts]
    letters = [match[1] for match in named if match]
    if len(set(letters)) == len(texts):
        return {match[1]: match[2] for match in named if match}
    return texts


def _from_cell(cell: str) -> Any:
    """Read a list or object that stands in the cell of a table; any other text stays as it is."""
    try:
        return json.loads(cell) if cell.lstrip()[:1] in ("[", "{") else cell
    except (ValueError, RecursionError):
        return cell


def json_list(path: Path) -> list[Any] | None:
    """Read a file that holds one JSON list, or an object with one; None for JSON lines."""
    if path.suffix.lower() != ".json":
        return None
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError):
        return None
    if isinstance(content, dict):
        content = next((content[name] for name in _LISTS if isinstance(content.get(name), list)), content)
    return content if isinstance(content, list) else None


def questions_as_items(
    records: Sequence[tuple[str, Mapping[str, Any]]], reading: Reading
) -> Iterator[VoiceItem]:
    """Yield the questions of a file as items.

    Raises
    ------
    DataError
        If two questions have one id.
    """
    seen: dict[str, str] = {}
    for number, (where, record) in enumerate(records, 1):
        item = item_of_question(record, number, where, reading)
        if item.item_id in seen:
            raise DataError(
                f"{where}: item ids must be unique; {item.item_id!r} is also at {seen[item.item_id]}"
            )
        seen[item.item_id] = where
        yield item

"""Read answers that Qualtrics exported: files with two or three header rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from truetwin.data import Item
from truetwin.data.answer_cells import as_number
from truetwin.errors import DataError
from truetwin.io.qualtrics_questions import plain_text

if TYPE_CHECKING:
    import pyarrow as pa

    from truetwin.io.answer_tables import AnswerTable

RESPONSE_ID = "ResponseId"
_IMPORT_ID = re.compile(r"""^\s*\{\s*["']ImportId["']\s*:\s*["'](?P<id>.*?)["']\s*[,}]""", re.DOTALL)
#: Second rows that tell an export: wordings of the columns that every export has.
_RESPONSE_ID_WORDINGS = ("Response ID", "ResponseID")
#: Columns that Qualtrics writes beside the answers, under new and old names.
_SYSTEM = {
    "startdate", "enddate", "status", "ipaddress", "progress", "duration (in seconds)", "finished", "recordeddate",
    "responseid", "recipientlastname", "recipientfirstname", "recipientemail", "externalreference",
    "externaldatareference", "locationlatitude", "locationlongitude", "locationaccuracy", "distributionchannel",
    "userlanguage", "q_recaptchascore", "q_relevantidduplicate", "q_relevantidduplicatescore",
    "q_relevantidfraudscore", "q_relevantidlaststartdate", "q_ballotboxstuffing", "q_duplicaterespondent",
    "q_totalduration", "responseset", "name", "emailaddress", "email",
}  # fmt: skip
_QUESTION = re.compile(r"^(?:\d+_)?QID\d+")
#: Parts of a question's import id that are no answers to it, with what they are.
_BESIDE = (
    (re.compile(r"_DO(?:_|$)"), "the order in which options were shown"),
    (re.compile(r"TEXT_[0-9a-fA-F]{4,}|Topics?$|Sentiment(?:Score|Polarity)?$"), "results of Text iQ"),
    (re.compile(r"_TEXT(?:_|$)|_TEXT_"), "free texts"),
    (re.compile(r"FIRST_CLICK|LAST_CLICK|PAGE_SUBMIT|CLICK_COUNT"), "timers"),
    (re.compile(r"_(?:BROWSER|VERSION|OS|RESOLUTION|FLASH|JAVA|USER_AGENT|META)(?:_|$)"), "data of the browser"),
    (re.compile(r"_FILE_(?:ID|NAME|SIZE|TYPE)"), "uploaded files"),
)  # fmt: skip
_LEFT_BY_STATUS = {
    "1": "survey previews", "survey preview": "survey previews", "2": "survey tests", "survey test": "survey tests",
    "8": "marked as spam", "spam": "marked as spam", "9": "survey previews", "12": "offline previews",
    "17": "survey previews", "survey preview (offline)": "survey previews",
}  # fmt: skip


@dataclass(frozen=True)
class ExportHeader:
    """Header rows of an export below its first one.

    Attributes
    ----------
    n_rows : int
        Number of these rows: one (wordings) or two (wordings and import ids).
    wordings : tuple of str
        Wording of each column.
    import_ids : tuple of str, optional
        Import id of each column.
    ids : str
        Column of Qualtrics' own respondent ids.
    """

    n_rows: int
    wordings: tuple[str, ...]
    import_ids: tuple[str, ...] | None
    ids: str


def header_of_export(table: pa.Table) -> ExportHeader | None:
    """Recognise the header rows of an export; None if the table is none."""
    rows = [[_cell(c) for c in row] for row in _first_rows(table, 2)]
    if not rows:
        return None
    names = table.column_names
    ids = next((n for n, word in zip(names, rows[0], strict=True) if word in _RESPONSE_ID_WORDINGS), None)
    if len(rows) == 2 and any(_IMPORT_ID.match(cell) for cell in rows[1]):
        found = [m.group("id") if (m := _IMPORT_ID.match(cell)) else "" for cell in rows[1]]
        return ExportHeader(2, tuple(rows[0]), tuple(found), ids or RESPONSE_ID)
    # The row of somebody whose id is such a wording has answers beside it, not wordings.
    others = [cell for name, cell in zip(names, rows[0], strict=True) if name != ids and cell]
    numbers = sum(as_number(cell) is not None for cell in others)
    return (
        ExportHeader(1, tuple(rows[0]), None, ids) if ids is not None and 2 * numbers <= len(others) else None
    )


def _first_rows(table: pa.Table, n: int) -> list[tuple[object, ...]]:
    return list(zip(*(column.slice(0, n).to_pylist() for column in table.columns), strict=True))


def _cell(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def from_qualtrics(opened: AnswerTable, header: ExportHeader, keep: Sequence[str] = ()) -> AnswerTable:
    """Take the answers of an export: closed questions of people who count, with their wordings.

    Columns that are no closed question (dates, addresses, timers, free texts, embedded data) are left out, as are
    previews, tests, respondents who did not finish, and repeated rows. The id column stays; it is Qualtrics' own unless
    another one is named.

    Parameters
    ----------
    opened : AnswerTable
        The file with its first row as header, all cells as texts.
    header : ExportHeader
        Its further header rows.
    keep : sequence of str
        Further columns to keep, such as embedded data.

    Raises
    ------
    DataError
        If the id column is not there, or no closed question is.
    """
    names = opened.table.column_names
    ids = opened.id_column or header.ids
    if ids not in names:
        raise DataError(
            f"{opened.source}: the id column must exist; {ids!r} does not. Name it with --id-column."
        )
    why = {
        name: reason for k, name in enumerate(names) if (reason := _why_none(k, name, header)) and name != ids
    }
    questions = [k for k, name in enumerate(names) if name not in why and name != ids]
    if not questions:
        raise DataError(
            f"{opened.source} is a Qualtrics export without a closed question: every column is a date, text or timer"
        )
    kept = [k for k, n in enumerate(names) if n == ids or k in questions or n in keep]
    table, notes, dropped = _who_counts(opened.table.slice(header.n_rows), ids, opened)
    items = {names[k]: Item(names[k], plain_text(header.wordings[k])) for k in questions}
    known = {name: _worded(opened.declared.get(name), item) for name, item in items.items()}
    return replace(
        opened,
        table=table.select(kept),
        declared={**opened.declared, **known},
        id_column=ids,
        left_out={**opened.left_out, **{n: r for n, r in why.items() if n not in keep and r != _PLAIN}},
        notes=(*opened.notes, *notes),
        not_counted=dropped,
    )


#: Columns that every export has and nobody takes for items; they are not listed.
_PLAIN = "what Qualtrics writes beside answers"


def _why_none(k: int, name: str, header: ExportHeader) -> str | None:
    """Say why a column is no closed question; None if it may be one."""
    wording = header.wordings[k]
    if header.import_ids is None:
        plain = {name.strip().casefold(), wording.casefold(), wording.casefold().replace(" ", "")}
        if plain & _SYSTEM:
            return _PLAIN
        return "free texts" if name.endswith("_TEXT") else _beside(name, _BESIDE[:1])
    import_id = header.import_ids[k]
    if not _QUESTION.match(import_id):
        return _PLAIN if name.casefold() in _SYSTEM or not import_id else "embedded data"
    return _beside(import_id, _BESIDE) or _beside(name, _BESIDE[:1])


def _beside(name: str, kinds: Sequence[tuple[re.Pattern[str], str]]) -> str | None:
    return next((what for pattern, what in kinds if pattern.search(name)), None)


def _worded(given: Item | None, item: Item) -> Item:
    """Complete a declaration by the wording of the export."""
    return item if given is None else replace(given, text=given.text or item.text)


def _who_counts(table: pa.Table, ids: str, opened: AnswerTable) -> tuple[pa.Table, list[str], frozenset[str]]:
    """Leave out rows that are no respondents, and say how many there were and why. Also returns the ids left out."""
    n = table.num_rows
    kept = np.ones(n, dtype=bool)
    counts: dict[str, int] = {}

    def drop(rows: np.ndarray, why: str) -> None:
        rows = rows & kept
        if rows.any():
            counts[why] = counts.get(why, 0) + int(rows.sum())
            kept[rows] = False

    by_name = {name.casefold(): k for k, name in enumerate(table.column_names)}
    if "status" in by_name:
        status = _texts(table, by_name["status"])
        for value, why in _LEFT_BY_STATUS.items():
            drop(status == value, why)
    if "finished" in by_name and not opened.choices.unfinished:
        drop(
            np.isin(_texts(table, by_name["finished"]), ["0", "false", "no"]),
            "unfinished (--keep-unfinished keeps them)",
        )
    drop(_repeated(table), "repeated rows")
    if not counts:
        return table, [], frozenset()
    if not kept.any():
        raise DataError(
            f"{opened.source} must hold at least one respondent; all {n} rows are "
            f"{', '.join(f'{why}: {count}' for why, count in counts.items())}"
        )
    import pyarrow as pa

    listed = ", ".join(f"{count} {why}" for why, count in counts.items())
    everybody = np.array([_cell(v) for v in table.column(ids).to_pylist()], dtype=object)
    return (
        table.filter(pa.array(kept)),
        [f"{opened.source}: left out {int((~kept).sum())} of {n} rows: {listed}"],
        frozenset(everybody[~kept]) - frozenset(everybody[kept]),
    )


def _texts(table: pa.Table, k: int) -> np.ndarray:
    return np.array([_cell(v).casefold() for v in table.column(k).to_pylist()], dtype=object)


def _repeated(table: pa.Table) -> np.ndarray:
    """Find rows that repeat an earlier one in every cell."""
    columns = [column.to_pylist() for column in table.columns]
    seen: set[int] = set()
    found = np.zeros(table.num_rows, dtype=bool)
    for row, cells in enumerate(zip(*columns, strict=True)):
        key = hash(cells)
        found[row] = key in seen
        seen.add(key)
    return found

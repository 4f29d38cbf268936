"""Read long tables of answers: one row an answer, or one row a category with its probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from truetwin.data.answer_cells import Digits, digit_reading, plain_column, read_cells
from truetwin.data.cell_problems import UnreadColumn, add_unread, unread_cells
from truetwin.data.frames import (
    LONG_COLUMNS,
    WEIGHT,
    declared_item,
    id_type_of,
    ids_of,
    snap_answers,
    word_notes,
)
from truetwin.data.item import Item
from truetwin.data.problems import Problems
from truetwin.data.reading_choices import ReadingChoices
from truetwin.data.responses import FrameKind, ResponseMatrix
from truetwin.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from truetwin.data.answer_cells import Cells

Positions = NDArray[np.intp]
DISTRIBUTION_COLUMNS = ("respondent_id", "item_id", "category", "probability")
#: How far the sum of stated probabilities may be from 1.
_SUM_TOLERANCE = 0.03
#: Columns whose values name sources of twin answers.
SOURCE_COLUMNS = ("source", "model")
#: Columns whose values number several answers of one source to the same question.
REPLICATE_COLUMNS = ("replicate", "iteration", "run", "draw", "sample", "repetition", "seed", "twin")
#: Columns that tell apart several twins of one person, or several answers of one twin.
REPLICATES = (*SOURCE_COLUMNS, *REPLICATE_COLUMNS)


def replicates_as_long(table: pa.Table, id_column: str, declared: Mapping[str, Item]) -> pa.Table | None:
    """Turn a wide table with several rows a person, told apart by a column, into a long one; None if there is none."""
    import pyarrow as pa

    names = table.column_names
    apart = [n for n in names if n.casefold() in REPLICATES and n not in declared and n != id_column]
    if not apart:
        return None
    items = [n for n in names if n != id_column and n not in apart]
    columns = [plain_column(table.column(n)).cast(pa.string()) for n in items]
    who = table.column(id_column).cast(pa.string())
    return pa.table(
        {
            "respondent_id": pa.chunked_array([chunk for _ in items for chunk in who.chunks]),
            "item_id": pa.array(np.repeat(np.array(items, dtype=object), table.num_rows), pa.string()),
            "value": pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string()),
            "replicate": pa.nulls(table.num_rows * len(items), pa.string()),
        }
    )


def is_distribution(names: Sequence[str]) -> bool:
    """Test whether the columns are those of a long table of stated distributions."""
    return set(DISTRIBUTION_COLUMNS) <= set(names) and "value" not in names


def refuse_distributions(names: Sequence[str], source: str, *, expectations: bool) -> None:
    """Refuse stated distributions of nobody in particular, and of persons where single answers are needed.

    Raises
    ------
    DataError
        If the columns are those of a long table of such distributions.
    """
    if is_distribution(names):
        if not expectations:
            raise DataError(
                f"{source} must hold answers; it states distributions. Give one answer a respondent and item in a "
                "column 'value', for instance one drawn from each distribution."
            )
    elif is_distribution([*names, "respondent_id"]):
        raise DataError(
            f"{source} must say whose answers it holds, in a column 'respondent_id'; with item_id, category and "
            "probability alone it states distributions of a whole population, which do not tell which answers go "
            "together. `truetwin reweight` reads it as twins (with --from-answers beside answers of people); for other "
            "jobs, ask for one distribution a twin."
        )


def from_distribution(
    table: pa.Table, declared: dict[str, Item], source: str, kind: FrameKind, choices: ReadingChoices
) -> ResponseMatrix:
    """Read a table with the columns ``respondent_id, item_id, category, probability``.

    A twin's answer is the mean of the distribution that it states, and of a nominal item the most probable category.

    Raises
    ------
    DataError
        If a probability is no number of 0 or more, or those of a twin and an item do not sum to 1 (or 100).
    """
    respondents, rows = _codes(ids_of(table.column("respondent_id"), "respondent_id", source))
    item_ids, columns = _codes(ids_of(table.column("item_id"), "item_id", source))
    if not respondents:
        raise DataError(f"{source} must have at least one answer; it has no rows")
    items = [declared_item(i, declared, choices) for i in item_ids]
    problems = Problems(source)
    of_item = _rows_of_items(columns, len(items))
    cells = _read_values(table.column("category"), rows, of_item, respondents, items, problems, choices)
    stated = read_cells(table.column("probability"))
    if stated.unread:
        row = next(iter(stated.first.values()))
        problems.add("words", unread_cells(stated, "probability", row, respondents[rows[row]]))
    problems.raise_any()
    weights = np.nan_to_num(stated.values)
    if (weights < 0).any() or not np.isfinite(stated.values).any():
        raise DataError(
            f"{source}: probabilities must be numbers of 0 or more; found {stated.values.min():g}"
        )
    values = np.full((len(respondents), len(items)), np.nan)
    for j, here in enumerate(of_item):
        _check_sums(weights[here], rows[here], respondents, items[j].id, source)
        codes, scale = cells[j].values, items[j].scale
        on = np.isfinite(codes) & (weights[here] > 0)
        if scale is not None:
            on &= ~scale.is_off_scale_code(codes)
        people, share, code = rows[here][on], weights[here][on], codes[on]
        if scale is not None and scale.kind == "nominal":
            order = np.argsort(share, kind="stable")
            values[people[order], j] = code[order]  # the most probable one comes last
            continue
        total = np.bincount(people, weights=share, minlength=len(respondents))
        mean = np.bincount(people, weights=share * code, minlength=len(respondents))
        values[total > 0, j] = mean[total > 0] / total[total > 0]
    note = f"{source}: read {len(respondents)} twins' stated distributions as their means"
    return ResponseMatrix(
        values,
        respondents,
        items,
        source=source,
        frame_kind=kind,
        id_type=id_type_of(table.column("respondent_id")),
        expectations=True,
        notes=[note],
    )


def _check_sums(
    weights: NDArray[np.float64], rows: Positions, respondents: Sequence[str], item: str, source: str
) -> None:
    sums = np.bincount(rows, weights=weights)
    seen = np.flatnonzero(np.bincount(rows)).tolist()
    wrong = [k for k in seen if min(abs(sums[k] - 1), abs(sums[k] - 100) / 100) > _SUM_TOLERANCE]
    if wrong:
        raise DataError(
            f"{source}: the probabilities of a twin's answer must sum to 1; those of respondent "
            f"{respondents[wrong[0]]!r} for item {item!r} sum to {sums[wrong[0]]:g} ({len(wrong)} such twins)"
        )


def from_long(
    table: pa.Table,
    declared: dict[str, Item],
    source: str,
    kind: FrameKind,
    *,
    expectations: bool,
    choices: ReadingChoices,
) -> ResponseMatrix:
    """Read a table with the columns ``respondent_id, item_id, value`` and optionally ``weight``.

    Other columns are left out and named in a note. Where they tell apart several answers of one twin to one item, the
    mean of these answers is taken (nominal items: the most frequent one).
    """
    respondents, rows = _codes(ids_of(table.column("respondent_id"), "respondent_id", source))
    item_ids, columns = _codes(ids_of(table.column("item_id"), "item_id", source))
    if not respondents:
        raise DataError(f"{source} must have at least one answer; it has no rows")
    items = [declared_item(i, declared, choices) for i in item_ids]
    further = [n for n in table.column_names if n not in (*LONG_COLUMNS, WEIGHT)]
    problems = Problems(source)
    of_item = _rows_of_items(columns, len(items))
    cells = _read_values(table.column("value"), rows, of_item, respondents, items, problems, choices)
    problems.raise_any()
    numbers = np.full(len(rows), np.nan)
    for j, read in cells.items():
        numbers[of_item[j]] = read.values
    notes = word_notes(source, {item_ids[j]: read for j, read in cells.items()})
    values, repeated = _laid_out(
        numbers, rows, columns, respondents, items, source, may_repeat=expectations and _tells_apart(further)
    )
    notes += _notes(source, further, repeated)
    if choices.snap:
        values, snapped = snap_answers(values, items, source)
        notes += snapped
    return ResponseMatrix(
        values,
        respondents,
        items,
        _weights(table, rows, respondents, source),
        source,
        frame_kind=kind,
        id_type=id_type_of(table.column("respondent_id")),
        expectations=expectations,
        off_scale_counts=[cells[j].n_in_words for j in range(len(items))],
        notes=notes,
    )


def _read_values(
    column: pa.ChunkedArray,
    rows: Positions,
    of_item: Sequence[Positions],
    respondents: Sequence[str],
    items: Sequence[Item],
    problems: Problems,
    choices: ReadingChoices,
) -> dict[int, Cells]:
    """Read the values of each item, by the item's position."""
    digits: Digits = "codes"
    if choices.answers != "auto":
        digits = choices.answers
    else:
        labelled = [j for j, item in enumerate(items) if item.scale is not None and item.scale.labels]
        digits = digit_reading(((items[j], column.take(of_item[j])) for j in labelled), problems.source)
    found, unread = {}, []
    for j, here in enumerate(of_item):
        try:
            found[j] = read_cells(column.take(here), items[j], digits)
        except TypeError as error:
            problems.add("kind", f"answers must be numbers; column 'value' {error}. Leave the column out.")
            return found
        if found[j].unread:
            row = int(here[next(iter(found[j].first.values()))])
            unread.append(
                UnreadColumn(found[j], f"value of {items[j].id}", row, respondents[rows[row]], items[j])
            )
    add_unread(problems, unread)
    return found


def _rows_of_items(columns: Positions, m: int) -> list[Positions]:
    order = np.argsort(columns, kind="stable")
    ends = np.searchsorted(columns[order], np.arange(m + 1))
    return [order[ends[j] : ends[j + 1]] for j in range(m)]


def _laid_out(
    numbers: NDArray[np.float64],
    rows: Positions,
    columns: Positions,
    respondents: Sequence[str],
    items: Sequence[Item],
    source: str,
    *,
    may_repeat: bool,
) -> tuple[NDArray[np.float64], int]:
    """Lay answers out on a grid. Returns it, and the number of cells with several answers."""
    m = len(items)
    place = rows * m + columns
    different, counts = np.unique(place, return_counts=True)
    twice = different[counts > 1]
    values = np.full((len(respondents), m), np.nan)
    if not twice.size:
        values[rows, columns] = numbers
        return values, 0
    if not may_repeat:
        cell = int(twice[0])
        raise DataError(
            f"{source}: a respondent may answer an item once; respondent {respondents[cell // m]!r} "
            f"answers {items[cell % m].id!r} several times ({int((counts - 1).sum())} repeated answers in all). If "
            "these are several twins of one person, number them in a column 'replicate'."
        )
    for j, item in enumerate(items):
        here = np.flatnonzero((columns == j) & np.isfinite(numbers))
        if item.scale is not None and item.scale.kind == "nominal":
            codes, which = np.unique(numbers[here], return_inverse=True)
            votes = np.zeros((len(respondents), codes.size))
            np.add.at(votes, (rows[here], which), 1)
            seen = votes.sum(axis=1) > 0
            values[seen, j] = codes[votes[seen].argmax(axis=1)]
        else:
            kept = here if item.scale is None else here[~item.scale.is_off_scale_code(numbers[here])]
            n = np.bincount(rows[kept], minlength=len(respondents))
            total = np.bincount(rows[kept], weights=numbers[kept], minlength=len(respondents))
            values[n > 0, j] = total[n > 0] / n[n > 0]
    return values, int(twice.size)


def _tells_apart(further: Sequence[str]) -> bool:
    return any(name.casefold() in REPLICATES for name in further)


def _notes(source: str, further: Sequence[str], repeated: int) -> list[str]:
    notes = []
    if further:
        notes.append(f"{source}: columns that are no answers were left out: {', '.join(further)}")
    if repeated:
        notes.append(
            f"{source}: {repeated} answers were given several times, by several twins of a person or several runs; "
            "their mean is taken, and of nominal items the most frequent answer"
        )
    return notes


def _weights(
    table: pa.Table, rows: Positions, respondents: Sequence[str], source: str
) -> NDArray[np.float64] | None:
    if WEIGHT not in table.column_names:
        return None
    read = read_cells(table.column(WEIGHT))
    if read.unread:
        row = next(iter(read.first.values()))
        raise DataError(f"{source}: {unread_cells(read, WEIGHT, row, respondents[rows[row]])}")
    weights = np.full(len(respondents), np.nan)
    weights[rows] = read.values
    changed = np.flatnonzero(weights[rows] != read.values)
    if changed.size:
        raise DataError(
            f"{source}: a respondent must have one weight; {respondents[rows[changed[0]]]!r} has several"
        )
    return weights


def _codes(ids: list[str]) -> tuple[list[str], Positions]:
    position: dict[str, int] = {}
    codes = np.fromiter((position.setdefault(i, len(position)) for i in ids), dtype=np.intp, count=len(ids))
    return list(position), codes

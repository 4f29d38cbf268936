"""Read contrasts, and what is known of people in each study, from data frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from truetwin.data.answer_cells import MISSING_MARKS
from truetwin.data.contrast import CONTRAST_KINDS, Contrast, ContrastKind
from truetwin.data.frames import as_arrow, id_column_of, ids_of
from truetwin.data.problems import Problems
from truetwin.data.responses import check_unique
from truetwin.data.study_columns import STUDY, StudyColumns, Texts
from truetwin.data.task_rows import with_task_ids
from truetwin.errors import DataError
from truetwin.registry import closest

if TYPE_CHECKING:
    import pyarrow as pa

NEEDED = ("contrast_id", "kind", "outcomes")
YES = ("1", "1.0", "true", "yes")
#: Marks of cells that are missing. An arm may be called "None".
MISSING = frozenset(MISSING_MARKS) - {"None", "null", "NULL"}


def row_of(position: int) -> str:
    """Name a row of a data frame in a message."""
    return f"row {position + 1}"


@dataclass(frozen=True, eq=False)
class ContrastTable:
    """Contrasts as they were read, and what is wrong with them.

    Attributes
    ----------
    contrasts : tuple of Contrast
        Those that make sense by themselves.
    problems : Problems
        What is wrong with the others.
    """

    contrasts: tuple[Contrast, ...]
    problems: Problems


def contrast_table(
    given: Any, source: str = "the table of contrasts", row_name: Callable[[int], str] = row_of
) -> ContrastTable:
    """Take contrasts, or read them from a data frame, and check each by itself.

    Raises
    ------
    DataError
        If there is none, or a column is missing. What is wrong with a contrast is collected in ``problems``.
    """
    if isinstance(given, ContrastTable):
        return given
    problems = Problems(source)
    if isinstance(given, Sequence):
        strange = [one for one in given if not isinstance(one, Contrast)]
        if strange:
            raise DataError(
                f"contrasts must be a data frame, or a list of truetwin.Contrast; got {type(strange[0]).__name__}"
            )
        found = list(given)
    else:
        found = contrasts_from_frame(given, problems, row_name)
    sound = check_contrasts(found, problems)
    if not found and not problems.found:
        raise DataError(f"{source} must have at least one contrast; there is none")
    return ContrastTable(tuple(sound), problems)


def contrasts_from_frame(
    frame: Any, problems: Problems, row_name: Callable[[int], str] = row_of
) -> list[Contrast]:
    """Read contrasts from a table with one row each.

    Parameters
    ----------
    frame : data frame
        Columns ``contrast_id``, ``kind`` and ``outcomes``, and ``study``, ``condition``, ``treatment``, ``control``,
        ``minus_outcomes`` and ``headline`` where they are needed; others are not read. Lists are separated by ``;``.
    problems : Problems
        Where what is wrong with a row is added.
    row_name : callable
        How a row is called in messages, by its position.
    """
    table = as_arrow(frame, needed="the columns of contrasts must be texts")
    check_unique(table.column_names, "column", problems.source)
    lacking = [name for name in NEEDED if name not in table.column_names]
    if lacking:
        raise DataError(
            f"{problems.source} must have the columns {', '.join(NEEDED)}; it lacks {' and '.join(lacking)}."
            f"{closest(lacking[0], table.column_names)} See the guide of experiments for all columns."
        )
    names = (
        "contrast_id",
        "study",
        "kind",
        "condition",
        "treatment",
        "control",
        "outcomes",
        "minus_outcomes",
    )
    cells = {name: _texts(table, name) for name in (*names, "headline")}
    found = []
    for k in range(table.num_rows):
        row = {name: cells[name][k] for name in cells}
        where = row_name(k)
        if not any(row.values()):
            continue
        if not row["contrast_id"]:
            problems.add("id", f"{where}: every contrast must have a contrast_id; this one has none")
            continue
        if row["kind"] not in CONTRAST_KINDS:
            problems.add(
                "kind",
                f"{where} (contrast {row['contrast_id']!r}): the kind must be one of "
                f"{', '.join(CONTRAST_KINDS)}; got {row['kind']!r}.{closest(row['kind'], list(CONTRAST_KINDS))}",
            )
            continue
        kind: ContrastKind = next(k for k in get_args(ContrastKind) if k == row["kind"])
        found.append(
            Contrast(
                row["contrast_id"],
                row["study"],
                kind,
                _listed(row["condition"]),
                row["treatment"],
                row["control"],
                _listed(row["outcomes"]),
                _listed(row["minus_outcomes"]),
                row["headline"].lower() in YES,
                where,
            )
        )
    return found


def check_contrasts(contrasts: Iterable[Contrast], problems: Problems) -> list[Contrast]:
    """Add a problem for each contrast that lacks something, is its own reverse, or occurs twice; return the others."""
    sound: list[Contrast] = []
    ids: dict[str, Contrast] = {}
    same: dict[tuple[object, ...], Contrast] = {}
    for one in contrasts:
        faults = _faults(one)
        for kind, text in faults:
            problems.add(kind, f"{one.where}: {text}")
        if not faults:
            sound.append(one)
        first = ids.setdefault(one.contrast_id, one)
        if first is not one:
            problems.add(
                "twice", f"{one.where}: a contrast_id must occur once; {first.where} has it too. Rename one."
            )
            continue
        first = same.setdefault(_content(one), one)
        if first is not one:
            turned = "" if _sides(first)[0] == _sides(one)[0] else ", turned around"
            problems.add(
                "twice",
                f"{one.where}: a contrast must occur once; {first.where} is the same{turned}. Remove one of them.",
            )
    return sound


def _faults(one: Contrast) -> list[tuple[str, str]]:
    """List what is wrong with one contrast by itself, as kind and text."""
    found = []
    n = len(one.condition)
    wanted = {"between": 1, "within": 0, "stacked": len(one.outcomes), "interaction": 2}[one.kind]
    words = {
        "between": "a contrast between arms must name one condition column",
        "within": "a contrast within people must name no condition column",
        "stacked": f"a stacked contrast must name one condition column for each of its {len(one.outcomes)} outcomes",
        "interaction": "an interaction must name two condition columns, separated by ';'",
    }
    if not one.outcomes:
        found.append(("outcomes", "a contrast must name outcomes; it names none. Add them."))
    if n != wanted:
        found.append(("condition", f"{words[one.kind]}; it names {n}."))
    if one.kind == "within":
        if one.treatment or one.control:
            found.append(
                ("levels", "a contrast within people has no treatment and control; leave them empty.")
            )
        if not one.minus_outcomes:
            found.append(
                ("outcomes", "a contrast within people must name minus_outcomes; it names none. Add them.")
            )
    else:
        for name, levels in zip(("treatment", "control"), one.levels, strict=True):
            needed = 2 if one.kind == "interaction" else 1
            if len(levels) != needed or not all(levels):
                found.append(
                    ("levels", f"its {name} must be {needed} level{'s' * (needed > 1)}; got {len(levels)}.")
                )
        if not found and any(a == b for a, b in zip(*one.levels, strict=True)):
            found.append(
                (
                    "reverse",
                    f"treatment and control must differ; both are {one.control!r}: it is its own reverse.",
                )
            )
    if one.kind == "stacked" and one.minus_outcomes:
        found.append(("outcomes", "a stacked contrast has no minus_outcomes; leave them empty."))
    if one.outcomes and set(one.outcomes) == set(one.minus_outcomes):
        found.append(
            (
                "reverse",
                "outcomes and minus_outcomes must differ; they are the same, so that it is its own reverse. Name "
                "other outcomes.",
            )
        )
    elif both := sorted(set(one.outcomes) & set(one.minus_outcomes)):
        found.append(
            ("outcomes", f"an outcome must be on one side; {both[0]!r} is in outcomes and minus_outcomes.")
        )
    for listed in (one.outcomes, one.minus_outcomes, one.condition if one.kind != "stacked" else ()):
        if len(set(listed)) < len(listed):
            twice = next(name for name in listed if listed.count(name) > 1)
            found.append(("outcomes", f"a list must name everything once; {twice!r} occurs several times."))
    return found


def _sides(one: Contrast) -> tuple[object, object]:
    """Return what stands on the two sides of a contrast."""
    if one.kind == "within":
        return frozenset(one.outcomes), frozenset(one.minus_outcomes)
    return one.treatment, one.control


def _content(one: Contrast) -> tuple[object, ...]:
    """Return what a contrast has in common with itself turned around."""
    sides = frozenset(_sides(one))
    if one.kind == "within":
        return one.study, one.kind, sides
    pairs = tuple(sorted(zip(one.outcomes, one.condition, strict=False))) if one.kind == "stacked" else ()
    scores = pairs or (frozenset(one.outcomes), frozenset(one.minus_outcomes), one.condition)
    return one.study, one.kind, scores, sides


def study_columns_from_frame(
    frame: Any,
    *,
    id_column: str | None = None,
    tasks: Sequence[str] = (),
    source: str = "the conditions",
    row_name: Callable[[int], str] = row_of,
) -> StudyColumns:
    """Read what is known of people in each study: one row a person and study.

    Parameters
    ----------
    frame : data frame
        A column of ids, and columns of texts or numbers. A column ``study`` names the study of each row; without it
        rows hold in every study.
    id_column : str, optional
        Column of ids; by default ``respondent_id`` or else the first column.
    source : str
        What to call the table in messages.
    row_name : callable
        How a row is called in messages, by its position.

    Raises
    ------
    DataError
        If a person is in one study twice, or a column holds neither texts nor numbers.
    """
    table = as_arrow(frame, id_column, "condition columns must be texts or numbers")
    of_tasks = any(name in table.column_names for name in tasks)
    table = with_task_ids(table, id_column, tasks, source)
    ids_name = id_column_of(table, id_column, source)
    names = [name for name in table.column_names if name != ids_name]
    check_unique(names, "column", source)
    ids = tuple(ids_of(table.column(ids_name), ids_name, source))
    read = {name: _cells(table.column(name), name, source) for name in names}
    rows = tuple(row_name(k) for k in range(len(ids)))
    studies = None
    if STUDY in read:
        given = read.pop(STUDY)
        empty = [k for k, value in enumerate(given) if value is None]
        if empty:
            raise DataError(
                f"{source}: every row must name its study; {rows[empty[0]]} names none ({len(empty) - 1} more)"
            )
        studies = tuple(str(value) for value in given)
    found = StudyColumns(ids, studies, read, source, rows, of_tasks)
    problems = Problems(source)
    found.check_people(problems)
    problems.raise_any()
    return found


def study_columns_of(
    given: Any, source: str, id_column: str | None = None, tasks: Sequence[str] = ()
) -> StudyColumns:
    """Take columns of studies, a people table, a mapping of columns, or read them from a data frame."""
    from truetwin.data.people import People

    if isinstance(given, StudyColumns):
        return given
    if isinstance(given, People):
        return StudyColumns.of_people(given)
    if isinstance(given, Mapping):
        import pyarrow as pa

        given = pa.table(dict(given))
    return study_columns_from_frame(given, id_column=id_column, tasks=tasks, source=source)


def _texts(table: pa.Table, name: str) -> list[str]:
    """Read a column of texts; a column that is not there is empty."""
    if name not in table.column_names:
        return [""] * table.num_rows
    return ["" if cell is None else cell for cell in _cells(table.column(name), name, "the contrasts", {""})]


def _cells(column: pa.ChunkedArray, name: str, source: str, missing: Collection[str] = MISSING) -> Texts:
    """Read the cells of a column as trimmed texts; whole numbers have no point, and None is missing."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    numbers = pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
    if not (numbers or pa.types.is_boolean(column.type)):
        try:
            column = column.cast(pa.large_string())
        except pa.ArrowException as error:
            raise DataError(
                f"{source}: cells must be texts or numbers; column {name!r} holds {column.type}"
            ) from error
    found = np.empty(len(column), dtype=object)
    found[:] = [_text(cell, missing) for cell in column.to_pylist()]
    return found


def _text(cell: object, missing: Collection[str]) -> str | None:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = "" if cell is None or cell != cell else str(cell).strip()
    return None if text in missing else text


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())

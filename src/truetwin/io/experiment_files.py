"""Read the files of an experiment: contrasts, conditions, and the answers to the outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from truetwin.data import Item, ResponseMatrix
from truetwin.data.arm_columns import declared_under_arms
from truetwin.data.contrast_frames import ContrastTable, contrast_table, study_columns_from_frame
from truetwin.data.item_columns import why_no_item
from truetwin.data.outcome_columns import names_of_items, outcome_columns, outcomes_of, with_known_outcomes
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.study_columns import StudyColumns
from truetwin.data.task_rows import with_task_ids
from truetwin.data.undeclared_codes import sides_without_sure_codes
from truetwin.errors import DataError
from truetwin.io.answer_tables import AnswerTable, open_answers
from truetwin.io.item_files import read_items
from truetwin.io.matching_tables import with_matching_items
from truetwin.io.tables import SURVEY_ENDINGS, TEXT_ENDINGS, read_table
from truetwin.io.twin_files import TwinTables, open_twins

#: Name of the people's answers among the sources of an experiment.
HUMAN = "human"
#: What to do where the people's table knows nothing of an experiment.
NOBODY_ANSWERED = (
    " If nobody has answered them, leave this table out, and name the twins' as --twin NAME=FILE (twin)."
)


def read_contrasts(path: str | Path) -> ContrastTable:
    """Read contrasts from a table with one row each (:func:`~truetwin.data.contrast_frames.contrasts_from_frame`).

    What is wrong with contrasts is collected, so that :class:`~truetwin.experiments.experiment.Experiment` names all
    of it at once, by lines.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not a table.
    DataError
        If there is no contrast, or a column is missing.
    """
    path = Path(path)
    return contrast_table(read_table(path), str(path), line_of(path))


def read_study_columns(
    path: str | Path,
    *,
    id_column: str | None = None,
    tasks: Sequence[str] = (),
    choices: ReadingChoices = AS_USUAL,
) -> StudyColumns:
    """Read what is known of people in each study, such as their arms: one row a person and study.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not a table.
    DataError
        If a person is in one study twice. The message names the lines.
    """
    path = Path(path)
    if path.suffix.lower() in SURVEY_ENDINGS:
        from truetwin.io.survey_files import read_survey_file

        table = read_survey_file(path)[0]
    else:
        table = read_table(path, choices.encoding)
    return study_columns_from_frame(
        table, id_column=id_column, tasks=tasks, source=str(path), row_name=line_of(path)
    )


def line_of(path: Path) -> Callable[[int], str]:
    """Return how the rows of a file are called in messages: by line, if the file is a text or a spreadsheet."""
    if path.suffix.lower() in (*TEXT_ENDINGS, ".xlsx", ".xls", ".ods"):
        return lambda k: f"line {k + 2}"
    return lambda k: f"row {k + 1}"


@dataclass(frozen=True, eq=False)
class ExperimentTables:
    """Contrasts, answers to their outcomes by source, and notes about how these were read."""

    contrasts: ContrastTable
    human: ResponseMatrix | None
    twins: dict[str, ResponseMatrix]
    items: Mapping[str, Item]
    notes: tuple[str, ...]


def read_experiment_answers(
    contrasts: ContrastTable,
    human: Path | None,
    twin: TwinTables | None,
    *,
    id_column: str | None = None,
    item_file: Path | None = None,
    tasks: Sequence[str] = (),
    choices: ReadingChoices = AS_USUAL,
) -> ExperimentTables:
    """Read the answers of people and of their twins to the outcomes of contrasts; other columns are not looked at.

    Contrasts with an outcome that no table has are left out, and are among the problems of those that are returned.

    Raises
    ------
    DataError
        If a cell of an outcome is no answer, or no contrast is left.
    """
    notes: list[str] = []
    items = read_items(item_file, notes.append, choices.encoding) if item_file else {}
    tables: dict[str, AnswerTable] = {}
    if human is not None:
        tables[HUMAN] = open_answers(human, id_column, items, choices=choices)
    if twin is not None and twin != {}:
        sources = open_twins(twin, id_column, items, choices=choices)
        if HUMAN in sources:
            raise DataError("a source of twins must not be called 'human'; rename it")
        if choices.match and HUMAN in tables:
            sources = {name: with_matching_items(tables[HUMAN], each) for name, each in sources.items()}
        tables |= sources
    contrasts = with_known_outcomes(
        contrasts, [name for table in tables.values() for name in names_of_items(table.table)]
    )
    outcomes = outcomes_of(contrasts.contrasts)
    read = {name: _outcomes(table, outcomes, name, tasks) for name, table in tables.items()}
    read, found = sides_without_sure_codes(read, choices)
    notes += found
    for table in read.values():
        notes += table.notes
    return ExperimentTables(
        contrasts,
        read.get(HUMAN),
        {name: table for name, table in read.items() if name != HUMAN},
        items,
        tuple(dict.fromkeys(notes)),
    )


def _outcomes(
    opened: AnswerTable, outcomes: Sequence[str], side: str, tasks: Sequence[str]
) -> ResponseMatrix:
    """Read the columns of outcomes, under arms or not."""
    table = with_task_ids(opened.table, opened.id_column, tasks, opened.source)
    declared = declared_under_arms(names_of_items(table), opened.declared)
    opened = replace(opened, table=table, declared=declared)
    if not opened.is_long:
        columns = opened.columns()
        kept = outcome_columns(
            list(columns), outcomes, opened.source, advice=NOBODY_ANSWERED if side == HUMAN else ""
        )
        wrong = {
            name: reason
            for name, (column, item) in columns.items()
            if name in kept and (reason := why_no_item(column, item))
        }
        if wrong:
            name, reason = next(iter(wrong.items()))
            more = f" ({len(wrong) - 1} more such columns)" if len(wrong) > 1 else ""
            raise DataError(
                f"{opened.source}: an outcome must hold numbers, or labels that an item file declares; column {name!r} "
                f"holds {reason}{more}. Code it, or leave its contrasts out."
            )
        opened = opened.without({name: "no outcome" for name in columns if name not in kept})
    return opened.responses(expectations=side != HUMAN)

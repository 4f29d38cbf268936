"""Read people tables: files of their own, and columns of the human table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from truetwin.data import Item, Panel, People, ResponseMatrix
from truetwin.data.people_columns import PeopleColumns
from truetwin.data.people_frames import people_from_frame
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.undeclared_codes import without_sure_codes
from truetwin.io.answer_tables import AnswerTable, open_answers

#: Advice on a column that the human table lacks, where it is the only table.
_IF_ELSEWHERE = (
    "If another table holds it, name that table with --people FILE (inputs.people in a study file)."
)


def read_people(
    path: str | Path,
    *,
    id_column: str | None = None,
    items: Mapping[str, Item] | None = None,
    choices: ReadingChoices = AS_USUAL,
) -> People:
    """Read what is known of people from a file: one row a person, one column of ids.

    Parameters
    ----------
    path : path
        CSV, TSV, Parquet, SPSS or Stata, by its ending.
    id_column : str, optional
        Column of ids; by default ``respondent_id`` or else the first column.
    items : mapping from item id to Item, optional
        Declarations; their labels name groups.
    choices : ReadingChoices
        How the file is read where it leaves a question open.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not a table.
    DataError
        If a person occurs twice, or a column holds neither texts nor numbers.
    """
    opened = open_answers(path, id_column, items, lambda names: names, choices)
    return people_from_frame(
        opened.table, id_column=opened.id_column, items=opened.declared, source=opened.source
    )


@dataclass(frozen=True, eq=False)
class HumanTable:
    """File of people's answers, opened; what else is known of the people; and its columns that are no items.

    What is known is in a ``file`` of its own, or ``here`` in columns of the file of answers.
    """

    opened: AnswerTable
    file: People | None
    here: People | None
    no_items: tuple[str, ...]

    @property
    def people(self) -> People | None:
        """All that is known of the people."""
        if self.file is None or self.here is None:
            return self.file or self.here
        return self.file.joined(self.here)

    def only_answers(self, named: Collection[str] = ()) -> HumanTable:
        """Leave out the columns that hold no answers, where no table of twins says which columns are items."""
        return replace(self, opened=self.opened.only_answers({*named, *self.no_items}))

    def answers(self) -> ResponseMatrix:
        """Read the answers. Columns that hold no answers are left out, and named in the notes."""
        return self.opened.responses(expectations=False, without=self.no_items).with_notes(
            *self.opened.left_out_notes()
        )


def read_human(
    path: Path,
    *,
    id_column: str | None = None,
    items: Mapping[str, Item] | None = None,
    people: Path | None = None,
    columns: PeopleColumns | None = None,
    choices: ReadingChoices = AS_USUAL,
) -> ResponseMatrix:
    """Read answers of people, without the columns that are no items; see :func:`open_human`."""
    found = open_human(
        path, id_column=id_column, items=items, people=people, columns=columns, choices=choices
    )
    answers = found.only_answers(items or ()).answers()
    if choices.missing_codes is not None:
        return answers
    (answers,), notes = without_sure_codes(answers)
    return answers.with_notes(*notes)


def open_human(
    path: Path,
    *,
    id_column: str | None = None,
    items: Mapping[str, Item] | None = None,
    people: Path | None = None,
    columns: PeopleColumns | None = None,
    choices: ReadingChoices = AS_USUAL,
) -> HumanTable:
    """Open answers of people, and read the people table from a file and from columns of the table of answers.

    A column that an option names is taken from the file if the file has it; the human table's column of that name
    then stays an item. Any other column that is named is taken from the human table, and is no item.

    Parameters
    ----------
    path : Path
        Answers of people.
    id_column : str, optional
        Column of respondent ids, in both files.
    items : mapping from item id to Item, optional
        Declared texts, scales and blocks.
    people : Path, optional
        People table.
    columns : PeopleColumns, optional
        Names of the people columns.
    choices : ReadingChoices
        How the files are read where they leave a question open.

    Raises
    ------
    UnknownNameError
        If a column that is named does not exist.
    DataError
        If a table is not what it must be.
    """
    columns = columns or PeopleColumns()
    file = read_people(people, id_column=id_column, items=items, choices=choices) if people else None
    in_file = () if file is None else tuple(file.columns)

    def taken_from(names: Sequence[str]) -> list[str]:
        listed = PeopleColumns(listed=columns.listed).among(names)
        return [name for name in columns.among(names) if name in listed or name not in in_file]

    opened = open_answers(path, id_column, items, taken_from, choices)
    names, source = opened.table.column_names, str(path)
    both = source if file is None else f"{file.source} or {source}"
    columns.check((*in_file, *names), both, names, source, "" if people else _IF_ELSEWHERE)
    taken = taken_from(names)
    here = None
    if taken:
        here = people_from_frame(
            opened.table, id_column=opened.id_column, columns=taken, items=opened.declared, source=source
        )
    return HumanTable(opened, file, here, tuple(taken))


def people_notes(panel: Panel) -> list[str]:
    """Write sentences about respondents without a row in the people table, and about rows of other people."""
    if panel.people is None:
        return []
    notes, source = [], panel.people.source
    lacking = panel.respondents_without_row
    if lacking:
        n = len(panel.respondent_ids)
        notes.append(f"{source}: {len(lacking)} of {n} respondents have no row, such as {lacking[0]!r}")
    here = set(panel.respondent_ids)
    others = [i for i in panel.people.ids if i not in here]
    if others:
        notes.append(
            f"{source}: {len(others)} rows are about people who are in no table of answers, such as {others[0]!r}"
        )
    return notes

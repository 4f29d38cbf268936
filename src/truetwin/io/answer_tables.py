"""Open files of answers: the table, what the file says of its items, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.data import Item, ResponseMatrix
from truetwin.data.frames import LONG_COLUMNS, from_frame, id_column_of, ids_of
from truetwin.data.item_columns import LeftOut, why_no_item
from truetwin.data.long_frames import is_distribution, refuse_distributions
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.io.edsl_exports import from_edsl, is_edsl_export
from truetwin.io.multiple_answers import split_multiple
from truetwin.io.qualtrics_loops import with_loops
from truetwin.io.tables import DISCLOSURE_COLUMN, SURVEY_ENDINGS, read_table
from truetwin.io.text_tables import check_width

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class AnswerTable:
    """File of answers, opened: its columns are not validated yet.

    Attributes
    ----------
    table : pyarrow.Table
        Ids and columns.
    declared : dict of item id to Item
        What the file and the user say of items.
    id_column : str or None
        Column of ids; None for the first one.
    source : str
        What to call the file in messages.
    left_out : dict of str
        Columns that are no items, with the reason.
    notes : tuple of str
        Sentences for the user.
    choices : ReadingChoices
        How its cells are read.
    not_counted : frozenset of str
        Ids of rows that are no respondents, such as previews; their twins do not count either.
    by_labels : frozenset of str
        Items whose off-scale codes the file itself declares, by labels or as user-missing.
    """

    table: pa.Table
    declared: dict[str, Item]
    id_column: str | None
    source: str
    left_out: Mapping[str, str]
    notes: tuple[str, ...]
    choices: ReadingChoices
    not_counted: frozenset[str] = frozenset()
    by_labels: frozenset[str] = frozenset()

    @property
    def is_long(self) -> bool:
        """Whether the table has one row an answer."""
        names = self.table.column_names
        return set(LONG_COLUMNS) <= set(names) or is_distribution(names)

    def columns(self, without: Collection[str] = ()) -> dict[str, tuple[pa.ChunkedArray, Item]]:
        """Return the columns beside the ids, with what is declared of them; none of a long table."""
        if self.is_long:
            return {}
        ids = id_column_of(self.table, self.id_column, self.source)
        return {
            name: (self.table.column(k), self.declared.get(name) or Item(name))
            for k, name in enumerate(self.table.column_names)
            if name != ids and name not in without
        }

    def without(self, reasons: Mapping[str, str]) -> AnswerTable:
        """Leave columns out."""
        kept = [k for k, name in enumerate(self.table.column_names) if name not in reasons]
        here = {name: why for name, why in reasons.items() if name in self.table.column_names}
        return replace(self, table=self.table.select(kept), left_out={**self.left_out, **here})

    def with_names(self, renamed: Mapping[str, str], note: str) -> AnswerTable:
        """Rename columns, and say so."""
        names = [renamed.get(name, name) for name in self.table.column_names]
        return replace(self, table=self.table.rename_columns(names), notes=(*self.notes, note))

    def ids(self) -> list[str]:
        """Return the respondent id of each row."""
        name = "respondent_id" if self.is_long else id_column_of(self.table, self.id_column, self.source)
        return ids_of(self.table.column(name), name, self.source)

    def without_respondents(self, ids: Collection[str]) -> AnswerTable:
        """Leave out the rows of people who do not count, and say how many there were."""
        if not ids:
            return self
        import pyarrow as pa

        given = self.ids()
        stays = [i not in ids for i in given]
        if all(stays):
            return self
        n = len({i for i in given if i in ids})
        note = f"{self.source}: left out the twins of {n} people whose rows were left out"
        return replace(self, table=self.table.filter(pa.array(stays)), notes=(*self.notes, note))

    def only_answers(self, named: Collection[str] = ()) -> AnswerTable:
        """Leave out the columns most of whose cells are no answers, but those that are named."""
        reasons = {
            name: reason
            for name, (column, item) in self.columns().items()
            if name not in named and (reason := why_no_item(column, item))
        }
        return self.without(reasons) if len(reasons) < len(self.columns()) else self

    def responses(
        self, *, expectations: bool, without: Sequence[str] = (), weight_column: str | None = None
    ) -> ResponseMatrix:
        """Read the answers; ``without`` names columns that are no items, ``weight_column`` that of design weights."""
        found = from_frame(
            self.table,
            id_column=self.id_column,
            items=self.declared,
            source=self.source,
            weight_column=weight_column,
            expectations=expectations,
            people_columns=without,
            choices=self.choices,
        )
        notes = [*self.notes, *([] if not self.by_labels else _missing_by_labels(found, self.by_labels))]
        return found.with_notes(*notes) if notes else found

    def left_out_notes(self) -> list[str]:
        """Say in one line which columns are no items, and why."""
        return [LeftOut(self.source, self.left_out).describe()] if self.left_out else []


def open_answers(
    path: str | Path,
    id_column: str | None,
    items: Mapping[str, Item] | None,
    keep: Callable[[Sequence[str]], Sequence[str]] | None = None,
    choices: ReadingChoices = AS_USUAL,
) -> AnswerTable:
    """Open a file of answers in the format that its ending and its content name.

    ``keep`` chooses, among the columns of an export, those that are kept though they are no closed questions.
    """
    path = Path(path)
    given = dict(items or {})
    if path.suffix.lower() in SURVEY_ENDINGS:
        from truetwin.io.survey_files import read_survey_file

        table, labelled, doubts = read_survey_file(path)
        check_width(table.num_columns, path)
        declared = _joined(labelled, with_loops(given, table.column_names))
        own = frozenset(
            name for name, item in labelled.items() if item.scale is not None and item.scale.off_scale
        )
        return AnswerTable(
            table, declared, id_column, str(path), {}, tuple(doubts), choices, by_labels=own - set(given)
        )
    from truetwin.io.qualtrics import from_qualtrics, header_of_export

    notes: list[str] = []
    table = read_table(path, choices.encoding, notes.append)
    declared = with_loops(given, _item_names(table)) if given else {}
    opened = AnswerTable(table, declared, id_column, str(path), {}, tuple(notes), choices)
    header = header_of_export(table)
    if header is not None:
        opened = from_qualtrics(opened, header, keep(table.column_names) if keep else ())
    elif is_edsl_export(table):
        opened = from_edsl(opened)
    refuse_distributions(opened.table.column_names, str(path), expectations=True)
    if DISCLOSURE_COLUMN in opened.table.column_names and DISCLOSURE_COLUMN not in opened.declared:
        opened = replace(opened, table=opened.table.drop_columns([DISCLOSURE_COLUMN]))
    check_width(opened.table.num_columns, path)
    return split_multiple(opened) if choices.split_multiple else opened


def _missing_by_labels(answers: ResponseMatrix, named: Collection[str]) -> list[str]:
    """Say how many answers are missing because of what a survey file says of their codes."""
    counted = {
        item.id: count
        for item, count in zip(answers.items, answers.off_scale_counts, strict=True)
        if count and item.id in named
    }
    if not counted:
        return []
    first = next(item for item in answers.items if item.id in counted)
    codes = first.scale.off_scale if first.scale is not None else {}
    shown = ", ".join(f"{code:g} = {text!r}" for code, text in list(codes.items())[:4])
    return [
        f"{answers.source}: {sum(counted.values())} answers to {len(counted)} items are read as missing, as labels and "
        f"missing values of the file say ({first.id!r}: {shown}{', ...' if len(codes) > 4 else ''})"
    ]


def _item_names(table: pa.Table) -> list[str]:
    """List what may be names of items: the columns of a wide table, the item ids of a long one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if "item_id" in table.column_names and pa.types.is_string(table.column("item_id").type):
        return [name for name in pc.unique(table.column("item_id")).to_pylist() if name]
    return list(table.column_names)


def read_responses(
    path: str | Path,
    *,
    id_column: str | None = None,
    items: Mapping[str, Item] | None = None,
    weight_column: str | None = None,
    expectations: bool = False,
    choices: ReadingChoices = AS_USUAL,
) -> ResponseMatrix:
    """Read a file of answers in the format that its ending names.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv``, ``.parquet``, ``.xlsx`` / ``.xls`` / ``.ods`` (spreadsheets), ``.sav`` / ``.zsav`` (SPSS) or
        ``.dta`` (Stata); wide (one column of ids, one column an item) or long (``respondent_id, item_id,
        value[, weight]``). Exports of Qualtrics and of EDSL are recognised. A column ``disclosure``, as in exported
        predictions, is left out.
    id_column : str, optional
        Column of respondent ids; by default ``respondent_id`` or else the first column.
    items : mapping from item id to Item, optional
        Declared texts, scales and blocks; they win over the labels of an SPSS or Stata file.
    weight_column : str, optional
        Column of design weights.
    expectations : bool, default=False
        Whether values may be means of answers, between the answers of a declared scale; so it is with twins.
    choices : ReadingChoices
        How the file is read where it leaves a question open.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not a table.
    DataError
        If its content is not a table of answers.
    """
    opened = open_answers(path, id_column, items, choices=choices)
    found = from_frame(
        opened.table,
        id_column=opened.id_column,
        items=opened.declared,
        source=str(path),
        weight_column=weight_column,
        expectations=expectations,
        choices=choices,
    )
    return found.with_notes(*opened.notes, *opened.left_out_notes())


def _joined(known: Mapping[str, Item], given: Mapping[str, Item]) -> dict[str, Item]:
    """Complete what the user declares by what the file says: a declaration may leave wording or scale open."""
    found = dict(known)
    for name, item in given.items():
        ours = known.get(name)
        if ours is not None and (item.scale is None or not item.text):
            item = replace(
                item, text=item.text or ours.text, scale=ours.scale if item.scale is None else item.scale
            )
        found[name] = item
    return found

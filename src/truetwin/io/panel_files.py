"""Read the tables of one calibration and align them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.frames import from_frame
from truetwin.data.item import Item
from truetwin.data.people_columns import PeopleColumns
from truetwin.errors import AlignmentError, DataError
from truetwin.io.item_files import read_items
from truetwin.io.people_files import HumanTable, people_notes, read_human
from truetwin.io.tables import open_answers, read_responses


def read_panel(
    human: Path,
    twin: Path,
    *,
    id_column: str | None = None,
    item_file: Path | None = None,
    in_context: Path | None = None,
    people: Path | None = None,
    people_columns: PeopleColumns | None = None,
    say: Callable[[str], None] | None = None,
) -> Panel:
    """Read human and twin answers and align them by id.

    Columns of the human table that no twin has answered, such as age, are left out, because twins say nothing of
    them.

    Parameters
    ----------
    human, twin, in_context : Path
        Tables of answers. ``in_context`` holds the answers of twins that were shown the person's other answers.
    id_column : str, optional
        Column of respondent ids in all of them.
    item_file : Path, optional
        Declared texts, scales, off-scale codes and blocks.
    people : Path, optional
        Table of what is known of people that is no item: one row a person.
    people_columns : PeopleColumns, optional
        Names of weights, groups and the like. A column that is not in ``people`` is taken from the human table, and
        is no item.
    say : callable, optional
        Called with one sentence for each thing that was left out.

    Raises
    ------
    DataError
        If a table is not one, the tables have nothing in common, or the item file declares none of their items.
    """
    items = read_items(item_file) if item_file else None
    columns = people_columns or PeopleColumns()
    ours = read_human(human, id_column=id_column, items=items, people=people, columns=columns)
    no_items = {name for name in ours.no_items if name not in columns.of_design}
    theirs = _twin_answers(twin, id_column, items, no_items, say)
    third = _twin_answers(in_context, id_column, items, no_items, None) if in_context else None
    for table in (ours.answers, theirs):
        _refuse_weight(table, items)
    return _aligned(ours, theirs, third, items, item_file=item_file, say=say)


def _twin_answers(
    path: Path,
    id_column: str | None,
    items: Mapping[str, Item] | None,
    no_items: Collection[str],
    say: Callable[[str], None] | None,
) -> ResponseMatrix:
    """Read answers of twins, without the columns that the human table has declared to be no items."""
    table, declared, ids = open_answers(path, id_column, items)
    left_out = [name for name in table.column_names if name in no_items]
    if say and left_out:
        say(f"{path}: left out what belongs to the people table: {_some(left_out)}")
    return from_frame(
        table,
        id_column=ids,
        items=declared,
        source=str(path),
        expectations=True,
        people_columns=left_out,
    )


def _refuse_weight(table: ResponseMatrix, items: Mapping[str, Item] | None) -> None:
    if "weight" in table.item_ids and not (items and "weight" in items):
        raise DataError(
            f"{table.source}: the column 'weight' would be taken for an item; name it with --weights, leave it out, "
            "rename it, or declare the item 'weight' in an --item-file"
        )


def _aligned(
    ours: HumanTable,
    twin: ResponseMatrix,
    in_context: ResponseMatrix | None,
    items: Mapping[str, Item] | None,
    *,
    item_file: Path | None,
    say: Callable[[str], None] | None,
) -> Panel:
    """Make the panel, without human items that no twin has answered."""
    human, people, asked = ours.answers, ours.people, set(twin.item_ids)
    kept = [k for k, item in enumerate(human.item_ids) if item in asked]
    left_out = [item for item in human.item_ids if item not in asked] if kept else []
    panel = Panel(human.take_items(kept) if left_out else human, twin, in_context, people)
    known = {*panel.item_ids, *left_out, *(people.columns if people else ())}
    strange = [item for item in items or () if item not in known]
    if items and len(strange) == len(items):
        raise DataError(f"{item_file} must declare items of the tables; {strange[0]!r} is in neither of them")
    if say:
        if left_out:
            say(f"{human.source}: left out what no twin has been asked: {_some(left_out)}")
        if strange:
            say(f"{item_file}: {len(strange)} declared items are in neither table, such as {strange[0]!r}")
        for text in people_notes(panel):
            say(text)
    return panel


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


def read_retest(path: Path, panel: Panel, *, id_column: str | None = None) -> ResponseMatrix:
    """Read the answers of people of a panel who were asked again.

    Raises
    ------
    AlignmentError
        If it has no respondent or no item of the panel.
    """
    answers = read_responses(path, id_column=id_column, items=panel.items)
    for what, ours, theirs in (
        ("respondent id", panel.human.respondent_ids, answers.respondent_ids),
        ("item", panel.human.item_ids, answers.item_ids),
    ):
        if not set(ours) & set(theirs):
            raise AlignmentError(
                f"{path.name}: the answers of people who were asked again must have {what}s in common with the human "
                f"table; they have none ({ours[0]!r} and {theirs[0] if theirs else 'nothing'!r}). Check that both use "
                f"the same ids."
            )
    return answers

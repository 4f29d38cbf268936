"""Read the tables of one calibration and align them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.item import Item
from truetwin.data.item_columns import choose_columns_of_several
from truetwin.data.matched_ids import people_with_matching_ids, with_matching_ids
from truetwin.data.people_columns import PeopleColumns
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.undeclared_codes import without_sure_codes
from truetwin.errors import AlignmentError, DataError
from truetwin.instrument.summary_rows import refuse_summary_row
from truetwin.io.answer_tables import AnswerTable, open_answers
from truetwin.io.item_files import read_items
from truetwin.io.matching_tables import doubts, repair_hint, with_matching_items
from truetwin.io.people_files import HumanTable, open_human, people_notes
from truetwin.io.qualtrics_loops import loop_base
from truetwin.io.stray_columns import stray_columns, stray_note
from truetwin.io.twin_files import TwinTables, open_twins, source_notes


def read_panel(
    human: str | Path,
    twin: str | TwinTables,
    *,
    id_column: str | None = None,
    item_file: str | Path | None = None,
    in_context: str | Path | None = None,
    people: str | Path | None = None,
    people_columns: PeopleColumns | None = None,
    named: Collection[str] = (),
    choices: ReadingChoices = AS_USUAL,
    say: Callable[[str], None] | None = None,
) -> Panel:
    """Read human and twin answers and align them by id.

    Which columns are items is decided before their cells are validated: those that both tables share, that only twins
    have, or that are named, where cells are answers (:func:`truetwin.data.item_columns.choose_columns`). Columns of
    the human table that no twin has answered, such as age, are left out, because twins say nothing of them.

    Parameters
    ----------
    human, in_context : Path
        Tables of answers. ``in_context`` holds the answers of twins that were shown the person's other answers.
    twin : Path or mapping from name to Path
        Answers of twins: a file, a folder in which each file is a source, or files by name of the source. One table
        may hold several sources, told apart by a column ``source`` or ``replicate``.
    id_column : str, optional
        Column of respondent ids in all of them.
    item_file : Path, optional
        Declared texts, scales, off-scale codes and blocks.
    people : Path, optional
        Table of what is known of people that is no item: one row a person.
    people_columns : PeopleColumns, optional
        Names of weights, groups and the like. A column that is not in ``people`` is taken from the human table, and
        is no item.
    named : collection of str
        Items that are asked for by name, besides those of the item file.
    choices : ReadingChoices
        How the files are read where they leave a question open.
    say : callable, optional
        Called with one sentence for each thing that was left out or read in a way that the user should know.

    Raises
    ------
    DataError
        If a table is not one, the tables have nothing in common, or the item file declares none of their items.
    """
    human, twin = Path(human), Path(twin) if isinstance(twin, str) else twin
    item_file, in_context, people = (
        None if path is None else Path(path) for path in (item_file, in_context, people)
    )
    notes: list[str] = []
    items = read_items(item_file, notes.append, choices.encoding) if item_file else None
    columns = people_columns or PeopleColumns()
    ours = open_human(
        human, id_column=id_column, items=items, people=people, columns=columns, choices=choices
    )
    no_items = {name for name in ours.no_items if name not in columns.of_design}
    theirs = _opened_twins(twin, ours, id_column, items, no_items, choices)
    third = open_answers(in_context, id_column, items, choices=choices) if in_context else None
    named = {*(items or ()), *named}
    ours, theirs, third = _chosen(ours, theirs, third, named)
    human_answers = ours.answers()
    refuse_summary_row(human_answers)
    sources = {
        name: each.responses(expectations=True).with_notes(*each.left_out_notes())
        for name, each in theirs.items()
    }
    asked = {item for answers in (human_answers, *sources.values()) for item in answers.item_ids}
    for each, answers in ((ours.opened, human_answers), *((theirs[name], sources[name]) for name in sources)):
        _refuse_mixed(each, asked - set(answers.item_ids))
    tables = [human_answers, *sources.values()]
    if third is not None:
        tables.append(
            third.responses(expectations=True, without=[n for n in no_items if n in third.table.column_names])
        )
    for table in tables[: len(sources) + 1]:
        _refuse_weight(table, items)
    known, match = human_answers.respondent_ids, choices.match
    tables[1:] = [with_matching_ids(known, human_answers.source, table, match=match) for table in tables[1:]]
    if ours.file is not None:
        everybody = tuple(dict.fromkeys(i for table in tables for i in table.respondent_ids))
        file, matched = people_with_matching_ids(everybody, human_answers.source, ours.file, match=match)
        ours = replace(ours, file=file)
        notes += matched
    strays = stray_columns(tables[0], ours.opened.left_out, tables[1 : len(sources) + 1], items or (), named)
    if strays:
        theirs_first = next(table for table in tables[1:] if strays[0] in table.item_ids)
        notes.append(stray_note(strays, theirs_first.source))
        tables = [_without_items(table, strays) for table in tables]
    if choices.missing_codes is None:
        tables, found = without_sure_codes(*tables, n_twins=len(sources))
        tables[0] = tables[0].with_notes(*found)
    sources = dict(zip(sources, tables[1 : len(sources) + 1], strict=True))
    if say:
        texts = (*notes, *source_notes(sources), *(text for table in tables for text in table.notes))
        for text in dict.fromkeys(texts):
            say(text)
    return _aligned(
        tables[0],
        sources,
        tables[-1] if third is not None else None,
        items,
        ours=ours,
        item_file=item_file,
        say=say,
    )


def _without_items(table: ResponseMatrix, items: Collection[str]) -> ResponseMatrix:
    kept = [k for k, item in enumerate(table.item_ids) if item not in items]
    return table if len(kept) == len(table.item_ids) else table.take_items(kept)


def _refuse_mixed(opened: AnswerTable, elsewhere: Collection[str]) -> None:
    """Refuse a long table that has items of another table, which are not among its own, as columns."""
    mixed = [name for name in opened.table.column_names if name in elsewhere] if opened.is_long else []
    if mixed:
        raise DataError(
            f"{opened.source} must have one row an answer, or one column an item; it has both: a column item_id, and "
            f"the item {mixed[0]!r} ({len(mixed) - 1} more) as a column. Move the answers of such columns to rows."
        )


def _opened_twins(
    twin: TwinTables,
    human: HumanTable,
    id_column: str | None,
    items: Mapping[str, Item] | None,
    no_items: Collection[str],
    choices: ReadingChoices,
) -> dict[str, AnswerTable]:
    """Open the sources, without what belongs to the people table and without people who do not count."""
    asked = set(human.opened.columns(human.no_items))
    found = open_twins(twin, id_column, items, asked=asked, choices=choices)
    for name, table in found.items():
        no_answers = [column for column in table.table.column_names if column in no_items]
        kept = table.without(dict.fromkeys(no_answers, "what belongs to the people table"))
        kept = kept.without_respondents(human.opened.not_counted)
        found[name] = with_matching_items(human.opened, kept) if choices.match else kept
    return found


def _chosen(
    human: HumanTable,
    twins: Mapping[str, AnswerTable],
    in_context: AnswerTable | None,
    named: Collection[str],
) -> tuple[HumanTable, dict[str, AnswerTable], AnswerTable | None]:
    """Leave out the columns that are no items, before their cells are validated."""
    if human.opened.is_long or any(table.is_long for table in twins.values()):
        return (
            human.only_answers(named),
            {name: table.only_answers(named) for name, table in twins.items()},
            in_context and in_context.only_answers(named),
        )
    columns = human.opened.columns(human.no_items)
    ours, theirs = choose_columns_of_several(columns, [table.columns() for table in twins.values()], named)
    kept = {name: why for name, why in ours.items() if len(ours) < len(columns)}
    return (
        replace(human, opened=human.opened.without(kept)),
        {name: table.without(why) for (name, table), why in zip(twins.items(), theirs, strict=True)},
        in_context and in_context.without(theirs[0]),
    )


def _refuse_weight(table: ResponseMatrix, items: Mapping[str, Item] | None) -> None:
    if "weight" in table.item_ids and not (items and "weight" in items):
        raise DataError(
            f"{table.source}: the column 'weight' would be taken for an item; name it with --weights, leave it out, "
            "rename it, or declare the item 'weight' in an --item-file"
        )


def _aligned(
    human: ResponseMatrix,
    sources: Mapping[str, ResponseMatrix],
    in_context: ResponseMatrix | None,
    items: Mapping[str, Item] | None,
    *,
    ours: HumanTable,
    item_file: Path | None,
    say: Callable[[str], None] | None,
) -> Panel:
    """Make the panel, without human items that no twin has answered."""
    people, asked = ours.people, {item for source in sources.values() for item in source.item_ids}
    kept = [k for k, item in enumerate(human.item_ids) if item in asked]
    left_out = [item for item in human.item_ids if item not in asked] if kept else []
    try:
        panel = Panel(human.take_items(kept) if left_out else human, sources, in_context, people)
    except AlignmentError as error:
        hints = (repair_hint(human, source) for source in sources.values())
        raise AlignmentError(f"{error}{next(filter(None, hints), '')}") from error
    known = {*panel.item_ids, *left_out, *ours.opened.left_out, *(people.columns if people else ())}
    known |= {loop_base(name) for name in known}
    strange = [item for item in items or () if item not in known]
    if items and len(strange) == len(items):
        raise DataError(f"{item_file} must declare items of the tables; {strange[0]!r} is in neither of them")
    if say:
        for text in doubts(panel, set(ours.opened.left_out)):
            say(text)
        if left_out:
            say(f"{human.source}: left out what no twin has been asked: {_some(left_out)}")
        if strange:
            say(f"{item_file}: {len(strange)} declared items are in neither table, such as {strange[0]!r}")
        for text in people_notes(panel):
            say(text)
    return panel


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


def read_retest(
    path: Path, panel: Panel, *, id_column: str | None = None, choices: ReadingChoices = AS_USUAL
) -> ResponseMatrix:
    """Read the answers of people of a panel who were asked again.

    Raises
    ------
    AlignmentError
        If it has no respondent or no item of the panel.
    """
    opened = open_answers(path, id_column, panel.items, choices=choices).only_answers(panel.item_ids)
    answers = with_matching_ids(
        panel.respondent_ids,
        panel.human.source,
        opened.responses(expectations=False),
        match=choices.match,
    )
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

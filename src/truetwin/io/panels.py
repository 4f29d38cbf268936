"""The tables of one job, read and aligned."""

from __future__ import annotations

from pathlib import Path

from truetwin.data import Panel
from truetwin.errors import DataError
from truetwin.io.items import read_items
from truetwin.io.tables import read_responses


def read_panel(
    human: Path,
    twin: Path,
    *,
    id_column: str | None = None,
    item_file: Path | None = None,
    in_context: Path | None = None,
) -> Panel:
    """Read human and twin answers and align them by id.

    Parameters
    ----------
    human, twin, in_context : Path
        Tables of answers; the last of twins that were shown the person's other answers.
    id_column : str, optional
        Column of respondent ids in all of them.
    item_file : Path, optional
        Declared texts, scales, off-scale codes and blocks.

    Raises
    ------
    DataError
        If a table is not one, the tables have nothing in common, or the item file declares none of their items.
    """
    items = read_items(item_file) if item_file else None
    tables = [read_responses(path, id_column=id_column, items=items) for path in (human, twin)]
    for path, table in zip((human, twin), tables, strict=True):
        if "weight" in table.item_ids and not (items and "weight" in items):
            raise DataError(
                f"{path}: the column 'weight' would be taken for an item; leave it out, rename it, or declare the item "
                f"'weight' in an --item-file"
            )
    third = read_responses(in_context, id_column=id_column, items=items) if in_context else None
    panel = Panel(tables[0], tables[1], third)
    if items and not set(items) & set(panel.item_ids):
        raise DataError(
            f"{item_file} must declare items of the tables; {next(iter(items))!r} is in neither of them"
        )
    return panel


def undeclared(panel: Panel, item_file: Path | None) -> list[str]:
    """Items of the item file that neither table has."""
    if item_file is None:
        return []
    known = set(panel.item_ids)
    return [item for item in read_items(item_file) if item not in known]

"""Read the tables of one calibration and align them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from truetwin.data import Panel
from truetwin.errors import DataError
from truetwin.io.item_files import read_items
from truetwin.io.tables import read_responses


def read_panel(
    human: Path,
    twin: Path,
    *,
    id_column: str | None = None,
    item_file: Path | None = None,
    in_context: Path | None = None,
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
    say : callable, optional
        Called with one sentence for each thing that was left out.

    Raises
    ------
    DataError
        If a table is not one, the tables have nothing in common, or the item file declares none of their items.
    """
    items = read_items(item_file) if item_file else None
    tables = [
        read_responses(path, id_column=id_column, items=items, expectations=means)
        for path, means in ((human, False), (twin, True))
    ]
    for path, table in zip((human, twin), tables, strict=True):
        if "weight" in table.item_ids and not (items and "weight" in items):
            raise DataError(
                f"{path}: the column 'weight' would be taken for an item; leave it out, rename it, or declare the item "
                f"'weight' in an --item-file"
            )
    third = (
        read_responses(in_context, id_column=id_column, items=items, expectations=True)
        if in_context
        else None
    )
    asked = set(tables[1].item_ids)
    kept = [k for k, item in enumerate(tables[0].item_ids) if item in asked]
    left_out = [item for item in tables[0].item_ids if item not in asked] if kept else []
    panel = Panel(tables[0].take_items(kept) if left_out else tables[0], tables[1], third)
    known = {*panel.item_ids, *left_out}
    strange = [item for item in items or () if item not in known]
    if items and len(strange) == len(items):
        raise DataError(f"{item_file} must declare items of the tables; {strange[0]!r} is in neither of them")
    if say and left_out:
        say(f"{human}: left out what no twin has been asked: {_some(left_out)}")
    if say and strange:
        say(f"{item_file}: {len(strange)} declared items are in neither table, such as {strange[0]!r}")
    return panel


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")

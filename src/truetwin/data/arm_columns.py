"""Name the columns of answers that every twin gave under every arm: ``Q1@message=B``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from truetwin.data.item import Item

_MARKS = {"%": "%25", "@": "%40", "=": "%3D", "&": "%26"}
_COLUMN = re.compile(r"([^@]+)@([^@=&]+=[^@=&]+(?:&[^@=&]+=[^@=&]+)*)")


def arm_column(item: str, levels: Mapping[str, str]) -> str:
    """Name the column of an item that was asked under arms; without arms the name is the item's id.

    Parameters
    ----------
    item : str
        Id of the item.
    levels : mapping from condition to level
        The level of each condition under which it was asked, in the order of the name.

    Examples
    --------
    >>> arm_column("Q1", {"message": "B", "price": "low"})
    'Q1@message=B&price=low'
    >>> arm_column("Q1", {})
    'Q1'
    """
    if not levels:
        return item
    return f"{_marked(item)}@" + "&".join(f"{_marked(c)}={_marked(level)}" for c, level in levels.items())


def arms_of_column(column: str) -> tuple[str, dict[str, str]]:
    """Read the item and the levels from the name of a column. A column without arms is its item, without levels.

    Examples
    --------
    >>> arms_of_column("Q1@message=B&price=low")
    ('Q1', {'message': 'B', 'price': 'low'})
    >>> arms_of_column("Q1")
    ('Q1', {})
    >>> arms_of_column(arm_column("a@b", {"share": "50%"}))
    ('a@b', {'share': '50%'})
    """
    found = _COLUMN.fullmatch(column)
    if found is None:
        return column, {}
    item, arms = found.groups()
    pairs = (pair.split("=") for pair in arms.split("&"))
    return _plain(item), {_plain(condition): _plain(level) for condition, level in pairs}


def declared_under_arms(columns: Iterable[str], items: Mapping[str, Item]) -> dict[str, Item]:
    """Declare the columns that hold answers to declared items under arms as these items are."""
    found = dict(items)
    for column in columns:
        item, arms = arms_of_column(column)
        if arms and item in items and column not in items:
            found[column] = replace(items[item], id=column)
    return found


def _marked(name: str) -> str:
    """Write the characters that part a name as percent codes."""
    return "".join(_MARKS.get(c, c) for c in name)


def _plain(name: str) -> str:
    for mark, code in reversed(_MARKS.items()):
        name = name.replace(code, mark)
    return name

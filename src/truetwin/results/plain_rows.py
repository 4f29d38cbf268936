"""Give records plain cells, as files of tables need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def plain_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give all rows the same plain columns. Lists become texts.

    Examples
    --------
    >>> plain_rows([{"item": "Q1", "reasons": ["a", "b"]}, {"item": "Q2"}])
    [{'item': 'Q1', 'reasons': 'a; b'}, {'item': 'Q2', 'reasons': None}]
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: _cell(row.get(name)) for name in names} for row in rows]


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return "; ".join(str(part) for part in value)
    return value.item() if hasattr(value, "item") else value

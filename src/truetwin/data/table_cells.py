"""Write values as the cells of tables for people: on a terminal, in a notebook and on a page."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_NOTHING = re.compile(r"-0(\.0+)?%?")


def cell(value: Any, style: str) -> str:
    """Format one value for a reader: an undefined value is "undefined", one that does not apply is empty.

    ``style`` is a format specification for numbers. Texts stay as they are, and lists become texts.

    Examples
    --------
    >>> cell(0.123456, ".3f"), cell(float("nan"), ".3f"), cell(None, ".3f"), cell("a", "")
    ('0.123', 'undefined', '', 'a')
    >>> cell(-0.0001, ".2f"), cell(["a", "b"], ""), cell({"Q1": 2}, "")
    ('0.00', 'a; b', 'Q1: 2')
    """
    if value is None:
        return ""
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if isinstance(value, float) and math.isnan(value):
        return "undefined"
    value = plain(value)
    text = format(value, style) if style and not isinstance(value, str) else str(value)
    return text.removeprefix("-") if _NOTHING.fullmatch(text) else text


def plain(value: Any) -> Any:
    """Turn what no column of a frame can hold into a text."""
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {v}" for k, v in value.items())
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value


def on_one_line(text: str) -> str:
    r"""Escape line ends and control characters, so that a text can neither break a table nor control a terminal.

    Examples
    --------
    >>> on_one_line("a\nb\x1b[31m")
    'a\\nb\\x1b[31m'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

"""Make control characters in texts visible, so that no text can hide what it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def without_control(value: Any) -> Any:
    r"""Write control characters of a text as escapes; other values, and the class of the text, stay as they are.

    Examples
    --------
    >>> without_control("a\x1b[31m")
    'a\\x1b[31m'
    """
    if not (isinstance(value, str) and _CONTROL.search(value)):
        return value
    return type(value)(_CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", str(value)))


def visible(value: Any) -> Any:
    r"""Write control characters in all texts of JSON values as escapes.

    Examples
    --------
    >>> visible({"a": ["x\x1b"]})
    {'a': ['x\\x1b']}
    """
    if isinstance(value, Mapping):
        return {name: visible(entry) for name, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [visible(entry) for entry in value]
    return without_control(value)

"""Ask for JSON and find JSON objects in replies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = json.JSONDecoder()


def object_schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an object that has exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def objects_in(
    text: str, *, most: int, decoder: json.JSONDecoder = _PLAIN
) -> Iterator[tuple[int, dict[str, Any] | Exception]]:
    """Find every outermost JSON object of a text. Yields the position where it begins, and the object.

    Where a brace begins no readable object, the error is yielded instead and the search goes on behind the brace.

    Parameters
    ----------
    text : str
        Reply of a model.
    most : int
        Most braces that are tried. This bounds the work on hostile replies.
    decoder : JSONDecoder
        Decoder that reads an object.

    Examples
    --------
    >>> [found for _, found in objects_in('So: {"1": 2} {"3": {"4": 5}}', most=9)]
    [{'1': 2}, {'3': {'4': 5}}]
    """
    position = text.find("{")
    for _ in range(most):
        if position < 0:
            return
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            yield position, error
            end = position + 1
        else:
            yield position, value
        position = text.find("{", end)

"""Describe in words the values that a setting admits."""

from __future__ import annotations

from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_KINDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
    Any: "a value",
}
_SIGNS = ("ge", "gt", "le", "lt")


def in_words(annotation: Any) -> str:
    """Describe a kind of value: ``a whole number of at least 1 or 'block'``."""
    from truetwin.settings.value_kinds import Named

    if annotation in _KINDS:
        return _KINDS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        words = next((mark.words for mark in arguments[1:] if isinstance(mark, Named)), None)
        return words or f"{in_words(arguments[0])}{_of_bounds(_bounds(arguments[1:]))}"
    if origin is Literal:
        return listed([repr(a) if len(arguments) == 1 else str(a) for a in arguments])
    if origin in (Union, UnionType):
        return listed([in_words(a) for a in arguments if a is not NoneType])
    if origin is tuple and choices_of(arguments[0]):
        return f"some of {in_words(arguments[0])}"
    if origin is tuple and not models_in(arguments[0]):
        return f"a list of {in_words(arguments[0]).removeprefix('a ')}s"
    return "a list of settings" if origin is tuple else "settings by name"


def parts_of(annotation: Any) -> list[Any]:
    """List an annotation and all its parts."""
    return [annotation, *(part for each in get_args(annotation) for part in parts_of(each))]


def named(field: Any) -> str | None:
    """Return the words that were declared for a setting's kind of value; None if there are none."""
    from truetwin.settings.value_kinds import Named

    return next((mark.words for mark in field.metadata if isinstance(mark, Named)), None)


def listed(parts: list[str]) -> str:
    """Join words as ``a, b or c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def models_in(annotation: Any) -> list[Any]:
    """Find the models of settings in an annotation."""
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [kind for each in get_args(annotation) for kind in models_in(each)]


def choices_of(annotation: Any) -> tuple[str, ...]:
    """Find the words that a setting admits; empty if any text is admitted."""
    if get_origin(annotation) is Literal:
        return tuple(a for a in get_args(annotation) if isinstance(a, str))
    return tuple(c for each in get_args(annotation) for c in choices_of(each))


def bounds_of(field: Any) -> dict[str, float]:
    """Find the limits of a number: ``ge``, ``gt``, ``le``, ``lt``."""
    found = _bounds(field.metadata)
    for part in (field.annotation, *get_args(field.annotation)):
        found.update(_bounds(getattr(part, "__metadata__", ())))
    return found


def _bounds(marks: Any) -> dict[str, float]:
    flat = [m for mark in marks for m in getattr(mark, "metadata", [mark])]
    return {sign: getattr(m, sign) for m in flat for sign in _SIGNS if getattr(m, sign, None) is not None}


def bounds_in_words(bounds: dict[str, float]) -> str:
    """Describe limits in words that follow "must": ``lie between 0 and 1``, ``be at least 1``; empty without limits."""
    ends = {sign: f"{value:g}" for sign, value in bounds.items()}
    if "ge" in ends and "le" in ends:
        return f"lie between {ends['ge']} and {ends['le']}"
    if "gt" in ends and "lt" in ends:
        return f"lie strictly between {ends['gt']} and {ends['lt']}"
    if ends.get("ge") == "0" and len(ends) == 1:
        return "not be negative"
    words = {"ge": "at least", "gt": "greater than", "le": "at most", "lt": "less than"}
    parts = [f"{words[sign]} {ends[sign]}" for sign in _SIGNS if sign in ends]
    return f"be {' and '.join(parts)}" if parts else ""


def _of_bounds(bounds: dict[str, float]) -> str:
    """Limits, after a kind of number: `` of at least 1``, `` between 0 and 2``; empty where there are none."""
    words = bounds_in_words(bounds)
    if words.startswith("lie "):
        return f" {words.removeprefix('lie ')}"
    return f" of {words.removeprefix('be ').replace('not be negative', 'at least 0')}" if words else ""


def range_in_words(bounds: dict[str, float]) -> str:
    """Describe limits for a help text: ``0 to 1``, ``1 or more``; empty without limits."""
    ends = {sign: f"{value:g}" for sign, value in bounds.items()}
    if "ge" in ends and "le" in ends:
        return f"{ends['ge']} to {ends['le']}"
    if "ge" in ends and len(ends) == 1:
        return f"{ends['ge']} or more"
    words = bounds_in_words(bounds)
    return words.removeprefix("be ").replace("lie strictly", "strictly")

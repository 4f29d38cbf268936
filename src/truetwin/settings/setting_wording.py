"""What a setting admits, in words."""

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
    """A kind of value: ``a whole number of at least 1 or 'block'``."""
    from truetwin.settings.value_kinds import Named

    if annotation in _KINDS:
        return _KINDS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        words = next((mark.words for mark in arguments[1:] if isinstance(mark, Named)), None)
        bounds = bounds_in_words(_bounds(arguments[1:])).removeprefix("be ")
        return words or f"{in_words(arguments[0])}{' of ' + bounds if bounds else ''}"
    if origin is Literal:
        return listed([repr(a) if len(arguments) == 1 else str(a) for a in arguments])
    if origin in (Union, UnionType):
        return listed([in_words(a) for a in arguments if a is not NoneType])
    if origin is tuple and choices_of(arguments[0]):
        return f"some of {in_words(arguments[0])}"
    if origin is tuple and not models_in(arguments[0]):
        return f"a list of {in_words(arguments[0]).removeprefix('a ')}s"
    return "a list of settings" if origin is tuple else "settings by name"


def named(field: Any) -> str | None:
    """What a setting's kind is called, if it was given words of its own."""
    from truetwin.settings.value_kinds import Named

    return next((mark.words for mark in field.metadata if isinstance(mark, Named)), None)


def listed(parts: list[str]) -> str:
    """``a, b or c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def models_in(annotation: Any) -> list[Any]:
    """The models of settings that an annotation holds."""
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [kind for each in get_args(annotation) for kind in models_in(each)]


def choices_of(annotation: Any) -> tuple[str, ...]:
    """The words that a setting admits, where they are few and fixed."""
    if get_origin(annotation) is Literal:
        return tuple(a for a in get_args(annotation) if isinstance(a, str))
    return tuple(c for each in get_args(annotation) for c in choices_of(each))


def bounds_of(field: Any) -> dict[str, float]:
    """The limits of a number: ``ge``, ``gt``, ``le``, ``lt``."""
    found = _bounds(field.metadata)
    for part in (field.annotation, *get_args(field.annotation)):
        found.update(_bounds(getattr(part, "__metadata__", ())))
    return found


def _bounds(marks: Any) -> dict[str, float]:
    flat = [m for mark in marks for m in getattr(mark, "metadata", [mark])]
    return {sign: getattr(m, sign) for m in flat for sign in _SIGNS if getattr(m, sign, None) is not None}


def bounds_in_words(bounds: dict[str, float]) -> str:
    """Limits, after "must": ``lie between 0 and 1``, ``be at least 1``; empty where there are none."""
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


def range_in_words(bounds: dict[str, float]) -> str:
    """Limits on their own, for a help text: ``0 to 1``, ``1 or more``; empty where there are none."""
    ends = {sign: f"{value:g}" for sign, value in bounds.items()}
    if "ge" in ends and "le" in ends:
        return f"{ends['ge']} to {ends['le']}"
    if "ge" in ends and len(ends) == 1:
        return f"{ends['ge']} or more"
    words = bounds_in_words(bounds)
    return words.removeprefix("be ").replace("lie strictly", "strictly")

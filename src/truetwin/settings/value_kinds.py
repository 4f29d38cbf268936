"""Kinds of values that several settings share, and how their texts are read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from truetwin.settings.recorded_values import names_of_secrets


@dataclass(frozen=True)
class Named:
    """What to call a kind of value in a message and in the reference: ``names, separated by commas``."""

    words: str


@dataclass(frozen=True)
class Repeatable:
    """The option may be given several times."""


def names_at_commas(value: Any) -> Any:
    """Names from a comma-separated text, each once; a list stays one."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple):
        value = tuple(dict.fromkeys(value)) if all(isinstance(name, str) for name in value) else tuple(value)
        if not value:
            raise ValueError("must name at least one")
    return value


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _parameters(value: Any) -> Any:
    """``METHOD.NAME=VALUE`` texts as method -> name -> value; a mapping stays one."""
    if value is None or isinstance(value, Mapping):
        return value
    parsed: dict[str, dict[str, Any]] = {}
    for text in (value,) if isinstance(value, str) else value:
        left, equals, setting = str(text).partition("=")
        method, dot, name = left.strip().rpartition(".")
        if not (equals and dot and method and name):
            raise ValueError(f"must look like METHOD.NAME=VALUE, for example ridge.alpha=10; got {text!r}")
        try:
            parsed.setdefault(method, {})[name] = json.loads(setting)
        except (ValueError, RecursionError):
            parsed.setdefault(method, {})[name] = setting
    return parsed


def _json_object(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"must be a JSON object: {error}") from error
    except RecursionError as error:
        raise ValueError("must be a JSON object; this text is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError(f"must be a JSON object; got a {type(found).__name__}")
    return found


def _recordable(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what JSON cannot hold, and a field that is named like a key: what is set here is recorded with the run."""
    try:
        json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"must be a JSON object: {error}") from error
    found = next(names_of_secrets(value), None)
    if found is not None:
        raise ValueError(
            f"must hold no key, because it is recorded; it holds {found!r}. Put the key into an environment variable, "
            "OPENAI_API_KEY or one that the settings name"
        )
    return value


def _pairs(value: Any) -> Any:
    """``OURS=THEIRS`` texts as a mapping; a mapping stays one."""
    if value is None or isinstance(value, Mapping):
        return value
    named = {}
    for entry in (value,) if isinstance(value, str) else value:
        ours, mark, theirs = str(entry).partition("=")
        if not (ours and mark and theirs):
            raise ValueError(f"must be given as OURS=THEIRS, such as user=author; got {entry!r}")
        named[ours] = theirs
    return named


def _endpoint_decides(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() == "none" else value


def _none_for_zero(value: Any) -> Any:
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return None if plain and value in (0, "0", "0.0") else value


#: Names of methods, metrics and the like.
Names = Annotated[tuple[str, ...], BeforeValidator(names_at_commas), Named("names, separated by commas")]
#: Ids of items or respondents: one option may hold several, separated by commas, as ids themselves may hold commas.
Ids = Annotated[tuple[str, ...], BeforeValidator(_listed), Named("a list of ids"), Repeatable()]
#: Hyperparameters by hand.
Parameters = Annotated[
    dict[str, dict[str, Any]],
    BeforeValidator(_parameters),
    Named("hyperparameters by method"),
    Repeatable(),
]
#: Fields of a request that only some endpoints know.
JsonObject = Annotated[
    dict[str, Any], BeforeValidator(_json_object), AfterValidator(_recordable), Named("a JSON object")
]
#: What a file calls its columns.
ColumnNames = Annotated[
    dict[str, str], BeforeValidator(_pairs), Named("our name and the file's, by column"), Repeatable()
]
#: Temperature of decoding; the word "none" leaves it to the endpoint.
Temperature = Annotated[
    Annotated[float, Field(ge=0, le=2)] | None,
    BeforeValidator(_endpoint_decides),
    Named("a number between 0 and 2, or 'none'"),
]
#: Level of an interval; 0 for none.
LevelOrNone = Annotated[
    Annotated[float, Field(gt=0, lt=1)] | None,
    BeforeValidator(_none_for_zero),
    Named("a number strictly between 0 and 1, or 0 for none"),
]


def ids_among(texts: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """Ids from texts, each one id or a comma-separated list of ids; an id that is ``known`` may hold "
    "commas itself."""
    if not texts:
        return None
    found: list[str] = []
    for text in texts:
        found.extend([text] if text in known else [part.strip() for part in text.split(",") if part.strip()])
    return list(dict.fromkeys(found))

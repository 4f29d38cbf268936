"""Define kinds of values that several settings share, and read them from text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from truetwin.settings.recorded_values import names_of_secrets


@dataclass(frozen=True)
class Named:
    """Description of a kind of value, for messages and the reference: ``names, separated by commas``."""

    words: str


@dataclass(frozen=True)
class Repeatable:
    """Mark of an option that may be given several times."""


def names_at_commas(value: Any) -> Any:
    """Read names from a comma-separated text, each once. A list is kept as it is."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple):
        value = tuple(dict.fromkeys(value)) if all(isinstance(name, str) for name in value) else tuple(value)
        if not value:
            raise ValueError("must name at least one")
    return value


def listed_alone(value: Any) -> Any:
    """Put a single text into a list. A list is kept as it is."""
    return (value,) if isinstance(value, str) else value


def _parameters(value: Any) -> Any:
    """Read texts ``METHOD.NAME=VALUE`` as method -> name -> value. A mapping is kept as it is."""
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
    """Read texts ``OURS=THEIRS`` as a mapping. A mapping is kept as it is."""
    if value is None or isinstance(value, Mapping):
        return value
    named = {}
    for entry in (value,) if isinstance(value, str) else value:
        ours, mark, theirs = str(entry).partition("=")
        if not (ours and mark and theirs):
            raise ValueError(f"must be given as OURS=THEIRS, such as user=author; got {entry!r}")
        named[ours] = theirs
    return named


def _item_pairs(value: Any) -> Any:
    """Read texts ``OLD=NEW`` as a mapping. A mapping is kept as it is."""
    if value is None or isinstance(value, Mapping):
        return value
    pairs = {}
    for entry in (value,) if isinstance(value, str) else value:
        old, mark, new = str(entry).partition("=")
        if not (old.strip() and mark and new.strip()):
            raise ValueError(f"must be given as OLD=NEW, such as Q12_2023=Q12_2025; got {entry!r}")
        pairs[old.strip()] = new.strip()
    return pairs


def _sources(value: Any) -> Any:
    """Read texts ``NAME=FILE`` as a mapping. A mapping is kept as it is."""
    if value is None or isinstance(value, Mapping):
        return value
    found: dict[str, str] = {}
    for entry in (value,) if isinstance(value, str | Path) else value:
        name, mark, file = str(entry).partition("=")
        if not (name.strip() and mark and file.strip()):
            raise ValueError(f"must be given as NAME=FILE, such as gpt=twins.csv; got {str(entry)!r}")
        if name.strip() in found:
            raise ValueError(f"must give every source a name of its own; {name.strip()!r} is given twice")
        found[name.strip()] = file.strip()
    return found


def _costs(value: Any) -> Any:
    """Read texts ``NAME=NUMBER`` as a mapping. A mapping is kept as it is."""
    if value is None or isinstance(value, Mapping):
        return value
    found: dict[str, str] = {}
    for entry in (value,) if isinstance(value, str) else value:
        name, mark, number = str(entry).rpartition("=")
        if not (name.strip() and mark and number.strip()):
            raise ValueError(f"must be given as NAME=NUMBER, such as gpt=2.5; got {str(entry)!r}")
        found[name.strip()] = number.strip()
    return found


def _counts(value: Any) -> Any:
    """Read whole numbers from a comma-separated text. A list is kept as it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _endpoint_decides(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() == "none" else value


def _none_for_zero(value: Any) -> Any:
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return None if plain and value in (0, "0", "0.0") else value


def _codes(value: Any) -> Any:
    """Read codes separated by commas. "auto" and nothing leave them to the rules, and "none" is no code at all."""
    if value is None or (isinstance(value, str) and value.strip().lower() == "auto"):
        return None
    if isinstance(value, str):
        value = [] if value.strip().lower() == "none" else [part for part in value.split(",") if part.strip()]
    return tuple(value) if isinstance(value, list | tuple) else (value,)


#: Codes of missing answers.
Codes = Annotated[
    tuple[Annotated[float, Field(allow_inf_nan=False)], ...] | None,
    BeforeValidator(_codes),
    Named("numbers separated by commas, 'auto' or 'none'"),
]
#: Names of methods, metrics and the like.
Names = Annotated[tuple[str, ...], BeforeValidator(names_at_commas), Named("names, separated by commas")]
#: Ids of items or respondents. One option may hold several, separated by commas, although ids may hold commas too.
Ids = Annotated[tuple[str, ...], BeforeValidator(listed_alone), Named("a list of ids"), Repeatable()]
#: Names of columns of the people table. One option may hold several, separated by commas; names may hold commas.
Columns = Annotated[tuple[str, ...], BeforeValidator(listed_alone), Named("a list of columns"), Repeatable()]
#: Hyperparameters that the user sets.
Parameters = Annotated[
    dict[str, dict[str, Any]],
    BeforeValidator(_parameters),
    Named("hyperparameters by method"),
    Repeatable(),
]
#: Fields of a request that only some endpoints support.
JsonObject = Annotated[
    dict[str, Any], BeforeValidator(_json_object), AfterValidator(_recordable), Named("a JSON object")
]
#: Names of columns in a file, by the name that truetwin uses.
ColumnNames = Annotated[
    dict[str, str], BeforeValidator(_pairs), Named("our name and the file's, by column"), Repeatable()
]
#: Items of two waves of one question: the new one by the old one.
ItemPairs = Annotated[
    dict[str, str], BeforeValidator(_item_pairs), Named("the new item by the old one"), Repeatable()
]
#: Tables of twin answers by name of the source.
SourceFiles = Annotated[
    dict[str, Path],
    BeforeValidator(_sources),
    Named("a name and a file, as NAME=FILE"),
    Repeatable(),
]
#: Costs by name of the source.
Costs = Annotated[
    dict[str, Annotated[float, Field(ge=0)]],
    BeforeValidator(_costs),
    Named("a name and a number, as NAME=NUMBER"),
    Repeatable(),
]
#: Numbers of people or the like. One option may hold several, separated by commas.
Counts = Annotated[
    tuple[Annotated[int, Field(ge=2)], ...],
    BeforeValidator(_counts),
    Named("whole numbers of at least 2, separated by commas"),
]
#: Ranks of a matrix. One option may hold several, separated by commas.
Ranks = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    BeforeValidator(_counts),
    Field(min_length=1),
    Named("whole numbers of at least 1, separated by commas"),
]
#: Sampling temperature. The word "none" leaves it to the endpoint.
Temperature = Annotated[
    Annotated[float, Field(ge=0, le=2)] | None,
    BeforeValidator(_endpoint_decides),
    Named("a number between 0 and 2, or 'none'"),
]


def _no_percentage(value: Any) -> Any:
    """Refuse a percentage where a level is wanted, and name the level."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    if 10 <= number < 100:
        raise ValueError(
            f"must be a number strictly between 0 and 1, or 0 for none; got {value}. Did you mean {number / 100:g}?"
        )
    return value


#: Confidence level of an interval; 0 for no interval.
LevelOrNone = Annotated[
    Annotated[float, Field(gt=0, lt=1)] | None,
    BeforeValidator(_none_for_zero),
    BeforeValidator(_no_percentage),
    Named("a number strictly between 0 and 1, or 0 for none"),
]


def ids_among(texts: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """Read ids from texts. Each text is one id, or a list of ids separated by commas.

    A text that is a ``known`` id is not split, because ids may hold commas. Blanks at the ends of a known id need not
    be written. Returns None if there are no texts.

    Examples
    --------
    >>> ids_among(["Omission bias,Q1"], ["Omission bias ", "Q1"])
    ['Omission bias ', 'Q1']
    """
    if not texts:
        return None
    exact = set(known)
    trimmed: dict[str, list[str]] = {}
    for name in known:
        trimmed.setdefault(name.strip(), []).append(name)

    def named(part: str) -> str:
        close = trimmed.get(part.strip(), [])
        return part if part in exact else close[0] if len(close) == 1 else part.strip()

    found: list[str] = []
    for text in texts:
        whole = text in exact or len(trimmed.get(text.strip(), ())) == 1
        found.extend([named(text)] if whole else [named(part) for part in text.split(",") if part.strip()])
    return list(dict.fromkeys(found))

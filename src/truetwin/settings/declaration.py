"""Declare settings, and say where each can be given: in Python, on the command line, or in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from inspect import get_annotations
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from truetwin.errors import ParameterError
from truetwin.settings.recorded_values import without_secrets
from truetwin.settings.setting_errors import RuleBrokenError, explained
from truetwin.settings.setting_wording import in_words, named, parts_of

__all__ = [
    "EARLIER_STEP",
    "Argument",
    "CommandLineOnly",
    "FileOnly",
    "Flag",
    "InStudy",
    "MayBeFile",
    "MayHoldKey",
    "RuleBrokenError",
    "Settings",
    "Side",
    "StudyKey",
    "Unit",
    "Unset",
    "default_of",
    "mark_of",
    "read_settings",
    "setting",
    "study_record",
    "values_of",
]

#: Value in a study file that stands for the result of an earlier step.
EARLIER_STEP = "earlier-step"

M = TypeVar("M")
S = TypeVar("S", bound="Settings")
MISSING: Any = object()
#: The largest whole number of databases and loops.
LARGEST = 2**63 - 1


class Side(Enum):
    """Place where settings were written. It decides how messages name them."""

    PYTHON = "keyword arguments"
    COMMAND_LINE = "options"
    FILE = "a file with settings"
    STUDY = "a study file"


@dataclass(frozen=True)
class Flag:
    """Name of the option on the command line, if it differs from the setting's name: ``--round`` for ``rounded``.

    ``metavar`` stands for its value in the help, if the kind of value does not say enough.
    """

    name: str
    metavar: str | None = None


@dataclass(frozen=True)
class Argument:
    """Mark of a setting that is given on the command line by its position, without a flag."""

    metavar: str | None = None


@dataclass(frozen=True)
class Unset:
    """Description of the default in words, if the default is not a plain value."""

    text: str


@dataclass(frozen=True)
class Unit:
    """Unit of a number."""

    name: str


@dataclass(frozen=True)
class CommandLineOnly:
    """Mark of a setting that a study file cannot have. ``reason`` says why."""

    reason: str


@dataclass(frozen=True)
class StudyKey:
    """Mark of a setting that a study file has under another key, such as ``inputs.human``."""

    path: str


@dataclass(frozen=True)
class MayBeFile:
    """Mark of a text that may name a file, alone or after a prefix such as ``scripted:``.

    In a study, such a file is relative to the study file.
    """


@dataclass(frozen=True)
class MayHoldKey:
    """Mark of a setting that may hold a key, such as an address. No message shows it, and no record has the key."""


@dataclass(frozen=True)
class FileOnly:
    """Mark of a setting that has no option and is given in a file only. ``reason`` says why."""

    reason: str


@dataclass(frozen=True)
class InStudy:
    """Key and default of a setting in a study file, if they differ from the setting's own."""

    key: str | None = None
    default: Any = MISSING


class _Checked(type(BaseModel)):  # type: ignore[misc]
    """Metaclass that makes a call with wrong values raise an error of the package instead of pydantic's."""

    def __call__(cls, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            raise explained(error, cls, Side.PYTHON) from None


if TYPE_CHECKING:  # a type checker cannot see that the metaclass extends that of BaseModel
    CheckedModel = BaseModel
else:

    class CheckedModel(BaseModel, metaclass=_Checked):
        """Model that raises the package's errors."""


class Settings(CheckedModel):
    """Base class of all settings. They are immutable, and unknown names are refused.

    Raises
    ------
    ParameterError
        If a setting does not admit its value, or two settings contradict each other.

    Examples
    --------
    >>> from truetwin.settings.shared_settings import Requests
    >>> Requests(concurrency=0)
    Traceback (most recent call last):
    ...
    truetwin.errors.ParameterError: concurrency must be at least 1; got 0
    """

    #: Reason why a command is no part of a study; empty if it is a part.
    outside_studies: ClassVar[str] = ""
    #: Whether the model holds all settings of a verb, and whether its options are listed last.
    is_command: ClassVar[bool] = False
    comes_last: ClassVar[bool] = False
    #: Setting that gets the list if a section of a study file is a list.
    shorthand: ClassVar[str] = ""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        defer_build=True,  # a command uses few of the models
    )

    @model_validator(mode="before")
    @classmethod
    def _read_study_keys(cls, values: Any, info: ValidationInfo) -> Any:
        """Replace the keys of a study file by the names of settings, and fill in the defaults of study files."""
        if cls.shorthand and isinstance(values, list | tuple):
            values = {cls.shorthand: values}
        if not isinstance(values, Mapping) or (info.context or {}).get("side") is not Side.STUDY:
            return values
        found = dict(values)
        for name, field in cls.model_fields.items():
            there = mark_of(field, InStudy)
            if there is None:
                continue
            key = there.key or name
            if key != name and name in found:
                raise RuleBrokenError(
                    f"there is no setting {name!r} in a study file; it is called {{{name}}}"
                )
            if key in found:
                found[name] = found.pop(key)
            elif there.default is not MISSING:
                found[name] = there.default
        return found

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Describe the settings as they are in a study file, with their keys and defaults there, and their units."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for name, field in cls.model_fields.items():
            there, unset, unit = mark_of(field, InStudy), mark_of(field, Unset), mark_of(field, Unit)
            if name not in schema.get("properties", {}):
                continue
            found = schema["properties"].pop(name)
            found.pop("title", None)
            if unit:
                found["x-unit"] = unit.name
            if there and there.default is not MISSING:
                found["default"] = there.default
                schema["required"] = [other for other in schema.get("required", []) if other != name]
            elif unset:
                found["description"] = f"{found.get('description', '')} By default: {unset.text}.".strip()
            schema["properties"][(there.key if there else None) or name] = found
        return dict(schema)

    @classmethod
    def own_first(cls) -> list[str]:
        """List the names of the settings: this model's own, then those of the groups that it is made of.

        A command lists its job's settings first, then its own, then those of groups that come last.
        """
        parts = list(cls.__mro__)
        if cls.is_command:
            parts.sort(key=lambda part: 2 if part.__dict__.get("comes_last") else int(part is cls))
        names = [name for part in parts for name in get_annotations(part) if name in cls.model_fields]
        return list(dict.fromkeys(names))

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_switches_for_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false for a number, instead of reading them as 1 and 0."""
        if isinstance(value, bool) and info.field_name:
            field = cls.model_fields[info.field_name]
            admitted = set(parts_of(field.annotation))
            if admitted & {int, float} and bool not in admitted:
                raise ValueError(f"must be {named(field) or in_words(field.annotation)}; got {value}")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_empty_paths(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse an empty text where a path is asked for: it would be the folder that one happens to be in."""
        is_empty = isinstance(value, str) and not value and info.field_name
        if is_empty and Path in set(parts_of(cls.model_fields[str(info.field_name)].annotation)):
            raise ValueError("must be a path; got an empty text")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _refuse_endless_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a whole number that neither a database nor a loop can count to; a seed may be any."""
        if type(value) is int and abs(value) > LARGEST and info.field_name != "seed":
            raise ValueError(f"must be at most {LARGEST}")
        return value


def setting(default: Any, description: str, **bounds: Any) -> Any:
    """Declare a setting: its default (``...`` for none), its sentence of help, and limits such as ``ge=0``."""
    return Field(default, description=description, **bounds)


def mark_of(field: Any, kind: type[M]) -> M | None:
    """Return the mark of a kind, such as :class:`Flag`, on a field; None if it has none."""
    return next((mark for mark in field.metadata if isinstance(mark, kind)), None)


def values_of(settings: Settings, group: type[Settings]) -> dict[str, Any]:
    """Return the values of the settings that ``group`` declares, by name."""
    return {name: getattr(settings, name) for name in group.model_fields}


def default_of(model: type[Settings], name: str) -> Any:
    """Return the default of a setting, for classes elsewhere that have the same setting."""
    return model.model_fields[name].get_default(call_default_factory=True)


def study_record(settings: Settings) -> dict[str, Any]:
    """Return settings as JSON, under the keys that they have in a study file."""
    plain = settings.model_dump(mode="json")
    found: dict[str, Any] = {}
    for name, field in type(settings).model_fields.items():
        value, there = getattr(settings, name), mark_of(field, InStudy)
        key = (there.key if there else None) or name
        found[key] = _record(value) if isinstance(value, Settings) else plain[name]
        if mark_of(field, MayHoldKey) and isinstance(value, str):
            found[key] = without_secrets(value)
    return found


def _record(section: Settings) -> Any:
    """Return a section as JSON, or as a list if only its list setting is set."""
    found, short = study_record(section), type(section).shorthand
    others = [value for key, value in found.items() if key != short]
    return found[short] if short and all(value is None for value in others) else found


def read_settings(model: type[S], values: Mapping[str, Any], side: Side = Side.PYTHON, where: str = "") -> S:
    """Check ``values`` and make settings of them. Settings that are not named keep their defaults.

    Parameters
    ----------
    model : type of Settings
        Model that declares the settings.
    values : mapping
        Values by name of the setting; nested settings are mappings.
    side : Side
        Place where the values were written, for messages.
    where : str
        Prefix of names in messages, such as the file or the section.

    Raises
    ------
    ParameterError
        If a value is wrong. The message names the first wrong setting as the user wrote it.

    Examples
    --------
    >>> from truetwin.settings.shared_settings import Caps
    >>> read_settings(Caps, {"cap_cost": 0}, Side.COMMAND_LINE)
    Traceback (most recent call last):
    ...
    truetwin.errors.ParameterError: --cap-cost must be greater than 0; got 0
    """
    try:
        return model.model_validate(dict(values), context={"side": side})
    except ValidationError as error:
        raise explained(error, model, side, where) from None
    except RecursionError:
        raise ParameterError(f"{where}the settings are nested too deeply") from None

"""How a setting is declared, and on which sides it can be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from inspect import get_annotations
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args

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
from truetwin.settings.setting_wording import in_words

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

#: What stands in a study file for what an earlier step of the study makes.
EARLIER_STEP = "earlier-step"

M = TypeVar("M")
S = TypeVar("S", bound="Settings")
MISSING: Any = object()
#: The largest whole number of databases and loops.
LARGEST = 2**63 - 1


class Side(Enum):
    """Where settings were written, which decides what a message calls them."""

    PYTHON = "keyword arguments"
    COMMAND_LINE = "options"
    FILE = "a file with settings"
    STUDY = "a study file"


@dataclass(frozen=True)
class Flag:
    """The option's name on the command line, where it is not the setting's own: ``--round`` for ``rounded``."""

    name: str


@dataclass(frozen=True)
class Argument:
    """The setting is given on the command line by its place, not by a flag."""

    metavar: str | None = None


@dataclass(frozen=True)
class Unset:
    """What happens if the setting is not given, in words, where the default is no plain value."""

    text: str


@dataclass(frozen=True)
class Unit:
    """The unit of a number."""

    name: str


@dataclass(frozen=True)
class CommandLineOnly:
    """A study file cannot say this, for the reason given."""

    reason: str


@dataclass(frozen=True)
class StudyKey:
    """A study file says this elsewhere: under the key of this path, such as ``inputs.human``."""

    path: str


@dataclass(frozen=True)
class MayBeFile:
    """A text that may name a file, by itself or after ``scripted:`` and the like; in a study relative to its file."""


@dataclass(frozen=True)
class MayHoldKey:
    """An address or a field of requests in which people put keys: no message shows it, no record has its key."""


@dataclass(frozen=True)
class FileOnly:
    """No option says this, only a study file or a file with settings, for the reason given."""

    reason: str


@dataclass(frozen=True)
class InStudy:
    """The key in a study file, where it is not the setting's own name, and a default of its own there."""

    key: str | None = None
    default: Any = MISSING


class _Checked(type(BaseModel)):  # type: ignore[misc]
    """Makes a call with wrong values raise an error of the package instead of pydantic's."""

    def __call__(cls, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            raise explained(error, cls, Side.PYTHON) from None


if TYPE_CHECKING:  # a type checker cannot see that the metaclass extends that of BaseModel
    CheckedModel = BaseModel
else:

    class CheckedModel(BaseModel, metaclass=_Checked):
        """A model that raises the package's errors."""


class Settings(CheckedModel):
    """Base of all settings: immutable, with known names only.

    Raises
    ------
    ParameterError
        If a value is not what its setting admits, or two settings contradict each other.

    Examples
    --------
    >>> from truetwin.settings.shared_settings import Requests
    >>> Requests(concurrency=0)
    Traceback (most recent call last):
    ...
    truetwin.errors.ParameterError: concurrency must be at least 1; got 0
    """

    #: Why a command is no part of a study, where it is none.
    outside_studies: ClassVar[str] = ""
    #: Whether it is what a verb takes, and whether its options are listed last.
    is_command: ClassVar[bool] = False
    comes_last: ClassVar[bool] = False
    #: The setting that a list in place of a whole section stands for.
    shorthand: ClassVar[str] = ""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, arbitrary_types_allowed=True
    )

    @model_validator(mode="before")
    @classmethod
    def _read_study_keys(cls, values: Any, info: ValidationInfo) -> Any:
        """Give settings their own names and, in a study file, their defaults there."""
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
            if key in found:
                found[name] = found.pop(key)
            elif there.default is not MISSING:
                found[name] = there.default
        return found

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Describe the settings as a study file has them: their keys and defaults there, and units."""
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
        """Names of the settings: this model's own, then those of the groups that it is made of.

        A command has its job's settings first, then its own, then those of groups that come last.
        """
        parts = list(cls.__mro__)
        if cls.is_command:
            parts.sort(key=lambda part: 2 if part.__dict__.get("comes_last") else int(part is cls))
        names = [name for part in parts for name in get_annotations(part) if name in cls.model_fields]
        return list(dict.fromkeys(names))

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_switches_for_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number is asked for, instead of reading them as 1 and 0."""
        if isinstance(value, bool) and info.field_name:
            kind = cls.model_fields[info.field_name].annotation
            admitted = {kind, *get_args(kind)}
            if admitted & {int, float} and bool not in admitted:
                raise ValueError(f"must be {in_words(kind)}; got {value}")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_empty_paths(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse an empty text where a path is asked for: it would be the folder that one happens to be in."""
        if isinstance(value, str) and not value and info.field_name:
            kind = cls.model_fields[info.field_name].annotation
            if Path in {kind, *get_args(kind)}:
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
    """A setting of a model: its default (``...`` for none), its sentence of help, and limits such as ``ge=0``."""
    return Field(default, description=description, **bounds)


def mark_of(field: Any, kind: type[M]) -> M | None:
    """The mark of that kind on a field, such as :class:`Flag`; None if it has none."""
    return next((mark for mark in field.metadata if isinstance(mark, kind)), None)


def values_of(settings: Settings, group: type[Settings]) -> dict[str, Any]:
    """The values of those settings that ``group`` declares, by name."""
    return {name: getattr(settings, name) for name in group.model_fields}


def default_of(model: type[Settings], name: str) -> Any:
    """The default of a setting, for records elsewhere that hold the same setting."""
    return model.model_fields[name].get_default(call_default_factory=True)


def study_record(settings: Settings) -> dict[str, Any]:
    """Settings as JSON, under the keys that they have in a study file."""
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
    """A section, or the list that stands for it where nothing else is set."""
    found, short = study_record(section), type(section).shorthand
    others = [value for key, value in found.items() if key != short]
    return found[short] if short and all(value is None for value in others) else found


def read_settings(model: type[S], values: Mapping[str, Any], side: Side = Side.PYTHON, where: str = "") -> S:
    """Check ``values`` and make settings of them; what is not named keeps its default.

    Parameters
    ----------
    model : type of Settings
        What may be set.
    values : mapping
        By name; nested settings as mappings.
    side : Side
        Where they were written, for messages.
    where : str
        What stands before a name in messages, such as the file or the section.

    Raises
    ------
    ParameterError
        For the first thing that is wrong, under the name that the user wrote.

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

"""Settings of a build from a YAML file: any of the fields of the settings' dataclasses, checked by name and kind."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from truetwin.errors import FileFormatError, ParameterError
from truetwin.registry import closest

T = TypeVar("T")


def read_config(path: Path | None) -> dict[str, Any]:
    """The mapping in a YAML (or JSON) file; empty for None."""
    if path is None:
        return {}
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path} must be YAML: {' '.join(str(error).split())}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise FileFormatError(f"{path} must hold settings by name; it holds a {type(found).__name__}")
    return found


def settings_from(kind: type[T], values: Mapping[str, Any], where: str = "settings") -> T:
    """A dataclass of settings from nested mappings; what is not named keeps its default.

    Raises
    ------
    ParameterError
        If a name is unknown, or a value is not of its field's kind.

    Examples
    --------
    >>> from truetwin.voice_sets.common.distractor_matching import MatchingOptions
    >>> settings_from(MatchingOptions, {"nearest": 40}).nearest
    40
    """
    hints = typing.get_type_hints(kind)
    fields = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    made: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            guess = closest(str(name), fields)
            raise ParameterError(f"{where} has no setting {name!r}.{guess} Settings are {', '.join(fields)}.")
        made[str(name)] = _converted(hints[str(name)], value, f"{where}: {name}")
    return kind(**made)


def _converted(wanted: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        if not isinstance(value, Mapping):
            raise ParameterError(f"{where} must hold settings by name; got {value!r:.60}")
        return settings_from(wanted, value, where)
    kinds = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    if typing.get_origin(wanted) is typing.Literal:
        if value not in typing.get_args(wanted):
            raise ParameterError(
                f"{where} must be one of {', '.join(map(str, typing.get_args(wanted)))}; got {value!r:.60}"
            )
        return value
    plain = tuple(k for k in kinds if isinstance(k, type))
    if float in plain and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not plain or (isinstance(value, plain) and not (isinstance(value, bool) and bool not in plain)):
        return value
    names = " or ".join("nothing" if k is type(None) else k.__name__ for k in plain)
    raise ParameterError(f"{where} must be of the kind {names}; got {value!r:.60}")

"""Read a study file: YAML whose sections are the settings of jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from truetwin.errors import DataError, FileFormatError, ParameterError
from truetwin.io.setting_files import read_yaml
from truetwin.settings.declaration import (
    EARLIER_STEP,
    MayBeFile,
    RuleBrokenError,
    Settings,
    Side,
    mark_of,
    read_settings,
)
from truetwin.settings.setting_errors import places_of
from truetwin.settings.setting_wording import models_in
from truetwin.settings.study_settings import Study

S = TypeVar("S", bound=Settings)
#: Prefixes of a file in the names of models that are not language models.
OFFLINE = ("generated", "scripted")


def read_study(path: str | Path) -> Study:
    """Read a study file. Paths in it become absolute.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not YAML.
    DataError
        If a key or a value is wrong. The message names its place in the file.
    """
    path = Path(path)
    content = read_yaml(path)
    if not isinstance(content, Mapping):
        raise FileFormatError(
            f"{path} must be a YAML file of keys and values; `truetwin study init` writes one"
        )
    try:
        study = read_settings(Study, _filled(content), Side.STUDY, f"{path}: ")
    except ParameterError as error:
        raise DataError(str(error)) from error
    return located(study, path.resolve().parent)


@contextmanager
def named_in(section: str) -> Iterator[None]:
    """Make errors name settings as the study file does: ``personas.model`` instead of ``model``."""
    try:
        yield
    except RuleBrokenError as error:
        raise error.named(Study, Side.STUDY, places_of(Study, section.split("."))) from error


def _filled(content: Mapping[Any, Any], model: type[Settings] = Study) -> dict[str, Any]:
    """Return the sections. An empty section has defaults only."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        field = model.model_fields.get(str(key))
        inner = models_in(field.annotation) if field is not None else []
        if inner and value is None:
            value = {}
        found[str(key)] = _filled(value, inner[0]) if inner and isinstance(value, Mapping) else value
    return found


def located(settings: S, folder: Path) -> S:
    """Make every path in settings absolute. Paths in a file are relative to its folder."""
    changed = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        found = _located(value, folder, may_be_file=mark_of(field, MayBeFile) is not None)
        if found is not value:
            changed[name] = found
    return settings.model_copy(update=changed) if changed else settings


def _located(value: Any, folder: Path, *, may_be_file: bool) -> Any:
    if isinstance(value, Settings):
        return located(value, folder)
    if str(value) == EARLIER_STEP:
        return value
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, dict) and any(isinstance(each, Path) for each in value.values()):
        return {name: _located(each, folder, may_be_file=False) for name, each in value.items()}
    if isinstance(value, tuple) and any(isinstance(each, Path) for each in value):
        return tuple(_located(each, folder, may_be_file=False) for each in value)
    if may_be_file and isinstance(value, str):
        kind, colon, file = value.partition(":")
        if colon and kind in OFFLINE:
            return f"{kind}:{folder / file}"
        return str(folder / value) if (folder / value).is_file() else value
    return value


def files_of(settings: Settings | None, path: str = "") -> Iterator[tuple[str, Path]]:
    """Yield every file that settings name, with the path of its key. A folder yields the files in it."""
    if settings is None:
        return
    for name, field in type(settings).model_fields.items():
        value, key = getattr(settings, name), f"{path}{name}"
        if isinstance(value, Settings):
            yield from files_of(value, f"{key}.")
        for role, each in _entries(key, value):
            file = _file(each, may_be_file=mark_of(field, MayBeFile) is not None)
            if file is not None and file.is_dir():
                yield from ((f"{role}/{p.name}", p) for p in sorted(file.iterdir()) if p.is_file())
            elif file is not None:
                yield role, file


def _entries(key: str, value: Any) -> list[tuple[str, Any]]:
    """List the values of a setting that may hold files, each under a name of its own."""
    if isinstance(value, tuple):
        return [(f"{key}-{k}", each) for k, each in enumerate(value)]
    if isinstance(value, dict):
        return [(f"{key}.{name}", each) for name, each in value.items()]
    return [(key, value)]


def _file(value: Any, *, may_be_file: bool) -> Path | None:
    if str(value) == EARLIER_STEP:
        return None
    if isinstance(value, Path):
        return value
    if not (may_be_file and isinstance(value, str)):
        return None
    kind, colon, file = value.partition(":")
    if colon and kind in OFFLINE:
        return Path(file)
    return Path(value) if Path(value).is_file() else None

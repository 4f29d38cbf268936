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
from truetwin.settings.study_settings import Study

S = TypeVar("S", bound=Settings)
#: What stands before a file in the name of a model that is none.
OFFLINE = ("generated", "scripted")


def read_study(path: str | Path) -> Study:
    """Read a study file; paths in it become absolute.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not YAML.
    DataError
        If it says something that a study file may not say; the message names the place.
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
    """Let errors about settings name them as the study file does: ``personas.model`` instead of ``model``."""
    try:
        yield
    except RuleBrokenError as error:
        raise error.named(Study, Side.STUDY, places_of(Study, section.split("."))) from error


def _filled(content: Mapping[Any, Any]) -> dict[str, Any]:
    """The sections, where an empty one has only defaults."""
    found = {str(key): {} if value is None else value for key, value in content.items()}
    voice = found.get("voice")
    if isinstance(voice, Mapping):
        found["voice"] = {key: {} if value is None else value for key, value in voice.items()}
    return found


def located(settings: S, folder: Path) -> S:
    """The same settings, in which every path is absolute; in a file they are relative to its folder."""
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
    if isinstance(value, tuple) and any(isinstance(each, Path) for each in value):
        return tuple(_located(each, folder, may_be_file=False) for each in value)
    if may_be_file and isinstance(value, str):
        kind, colon, file = value.partition(":")
        if colon and kind in OFFLINE:
            return f"{kind}:{folder / file}"
        return str(folder / value) if (folder / value).is_file() else value
    return value


def files_of(settings: Settings | None, path: str = "") -> Iterator[tuple[str, Path]]:
    """Every file that settings name, with the path of its key; a folder stands for the files in it."""
    if settings is None:
        return
    for name, field in type(settings).model_fields.items():
        value, key = getattr(settings, name), f"{path}{name}"
        if isinstance(value, Settings):
            yield from files_of(value, f"{key}.")
        for k, each in enumerate(value if isinstance(value, tuple) else (value,)):
            role = f"{key}-{k}" if isinstance(value, tuple) else key
            file = _file(each, may_be_file=mark_of(field, MayBeFile) is not None)
            if file is not None and file.is_dir():
                yield from ((f"{role}/{p.name}", p) for p in sorted(file.iterdir()) if p.is_file())
            elif file is not None:
                yield role, file


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

"""Whatever a verb can do on the command line, a study file can say, and the other way round."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from truetwin import settings
from truetwin.settings.declaration import CommandLineOnly, FileOnly, InStudy, Settings, StudyKey, mark_of
from truetwin.settings.option_list import options_of
from truetwin.settings.setting_wording import models_in
from truetwin.settings.study_settings import Study

MODULES = [module.name for module in iter_modules(settings.__path__)]


def commands() -> list[type[Settings]]:
    found = {
        model
        for name in MODULES
        for model in vars(import_module(f"truetwin.settings.{name}")).values()
        if inspect.isclass(model) and issubclass(model, Settings) and model.__name__.endswith("Command")
    }
    return sorted(found, key=lambda model: model.__name__)


def sections(model: type[Settings] = Study, path: str = "") -> Iterator[tuple[str, type[Settings]]]:
    """Each model of settings that a study file holds, with its path."""
    yield path, model
    for name, field in model.model_fields.items():
        for inner in models_in(field.annotation):
            yield from sections(inner, f"{path}.{name}".lstrip("."))


SECTIONS = dict(sections())
JOBS = set(SECTIONS.values())


def in_a_study(command: type[Settings], name: str) -> bool:
    """Whether the setting is declared by a job that a study file holds."""
    return any(job in command.__mro__ and name in job.model_fields for job in JOBS)


def key_exists(path: str) -> bool:
    section, _, key = path.rpartition(".")
    return section in SECTIONS and key in SECTIONS[section].model_fields


SETTINGS = [(command, name) for command in commands() for name in command.model_fields]


@pytest.mark.parametrize(
    ("command", "name"), SETTINGS, ids=[f"{command.__name__}-{name}" for command, name in SETTINGS]
)
def test_a_study_file_can_say_what_an_option_can(command: type[Settings], name: str) -> None:
    field = command.model_fields[name]
    alone, elsewhere = mark_of(field, CommandLineOnly), mark_of(field, StudyKey)
    if command.outside_studies:
        return
    if in_a_study(command, name):
        assert alone is None
        assert elsewhere is None
    elif elsewhere is not None:
        assert key_exists(elsewhere.path), f"a study file has no key {elsewhere.path}"
    else:
        assert alone is not None, "neither a key of a study file nor a reason why there is none"
        assert alone.reason.endswith(".")


KEYS = [
    (path, name, field)
    for path, model in SECTIONS.items()
    for name, field in model.model_fields.items()
    if path and path != "inputs" and not models_in(field.annotation)
]


@pytest.mark.parametrize(("path", "name", "field"), KEYS, ids=[f"{path}.{name}" for path, name, _ in KEYS])
def test_an_option_can_say_what_a_study_file_can(path: str, name: str, field: Any) -> None:
    if mark_of(field, FileOnly) or within_file_only(path) or path == "voice":
        return
    job = SECTIONS[path]
    users = [command for command in commands() if any(m in command.__mro__ for m in around(path, job))]
    assert users, f"no command has the settings of {path}"
    for command in users:
        assert any(option.path[-1] == name for option in options_of(command))


def within_file_only(path: str) -> bool:
    """Whether a section above says that it is for files only."""
    steps = path.split(".")
    for k, step in enumerate(steps):
        field = SECTIONS[".".join(steps[:k])].model_fields.get(step)
        if field is not None and mark_of(field, FileOnly):
            return True
    return False


def around(path: str, job: type[Settings]) -> list[type[Settings]]:
    """The section and those that hold it."""
    steps = path.split(".")
    return [job, *(SECTIONS[".".join(steps[:k])] for k in range(1, len(steps)))]


def all_models() -> Iterator[type[Settings]]:
    yield from commands()
    yield from JOBS


@pytest.mark.parametrize(
    "model", sorted(set(all_models()), key=lambda m: m.__name__), ids=lambda m: m.__name__
)
def test_every_setting_has_a_sentence_of_help(model: type[Settings]) -> None:
    for name, field in model.model_fields.items():
        text = field.description or ""
        assert text.endswith((".", "...")), f"{model.__name__}.{name}: {text!r}"
        assert text[0].isupper() or text.startswith((".", "default", "social")), text


@pytest.mark.parametrize("command", commands(), ids=lambda m: m.__name__)
def test_no_two_options_of_a_verb_have_one_name(command: type[Settings]) -> None:
    names = [option.parameter for option in options_of(command)]
    assert sorted(set(names)) == sorted(names)
    flags = [flag for option in options_of(command) if option.flag for flag in option.flag.split("/")]
    assert sorted(set(flags)) == sorted(flags)


def test_study_keys_are_no_names_of_other_settings() -> None:
    for model in JOBS:
        keys = [
            there.key for f in model.model_fields.values() if (there := mark_of(f, InStudy)) and there.key
        ]
        assert not set(keys) & set(model.model_fields)

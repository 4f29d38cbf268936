"""List the command-line options of a model of settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from truetwin.settings.declaration import Argument, FileOnly, Flag, Settings, Unset, mark_of
from truetwin.settings.setting_wording import bounds_of, choices_of, models_in, parts_of, range_in_words
from truetwin.settings.value_kinds import Repeatable


@dataclass(frozen=True)
class Option:
    """Option or argument of a verb, with its setting.

    ``path`` is the path to the setting through nested settings. ``flag`` may hold two names: ``--long/--no-long``.
    """

    path: tuple[str, ...]
    field: Any
    flag: str | None
    metavar: str
    repeatable: bool

    @property
    def parameter(self) -> str:
        """Name of the setting, which is also the parameter of the verb's function."""
        return self.path[-1]

    @property
    def name(self) -> str:
        """Name in messages: the flag, or the name of the argument."""
        return self.flag.partition("/")[0] if self.flag else self.metavar

    @property
    def required(self) -> bool:
        """Whether the option must be given."""
        return bool(self.field.is_required())

    @property
    def is_switch(self) -> bool:
        """Whether the option takes no value."""
        return self.field.annotation is bool

    @property
    def is_path(self) -> bool:
        """Whether the value is a file or a folder, so that a shell completes file names."""
        return _holds(self.field.annotation, Path)

    @property
    def choices(self) -> tuple[str, ...]:
        """Words that the option admits; empty if any text is admitted."""
        return choices_of(self.field.annotation)

    @property
    def default(self) -> str | None:
        """Default as a user would type it; None if there is none."""
        if self.required or mark_of(self.field, Unset) is not None:
            return None
        return typed(self.field.get_default(call_default_factory=True))

    @property
    def help(self) -> str:
        """Sentence of help, with default and limits."""
        unset = mark_of(self.field, Unset)
        plain = None if self.is_switch and not self.flag_pair else self.default
        default = unset.text if unset else plain
        bounds = range_in_words(bounds_of(self.field))
        more = [f"default: {default}"] if default else []
        more += [bounds] if bounds else []
        return f"{self.field.description} [{'; '.join(more)}]" if more else str(self.field.description)

    @property
    def flag_pair(self) -> bool:
        """Whether there is a second flag that switches the option off."""
        return "/" in (self.flag or "")


@cache
def options_of(model: type[Settings]) -> tuple[Option, ...]:
    """List the arguments and options of a model: arguments, required options, then the others group by group.

    Arguments come in the order of declaration, those of a shared group before a command's own.
    """
    found = _options(model, ())
    places = list(model.model_fields)
    arguments = sorted((o for o in found if o.flag is None), key=lambda o: places.index(o.path[0]))
    flags = [option for option in found if option.flag is not None]
    return (*arguments, *sorted(flags, key=lambda option: not option.required))


def _options(model: type[Settings], path: tuple[str, ...]) -> list[Option]:
    found: list[Option] = []
    for name in model.own_first():
        field = model.model_fields[name]
        inner = models_in(field.annotation)
        if mark_of(field, FileOnly):
            continue
        if inner:
            found += _options(inner[0], (*path, name))
            continue
        argument, flag = mark_of(field, Argument), mark_of(field, Flag)
        written = None if argument else flag.name if flag else f"--{name.replace('_', '-')}"
        mark = argument or flag
        metavar = (mark.metavar if mark else None) or (name if argument else _metavar(field))
        found.append(Option((*path, name), field, written, metavar, _repeats(field)))
    return found


def typed(value: Any) -> str | None:
    """Write a value as a user would type it after an option."""
    if value is None or value in ((), {}):
        return None
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return str(value)


def _metavar(field: Any) -> str:
    kinds = {int: "number", float: "number", Path: "path"}
    words = [word for kind, word in kinds.items() if _holds(field.annotation, kind)][:1]
    return f"<{'|'.join([*words, *choices_of(field.annotation)]) or 'text'}>"


def _repeats(field: Any) -> bool:
    marks = [*field.metadata, *getattr(field.annotation, "__metadata__", ())]
    marks += [m for part in get_args(field.annotation) for m in getattr(part, "__metadata__", ())]
    if any(isinstance(mark, Repeatable) for mark in marks):
        return True
    return any(get_origin(part) is tuple and get_args(part)[0] is Path for part in parts_of(field.annotation))


def _holds(annotation: Any, kind: type) -> bool:
    return any(part is kind for part in parts_of(annotation))

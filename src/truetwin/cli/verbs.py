"""Declare verbs: functions of one model of settings. The options of a verb are made from its settings.

The module of a verb is imported when the verb is called or its help is shown, so that ``truetwin --help`` imports none.
The list of commands takes its texts from a table in ``truetwin.cli.app``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from truetwin.settings.declaration import Settings
    from truetwin.settings.option_list import Option

#: Most characters in a line of help.
WIDEST = 100
CONTEXT = {"max_content_width": WIDEST}
SETTINGS = "__settings__"


@dataclass(frozen=True)
class VerbEntry:
    """Entry of a verb: its name, its line in the list of commands, and the place of its function."""

    name: str
    summary: str
    where: str

    def load(self) -> Callable[..., Any]:
        """Import the verb's function."""
        module, _, function = self.where.partition(":")
        found: Callable[..., Any] = getattr(import_module(module), function)
        return found


@dataclass(frozen=True)
class GroupEntry:
    """Entry of a group of verbs, such as `truetwin runs`."""

    name: str
    summary: str
    entries: tuple[VerbEntry | GroupEntry, ...]


def verb(settings: type[Settings]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function as a verb with these settings. Its docstring is the verb's help."""

    def declared(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(function, SETTINGS, settings)
        return function

    return declared


def command_of(entry: VerbEntry) -> Any:
    """Make the command of a verb, with an option for each of its settings."""
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    single.command(entry.name, context_settings=CONTEXT)(_with_options(entry.load()))
    return typer.main.get_command(single)


def group_of(entry: GroupEntry) -> Any:
    """Make the command group of an entry. Each verb is loaded when it is first used."""
    group = typer.Typer(
        name=entry.name,
        help=entry.summary,
        cls=verb_group(entry.entries),
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings=CONTEXT,
    )
    return typer.main.get_group(group)


def verb_group(entries: tuple[VerbEntry | GroupEntry, ...]) -> type[TyperGroup]:
    """Make a class of command groups that hold these verbs."""
    return type("Verbs", (VerbGroup,), {"entries": entries})


class LazyCommands(MutableMapping[str, Any]):
    """Mapping from names to commands. Each command is made when it is first used."""

    def __init__(self, entries: tuple[VerbEntry | GroupEntry, ...]) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            entry = self._entries[name]
            self._made[name] = command_of(entry) if isinstance(entry, VerbEntry) else group_of(entry)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class VerbGroup(TyperGroup):
    """Command group that lists its commands from the table, without loading a verb."""

    entries: tuple[VerbEntry | GroupEntry, ...] = ()

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = LazyCommands(self.entries)

    def list_commands(self, ctx: Any) -> list[str]:
        """List the names in the order of the table."""
        return [entry.name for entry in self.entries]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each verb with its whole summary, on several lines if need be."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.summary) for entry in self.entries])


def _with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make the function that Typer reads, with one parameter for each setting."""
    from truetwin.settings.declaration import RuleBrokenError, Side, read_settings
    from truetwin.settings.option_list import options_of

    model: type[Settings] = getattr(function, SETTINGS)
    options = options_of(model)

    def called(ctx: typer.Context, **values: Any) -> Any:
        given = {o: values[o.parameter] for o in options if _is_given(ctx, o)}
        settings = read_settings(model, nested(given), Side.COMMAND_LINE)
        try:
            with _workers_of(settings):
                return function(settings)
        except RuleBrokenError as error:
            raise error.named(model, Side.COMMAND_LINE) from error

    parameters = [inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    parameters += [_parameter(option) for option in options]
    called.__doc__ = inspect.getdoc(function)
    called.__name__ = function.__name__
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in parameters}
    return called


def _workers_of(settings: Settings) -> AbstractContextManager[None]:
    """Return the context in which the verb's work is shared out as its settings say."""
    from truetwin.settings.shared_settings import Workers

    if not isinstance(settings, Workers) or settings.backend == "loky":
        return nullcontext()
    from truetwin.calibration.worker_backends import workers_on

    return workers_on(settings.backend, settings.address, settings.n_jobs)


def _is_given(ctx: typer.Context, option: Option) -> bool:
    """Tell whether the user gave the option. Only these are passed on, so that all defaults come from the model."""
    source = ctx.get_parameter_source(option.parameter)
    return source is not None and source.name == "COMMANDLINE"


def nested(given: dict[Option, Any]) -> dict[str, Any]:
    """Nest values by the paths to their settings."""
    found: dict[str, Any] = {}
    for option, value in given.items():
        here = found
        for part in option.path[:-1]:
            here = here.setdefault(part, {})
        here[option.path[-1]] = value
    return found


def _parameter(option: Option) -> inspect.Parameter:
    """Make the parameter from which Typer makes an option. Its value stays text, which the model checks."""
    kind: Any = bool if option.is_switch else Path if option.is_path else str
    if option.repeatable:
        kind = list[kind]
    complete = _completion(option.choices) if option.choices else None
    if option.flag is None:
        info: Any = typer.Argument(
            help=option.help,
            metavar=None if option.metavar == option.parameter else option.metavar,
            show_default=False,
        )
    else:
        info = typer.Option(
            option.flag,
            help=option.help,
            metavar=None if option.is_switch else option.metavar,
            show_default=False,
            autocompletion=complete,
        )
    default: Any = inspect.Parameter.empty
    if not option.required:
        default = False if option.is_switch and not option.flag_pair else option.default
        if option.flag_pair:
            default = option.default == "True"
        kind = kind if option.is_switch or default is not None else kind | None
    return inspect.Parameter(
        option.parameter, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _completion(words: tuple[str, ...]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete

"""Verbs as a table, loaded when they are called, with options from their settings."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer.main

from truetwin.cli.app import VERBS, app
from truetwin.cli.verbs import SETTINGS, GroupEntry, VerbEntry, command_of
from truetwin.settings.option_list import options_of


def leaves(
    entries: tuple[VerbEntry | GroupEntry, ...] = VERBS, path: str = ""
) -> Iterator[tuple[str, VerbEntry]]:
    for entry in entries:
        name = f"{path} {entry.name}".strip()
        if isinstance(entry, GroupEntry):
            yield from leaves(entry.entries, name)
        else:
            yield name, entry


LEAVES = dict(leaves())


@pytest.mark.parametrize("name", LEAVES)
def test_the_list_of_commands_says_the_first_line_of_the_help(name: str) -> None:
    text = inspect.getdoc(LEAVES[name].load()) or ""
    assert text.partition("\n\n")[0] == LEAVES[name].summary


@pytest.mark.parametrize("name", LEAVES)
def test_a_verb_has_an_option_for_each_of_its_settings_and_no_other(name: str) -> None:
    settings = getattr(LEAVES[name].load(), SETTINGS)
    options = {option.parameter: option for option in options_of(settings)}
    found = {p.name: [*p.opts, *p.secondary_opts] for p in command_of(LEAVES[name]).params}
    assert set(found) == set(options)
    for parameter, option in options.items():
        assert found[parameter] == ([parameter] if option.flag is None else option.flag.split("/"))


def test_the_list_of_commands_needs_no_verb_and_no_pydantic() -> None:
    code = (
        "import sys; from truetwin.cli import _run; _run(['--help'], False)\n"
        "loaded = [m for m in sys.modules if m.startswith(('pydantic', 'numpy', 'rich', 'truetwin.settings'))]\n"
        "print(loaded, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for name, entry in LEAVES.items():
        if " " not in name:
            assert " ".join(entry.summary.split()) in " ".join(done.stdout.split()), "a summary is cut"


def completions(words: str) -> list[str]:
    """What the shell bash is offered after these words."""
    given = {
        "_TRUETWIN_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    code = "from truetwin.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **given}
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("truetwin eval", ["evaluate", "evaluate-marginals"]),
        ("truetwin voice ju", ["judge"]),
        ("truetwin evaluate --pro", ["--protocol"]),
        ("truetwin evaluate --protocol leave-b", ["leave-block-out"]),
    ],
)
def test_shells_complete_verbs_options_and_choices(words: str, expected: list[str]) -> None:
    assert completions(words) == expected


def test_completion_can_be_installed() -> None:
    program = typer.main.get_command(app)
    assert {"--install-completion", "--show-completion"} <= {o for p in program.params for o in p.opts}
    assert json.dumps(sorted(program.commands)) == json.dumps(sorted(entry.name for entry in VERBS))

"""Commands in the documentation are commands of the program; the page for users of other tools runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(sh|console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(block: str) -> Iterator[list[str]]:
    """Split a block into the words of each command of the program that is written out in full."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["truetwin"] and "..." not in words:
            ends = [k for k, word in enumerate(words) if word in ("|", ">", "&&")]
            yield words[1 : min(ends, default=len(words))]


def parsed(program: Any, words: list[str]) -> None:
    """Read the options of a command without running it."""
    import typer

    while hasattr(program, "commands"):
        assert words[0] in program.commands
        program, words = program.commands[words[0]], words[1:]
    try:
        program.make_context("truetwin", list(words))
    except typer.Exit:  # --help
        return


@pytest.fixture(scope="module")
def program() -> Any:
    """The program; it makes each of its commands once."""
    import typer.main

    from truetwin.cli.app import app

    return typer.main.get_command(app)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_have_verbs_and_options_of_the_program(page: Path, program: Any) -> None:
    for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind != "python":
            for words in commands(block):
                parsed(program, words)


@pytest.mark.slow
def test_a_page_for_users_of_other_tools_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("pandas", "pyreadstat"):
        pytest.importorskip(package, reason="the examples for SPSS and pandas need it")
    page = ROOT / "docs" / "guides" / "coming-from.md"
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(block, str(page), "exec"), names)
            continue
        for words in commands(block):
            assert _run(words, debug=True) == 0, words
    printed = capsys.readouterr().out
    assert "best method for new people: " in printed
    assert "verdicts" in printed
    written = {path.name for path in tmp_path.iterdir()}
    assert {"draws.csv", "items.jsonl", "estimates.csv", "predictions.sav"} <= written


NUMBER = re.compile(r"[+-]?\d+(\.\d+)?%?")
SHOWN = re.compile(r"^```sh\n([^`]*?)^```\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines_of(text: str) -> list[str]:
    """Lines of a printed text without its spaces at the ends and its rules."""
    return [line.strip() for line in text.splitlines() if line.strip(" \u2500")]


def alike(one: str, other: str) -> bool:
    """Compare two printed lines; numbers may differ in their last digit, as they do between versions of libraries."""
    words, others = one.split(), other.split()
    return len(words) == len(others) and all(map(_same, words, others))


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    numbers = [NUMBER.fullmatch(word) for word in (one, other)]
    if not all(numbers) or one.count("%") != other.count("%"):
        return False
    last = 10.0 ** -len(one.rstrip("%").partition(".")[2])
    return abs(float(one.rstrip("%")) - float(other.rstrip("%"))) < 1.5 * last


@pytest.mark.parametrize("page", ["from-twins-to-a-published-number", "plan-and-update"])
def test_a_guide_shows_what_its_commands_print(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(["study", "init", "study"], debug=True) == 0
    text = (ROOT / "docs" / "guides" / f"{page}.md").read_text(encoding="utf-8")
    found = [(block, shown) for block, shown in SHOWN.findall(text) if "python" not in block]
    assert found
    for block, shown in found:
        capsys.readouterr()
        for words in commands(block):
            if words[:2] != ["study", "init"]:
                assert _run(words, debug=True) == 0, words
        printed = iter(lines_of("\n".join(capsys.readouterr())))
        missing = [line for line in lines_of(shown) if not any(alike(line, each) for each in printed)]
        assert not missing, f"{page}: printed no line like {missing[0]!r}"

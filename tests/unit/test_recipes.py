"""The recipes of CONTRIBUTING.md fit the tree; `make recipes` follows them for real."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from recipes import ROOT, Block, apply, blocks, changed, commands, recipes

FOLLOWED = recipes()


def test_every_kind_of_addition_has_a_recipe() -> None:
    assert list(FOLLOWED) == [
        "A calibrator",
        "A dataset",
        "A discrepancy",
        "A metric",
        "A kind of model",
        "A dimension of the voice benchmark",
    ]


@pytest.mark.parametrize("heading", FOLLOWED)
def test_what_a_recipe_changes_is_there_and_what_it_adds_is_not(heading: str, tmp_path: Path) -> None:
    for block in FOLLOWED[heading]:
        if block.language == "diff":
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / block.file, tmp_path / block.file)
        elif block.file:
            assert not (ROOT / block.file).exists()
            assert (ROOT / block.file).parent.is_dir() or block.file.startswith("tests/fixtures/")
        if block.file:
            apply(block, tmp_path)  # ends the program where a diff does not fit
    assert any(block.language == "console" or "test_" in block.file for block in FOLLOWED[heading])


def test_a_diff_finds_its_places_by_their_lines() -> None:
    block = Block("diff", " a\n+b\n...\n-d\n+e\n", "x")
    assert changed("a\nc\nd\n", block) == "a\nb\nc\ne\n"
    with pytest.raises(SystemExit, match="must have these lines once; it has them 2 times"):
        changed("a\na\nd\n", block)


def test_a_block_says_its_file_and_a_console_its_commands() -> None:
    file_block = "1. The file, `src/x.py`:\n\n   ```python\n   x = 1\n   ```\n\n"
    typed = "```console\n$ one \\\n  two\nsaid\n$ three\n```\n"
    file, console = blocks(file_block + typed)
    assert file == Block("python", "x = 1\n", "src/x.py")
    assert [" ".join(command.split()) for command in commands(console)] == ["one two", "three"]

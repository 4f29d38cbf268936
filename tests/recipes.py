"""Follow the recipes of CONTRIBUTING.md in a copy of this tree, then lint, check types and test there.

A recipe is a section whose code blocks say what to do. The paragraph before a block ends with the name of a file and a
colon: a ``diff`` changes that file, any other block is its content. A ``console`` block is typed in at the tree's root.

Run by ``make recipes``: ``python tests/recipes.py [--keep] [HEADING ...]``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
LAYERS = "tests/unit/test_layers.py"
LEFT_OUT = (".git", ".venv*", "__pycache__", ".pytest_cache", "build", "dist", "truetwin-demo")
_BLOCK = re.compile(
    r"(?P<before>[^\n]*)\n\n?(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)\n(?P=indent)```", re.DOTALL
)
_FILE = re.compile(r"`((?:src|tests)/[^`\s]+)`[^`]*:$")


@dataclass(frozen=True)
class Block:
    """One code block: ``file`` is what it writes or changes, empty for commands."""

    language: str
    code: str
    file: str = ""


def recipes() -> dict[str, list[Block]]:
    """Blocks of every section of CONTRIBUTING.md that has some, by heading."""
    sections = re.split(r"^## (.*)\n", CONTRIBUTING.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {
        heading: list(blocks(text)) for heading, text in zip(sections[1::2], sections[2::2], strict=True)
    }
    return {heading: some for heading, some in found.items() if some}


def blocks(text: str) -> Iterator[Block]:
    """Code blocks of a section."""
    for match in _BLOCK.finditer(text):
        code = textwrap.dedent(match["code"]) + "\n"
        if match["language"] == "console":
            yield Block("console", code)
            continue
        named = _FILE.search(match["before"].strip())
        if named is None:
            raise SystemExit(f"the line before a block must end with a file and a colon: {match['before']!r}")
        yield Block(match["language"], code, named[1])


def apply(block: Block, tree: Path) -> None:
    """Write or change the file of a block."""
    path = tree / block.file
    if block.language == "diff":
        path.write_text(changed(path.read_text(encoding="utf-8"), block), encoding="utf-8")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.code, encoding="utf-8")


def changed(text: str, block: Block) -> str:
    """A file's text after a diff.

    Lines "..." part its places; a place is found by the lines that the diff keeps or drops there.
    """
    for place in re.split(r"^\.\.\.\n", block.code, flags=re.MULTILINE):
        lines = place.splitlines(keepends=True)
        old = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
        new = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
        if text.count(old) != 1:
            raise SystemExit(
                f"{block.file} must have these lines once; it has them {text.count(old)} times:\n{old}"
            )
        text = text.replace(old, new)
    return text


def commands(block: Block) -> list[str]:
    """What a console block has typed in; a line that ends with a backslash goes on."""
    typed = block.code.replace("\\\n", " ")
    return [line.removeprefix("$ ") for line in typed.splitlines() if line.startswith("$ ")]


def run(command: str, tree: Path) -> None:
    """Run a command in the tree, with the tree's own package and this interpreter's programs first."""
    begun = time.perf_counter()
    paths = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree / 'tests'}",
        "MYPYPATH": f"{tree / 'src'}{os.pathsep}{tree / 'stubs'}",
    }
    done = subprocess.run(
        command, shell=True, cwd=tree, env={**os.environ, **paths}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    print(f"{time.perf_counter() - begun:6.1f} s  {command}", flush=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\n{command!r} ended with {done.returncode}")


def main() -> None:
    """Follow the recipes asked for, by default all."""
    known = recipes()
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("heading", nargs="*", help=f"which recipes, by default all: {', '.join(known)}")
    options.add_argument("--keep", action="store_true", help="leave the copy of the tree where it is")
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="recipes-"))
    try:
        tree = folder / ROOT.name
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
        written = [
            file for heading in asked.heading or known for file in follow(known[heading], heading, tree)
        ]
        tests = " ".join(sorted({file for file in written if Path(file).name.startswith("test_")}))
        for check in ("ruff check .", "ruff format --check .", "mypy", f"pytest -q -n 0 {LAYERS} {tests}"):
            run(check, tree)
    finally:
        if asked.keep:
            print(f"the tree: {folder}")
        else:
            shutil.rmtree(folder)


def follow(steps: list[Block], heading: str, tree: Path) -> Iterator[str]:
    """Do what the blocks of a recipe say, one after the other; yields the files that they write or change."""
    print(f"          {heading}", flush=True)
    for block in steps:
        if block.language == "console":
            for command in commands(block):
                run(command, tree)
        else:
            apply(block, tree)
            yield block.file


if __name__ == "__main__":
    main()

"""Run the tests that concern some files: ``python tests/related.py src/truetwin/data/scale.py ...``.

A test module is related to a module of the package if it imports it, or if it has its place: ``tests/unit/data`` holds
the tests of ``truetwin.data``, and ``test_scale.py`` there those of ``scale.py``. A file of tests is related to itself.
Examples in docstrings of the files run too, and the test of imports between layers. Without files, what differs from
the last commit is taken.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE, TESTS = ROOT / "src", ROOT / "tests"
LAYERS = TESTS / "unit" / "test_layers.py"


def main(names: list[str]) -> int:
    """Run pytest over what is related to the files and return its exit status."""
    files = [Path(name).resolve() for name in names] or changed()
    absent = [str(file) for file in files if not file.exists()]
    if absent:
        print(f"no such file: {', '.join(absent)}", file=sys.stderr)
        return 2
    chosen = sorted({test for file in files for test in related(file)})
    if not chosen:
        print("no tests are related to " + (", ".join(shown(files)) or "what has changed: nothing has"))
        return 0
    print("tests:", " ".join(shown(chosen)), flush=True)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", *map(str, chosen)], cwd=ROOT
    ).returncode


def changed() -> list[Path]:
    """List the Python files that differ from the last commit or are new."""
    commands = (
        ["git", "diff", "--name-only", "--diff-filter=d", "HEAD"],
        ["git", "ls-files", "--others", "--exclude-standard"],
    )
    lines = [
        line
        for command in commands
        for line in subprocess.run(
            command, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.splitlines()
    ]
    return [ROOT / line for line in lines if line.endswith(".py")]


def related(file: Path) -> Iterator[Path]:
    """Find the files that pytest should run for one file."""
    if file.is_relative_to(TESTS):
        name = file.relative_to(TESTS).with_suffix("").name
        yield from [file] if name.startswith("test_") else importing(name)
    elif file.is_relative_to(SOURCE) and file.suffix == ".py":
        place = file.relative_to(SOURCE).with_suffix("").parts
        parts = place[:-1] if place[-1] == "__init__" else place
        yield from (LAYERS, file, *importing(".".join(parts)), *beside(parts[1:]))


def beside(parts: tuple[str, ...]) -> Iterator[Path]:
    """Find the tests that stand where a module's tests belong."""
    if parts:
        test = TESTS.joinpath("unit", *parts[:-1], f"test_{parts[-1]}.py")
        yield from [test] if test.is_file() else []


def importing(module: str) -> Iterator[Path]:
    """Find the test modules that import a module by its own name."""
    yield from (path for path in test_modules() if module in imports(path))


@cache
def test_modules() -> tuple[Path, ...]:
    """List all test modules."""
    return tuple(TESTS.rglob("test_*.py"))


@cache
def imports(path: Path) -> frozenset[str]:
    """List the modules a file imports; ``from a import b`` counts as ``a`` and as ``a.b``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found)


def shown(files: list[Path]) -> list[str]:
    """Write paths as seen from the top folder."""
    return [str(f.relative_to(ROOT)) if f.is_relative_to(ROOT) else str(f) for f in files]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

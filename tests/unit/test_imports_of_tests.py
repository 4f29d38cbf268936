"""Tests on the lowest versions run without the extras, so that no test module needs one to be imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
#: Modules whose distribution has another name.
NAMED_OTHERWISE = {"scikit_learn": "sklearn", "pyyaml": "yaml"}
#: What a line imports, wherever it stands.
IMPORTED = re.compile(r"^\s*(?:from|import)\s+(\w+)", re.MULTILINE)


def always_there() -> set[str]:
    """Name the packages that are installed with the package and its extra ``test``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.split(r"[^\w.-]", text)[0].lower().replace("-", "_") for text in needed}
    return {NAMED_OTHERWISE.get(name, name) for name in names} | {"truetwin"} | set(sys.stdlib_module_names)


def local_modules() -> dict[str, Path]:
    """List the modules that tests import by their bare name."""
    return {path.stem: path for folder in ("tests", "benchmarks") for path in (ROOT / folder).glob("*.py")}


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield what runs when a module is imported, but for blocks for type checkers and those that may fail."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from at_import(node.orelse)
        elif isinstance(node, ast.Try) and any(
            handler.type is None or "ImportError" in ast.unparse(handler.type) for handler in node.handlers
        ):
            yield from at_import([*node.orelse, *node.finalbody])
        elif isinstance(node, ast.If | ast.With | ast.ClassDef | ast.For | ast.While | ast.Try):
            yield from at_import([*node.body, *getattr(node, "orelse", ())])
        else:
            yield node


def needed(source: str) -> list[str]:
    """List the packages that a module needs when it is imported and does not skip without."""
    found: list[str] = []
    skipped_without: set[str] = set()
    for node in at_import(ast.parse(source).body):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [str(node.module).split(".")[0]]
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr):
            for call in ast.walk(node):
                if (
                    isinstance(call, ast.Call)
                    and ast.unparse(call.func) == "pytest.importorskip"
                    and isinstance(call.args[0], ast.Constant)
                ):
                    skipped_without.add(str(call.args[0].value).split(".")[0])
        found += [name for name in names if name not in skipped_without]
    return list(dict.fromkeys(found))


def without_guard(path: Path, allowed: set[str], local: dict[str, Path], seen: set[Path]) -> list[str]:
    """List what a module, and the local modules that it imports, need besides what is always there."""
    if path in seen:
        return []
    seen.add(path)
    source = path.read_text(encoding="utf-8")
    named = set(IMPORTED.findall(source))
    found = [
        text for name in named & local.keys() for text in without_guard(local[name], allowed, local, seen)
    ]
    if named <= allowed | local.keys():
        return found  # most modules: they need not be parsed
    foreign = [name for name in needed(source) if name not in allowed and name not in local]
    return [*found, *(f"{path.relative_to(ROOT)} imports {name}" for name in foreign)]


def test_no_test_module_needs_an_extra_to_be_imported() -> None:
    allowed, local, seen = always_there(), local_modules(), set[Path]()
    paths = [TESTS / "conftest.py", *sorted((TESTS / "unit").rglob("*.py"))]
    found = [text for path in paths for text in without_guard(path, allowed, local, seen)]
    assert not found, "put pytest.importorskip before the import, or import inside the test: " + "; ".join(
        found
    )
    assert len(seen) > 200


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import pandas as pd", ["pandas"]),
        ("from polars.testing import x\nimport numpy", ["polars", "numpy"]),
        ("import pytest\npandas = pytest.importorskip('pandas')\nimport pandas.testing", ["pytest"]),
        ("import pandas\nimport pytest\npytest.importorskip('pandas')", ["pandas", "pytest"]),
        ("try:\n    import pandas\nexcept ImportError:\n    pandas = None", []),
        ("if TYPE_CHECKING:\n    import pandas", []),
        ("import os, pandas", ["os", "pandas"]),
        ("class A:\n    import pandas", ["pandas"]),
        ("def test():\n    import pandas", []),
    ],
)
def test_what_a_module_needs_is_found(source: str, expected: list[str]) -> None:
    assert needed(source) == expected

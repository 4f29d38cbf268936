"""The arrows between layers, and who may print."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import truetwin

ROOT = Path(truetwin.__file__).parent
UNIT_TESTS = Path(__file__).parent
# A layer imports only from itself and from those above it.
LAYERS = [
    {"errors", "_version", "_moved"},
    {"registry"},
    {"data"},
    {"settings"},
    {"instrument"},
    {"io"},
    {"results"},
    {"datasets"},
    {"solvers"},
    {"llm"},
    {"calibration", "reweighting"},
    {"diagnosis"},
    {"estimation"},
    {"experiments"},
    {"evaluation"},
    {"simulation"},
    {"voice"},
    {"voice_sets"},
    {"reproduction"},
    {"report"},
    {"plot"},
    {"study"},
    {"cli"},
    {"__main__"},
]
BASIS = {"errors", "_moved", "registry", "data", "settings"}
ALLOWED = {  # narrower than the order of layers
    "solvers": {"errors", "solvers"},
    "data": {"errors", "registry", "data"},
    "settings": {"errors", "registry", "data", "settings"},
    "instrument": BASIS | {"instrument"},
    "results": BASIS | {"io", "results"},
    "llm": BASIS | {"io", "llm"},
    "simulation": BASIS | {"io", "results", "datasets", "llm", "simulation"},
    "voice": BASIS | {"io", "datasets", "solvers", "llm", "voice"},
    "voice_sets": BASIS | {"io", "results", "llm", "voice", "voice_sets"},
    "calibration": BASIS | {"instrument", "solvers", "calibration"},
    "reweighting": BASIS | {"instrument", "results", "solvers", "reweighting"},
    "diagnosis": BASIS | {"instrument", "io", "solvers", "calibration", "diagnosis"},
}
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


@dataclass(frozen=True)
class Source:
    """What the rules below ask of a module: imports, lines where it prints, and whether it transposes tables."""

    imports: tuple[ast.Import | ast.ImportFrom, ...]
    prints: tuple[int, ...]
    transposes: bool


@cache
def source(path: Path) -> Source:
    """Read a module once; its syntax tree, which is large, is not kept."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return Source(
        tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)),
        tuple(
            node.lineno
            for node in nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ),
        any(
            isinstance(node, ast.Attribute)
            and node.attr == "T"
            and isinstance(node.value, ast.Name)
            and node.value.id in {"human", "twin", "values", "human_values", "twin_values"}
            for node in nodes
        ),
    )


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def layer_of(name: str) -> int:
    return next(k for k, names in enumerate(LAYERS) if name in names)


def imports(path: Path) -> set[str]:
    found = set()
    for node in source(path).imports:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("truetwin"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names} - {"__version__"}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("truetwin.")}
    return found


def folder_of(package: str) -> Path:
    return ROOT.joinpath(*package.split(".")[1:])


@cache
def holds_folders(package: str) -> bool:
    return any(child.is_dir() and (child / "__init__.py").exists() for child in folder_of(package).iterdir())


def room_of(module: str) -> str:
    """The innermost folder of a module; a module beside folders is a room of its own."""
    folder = module.rpartition(".")[0]
    return module if holds_folders(folder) else folder


def room_imports() -> dict[str, set[str]]:
    """Which rooms each room imports modules from."""
    found: dict[str, set[str]] = {}
    for path in MODULES:
        if path.name == "__init__.py":
            continue
        own = room_of(".".join(("truetwin", *path.relative_to(ROOT).with_suffix("").parts)))
        for node in source(path).imports:
            if not (isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("truetwin.")):
                continue
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                if folder_of(name).with_suffix(".py").is_file():
                    found.setdefault(own, set()).add(room_of(name))
    return {room: used - {room} for room, used in found.items()}


def test_no_circle_between_rooms() -> None:
    TopologicalSorter(room_imports()).prepare()  # raises CycleError, which names the circle


def test_a_file_name_tells_what_is_inside_without_its_folder() -> None:
    names = Counter(path.name for path in MODULES if path.name not in ("__init__.py", "__main__.py"))
    assert [name for name, n in names.items() if n > 1] == []


def test_a_layer_imports_only_from_above() -> None:
    upwards, beyond = {}, {}
    for path in MODULES:
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        used = imports(path)
        upwards[place(path)] = {name for name in used if layer_of(name) > layer_of(own)}
        beyond[place(path)] = used - ALLOWED.get(own, used)
    assert {where: names for where, names in upwards.items() if names} == {}
    assert {where: names for where, names in beyond.items() if names} == {}


def test_only_the_command_line_prints() -> None:
    printing = [
        f"{place(path)}:{line}"
        for path in MODULES
        if path.relative_to(ROOT).parts[0] != "cli"
        for line in source(path).prints
    ]
    assert printing == []


def test_only_one_module_transposes() -> None:
    transposing = {
        path.name for path in MODULES if path.is_relative_to(ROOT / "calibration") and source(path).transposes
    }
    assert transposing <= {"orientation.py"}


PROVIDERS = {"openai", "httpx", "aiohttp", "inspect_ai", "ray", "vllm"}
MAY_IMPORT_PROVIDERS = {
    "llm/": PROVIDERS,
    "voice/protocols/inspect_tasks.py": {"inspect_ai"},
    "calibration/worker_backends.py": {"ray"},  # as workers, not as a way to a model
}


def outside_imports(path: Path) -> set[str]:
    found = set()
    for node in source(path).imports:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found


def test_only_the_llm_layer_knows_providers() -> None:
    knowing = {}
    for path in MODULES:
        allowed = {
            p for start, some in MAY_IMPORT_PROVIDERS.items() if place(path).startswith(start) for p in some
        }
        knowing[place(path)] = (outside_imports(path) & PROVIDERS) - allowed
    assert {where: names for where, names in knowing.items() if names} == {}


def test_unit_tests_stand_in_the_folder_of_what_they_test() -> None:
    folders = {path.parent.relative_to(UNIT_TESTS) for path in UNIT_TESTS.rglob("test_*.py")}
    assert {folder.as_posix() for folder in folders if not (ROOT / folder / "__init__.py").is_file()} == set()


@pytest.mark.parametrize("name", truetwin.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(truetwin, name) is not None

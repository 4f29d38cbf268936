"""The arrows between layers, and who may print."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import truetwin

ROOT = Path(truetwin.__file__).parent
# A layer imports only from itself and from those above it.
LAYERS = [
    {"errors", "_version"},
    {"registry"},
    {"data"},
    {"io"},
    {"datasets"},
    {"solvers"},
    {"llm"},
    {"calibration", "reweighting"},
    {"diagnosis"},
    {"evaluation"},
    {"simulation"},
    {"voice"},
    {"reproduction"},
    {"report"},
    {"study"},
    {"cli"},
]
ALLOWED = {  # narrower than the order of layers
    "solvers": {"errors", "solvers"},
    "data": {"errors", "registry", "data"},
    "llm": {"errors", "registry", "data", "io", "llm"},
    "simulation": {"errors", "registry", "data", "io", "datasets", "llm", "simulation"},
    "voice": {"errors", "registry", "data", "io", "datasets", "solvers", "llm", "voice"},
    "calibration": {"errors", "registry", "data", "solvers", "calibration"},
    "reweighting": {"errors", "registry", "data", "solvers", "reweighting"},
    "diagnosis": {"errors", "registry", "data", "io", "solvers", "calibration", "diagnosis"},
}
MODULES = sorted(p for p in ROOT.rglob("*.py") if p.name != "__init__.py" or p.parent != ROOT)


def layer_of(name: str) -> int:
    return next(k for k, names in enumerate(LAYERS) if name in names)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("truetwin"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names} - {"__version__"}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("truetwin.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_layer_imports_only_from_above(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    used = imports(path)
    assert {name for name in used if layer_of(name) > layer_of(own)} == set()
    if own in ALLOWED:
        assert used <= ALLOWED[own]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_command_line_prints(path: Path) -> None:
    if path.relative_to(ROOT).parts[0] == "cli":
        return
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []


def test_only_one_module_transposes() -> None:
    transposing = {
        path.name
        for path in (ROOT / "calibration").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr == "T"
        and isinstance(node.value, ast.Name)
        and node.value.id in {"human", "twin", "values", "human_values", "twin_values"}
    }
    assert transposing <= {"_orient.py"}


PROVIDERS = {"openai", "httpx", "aiohttp", "inspect_ai", "ray", "vllm"}
MAY_IMPORT_PROVIDERS = {"llm/": PROVIDERS, "voice/inspect_tasks.py": {"inspect_ai"}}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_llm_layer_knows_providers(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    allowed = {p for start, some in MAY_IMPORT_PROVIDERS.items() if name.startswith(start) for p in some}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    assert (found & PROVIDERS) - allowed == set()


@pytest.mark.parametrize("name", truetwin.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(truetwin, name) is not None

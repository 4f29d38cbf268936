"""Names of other packages' entries: listed without an import, and their faults named."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from truetwin import registry
from truetwin.errors import ExtensionError, ParameterError, UnknownNameError
from truetwin.registry import Registry, must_be

GROUP = "truetwin.test_colours"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    registry._entry_points.cache_clear()
    yield
    registry._entry_points.cache_clear()


def install(folder: Path, package: str, declared: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package as pip leaves it: a module, and metadata beside it."""
    (folder / f"{package}.py").write_text(code)
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{declared}\n")
    if str(folder) not in sys.path:
        monkeypatch.syspath_prepend(str(folder))


def colours() -> Registry[str]:
    found: Registry[str] = Registry(
        "colour", hint="Known: {names}.", entry_point_group=GROUP, check=must_be(str)
    )
    found.add("red", "#f00", aliases=("rouge",))
    return found


def test_entries_of_other_packages_are_known_without_an_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "tt_paints", "teal = tt_paints:TEAL", "TEAL = '#088'\n", monkeypatch)
    table = colours()
    assert "teal" in table
    assert list(table) == ["red", "teal"]
    assert len(table) == 2
    with pytest.raises(UnknownNameError, match=r"Did you mean 'teal'\? Known: red, teal\.$"):
        table["tael"]
    assert "tt_paints" not in sys.modules
    assert table["teal"] == "#088"
    assert dict(table.items()) == {"red": "#f00", "teal": "#088"}
    assert table.faults() == {}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_of_this_name\n", "ModuleNotFoundError"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("TEAL = 7\n", "must be a builtins.str; it is 7"),
        ("", "AttributeError"),
        ("this is no python\n", "SyntaxError"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
def test_a_broken_entry_is_named_and_breaks_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, why: str
) -> None:
    name = f"tt_broken_{abs(hash(why))}"
    install(tmp_path, name, f"teal = {name}:TEAL", code, monkeypatch)
    table = colours()
    assert list(table) == ["red", "teal"]
    assert dict(table.items()) == {"red": "#f00"}
    assert why in table.faults()["teal"]
    assert f"{name} ({name}:TEAL)" in table.faults()["teal"]
    with pytest.raises(ExtensionError, match="colour 'teal'"):
        table["teal"]


@pytest.mark.parametrize("name", ["red", "rouge"])
def test_a_name_of_truetwin_stays_truetwins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    install(tmp_path, "tt_reds", f"{name} = tt_reds:RED", "RED = '#e00'\n", monkeypatch)
    table = colours()
    assert table[name] == "#f00"
    assert list(table) == ["red"]
    assert table.faults() == {
        name: f"a colour named {name!r} is already registered; tt_reds (tt_reds:RED) must choose another name"
    }


def test_one_name_in_two_packages_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("tt_one", "tt_two"):
        install(tmp_path, package, f"teal = {package}:TEAL", "TEAL = '#088'\n", monkeypatch)
    with pytest.raises(ExtensionError, match=r"2 packages have a colour named 'teal': .*tt_one.*tt_two"):
        colours()["teal"]


def test_an_entry_by_its_place_is_imported_when_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tt_placed.py").write_text("BLUE = '#00f'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    table = colours()
    table.add_place("blue", "tt_placed:BLUE")
    assert "blue" in table
    assert "tt_placed" not in sys.modules
    assert table["blue"] == "#00f"
    with pytest.raises(ParameterError, match="already registered"):
        table.add("blue", "#00e")

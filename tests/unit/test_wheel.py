"""What a user installs holds everything that the program reads, and nothing else."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

import truetwin

ROOT = Path(truetwin.__file__).parent


def test_the_wheel_holds_the_package_and_its_data_files(tmp_path: Path) -> None:
    wheels = pytest.importorskip("hatchling.builders.wheel", reason="needs the build backend hatchling")
    (path,) = wheels.WheelBuilder(str(ROOT.parents[1])).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(path) as wheel:
        inside = {name for name in wheel.namelist() if name.startswith("truetwin/")}
        outside = {name.split("/")[0] for name in wheel.namelist()} - {"truetwin"}
        metadata = next(n for n in wheel.namelist() if n.endswith("entry_points.txt"))
        assert "truetwin = truetwin.cli:main" in wheel.read(metadata).decode()
    source = {
        f"truetwin/{file.relative_to(ROOT).as_posix()}"
        for file in ROOT.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert inside == source
    assert "truetwin/py.typed" in inside
    assert "truetwin/report/page.css" in inside
    assert outside == {f"truetwin-{truetwin.__version__}.dist-info"}

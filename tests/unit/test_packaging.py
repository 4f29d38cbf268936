"""What is written more than once about the package agrees."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import truetwin

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_the_one_to_cite_and_the_newest_of_the_changelog() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = re.findall(
        r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert citation["version"] == changes[0] == truetwin.__version__
    assert f"(version {truetwin.__version__})" in readme
    assert f"truetwin-{truetwin.__version__}-py3" in (ROOT / "docs" / "installing.md").read_text(
        encoding="utf-8"
    )


def test_every_extra_is_in_the_table_of_extras(project: Any) -> None:
    page = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)) == set(
        project["optional-dependencies"]
    )


def test_python_versions_are_those_that_ci_runs(project: Any) -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    told = [c.rsplit(" ", 1)[1] for c in project["classifiers"] if re.search(r"Python :: 3\.\d+$", c)]
    assert told == jobs["test"]["strategy"]["matrix"]["python"]
    assert project["requires-python"] == f">={told[0]}"


def test_hooks_before_a_commit_are_those_of_lint() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0][
        "hooks"
    ]
    _, _, recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlint: ")
    lines = recipe.partition("\n\n")[0].split("\n")[1:]
    assert [hook["entry"] for hook in hooks] == [
        line.strip().replace("$(BIN)", ".venv/bin") for line in lines
    ]

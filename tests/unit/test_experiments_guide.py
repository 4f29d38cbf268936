"""Every command of the guide on experiments runs, on tables of the kind that it describes."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from truetwin.cli import _run
from truetwin.data.contrast_frames import contrast_table
from truetwin.io import read_table

pytestmark = pytest.mark.slow

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "experiments.md"
TEXT = GUIDE.read_text(encoding="utf-8")
N = 120


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


COMMANDS = [
    shlex.split(line)
    for block in blocks("sh")
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip()
]


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def shop(folder: Path) -> None:
    """An experiment with arms, prices, fees, groups of people, and everything to ask twins; rows of the guide."""
    rng = np.random.default_rng(1)
    people = [f"p{k}" for k in range(N)]
    arms = [
        {
            "respondent_id": p,
            "message": ("plain", "warm", "funny")[k % 3],
            "price": ("low", "high")[k // 3 % 2],
            "fee_1": ("shown", "hidden")[k % 2],
            "fee_2": ("hidden", "shown")[k // 2 % 2],
        }
        for k, p in enumerate(people)
    ]
    write(folder / "conditions.csv", arms)
    items = ("buys", "trusts", "fair_1", "fair_2")
    for side in ("human", "twin"):
        rows = [{"respondent_id": p, **{i: int(rng.integers(1, 8)) for i in items}} for p in people]
        write(folder / f"{side}.csv", rows)
    about = [
        {"respondent_id": p, "region": "ns"[k % 2], "weight": 1 + k % 3, "household": f"h{k // 2}"}
        for k, p in enumerate(people)
    ]
    write(folder / "people.csv", about)
    head = next(block for block in blocks("text") if block.startswith("contrast_id"))
    rows = re.findall(r"^\| [^|]+ \| `([^`]+,[^`]+)` \|$", TEXT, re.MULTILINE)
    (folder / "contrasts.csv").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "message.csv").write_text(f"{head}{rows[0]}\n", encoding="utf-8")
    arms_file = next(block for block in blocks("text") if block.startswith("condition,arm"))
    (folder / "arms.csv").write_text(f"{arms_file}message,funny,Ha.\n", encoding="utf-8")
    asked = [{"item_id": "buys", "text": "{{message}} Would you buy it?", "low": 1, "high": 7}]
    write(folder / "items.csv", asked)
    write(folder / "personas.csv", [{"id": p, "text": f"Person {p}."} for p in people])


def conjoint(folder: Path) -> None:
    """A conjoint experiment of two profiles in three tasks a person."""
    rng = np.random.default_rng(2)
    rows = [{"id": f"p{k}", "task": t, "profile": f} for k in range(40) for t in (1, 2, 3) for f in (1, 2)]
    write(folder / "conditions.csv", [{**row, "age": str(rng.choice(["young", "old"]))} for row in rows])
    for side in ("human", "twin"):
        write(folder / f"{side}.csv", [{**row, "rating": int(rng.integers(1, 8))} for row in rows])
    contrast = {"contrast_id": "age", "kind": "between", "condition": "age", "treatment": "old"}
    write(folder / "contrasts.csv", [{**contrast, "control": "young", "outcomes": "rating"}])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("guide")
    shop(path / "shop")
    conjoint(path / "conjoint")
    (yaml,) = blocks("yaml")
    (path / "messages.yaml").write_text(yaml, encoding="utf-8")
    return path


def test_the_guide_declares_every_kind_of_contrast(folder: Path) -> None:
    found = contrast_table(read_table(folder / "shop" / "contrasts.csv"))
    found.problems.raise_any()
    assert {one.kind for one in found.contrasts} == {"between", "within", "stacked", "interaction"}
    assert len(found.contrasts) == 7


def test_every_block_of_the_guide_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, str(GUIDE), "exec"), names)
    printed = []
    for command in COMMANDS:
        assert command[0] == "truetwin"
        code = _run(command[1:], debug=True)
        captured = capsys.readouterr()
        assert code == 0, (command, captured.err)
        printed.append(captured.out)
    everything = "\n".join(printed)
    for output in (block for block in blocks("text") if "," not in block.splitlines()[0]):
        shown = [line.split() for line in everything.splitlines()]
        for line in output.splitlines():
            assert line.split() in shown or "─" in line, line
    with (folder / "every.csv").open(encoding="utf-8") as stream:
        assert "buys@message=warm" in next(csv.reader(stream))

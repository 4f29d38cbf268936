"""`simulate` under arms, and `runs`, run for real."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run

N = 12
ITEMS = "item_id,text,low,high\nQ1,{{message}} Would you buy it?,1,5\nQ2,Do you trust {it}?,1,5\n"
ARMS = "condition,arm,text\nmessage,A,Tea is {healthy}.\nmessage,B,Tea is {{cheap}}.\n"


class Folder:
    """A folder with personas, items and arms."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.capsys = path, capsys
        self.write("personas.csv", "id,text\n" + "".join(f"p{k},Person {k}.\n" for k in range(N)))
        self.write("items.csv", ITEMS)
        self.write("arms.csv", ARMS)
        self.write("people.csv", "id,region\n" + "".join(f"p{k},{'ns'[k % 2]}\n" for k in range(N)))

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.path / name).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def run(self, *arguments: str, code: int = 0) -> str:
        found = _run([str(self.path / a[1:]) if a.startswith("@") else a for a in arguments], debug=False)
        captured = self.capsys.readouterr()
        self.err = captured.err
        assert found == code, captured.err
        return captured.out

    def simulate(self, *options: str, code: int = 0) -> str:
        files = ["--personas", "@personas.csv", "--items", "@items.csv"]
        return self.run("simulate", *files, *options, code=code)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    return Folder(tmp_path, capsys)


def test_arms_against_an_endpoint_are_resumed_and_paid_for_once(folder: Folder, llm_server: Any) -> None:
    llm_server.configure(
        rules=[
            {"contains": "Tea is {healthy}. Would", "reply": "2"},
            {"contains": "Tea is {{cheap}}. Would", "reply": "5"},
            {"contains": "trust {it}?", "reply": "3"},
        ]
    )
    endpoint = ["--model", "m", "--base-url", llm_server.base_url, "--run", "@run", "--arms", "@arms.csv"]
    folder.simulate(*endpoint, "--every-arm", "--cap-tokens", "2000", code=1)
    assert 0 < llm_server.stats()["requests"] < 3 * N
    folder.simulate(*endpoint, "--every-arm", "--export", "@out.csv")
    assert llm_server.stats()["requests"] == 3 * N
    assert folder.rows("out.csv")[0] == {
        "id": "p0",
        "Q1@message=A": "2",
        "Q1@message=B": "5",
        "Q2": "3",
    }
    assert [row["column"] for row in folder.rows("out.arms.csv")] == ["Q1@message=A", "Q1@message=B"]
    folder.simulate(*endpoint, code=2)
    assert "task.arms.every: stored true, asked for false" in folder.err


def test_assigned_arms_are_exported_with_the_conditions_table(folder: Folder) -> None:
    options = ["--arms", "@arms.csv", "--assign-within", "region", "--people", "@people.csv", "--seed", "3"]
    folder.simulate("--model", "generated", "--run", "@run", *options)
    folder.run("runs", "export", "@run", "--output", "@out.csv")
    levels = {row["id"]: row["message"] for row in folder.rows("out.conditions.csv")}
    assert sorted(levels[f"p{k}"] for k in range(0, N, 2)) == ["A"] * 3 + ["B"] * 3
    shown = folder.run("runs", "show", "@run")
    assert "arms: message: 6 A, 6 B" in folder.err
    assert "total" in shown
    again = folder.run("runs", "show", "@run", "--persona", "p0", "--item", f"Q1@message={levels['p0']}")
    assert {"A": "Tea is {healthy}.", "B": "Tea is {{cheap}}."}[levels["p0"]] in again


def test_arms_are_balanced_within_groups_of_several_columns(folder: Folder) -> None:
    rows = "".join(f"p{k},{'ns'[k % 2]},{'fm'[k // 2 % 2]}\n" for k in range(N))
    folder.write("people.csv", f"id,region,sex\n{rows}")
    options = ["--arms", "@arms.csv", "--assign-within", "region,sex", "--people", "@people.csv"]
    folder.simulate("--model", "generated", "--run", "@run", "--export", "@out.csv", *options)
    levels = {row["id"]: row["message"] for row in folder.rows("out.conditions.csv")}
    for first in range(4):
        here = [levels[f"p{k}"] for k in range(first, N, 4)]
        assert sorted(here) in (["A", "A", "B"], ["A", "B", "B"])


def test_the_conditions_table_of_one_run_gives_the_arms_of_the_next(folder: Folder) -> None:
    folder.simulate("--model", "generated", "--run", "@a", "--export", "@a.csv", "--arms", "@arms.csv")
    given = ["--arms", "@arms.csv", "--conditions", "@a.conditions.csv"]
    folder.simulate("--model", "generated", "--run", "@b", "--export", "@b.csv", *given)
    assert folder.rows("a.csv") == folder.rows("b.csv")
    assert folder.rows("a.conditions.csv") == folder.rows("b.conditions.csv")


def test_shards_merge_into_the_whole_run(folder: Folder) -> None:
    options = ["--model", "generated", "--arms", "@arms.csv"]
    for part in "12":
        folder.simulate(*options, "--run", f"@part{part}", "--shard", f"{part}/2")
    folder.run("runs", "merge", "@both", "@part1", "@part2")
    folder.simulate(*options, "--run", "@whole", "--export", "@whole.csv")
    folder.run("runs", "export", "@both", "--output", "@both.csv")
    for name in ("", ".conditions"):
        assert folder.rows(f"both{name}.csv") == folder.rows(f"whole{name}.csv")


def test_a_dry_run_counts_calls_by_arm_and_shows_the_arm(folder: Folder) -> None:
    out = folder.simulate("--model", "m", "--dry-run", "--arms", "@arms.csv")
    assert "Tea is {healthy}. Would you buy it?" in out or "Tea is {{cheap}}. Would you buy it?" in out
    assert f"{2 * N} calls ({N} personas, 2 items in 2 groups, 1 each)" in folder.err
    assert "arms: message: 6 A, 6 B" in folder.err
    folder.simulate("--model", "m", "--dry-run", "--arms", "@arms.csv", "--every-arm")
    assert f"{3 * N} calls" in folder.err
    assert "arms: message: every twin under each of A, B" in folder.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--every-arm"], "--every-arm needs --arms"),
        (["--assign-within", "region"], "--assign-within needs --arms"),
        (["--conditions", "@people.csv"], "--conditions needs --arms"),
        (["--arms", "@arms.csv", "--every-arm", "--conditions", "@people.csv"], "--conditions does not go with"),
        (["--arms", "@arms.csv", "--assign-within", "region"], "--assign-within needs --people"),
        (["--arms", "@arms.csv", "--people", "@people.csv"], "--people goes with --assign-within"),
        (["--arms", "@arms.csv", "--conditions", "@people.csv"], "it lacks 'message'"),
        (["--arms", "@items.csv"], "must have the columns arm and text"),
        (["--arms", "@arms.csv", "--assign-within", "regoin", "--people", "@people.csv"], "Did you mean 'region'"),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other_are_refused(
    folder: Folder, options: list[str], message: str
) -> None:
    folder.simulate("--model", "generated", "--run", "@run", *options, code=2)
    assert message in folder.err
    assert "Traceback" not in folder.err
    assert not (folder.path / "run").exists()


def test_many_items_a_call_are_exported_in_their_order(folder: Folder) -> None:
    items = "".join(f"Q{k},Do you like {k}?,1,5\n" for k in range(1, 12))
    folder.write("items.csv", "item_id,text,low,high\n" + items)
    folder.simulate("--model", "generated", "--run", "@run", "--per-call", "2", "--export", "@out.csv")
    assert list(folder.rows("out.csv")[0]) == ["id", *(f"Q{k}" for k in range(1, 12))]

"""What `truetwin evaluate` prints and writes: common targets, undefined scores, groups, weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import rich.console

from truetwin.cli import _run, output
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.io import write_table

N = 90
GROUPS = ["old", "young", "young"] * 29 + ["alone", "alone", "old"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Ninety people, the twins of one item all alike; ages, weights, and answers given a second time."""
    panel = generate_population(N, 10, n_new_items=0, random_state=4).panel
    twin = panel.twin_values.copy()
    twin[:, 3] = 2.0
    rng = np.random.default_rng(0)
    people = {
        "respondent_id": list(panel.respondent_ids),
        "age": GROUPS,
        "w": rng.uniform(0.5, 2, N).tolist(),
    }
    tables = {
        "human": to_frame(panel.human_values, panel.respondent_ids, panel.item_ids),
        "twin": to_frame(twin, panel.respondent_ids, panel.item_ids),
        "again": to_frame(panel.human_values[:40], panel.respondent_ids[:40], panel.item_ids),
        "people": pa.table(people),
    }
    for name, table in tables.items():
        write_table(table, tmp_path / f"{name}.csv")
    return {name: str(tmp_path / f"{name}.csv") for name in tables}


def evaluate(files: dict[str, str], *options: str) -> int:
    methods = ["--methods", "twin,human-respondent-mean,ridge", "--preset", "twin-2k-500"]
    return _run(["evaluate", files["human"], files["twin"], *methods, *options], debug=False)


def rows_of(capsys: pytest.CaptureFixture[str], files: dict[str, str], *options: str) -> dict[str, Any]:
    assert evaluate(files, *options, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("width", [60, 100])
def test_the_table_fits_the_terminal_and_shows_both_means(
    files: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(output, "console", lambda: rich.console.Console(width=width, highlight=False))
    assert evaluate(files, "--people", files["people"], "--by", "age") == 0
    found = capsys.readouterr()
    assert max(len(line.rstrip()) for line in found.out.splitlines()) <= width
    assert "mean: on the 9 of 10 items that every method scores" in found.out
    assert "as 0: on 10 items" in found.out
    heading = next(line.split() for line in found.out.splitlines() if "as 0 " in line)
    assert heading[:4] == ["method", "mean", "SE", "gain"] if width == 100 else heading[0] == "method"
    assert "undefined pearson: 1 for twin, ridge" in found.err
    assert "clustered by item: 9 items" in found.err
    assert "not shown, fewer than 5 people: alone" in found.err


def test_groups_and_spreads_are_rows_for_machines(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = rows_of(capsys, files, "--people", files["people"], "--by", "age", "--metric", "rmse")
    groups = {(row["method"], row["group"]): row for row in found["groups"]}
    assert groups["twin", "old"]["n_people"] == 30
    assert groups["twin", "alone"] == {
        "by": "age", "metric": "rmse", "method": "twin", "group": "alone", "suppressed": True
    }  # fmt: skip
    twin = next(row for row in found["spreads"] if row["method"] == "twin")
    means = [groups["twin", name]["mean"] for name in ("old", "young")]
    assert twin["spread"] == pytest.approx(abs(means[0] - means[1]))
    assert found["settings"]["by"] == ["age"]


def test_weights_change_scores_and_not_predictions(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    plain = rows_of(capsys, files, "--metric", "mae")
    weighted = rows_of(capsys, files, "--metric", "mae", "--people", files["people"], "--weights", "w")
    assert weighted["settings"]["weights"] == "w"
    before, after = (found["rows"][0]["mean"] for found in (plain, weighted))
    assert before != after
    assert after == pytest.approx(before, rel=0.1)


def test_people_who_were_asked_again_are_read_from_a_file(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--metric", "normalised-accuracy,accuracy"]
    found = rows_of(capsys, files, *options, "--retest", files["again"])
    assert found["rows"][0]["n_scored"] == 10
    assert evaluate(files, *options) == 2
    assert "--retest" in capsys.readouterr().err


def test_a_group_column_that_says_nothing_is_refused(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    people = ["--people", files["people"]]
    assert evaluate(files, *people, "--by", "age", "--min-cell", "80") == 2
    assert "at least two groups of 80 people" in capsys.readouterr().err
    assert evaluate(files, *people, "--by", "aeg") == 2
    assert "Did you mean 'age'?" in capsys.readouterr().err
    assert evaluate(files, *people, "--by", "age", "--protocol", "leave-one-respondent-out") == 2
    assert "hides people" in capsys.readouterr().err
    assert evaluate(files, "--metric", "gap-slope") == 2
    assert "--by" in capsys.readouterr().err
    assert evaluate(files, "--retest", files["people"], "--metric", "normalised-accuracy") == 2
    assert capsys.readouterr().err

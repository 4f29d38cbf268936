"""A file through standard input, and tables on terminals that know little."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from truetwin.cli import _prepare_streams, _run
from truetwin.cli.output import Column, note, print_json, print_table
from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.io import read_table, write_table


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    panel = generate_population(60, 12, n_new_items=1).panel
    for name, matrix in (("human", panel.human), ("twin", panel.twin)):
        write_table(to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids), tmp_path / f"{name}.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    class Stdin:
        buffer = io.BytesIO(content)

    monkeypatch.setattr("sys.stdin", Stdin())


def scores(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert _run(["evaluate", *arguments, "--methods", "twin,ridge", "--json"], debug=True) == 0
    return json.loads(capsys.readouterr().out)["rows"]


def without_time(rows: Any) -> Any:
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in rows]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_dash_reads_what_comes_in(
    tables: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    expected = without_time(scores(capsys, "human.csv", "twin.csv"))
    content = (tables / "twin.csv").read_bytes()
    if kind == "parquet":
        pq.write_table(read_table(tables / "twin.csv"), tables / "twin.parquet")
        content = (tables / "twin.parquet").read_bytes()
    feed(monkeypatch, content)
    assert without_time(scores(capsys, "human.csv", "-")) == expected
    feed(monkeypatch, content)
    assert without_time(scores(capsys, "human.csv", "--twin", "gpt=-")) == expected


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [(b"", ["human.csv", "-"], "nothing came through"), (b"id,Q1\n", ["-", "-"], "one file only")],
)
def test_nothing_and_twice_are_refused(
    tables: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    arguments: list[str],
    words: str,
) -> None:
    feed(monkeypatch, content)
    assert _run(["evaluate", *arguments], debug=False) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["estimate", "h.csv", "t.csv", "--output", "-"], "--output must name a file"),
        (["estimate", "h.csv", "t.csv", "--figures=-"], "--figures must name a file"),
        (["study", "run", "-"], "results of a study lie beside its file"),
    ],
)
def test_results_are_not_written_to_a_file_that_vanishes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    feed(monkeypatch, b"id,Q1\n")
    assert _run(arguments, debug=False) == 2
    assert words in capsys.readouterr().err


def test_a_closed_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    _prepare_streams()
    with contextlib.closing(sys.stdout), contextlib.closing(sys.stderr):
        print_table([{"a": 1}], [Column("a", "figure", "d")])
        note("said to nobody")


def test_characters_that_the_encoding_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (out := io.BytesIO(), table := io.BytesIO()):
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(stream, encoding="ascii"))
        _prepare_streams()
        if stream is out:
            print_json("estimate", {}, [{"item": "\U0001f600 é"}])
        else:
            print_table([{"item": "\U0001f600 é"}], [Column("item", "item")])
        sys.stdout.flush()
    assert json.loads(out.getvalue())["rows"] == [{"item": "\U0001f600 é"}]
    assert b"\\U0001f600 \\xe9" in table.getvalue()


def test_a_dumb_terminal_gets_plain_rules(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    print_table([{"a": 1}], [Column("a", "figure", "d")])
    shown = capsys.readouterr().out
    assert shown.isascii()
    assert "--" in shown

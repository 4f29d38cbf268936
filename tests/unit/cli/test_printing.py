"""Nothing from files, servers or models reaches the terminal raw."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import truetwin.cli
from truetwin.cli import _run
from truetwin.cli.output import Column, note, print_json, print_line, print_table
from truetwin.cli.run_display import describe_progress, progress_line
from truetwin.llm import Progress, State, Usage

HOSTILE = "a\x1b[31mb\u202ec\x07\x9bd\u2066"
MARKS = [c for c in HOSTILE if not c.isprintable()]


def test_only_one_module_prints() -> None:
    root = Path(truetwin.cli.__file__).parent
    allowed = {root / "output.py", root / "__init__.py", root / "app.py"}
    for path in set(root.rglob("*.py")) - allowed:
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert not [n for n in calls if isinstance(n.func, ast.Name) and n.func.id == "print"], path


def test_every_way_of_printing_escapes_marks(capsys: pytest.CaptureFixture[str]) -> None:
    note(HOSTILE)
    print_line(HOSTILE)
    print_table([{"x": HOSTILE}], [Column("x", HOSTILE)], title=HOSTILE)
    print_json("x", {"a": HOSTILE}, [{HOSTILE: HOSTILE}])
    found = capsys.readouterr()
    for mark in MARKS:
        assert mark not in found.out + found.err
    printed = found.out[found.out.index("{") :]
    assert json.loads(printed)["settings"]["a"] == HOSTILE  # machines read the same text


@pytest.mark.parametrize("width", [160, 100, 60, 30])
def test_names_of_files_are_never_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    from rich.console import Console

    files = ["evaluation-leave-one-item-out.json", "evaluation-leave-block-out.json", "scores.parquet"]
    rows = [
        {"step": "evaluate", "state": "unchanged, kept", "files": ", ".join(files)},
        {"step": "evaluate_marginals", "state": "done", "files": ""},
    ]
    columns = [
        Column("step", "step"),
        Column("state", "state"),
        Column("files", "files", foldable=True, names=True),
    ]
    monkeypatch.setattr("truetwin.cli.output.console", lambda: Console(width=width, highlight=False))
    print_table(rows, columns)
    printed = capsys.readouterr().out
    assert all(name in printed for name in files)
    assert all(word in printed for word in ("unchanged, kept", "evaluate_marginals"))
    if width >= 60:
        assert max(map(len, printed.splitlines())) <= width


def test_a_column_that_is_left_out_is_told_from_others_of_the_same_heading(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    columns = [
        Column("mean", "mean", ".3f"),
        Column("mean_error", "SE", ".3f", optional=True),
        Column("gain", "gain", ".3f"),
        Column("gain_error", "SE", ".3f"),
    ]
    monkeypatch.setattr("truetwin.cli.output.console", lambda: Console(width=30, highlight=False))
    print_table([{column.field: 0.25 for column in columns}], columns)
    assert "left out for want of width: SE of 'mean';" in capsys.readouterr().err


def test_progress_escapes_what_a_server_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Progress(1, dict.fromkeys(State, 0), 0, Usage(), None, 1.0, 1.0, 0, 1, stopping=HOSTILE)
    assert HOSTILE in describe_progress(now)
    monkeypatch.setattr("truetwin.cli.run_display.EVERY", 0.0)
    with progress_line(HOSTILE) as show:
        show(now)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress_line(HOSTILE) as show:
        show(now)
    found = capsys.readouterr()
    assert "\u202e" not in found.out + found.err
    assert "\x07" not in found.out + found.err


def test_simulate_escapes_ids_files_and_words_of_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], llm_server: Any
) -> None:
    items, personas = tmp_path / "items.csv", tmp_path / f"p{MARKS[1]}.csv"
    items.write_text(f"item_id,text,low,high\nQ{HOSTILE},Do you like tea?,1,5\n")
    personas.write_text(f"id,text\np{MARKS[1]},A cook.\n")
    llm_server.configure(reply=HOSTILE)
    files = ["--personas", str(personas), "--items", str(items), "--run", str(tmp_path / "r\u202eun")]
    model = ["--model", f"m{HOSTILE}", "--base-url", llm_server.base_url, "--attempts", "1"]
    _run(["simulate", *files, *model, "--dry-run"], debug=False)
    _run(["simulate", *files, *model], debug=False)
    _run(["runs", "show", str(tmp_path / "r\u202eun")], debug=False)
    _run(
        ["runs", "export", str(tmp_path / "r\u202eun"), "--output", str(tmp_path / "o\u202e.csv")],
        debug=False,
    )
    _run(["simulate", *files, *model, "--temperature", "0.3"], debug=False)
    found = capsys.readouterr()
    assert "unparseable" in found.out
    for mark in MARKS:
        assert mark not in found.out + found.err

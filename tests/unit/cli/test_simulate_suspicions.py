"""`simulate` says at its end which answers are all alike and which replies are echoes of the prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.io import read_responses

ITEMS = "item_id,text,low,high,labels\nQ1,Tea?,1,2,1=no|2=yes\nQ2,Rain?,1,2,1=no|2=yes\n"


def simulate(folder: Path, server: Any, name: str, *options: str) -> None:
    (folder / "items.csv").write_text(ITEMS)
    people = "".join(f"p{k},Person {k} likes {'tea' if k % 2 else 'rain'}.\n" for k in range(6))
    (folder / "personas.csv").write_text("pid,text\n" + people)
    files = ["--personas", str(folder / "personas.csv"), "--items", str(folder / "items.csv")]
    model = ["--model", "m", "--base-url", server.base_url, "--run", str(folder / name)]
    found = _run(
        ["simulate", *files, *model, "--validity-floor", "0", "--id-column", "pid", *options], debug=False
    )
    assert found == 0


def test_answers_that_are_all_alike_are_named(
    tmp_path: Path, llm_server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = [{"contains": "Rain?", "reply": "2"}, {"contains": "likes tea", "reply": "2"}]
    llm_server.configure(rules=rules, reply="1")
    simulate(tmp_path, llm_server, "run")
    assert "all twins gave the same answer to 1 of 2 items ('Q2')" in capsys.readouterr().err


def test_echoes_of_the_prompt_are_named(
    tmp_path: Path, llm_server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    llm_server.configure(reply="1")
    simulate(tmp_path, llm_server, "first")
    assert "100% of the answers are the first one that the question lists" in capsys.readouterr().err
    for k, echo in enumerate(("<code>", "ANSWER: code", "answer code", "[answer]")):
        llm_server.configure(reply=echo)
        simulate(tmp_path, llm_server, f"echo{k}")
        said = capsys.readouterr().err
        assert "12 replies repeat the placeholder of the instruction" in said
        assert "'Q1', 'Q2'" in said


def test_tables_keep_the_name_of_the_id_column(
    tmp_path: Path, llm_server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    llm_server.configure(reply="2")
    output, again = tmp_path / "out.csv", tmp_path / "again.csv"
    simulate(tmp_path, llm_server, "run", "--export", str(output))
    assert output.read_text().splitlines()[1 if output.read_text().startswith("#") else 0].startswith("pid,")
    assert read_responses(output, id_column="pid").respondent_ids[0] == "p0"
    assert _run(["runs", "export", str(tmp_path / "run"), "--output", str(again)], debug=False) == 0
    assert read_responses(again, id_column="pid").n_missing == 0

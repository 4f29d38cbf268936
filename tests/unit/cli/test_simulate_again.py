"""`simulate --again`: only what failed is asked again, and everything is kept."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.llm import Cell, State, Store
from truetwin.llm.store.merging import merge_stores
from truetwin.llm.store.salvage import salvage, save

N = 6
ITEMS = "item_id,text,low,high\nQ1,Do you like tea?,1,5\nQ2,Do you like rain?,1,5\nQ3,Do you like maps?,1,5\n"


class Folder:
    """A folder with personas and items, and a server to ask."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str], server: Any) -> None:
        self.path, self.capsys, self.server = path, capsys, server
        (path / "personas.csv").write_text("id,text\n" + "".join(f"p{k},Person {k}.\n" for k in range(N)))
        (path / "items.csv").write_text(ITEMS)
        server.configure(
            rules=[
                {"contains": "tea", "reply": "The ans", "finish_reason": "length"},
                {"contains": "rain", "reply": "it depends"},
            ],
            reply="4",
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        found = _run([str(self.path / a[1:]) if a.startswith("@") else a for a in arguments], debug=False)
        captured = self.capsys.readouterr()
        self.err = captured.err
        assert found == code, captured.err
        return captured.out

    def simulate(self, *options: str, code: int = 0) -> str:
        files = ["--personas", "@personas.csv", "--items", "@items.csv", "--run", "@run", "--model", "m"]
        return self.run(
            "simulate",
            *files,
            "--base-url",
            self.server.base_url,
            "--validity-floor",
            "0",
            *options,
            code=code,
        )

    def states(self) -> dict[str, int]:
        with Store(self.path / "run") as store:
            return {str(state): n for state, n in store.counts().items() if n}

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.path / name).open(newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], llm_server: Any) -> Folder:
    made = Folder(tmp_path, capsys, llm_server)
    made.simulate("--max-tokens", "2")
    assert made.states() == {"truncated": N, "unparseable": N, "valid": N}
    return made


def test_only_cells_in_the_named_states_are_asked_again(folder: Folder) -> None:
    folder.server.configure(rules=[{"contains": "rain", "reply": "it depends"}], reply="5")
    before = folder.server.stats()["requests"]
    folder.simulate("--again", "truncated", "--max-tokens", "60", "--export", "@out.csv")
    assert folder.server.stats()["requests"] - before == N
    assert folder.server.stats()["last_body"]["max_tokens"] == 60
    assert folder.states() == {"unparseable": N, "valid": 2 * N}
    assert {row["Q1"] for row in folder.rows("out.csv")} == {"5"}
    assert {row["Q3"] for row in folder.rows("out.csv")} == {"4"}  # not asked again


def test_both_settings_and_both_replies_are_kept(folder: Folder) -> None:
    folder.server.configure(rules=[], reply="5")
    folder.simulate("--again", "truncated", "--max-tokens", "60", "--export", "@out.csv")
    with Store(folder.path / "run") as store:
        cell = Cell("p0", "Q1")
        assert store.request(cell).sampling.max_tokens == 60
        [(before, asked)] = store.earlier(cell=cell)
        assert (before.parsed.state, before.reply and before.reply.text) == (State.TRUNCATED, "The ans")
        assert asked.sampling.max_tokens == 2
        assert store.totals().requests == 4 * N
    assert folder.rows("out.asked-again.csv") == [
        {
            "respondent_id": f"p{k}", "item_id": "Q1", "replicate": "0", "state": "valid",
            "settings": "max_tokens 60", "earlier_states": "truncated",
        }
        for k in range(N)
    ]  # fmt: skip
    sidecar = json.loads((folder.path / "out.json").read_text())
    assert sidecar["asked_again"] == [{"settings": "max_tokens 60", "states": {"valid": N}}]
    shown = folder.run("runs", "show", "@run", "--persona", "p0", "--item", "Q1")
    assert "[earlier reply, truncated, settings {'max_tokens': 2}]\nThe ans" in shown
    folder.run("runs", "show", "@run")
    assert f"{N} replies were given under other settings, or asked again: max_tokens 60" in folder.err


def test_nothing_is_asked_twice_under_the_same_settings(folder: Folder) -> None:
    again = ["--again", "truncated,unparseable", "--max-tokens", "60"]
    before = folder.server.stats()["requests"]
    folder.simulate(*again, "--cap-requests", str(before + 5), code=1)
    assert folder.server.stats()["requests"] - before == 5
    for _ in range(2):  # goes on where it stopped; then there is nothing left
        folder.simulate(*again)
        assert folder.server.stats()["requests"] - before == 2 * N
    folder.simulate("--max-tokens", "2")
    assert folder.server.stats()["requests"] - before == 2 * N


def test_the_same_settings_may_be_tried_once_more(folder: Folder) -> None:
    before = folder.server.stats()["requests"]
    for _ in range(2):
        folder.simulate("--again", "unparseable", "--max-tokens", "2")
    assert folder.server.stats()["requests"] - before == N


def test_a_failed_attempt_leaves_the_earlier_reply(folder: Folder) -> None:
    folder.server.configure(failures={"400": 1.0}, rules=[])
    before = folder.states()
    folder.simulate("--again", "truncated", "--max-tokens", "60", "--attempts", "1", code=1)
    assert folder.states() == before


def test_the_form_of_replies_may_change_and_replies_are_read_in_their_own(folder: Folder) -> None:
    folder.server.configure(rules=[], reply=json.dumps({"1": 2}))
    folder.simulate("--again", "truncated,unparseable", "--max-tokens", "60", "--reply", "json")
    assert folder.states() == {"valid": 3 * N}
    folder.run("runs", "reparse", "@run")
    assert "0 readings changed" in folder.err
    assert folder.states() == {"valid": 3 * N}


def test_other_settings_are_refused_and_the_way_is_named(folder: Folder) -> None:
    folder.simulate("--max-tokens", "60", code=2)
    assert "--again STATES" in folder.err
    folder.simulate("--again", "truncated", "--order", "reversed", code=2)
    assert "task.design.order" in folder.err
    folder.simulate("--again", "truncated,broken", code=2)
    assert "truncated, unparseable, off-scale, refused, too-long, provider-error, skipped" in folder.err
    folder.simulate("--again", "valid", code=2)
    (folder.path / "run" / "run.sqlite").unlink()
    folder.simulate("--again", "truncated", code=2)
    assert "Leave out --again" in folder.err


def test_a_dry_run_says_how_many_are_asked_and_what_they_cost(folder: Folder) -> None:
    before = folder.server.stats()["requests"]
    prices = ["--price-in", "1", "--price-out", "1000"]
    again = ["--again", "truncated", "--max-tokens", "60", "--dry-run"]
    folder.simulate(*again, *prices)
    assert f"{N} would be made: {N} truncated are asked again" in folder.err
    assert f"at most {N * 60 * 1000 / 1e6:.4g} for the replies" in folder.err
    assert folder.server.stats()["requests"] == before
    found = json.loads(folder.simulate(*again, "--json"))["settings"]
    assert (found["n_calls"], found["asked_again"]) == (N, {"truncated": N})


def test_cells_that_were_never_asked_are_asked_under_the_new_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], llm_server: Any
) -> None:
    folder = Folder(tmp_path, capsys, llm_server)
    folder.simulate("--max-tokens", "2", "--cap-requests", "4", code=1)
    llm_server.configure(rules=[], reply="5")
    folder.simulate("--again", "truncated,unparseable", "--max-tokens", "60")
    assert folder.states() == {"valid": 3 * N}
    with Store(tmp_path / "run") as store:
        assert store.request(Cell("p5", "Q3")).sampling.max_tokens == 60


def test_what_a_model_rejects_as_too_long_is_not_asked_again_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], llm_server: Any
) -> None:
    folder = Folder(tmp_path, capsys, llm_server)
    llm_server.configure(rules=[], reply="4")
    (tmp_path / "personas.csv").write_text(f"id,text\nshort,A cook.\nlong,{'A very long life. ' * 200}\n")
    llm_server.configure(max_chars=2500)
    folder.simulate()
    assert folder.states() == {"too-long": 3, "valid": 3}
    assert "3 calls are longer than the model's context" in folder.err
    assert "--again too-long" in folder.err
    before = llm_server.stats()["requests"]
    folder.simulate()
    assert llm_server.stats()["requests"] == before
    llm_server.configure(max_chars=None)
    folder.simulate("--again", "too-long")
    assert llm_server.stats()["requests"] == before + 3
    assert folder.states() == {"valid": 6}


def test_merging_and_recovery_keep_what_was_asked_again(folder: Folder, tmp_path: Path) -> None:
    with Store(tmp_path / "whole.sqlite") as target:
        merge_stores(target, [folder.path / "run"])
    folder.server.configure(rules=[], reply="5")
    folder.simulate("--again", "truncated", "--max-tokens", "60")
    with Store(tmp_path / "whole.sqlite") as target:
        for _ in range(2):
            assert merge_stores(target, [folder.path / "run"]).duplicates == 0
            assert target.counts()[State.VALID] == 2 * N
            assert len(list(target.earlier())) == N
    found = salvage(folder.path / "run" / "run.sqlite")
    save(found, tmp_path / "saved.sqlite")
    with Store(tmp_path / "saved.sqlite") as saved:
        assert saved.counts()[State.VALID] == 2 * N
        assert len(list(saved.earlier())) == N


def test_a_batch_asks_again_as_single_calls_do(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    folder.server.configure(rules=[], reply=json.dumps({"1": 2}), batch_polls=2)
    before = folder.server.stats()["requests"]
    again = ["--again", "truncated", "--max-tokens", "60", "--reply", "json", "--batch"]
    folder.simulate(*again, code=1)
    (file,) = (folder.path / "run").glob("requests-*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == N
    assert {line["body"]["max_tokens"] for line in lines} == {60}
    assert folder.states() == {"truncated": N, "unparseable": N, "valid": N}  # until replies are there
    folder.simulate(*again, code=1)  # not yet
    folder.simulate("--max-tokens", "2", "--batch")  # any command takes replies in, each by its own settings
    assert folder.states() == {"unparseable": N, "valid": 2 * N}
    folder.simulate(*again, "--export", "@out.csv")  # nothing is left to ask
    assert folder.server.stats()["requests"] == before
    assert len(list((folder.path / "run").glob("requests-*.jsonl"))) == 1
    assert {row["Q1"] for row in folder.rows("out.csv")} == {"2"}
    assert all("reply json" in row["settings"] for row in folder.rows("out.asked-again.csv"))
    with Store(folder.path / "run") as store:
        [(earlier, _)] = store.earlier(cell=Cell("p0", "Q1"))
        assert earlier.parsed.state is State.TRUNCATED
    folder.run("runs", "reparse", "@run")
    assert "0 readings changed" in folder.err


def test_written_requests_ask_again_and_failures_leave_the_earlier_reply(folder: Folder) -> None:
    folder.simulate("--again", "truncated", "--max-tokens", "60", "--write-requests", code=1)
    (file,) = (folder.path / "run").glob("requests-*.jsonl")
    names = [json.loads(line)["custom_id"] for line in file.read_text().splitlines()]
    body = {"choices": [{"message": {"content": "5"}}]}
    lines = [
        {"custom_id": name, "response": {"body": body}} if k else {"custom_id": name, "error": "too busy"}
        for k, name in enumerate(names)
    ]
    (folder.path / "replies.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for code in (1, 0):  # importing twice changes nothing
        folder.run("runs", "import", "@run", "@replies.jsonl", code=code)
        assert folder.states() == {"truncated": 1, "unparseable": N, "valid": 2 * N - 1}
    folder.simulate("--again", "truncated", "--max-tokens", "60", "--write-requests", code=1)
    assert len(list((folder.path / "run").glob("requests-*.jsonl"))) == 2  # the failed one is asked once more
    with Store(folder.path / "run") as store:
        assert store.waiting() == {"requests-0002.jsonl": 1}


@pytest.mark.parametrize("how", ["merged", "recovered"])
def test_replies_that_come_after_merging_or_recovery_are_read_as_they_were_asked(
    folder: Folder, tmp_path: Path, how: str
) -> None:
    again = ["--again", "truncated", "--max-tokens", "60", "--reply", "json"]
    folder.simulate(*again, "--write-requests", code=1)
    (file,) = (folder.path / "run").glob("requests-*.jsonl")
    body = {"choices": [{"message": {"content": json.dumps({"1": 2})}}]}
    names = [json.loads(line)["custom_id"] for line in file.read_text().splitlines()]
    lines = [json.dumps({"custom_id": name, "response": {"body": body}}) for name in names]
    (folder.path / "replies.jsonl").write_text("\n".join(lines))
    other = tmp_path / "other.sqlite"
    if how == "merged":
        with Store(other) as target:
            merge_stores(target, [folder.path / "run"])
    else:
        save(salvage(folder.path / "run" / "run.sqlite"), other)
    folder.run("runs", "import", "@other.sqlite", "@replies.jsonl")
    with Store(other) as store:
        assert store.counts()[State.VALID] == 2 * N
        assert len(list(store.earlier())) == N

"""Damaged stored runs: every verb says so, none goes on as if nothing were missing, and what can be read is saved."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.llm import Cell, Message, Parsed, Reply, Request, State, Store
from truetwin.llm.store.log_damage import hides_commits
from truetwin.llm.store.run_file import RunFile
from truetwin.llm.store.store_tables import create_tables

Damage = Callable[[Path], None]
PAGE = 4096
PERSONAS, ITEMS = 30, 6
CALLS = PERSONAS * ITEMS


def sql(*statements: str) -> Damage:
    def damage(file: Path) -> None:
        base = sqlite3.connect(file)
        for statement in statements:
            base.execute(statement)
        base.commit()
        base.close()

    return damage


def flipped(seed: int, count: int = 1) -> Damage:
    def damage(file: Path) -> None:
        chance, content = random.Random(seed), bytearray(file.read_bytes())
        for _ in range(count):
            content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
        file.write_bytes(bytes(content))

    return damage


def page(number: int, *, noise: bool = False) -> Damage:
    def damage(file: Path) -> None:
        content = bytearray(file.read_bytes())
        at = number % (len(content) // PAGE) * PAGE
        content[at : at + PAGE] = random.Random(number).randbytes(PAGE) if noise else bytes(PAGE)
        file.write_bytes(bytes(content))

    return damage


def cut(share: float) -> Damage:
    def damage(file: Path) -> None:
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * share)])

    return damage


def written_over(content: bytes) -> Damage:
    return lambda file: void(file.write_bytes(content))


def void(value: object) -> None: ...


def without_an_entry_of_the_index(file: Path) -> None:
    base = sqlite3.connect(file)
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_calls_1'"
    number = base.execute(query).fetchone()[0]
    base.close()
    content = bytearray(file.read_bytes())
    while content[at := (number - 1) * PAGE] == 2:
        number = struct.unpack(">I", content[at + 8 : at + 12])[0]
    content[at + 3 : at + 5] = struct.pack(">H", struct.unpack(">H", content[at + 3 : at + 5])[0] - 1)
    file.write_bytes(bytes(content))


def set_in_a_row(column: str, value: str) -> Damage:
    return sql(f"UPDATE calls SET {column} = {value} WHERE rowid = 7")


DAMAGES: dict[str, Damage] = {
    **{f"a flipped byte ({seed})": flipped(seed) for seed in range(12)},
    **{f"twenty flipped bytes ({seed})": flipped(100 + seed, 20) for seed in range(4)},
    **{f"page {number} of zeros": page(number) for number in range(0, 30, 3)},
    **{f"page {number} of noise": page(number, noise=True) for number in range(1, 30, 5)},
    **{f"cut to {share:.1%}": cut(share) for share in (0.001, 0.1, 0.5, 0.9, 0.999)},
    "no database": written_over(b"no database at all\n" * 500),
    "an empty file": written_over(b""),
    "an entry of the index is missing": without_an_entry_of_the_index,
    **{
        f"no table {name}": sql(f"DROP TABLE {name}")
        for name in ("meta", "steps", "sessions", "texts", "calls", "failures", "claims", "batches")
    },
    **{
        f"no column {table}.{name}": sql(f"ALTER TABLE {table} DROP COLUMN {name}")
        for table, name in (("calls", "reply"), ("steps", "settings"), ("texts", "text"), ("sessions", "beat"))
    },
    **{
        f"{column} is no UTF-8": set_in_a_row(column, "CAST(x'ff41fe' AS TEXT)")
        for column in ("state", "value", "reply", "persona", "item", "model")
    },
    **{
        f"{column} is {value}": set_in_a_row(column, value)
        for column, value in (
            ("state", "'none'"), ("value", "'{'"), ("value", "'4'"), ("replicate", "'x'"), ("prompt_tokens", "'many'"),
            ("prompt_tokens", "1e300"), ("cost", "'dear'"), ("time", "'now'"), ("logprobs", "'['"), ("reply", "'9'"),
            ("reply", "x'00ff'"),
        )
    },
    **{
        f"settings are {text}": sql(f"UPDATE steps SET settings = '{text}'")
        for text in ("{", "[]", "{}", '{"task": 3, "model": {}}')
    },
    "settings are no UTF-8": sql("UPDATE steps SET settings = CAST(x'ff41fe' AS TEXT)"),
    "another version": sql("UPDATE meta SET value = '7' WHERE name = 'truetwin run'"),
    "texts are gone": sql("DELETE FROM texts"),
    "sessions of wrong types": sql("UPDATE sessions SET beat = 'x', born = 3, pid = 'a', ended = NULL"),
}  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run (``run``), its table (``out.csv``) and what it was made from."""
    folder = tmp_path_factory.mktemp("sound")
    items = [f"q{j},How much of thing {j} do you like?,ordinal,1,5" for j in range(ITEMS)]
    (folder / "items.csv").write_text("\n".join(["item_id,text,kind,low,high", *items]))
    personas = [
        json.dumps({"id": f"p{k:02}", "text": f"You are person {k}. " + "Long story. " * 20})
        for k in range(PERSONAS)
    ]
    (folder / "personas.jsonl").write_text("\n".join(personas))
    (folder / "script.json").write_text(json.dumps({"default": "3"}))
    (folder / "replies.jsonl").write_text("")
    assert run_simulation(folder, folder / "run", folder / "out.csv") == 0
    return folder


def run_simulation(folder: Path, run: Path, output: Path) -> int:
    given = ["--personas", str(folder / "personas.jsonl"), "--items", str(folder / "items.csv")]
    model = ["--model", f"scripted:{folder / 'script.json'}", "--run", str(run), "--export", str(output)]
    return _run(["simulate", *given, *model], debug=False)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_run_is_named_and_what_is_left_of_it_saved(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Damage
) -> None:
    shutil.copytree(sound / "run", tmp_path / "damaged")
    damage(tmp_path / "damaged" / "run.sqlite")

    def outcome(*arguments: str) -> tuple[int, str]:
        work = tmp_path / "work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(tmp_path / "damaged", work)
        if arguments[0] == "simulate":
            code = run_simulation(sound, work, tmp_path / "table.csv")
        else:
            code = _run([each.replace("RUN", str(work)) for each in arguments], debug=False)
        said = capsys.readouterr().err
        assert code in (0, 1, 2)
        assert "internal error" not in said, said
        return code, said

    expected = (sound / "out.csv").read_text()
    for verb in (("runs", "export", "RUN", "--output", str(tmp_path / "table.csv")), ("simulate",)):
        code, _ = outcome(*verb)
        assert code != 0 or (tmp_path / "table.csv").read_text() == expected
    if outcome("runs", "merge", str(tmp_path / "whole"), "RUN")[0] == 0:
        with RunFile(tmp_path / "whole") as whole:
            assert whole.counts()[State.VALID] == CALLS
    for more in (("show", "RUN"), ("show", "RUN", "--persona", "p01", "--item", "q1"), ("reparse", "RUN")):
        outcome("runs", *more)
    outcome("runs", "import", "RUN", str(sound / "replies.jsonl"))
    checked, said = outcome("runs", "check", "RUN")
    assert checked in (0, 1) or "nothing of a stored run is found" in said
    saved, _ = outcome("runs", "recover", "RUN", "--output", str(tmp_path / "saved"))
    assert (checked == 0) <= (saved == 0)
    if saved != 2:
        with RunFile(tmp_path / "saved") as store:
            left = store.counts()[State.VALID]
        assert (saved == 0) <= (left == CALLS)
        assert run_simulation(sound, tmp_path / "saved", tmp_path / "table.csv") == 0
        assert (tmp_path / "table.csv").read_text() == expected
        with RunFile(tmp_path / "saved") as store:
            assert store.totals().requests <= CALLS + (CALLS - left) + store.totals().failed_attempts.get(
                "lost", 0
            )


def test_what_is_lost_with_a_page_is_counted_and_everything_else_saved(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sound / "run", tmp_path / "run")
    base = sqlite3.connect(tmp_path / "run" / "run.sqlite")
    root = base.execute("SELECT rootpage FROM sqlite_master WHERE name = 'calls'").fetchone()[0]
    base.close()
    page(root - 1)(tmp_path / "run" / "run.sqlite")  # above all rows: SQLite finds none of them any more
    assert _run(["runs", "check", str(tmp_path / "run"), "--json"], debug=False) == 1
    row = json.loads(capsys.readouterr().out)["rows"][0]
    assert (row["damaged"], row["replies"], row["lost"]) == (True, CALLS, 0)
    rows = (tmp_path / "run" / "run.sqlite").read_bytes().index(b"answerp14q3valid")
    page(rows // PAGE)(tmp_path / "run" / "run.sqlite")
    assert (
        _run(["runs", "recover", str(tmp_path / "run"), "--output", str(tmp_path / "new")], debug=False) == 1
    )
    said = capsys.readouterr().err
    with Store(tmp_path / "new") as store:
        lost = CALLS - store.counts()[State.VALID]
        assert 0 < lost < CALLS / 4
        assert {"lost": lost} == store.totals().failed_attempts
    assert f"lost: {lost} calls, which were paid and will be asked again" in said


def test_a_prompt_that_names_a_text_that_is_not_there_is_damage(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sound / "run", tmp_path / "run")
    set_in_a_row("prompt", "replace(prompt, '[\"', '[\"x')")(tmp_path / "run" / "run.sqlite")
    assert _run(["runs", "check", str(tmp_path / "run")], debug=False) == 1
    assert "damaged: the prompts of 1 calls cannot be read" in capsys.readouterr().err
    assert (
        _run(["runs", "recover", str(tmp_path / "run"), "--output", str(tmp_path / "new")], debug=False) == 1
    )
    assert f"can be saved: {CALLS} calls, {CALLS} of them with a reply" in capsys.readouterr().err


def test_a_run_is_recovered_together_with_its_log(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound / "run", tmp_path / "run")
    store = Store(tmp_path / "run")
    first = next(store.calls())
    with store.writing() as base:
        base.execute("DELETE FROM calls WHERE rowid = 1")
    shutil.copytree(tmp_path / "run", tmp_path / "killed")  # as if the process had ended here
    assert (tmp_path / "killed" / "run.sqlite-wal").stat().st_size > 0
    store.close()
    assert (
        _run(["runs", "recover", str(tmp_path / "killed"), "--output", str(tmp_path / "new")], debug=False)
        == 0
    )
    with RunFile(tmp_path / "new") as saved:
        assert saved.counts()[State.VALID] == CALLS - 1
        assert saved.call(first.cell) is None


@pytest.mark.parametrize("place", [0, 40, 60_000, 100_000])
def test_what_stands_in_the_log_behind_damage_is_saved_and_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: int
) -> None:
    n, store = 30, Store(tmp_path / "run.sqlite")
    store.begin("answer", {"task": {}, "model": {}})
    for k in range(n):
        request = Request((Message("user", (f"{k}?",)),))
        store.put(Cell(f"p{k}", "q"), request, Parsed(State.VALID, 3), Reply("3"))
        store.flush()
    shutil.copytree(tmp_path, tmp_path / "killed")  # as if the process had ended here
    store.close()
    run, log = str(tmp_path / "killed"), tmp_path / "killed" / "run.sqlite-wal"
    content = bytearray(log.read_bytes())
    assert len(content) > 2 * place
    content[place : place + 60] = b"\xee" * 60 if place else bytes(60)
    log.write_bytes(bytes(content))
    assert _run(["runs", "show", run], debug=False) == 2
    assert "its log is damaged" in capsys.readouterr().err
    for _ in range(2):  # looking changes nothing
        assert _run(["runs", "check", run], debug=False) == 1
        assert f"can be saved: {n} calls" in capsys.readouterr().err
    _run(["runs", "recover", run, "--output", str(tmp_path / "new")], debug=False)
    with RunFile(tmp_path / "new") as saved:
        assert saved.counts()[State.VALID] == n


def test_a_log_that_was_not_finished_is_no_damage(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite")
    store.begin("answer", {"task": {}, "model": {}})
    shutil.copytree(tmp_path, tmp_path / "killed")
    store.close()
    log = tmp_path / "killed" / "run.sqlite-wal"
    content = log.read_bytes()
    for end in (0, 10, 32, 50, 4000, len(content) - 1, len(content)):
        log.write_bytes(content[:end])
        assert not hides_commits(log)
    log.write_bytes(content + bytes(24 + PAGE))
    assert not hides_commits(log)


def test_a_new_run_is_not_recovered_over_another(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["runs", "recover", str(sound / "run"), "--output", str(sound / "run")], debug=False) == 2
    assert "must be a folder without a run" in capsys.readouterr().err


def test_an_interrupt_while_a_store_is_created_is_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(sqlite3.Connection):
        def execute(self, statement: str, *rest: Any) -> sqlite3.Cursor:
            if statement.startswith(("BEGIN", "INSERT INTO meta")):
                raise KeyboardInterrupt
            return super().execute(statement, *rest)

    base = sqlite3.connect(tmp_path / "x.sqlite", factory=Interrupted, isolation_level=None)
    with pytest.raises(KeyboardInterrupt):
        create_tables(base)
    base.close()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("truetwin.llm.store.store_tables.create_tables", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path)

"""Runs that are killed, starved and shared: every cell is answered once, and nothing stored is paid twice."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.errors import RunError
from truetwin.llm import RunOptions, State, Store, Usage, open_model, run

pytest.importorskip("openai", reason="needs the extra 'llm'")
pytest.importorskip("aiohttp", reason="needs the extra 'llm'")

TESTS = Path(__file__).parents[1]
PAID_MAYBE = ("connection", "malformed", "timeout")  # the provider may have counted these


class Workers:
    """The process of ``tests/llm_worker.py``, which forks runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def start(self, **order: Any) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self._read())

    def exit_code(self) -> int:
        return int(self._read())

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture(scope="module")
def workers() -> Iterator[list[Workers]]:
    """Two of them."""
    pipe = subprocess.PIPE
    command = [sys.executable, str(TESTS / "llm_worker.py")]
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    yield [Workers(process) for process in started]
    for process in started:
        process.communicate()


def wait_for(server: Any, counted: str, number: int) -> None:
    """Wait until the server has counted so many ``requests`` or ``served``."""
    limit = time.monotonic() + 60.0
    while server.stats()[counted] < number:
        assert time.monotonic() < limit, f"the server did not come to {number} {counted} within a minute"
        time.sleep(0.005)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def asked_texts(store: Store) -> set[str]:
    return {f"{c.cell.persona} {c.cell.item}: how much, from 1 to 5?" for c in store.calls() if c.reply}


def test_one_call_in_three_failing_at_random_costs_only_what_failed(
    llm_server: Any, survey: Any, tmp_path: Path
) -> None:
    kinds = (
        "429",
        "429-date",
        "500",
        "503",
        "cut",
        "cut-body",
        "malformed",
        "half-utf8",
        "no-choices",
        "timeout",
    )
    # Each timeout takes two seconds, so that there are fewer of them.
    failures = dict.fromkeys(kinds, 0.035) | {"timeout": 0.01}
    llm_server.configure(failures=failures, seed=3, hang=4.0)
    model = open_model("m", base_url=llm_server.base_url)
    options = RunOptions(concurrency=50, backoff=0.01, timeout=2.0, attempts=30)
    with Store(tmp_path) as store:
        summary = run(survey(40, 10), model, store, options)
        totals = store.totals()
    stats = llm_server.stats()
    assert 400 == summary.counts[State.VALID] == summary.total
    assert {1} == set(llm_server.times_served().values())
    assert len(llm_server.times_served()) == 400
    assert Usage(stats["prompt_tokens"], stats["completion_tokens"]) == totals.usage
    failed = stats["failed"]
    assert {
        "rate-limit": failed["429"] + failed["429-date"],
        "server": failed["500"],
        "overloaded": failed["503"],
        "connection": failed["cut"] + failed["cut-body"],
        "malformed": failed["malformed"] + failed["half-utf8"] + failed["no-choices"],
        "timeout": failed["timeout"],
    } == totals.failed_attempts
    assert stats["requests"] == totals.requests


def test_a_run_killed_at_twenty_moments_pays_for_nothing_stored_twice(
    llm_server: Any, workers: list[Workers], tmp_path: Path
) -> None:
    llm_server.configure(latency=0.02)
    chance = random.Random(1)
    order = {
        "store": str(tmp_path),
        "base_url": llm_server.base_url,
        "personas": 80,
        "items": 10,
        "concurrency": 4,
    }
    seen: list[tuple[set[str], dict[str, int]]] = []
    for _ in range(20):
        moment = llm_server.stats()["requests"] + chance.randint(1, 30)
        pid = workers[0].start(**order)
        wait_for(llm_server, "requests", moment)
        time.sleep(chance.uniform(0.0, 0.02))
        kill(pid)
        assert workers[0].exit_code() == -signal.SIGKILL
        with Store(tmp_path) as store:
            seen.append((asked_texts(store), llm_server.times_served()))
    assert 0 < len(seen[-1][0]) < 800
    llm_server.configure(latency=0.0)
    workers[0].start(**order)
    assert workers[0].exit_code() == 0
    with Store(tmp_path) as store:
        assert 800 == store.counts()[State.VALID] == sum(store.counts().values())
        totals = store.totals()
    stats = llm_server.stats()
    for stored, served in seen:
        assert {text: served[text] for text in stored} == {
            text: llm_server.times_served()[text] for text in stored
        }
    lost = stats["served"] - 800
    assert 0 <= lost <= totals.failed_attempts["interrupted"]
    unaccounted = stats["prompt_tokens"] - totals.usage.prompt_tokens
    assert 0 <= unaccounted <= lost * 50  # a prompt of this task has fewer tokens


def test_two_processes_share_a_run(llm_server: Any, workers: list[Workers], tmp_path: Path) -> None:
    llm_server.configure(latency=0.02)
    order = {
        "store": str(tmp_path),
        "base_url": llm_server.base_url,
        "personas": 20,
        "items": 10,
        "concurrency": 8,
    }
    for worker in workers:
        worker.start(**order)
    assert [worker.exit_code() for worker in workers] == [0, 0]
    stats = llm_server.stats()
    with Store(tmp_path) as store:
        assert 200 == store.counts()[State.VALID] == stats["requests"]
        sessions = store._base.execute("SELECT session, count(*) FROM calls GROUP BY session").fetchall()
        assert Usage(stats["prompt_tokens"], stats["completion_tokens"]) == store.totals().usage
    assert len(sessions) == 2
    assert {1} == set(llm_server.times_served().values())


def test_a_process_takes_over_what_a_killed_one_was_asking(
    llm_server: Any, workers: list[Workers], tmp_path: Path
) -> None:
    llm_server.configure(latency=0.1)
    order = {
        "store": str(tmp_path),
        "base_url": llm_server.base_url,
        "personas": 10,
        "items": 10,
        "concurrency": 10,
    }
    first, _ = (worker.start(**order) for worker in workers)
    wait_for(llm_server, "served", 20)
    kill(first)
    assert [worker.exit_code() for worker in workers] == [-signal.SIGKILL, 0]
    stats = llm_server.stats()
    with Store(tmp_path) as store:
        assert store.counts()[State.VALID] == 100
        interrupted = store.totals().failed_attempts["interrupted"]
    assert 0 < interrupted <= 10 + 10  # under way, and received in the last tenth of a second
    assert 0 <= stats["served"] - 100 <= interrupted


def test_a_run_ended_by_a_scheduler_stores_what_is_under_way(
    llm_server: Any, workers: list[Workers], tmp_path: Path
) -> None:
    llm_server.configure(latency=0.1)
    order = {
        "store": str(tmp_path),
        "base_url": llm_server.base_url,
        "personas": 80,
        "items": 10,
        "concurrency": 8,
    }
    pid = workers[0].start(**order)
    wait_for(llm_server, "served", 5)
    os.kill(pid, signal.SIGTERM)
    assert workers[0].exit_code() == 1
    with Store(tmp_path) as store:
        assert llm_server.stats()["served"] == store.counts()[State.VALID] < 800
        assert store.totals().failed_attempts == {}


def test_a_full_disk_loses_nothing_stored_and_the_run_goes_on_later(
    llm_server: Any, survey: Any, tmp_path: Path
) -> None:
    class Wordy(survey):  # type: ignore[misc]
        def parse(self, cell: Any, reply: Any) -> Any:
            found = super().parse(cell, reply)
            return type(found)(found.state, found.value, "many words " * 500)

    options = RunOptions(concurrency=4)
    model = open_model("m", base_url=llm_server.base_url)
    store = Store(tmp_path)
    store._base.execute("PRAGMA max_page_count = 100")
    llm_server.configure(latency=0.02)
    with pytest.raises(RunError, match=r"could not be written: cannot write .*database or disk is full"):
        run(Wordy(30, 10), model, store, options)
    with pytest.raises(RunError, match="full"):
        store.close()
    served = llm_server.stats()["served"]
    llm_server.configure(latency=0.0)
    with Store(tmp_path) as store:
        stored = store.counts()[State.VALID]
        assert 0 < stored < 300
        assert run(Wordy(30, 10), model, store, options).complete
        assert served - stored <= store.totals().failed_attempts["interrupted"]
    assert 300 + served - stored == llm_server.stats()["served"]


def test_the_key_is_nowhere_on_disk_or_in_output(llm_server: Any, tmp_path: Path) -> None:
    key = "sk-do-not-write-this-anywhere-0123456789"
    llm_server.configure(key=key, next=["500", "malformed", "429"])
    code = (
        "import sys, json, logging; logging.basicConfig(level=10)\n"
        f"sys.path.insert(0, {str(TESTS)!r})\n"
        "from conftest import Survey\n"
        "from truetwin.llm import *\n"
        "for variable in ('OPENAI_API_KEY', 'WRONG_KEY'):\n"
        f"    model = open_model('m', base_url={llm_server.base_url!r}, key_variable=variable)\n"
        f"    with Store({str(tmp_path)!r} + '/' + variable + '.sqlite') as store:\n"
        "        try: print(run(Survey(), model, store, RunOptions(backoff=0.01)))\n"
        "        except Exception as error: print(repr(error))\n"
        "        print(model.describe(), store.totals(), list(store.calls()))\n"
    )
    wrong = "sk-this-one-is-wrong-and-just-as-secret-987"
    environment = os.environ | {"OPENAI_API_KEY": key, "WRONG_KEY": wrong}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert b"VALID" in done.stdout
    assert b"Incorrect API key provided: [key]" in done.stdout
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert written
    for secret in (key.encode(), wrong.encode()):
        assert secret not in written + done.stdout + done.stderr


@pytest.mark.parametrize("damage", ["a page of zeros", "settings that are no JSON"])
def test_a_damaged_run_is_named_when_it_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    path = tmp_path / "run.sqlite"
    base = sqlite3.connect(path)
    dump = Path(__file__).parents[1] / "fixtures/version_0_1/study/study-run/simulation/run.sql"
    base.executescript(dump.read_text(encoding="utf-8"))
    if damage == "settings that are no JSON":
        base.execute("UPDATE steps SET settings = '{'")
        base.commit()
    root = base.execute("SELECT rootpage FROM sqlite_master WHERE name = 'calls'").fetchone()[0]
    size = base.execute("PRAGMA page_size").fetchone()[0]
    base.close()
    if damage == "a page of zeros":
        content = bytearray(path.read_bytes())
        content[(root - 1) * size : root * size] = bytes(size)
        path.write_bytes(bytes(content))
    for verb in (("show",), ("export", "--output", str(tmp_path / "out.csv"))):
        assert _run(["runs", verb[0], str(path), *verb[1:]], debug=False) == 2
        error = capsys.readouterr().err
        assert "is damaged as a stored run" in error, error
    assert not (tmp_path / "out.csv").exists()

"""Who holds the calls of a run, and how they are freed."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.cli.run_display import describe_progress
from truetwin.llm import Cell, Progress, Store, run_async, scripted_model
from truetwin.llm.store.sessions import LEASE, Process, here

GONE = Process(here(), 2**22 + 1, "1")
ELSEWHERE = Process("far-away/pid:[1]", 7, "1")


def held_by(store: Store, process: Process, n_cells: int, *, sent: int, beat: float = 0.0) -> int:
    """Let a process hold cells, ``sent`` of which it has asked."""
    session = store.open_session(process)
    with store.writing() as base:
        for k in range(n_cells):
            row = ("answer", f"p{session}", f"q{k}", 0, session, k < sent)
            base.execute("INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?)", row)
        base.execute("UPDATE sessions SET beat = ? WHERE id = ?", (time.time() + beat, session))
    return session


def released(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    assert _run(["runs", "release", str(folder), "--json", *options], debug=False) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["rows"]
    return rows


def test_calls_of_processes_that_are_gone_are_freed_and_those_of_others_only_on_demand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(tmp_path) as store:
        held_by(store, ELSEWHERE, 5, sent=2)
        held_by(store, GONE, 4, sent=3)
    far, gone = released(tmp_path, capsys)
    assert (far["running"], far["freed"], far["calls"]) == (True, False, 5)
    assert (gone["running"], gone["freed"], gone["calls"], gone["may_have_been_paid"]) == (False, True, 4, 3)
    assert _run(["runs", "release", str(tmp_path), "--all"], debug=False) == 0
    said = capsys.readouterr().err
    assert "freed: 5 calls of process 7 on far-away (last sign of life 0 s ago), running" in said
    assert "2 of them were asked: they may have been paid, and will be paid again" in said
    assert "may be paid twice" in said
    assert released(tmp_path, capsys) == []
    with Store(tmp_path) as store:
        assert store.totals().failed_attempts == {"interrupted": 5}


def test_a_sign_of_life_in_the_future_holds_calls_for_no_longer_than_a_lease(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        held_by(store, ELSEWHERE, 3, sent=0, beat=0.9 * LEASE)
        held_by(store, ELSEWHERE, 2, sent=0, beat=100 * LEASE)
        assert "in the future (its clock is wrong)" in store.holders()[0].in_words
        store.reap()
        assert [holder.cells for holder in store.holders()] == [3]


def test_a_run_that_waits_says_for_whom(survey: Any, tmp_path: Path) -> None:
    said: list[str] = []

    async def work(store: Store) -> None:
        task, model = survey(2, 2), scripted_model({"default": "3"})
        store.begin("answer", {"task": task.settings, "model": model.describe()})
        session = held_by(store, ELSEWHERE, 0, sent=0)
        with store.writing() as base:
            base.execute("INSERT INTO claims VALUES ('answer', 'p1', 'q0', 0, ?, 1)", (session,))
        running = asyncio.create_task(run_async(task, model, store, progress=heard))
        while not said:
            await asyncio.sleep(0.05)
        with store.writing() as base:
            base.execute("DELETE FROM claims WHERE session = ?", (session,))
        assert (await running).complete

    def heard(progress: Progress) -> None:
        if progress.waiting_for:
            said.append(describe_progress(progress))

    with Store(tmp_path) as store:
        asyncio.run(work(store))
        assert store.state(Cell("p1", "q0")) is not None
    assert "waiting for 1 cells held by process 7 on far-away (last sign of life 0 s ago)" in said[0]
    assert "`truetwin runs release` frees them" in said[0]

"""A server that goes away for a while, and a run's file that does: what has been paid is kept, or said to be lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import EndpointError, RunError, TransientError
from truetwin.llm import Message, Parsed, Reply, Request, RunOptions, State, Store, run
from truetwin.llm.messages import Cell, Usage
from truetwin.llm.running.run_progress import Progress
from truetwin.llm.store.run_file import RunFile
from truetwin.llm.store.sessions import LEASE, Process, is_alive

REQUEST = Request((Message("user", ("How much?",)),))


class Model:
    """A model that answers, and is away between two moments after its first answer."""

    name = "model"

    def __init__(self, away: tuple[float, float], error: Exception) -> None:
        self.away, self.error, self.begun, self.asked = away, error, 0.0, 0

    def describe(self) -> dict[str, Any]:
        return {"name": self.name}

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        self.asked += 1
        self.begun = self.begun or time.monotonic()
        if self.away[0] <= time.monotonic() - self.begun < self.away[1]:
            raise self.error
        return Reply("3")

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "error",
    [
        EndpointError("refused"),
        TransientError("cut", kind="connection"),
        TransientError("500", kind="server"),
    ],
)
def test_an_outage_is_bridged(survey: Any, tmp_path: Path, error: Exception) -> None:
    model = Model((0.05, 0.6), error)
    options = RunOptions(attempts=2, failures_in_a_row=3, backoff=0.05, concurrency=4)
    with Store(tmp_path) as store:
        summary = run(survey(100, 8), model, store, options)
    assert summary.complete
    assert summary.counts[State.VALID] == 800


def test_what_cannot_be_read_is_no_outage_and_not_paid_for_more_often_than_allowed(
    survey: Any, tmp_path: Path
) -> None:
    class Malformed(Model):
        async def complete(self, request: Request, *, timeout: float) -> Reply:
            self.asked += 1
            if self.asked > 2:
                raise TransientError("a body that cannot be read", kind="malformed", usage=Usage(10, 1))
            return Reply("3")

    model = Malformed((9.0, 9.0), EndpointError("never"))
    with Store(tmp_path) as store:
        summary = run(survey(2, 3), model, store, RunOptions(attempts=2, backoff=0.01, outage=0.5))
    assert summary.counts[State.PROVIDER_ERROR] == 4
    assert model.asked == 2 + 4 * 2


def test_a_server_that_stays_away_ends_the_run_and_says_what_is_kept(survey: Any, tmp_path: Path) -> None:
    model = Model((0.05, 60.0), EndpointError("connection refused"))
    options = RunOptions(attempts=2, failures_in_a_row=3, backoff=0.01, outage=1.5)
    with (
        Store(tmp_path) as store,
        pytest.raises(EndpointError, match="answers are stored; the same command goes on"),
    ):
        run(survey(500, 40), model, store, options)
    with Store(tmp_path) as store:
        assert store.counts()[State.VALID] > 0


def test_what_may_have_been_paid_counts_requests_that_were_sent_and_no_waiting_cells(
    survey: Any, tmp_path: Path
) -> None:
    class Killed(Model):
        """From the fiftieth request on, all fail but three, which stay open; then the process seems to die."""

        open = 0

        async def complete(self, request: Request, *, timeout: float) -> Reply:
            if self.asked < 50:
                return await super().complete(request, timeout=timeout)
            if self.open < 3:
                self.open += 1
                await asyncio.sleep(0.5)
                if not (tmp_path / "killed").exists():
                    shutil.copytree(tmp_path / "run", tmp_path / "killed")
                raise KeyboardInterrupt
            raise EndpointError("connection refused")

    (tmp_path / "run").mkdir()
    options = RunOptions(backoff=5.0, concurrency=32)
    with Store(tmp_path / "run") as store:
        run(survey(100, 10), Killed((9.0, 9.0), EndpointError("never")), store, options)
    base = sqlite3.connect(tmp_path / "killed" / "run.sqlite")
    claimed = base.execute("SELECT count(*) FROM claims").fetchone()[0]
    base.execute("UPDATE sessions SET born = '1', pid = 4194305")  # no process has this number
    base.commit()
    base.close()
    assert claimed > 20
    with Store(tmp_path / "killed") as store:
        found = store.reap()  # those, and what was asked again in the last tenth of a second
        assert 3 <= found == store.totals().failed_attempts["interrupted"] <= 8


def test_a_file_that_was_deleted_is_noticed_at_once_and_saved(survey: Any, tmp_path: Path) -> None:
    class Deleting(Model):
        async def complete(self, request: Request, *, timeout: float) -> Reply:
            if self.asked == 30:
                (tmp_path / "run.sqlite").unlink()
            return await super().complete(request, timeout=timeout)

    model = Deleting((9.0, 9.0), EndpointError("never"))
    store = Store(tmp_path)
    with pytest.raises(RunError, match=r"was deleted or replaced .* saved in .*run\.saved\.sqlite"):
        run(survey(2000, 100), model, store, RunOptions())
    store.abandon()
    assert model.asked < 100_000
    with RunFile(tmp_path / "run.saved.sqlite") as saved:
        assert saved.steps() == ["answer"]


def test_a_file_that_was_deleted_after_the_last_answer_is_noticed_at_the_end(
    survey: Any, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    run(survey(), Model((9.0, 9.0), EndpointError("never")), store, RunOptions())
    (tmp_path / "run.sqlite").unlink()
    with pytest.raises(RunError, match=r"deleted or replaced while it was written\. .* saved in"):
        store.close()
    with RunFile(tmp_path / "run.saved.sqlite") as saved:
        assert saved.counts()[State.VALID] == 12


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_finished_run_opens_where_nothing_can_be_written(survey: Any, tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        run(survey(), Model((9.0, 9.0), EndpointError("never")), store)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    (tmp_path / "run.sqlite").chmod(stat.S_IRUSR)
    try:
        with RunFile(tmp_path) as found:
            assert found.counts()[State.VALID] == 12
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_file_without_the_newer_columns_is_read_and_written(survey: Any, tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        run(survey(), Model((9.0, 9.0), EndpointError("never")), store)
    base = sqlite3.connect(tmp_path / "run.sqlite")
    base.execute("ALTER TABLE calls DROP COLUMN reasoning")
    base.commit()
    base.close()
    with RunFile(tmp_path) as found:
        assert [call.reply and call.reply.reasoning for call in found.calls()] == [None] * 12
    cell = Cell("new", "q")
    with Store(tmp_path) as store:
        store.begin("answer", {"task": survey().settings, "model": {"name": "model"}}, may_differ=())
        store.put(cell, REQUEST, Parsed(State.VALID, 3), Reply("3", reasoning="She likes it."))
        store.flush()
        call = store.call(cell)
    assert call is not None
    assert call.reply is not None
    assert call.reply.reasoning == "She likes it."


def test_a_beat_in_the_future_keeps_no_cell_for_ever() -> None:
    elsewhere, now = Process("another machine", 1, "x"), 1000.0
    assert is_alive(elsewhere, now - 1.0, now=now)
    assert is_alive(elsewhere, now + 1.0, now=now)
    assert not is_alive(elsewhere, now + 2 * LEASE, now=now)
    assert not is_alive(elsewhere, now - 2 * LEASE, now=now)


def test_progress_says_early_what_goes_wrong() -> None:
    def hint(**counts: int) -> str:
        states = {State(name.replace("_", "-")): n for name, n in counts.items()}
        return Progress(1000, states, 0, Usage(), None, 1.0, 1.0, 1, 1).hint

    assert "--max-tokens" in hint(truncated=30, valid=5)
    assert "--reply schema" in hint(unparseable=30)
    assert hint(truncated=10) == ""
    assert hint(valid=100, truncated=30) == ""

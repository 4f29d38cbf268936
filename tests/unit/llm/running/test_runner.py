"""Every cell is asked until it has an answer, and no longer."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import (
    AccessError,
    EndpointError,
    ParameterError,
    ProviderError,
    RunError,
    TransientError,
)
from truetwin.llm import (
    Caps,
    Cell,
    Message,
    Parsed,
    Prices,
    Progress,
    Reply,
    Request,
    RunOptions,
    Shard,
    State,
    Store,
    Usage,
    run,
    run_async,
    scripted_model,
)

QUICK = RunOptions(backoff=0.001, concurrency=8)
TOKENS = {"prompt_tokens": 100, "completion_tokens": 10}


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path) as store:
        yield store


class Counting:
    """A model that counts what it is asked, and at once."""

    name = "counting"

    def __init__(self, seconds: float = 0.0, text: str = "3") -> None:
        self.seconds, self.text = seconds, text
        self.asked: list[Cell] = []
        self.running = self.peak = 0

    def describe(self) -> dict[str, Any]:
        return {"name": self.name}

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        assert request.cell is not None
        self.asked.append(request.cell)
        self.running += 1
        self.peak = max(self.peak, self.running)
        await asyncio.sleep(self.seconds)
        self.running -= 1
        return Reply(self.text, usage=Usage(100, 10))

    async def close(self) -> None:
        pass


def test_every_cell_is_answered_and_stored_with_its_raw_reply(survey: Any, store: Store) -> None:
    summary = run(survey(), scripted_model({"default": "3"}), store, QUICK)
    assert 12 == summary.total == summary.counts[State.VALID] == summary.asked
    assert summary.complete
    assert [(c.cell.persona, c.cell.item, c.parsed.value, c.reply.text) for c in store.calls() if c.reply][
        :1
    ] == [("p0", "q0", 3, "3")]


def test_a_finished_run_asks_nothing(survey: Any, store: Store) -> None:
    run(survey(), Counting(), store, QUICK)
    again = Counting()
    summary = run(survey(), again, store, QUICK)
    assert again.asked == []
    assert (summary.counts[State.VALID], summary.asked) == (12, 0)


def test_unreadable_answers_are_kept_and_not_asked_again(survey: Any, store: Store) -> None:
    run(survey(), Counting(text="no idea"), store, QUICK)
    again = Counting(text="4")
    summary = run(survey(), again, store, QUICK)
    assert again.asked == []
    assert summary.counts[State.UNPARSEABLE] == 12
    assert next(call.reply.text for call in store.calls() if call.reply) == "no idea"


def test_a_reply_whose_reading_fails_is_kept(survey: Any, store: Store) -> None:
    class Broken(survey):  # type: ignore[misc]
        def parse(self, cell: Cell, reply: Reply) -> Parsed:
            raise KeyError("scale")

    summary = run(Broken(1, 1), Counting(), store, QUICK)
    assert summary.counts[State.UNPARSEABLE] == 1
    assert store.reparse(survey(1, 1)) == 1
    assert {3} == {call.parsed.value for call in store.calls()}


def test_a_value_that_is_no_json_is_kept_as_unreadable(survey: Any, store: Store) -> None:
    class Odd(survey):  # type: ignore[misc]
        def parse(self, cell: Cell, reply: Reply) -> Parsed:
            return Parsed(State.VALID, {3})

    summary = run(Odd(1, 1), Counting(), store, QUICK)
    assert summary.counts[State.UNPARSEABLE] == 1
    assert "not JSON serializable" in next(store.calls()).parsed.reason


def test_an_error_in_showing_progress_ends_the_run_with_everything_stored(survey: Any, store: Store) -> None:
    def show(progress: Progress) -> None:
        raise ZeroDivisionError

    model = Counting(0.05)
    with pytest.raises(ZeroDivisionError):
        run(survey(50, 10), model, store, RunOptions(concurrency=4), progress=show)
    assert 0 < len(model.asked) == store.counts()[State.VALID] < 500


def test_passing_failures_are_asked_again_and_counted(survey: Any, store: Store) -> None:
    script = {"rules": [{"item": "q1", "error": "server", "times": 2}], "default": "3"}
    summary = run(survey(), scripted_model(script), store, QUICK)
    assert summary.counts[State.VALID] == 12
    assert {"server": 6} == summary.failed_attempts == store.totals().failed_attempts
    assert store.call(Cell("p0", "q1")).attempts == 3  # type: ignore[union-attr]


def test_lasting_failures_end_and_are_asked_again_by_the_next_run(survey: Any, store: Store) -> None:
    script = {"rules": [{"item": "q1", "error": "server"}], "default": "3"}
    options = RunOptions(backoff=0.001, attempts=3)
    summary = run(survey(), scripted_model(script), store, options)
    assert (summary.counts[State.VALID], summary.counts[State.PROVIDER_ERROR]) == (9, 3)
    assert summary.failed_attempts == {"server": 9}
    assert (summary.remaining, summary.complete) == (3, False)
    summary = run(survey(), scripted_model({"default": "3"}), store, QUICK)
    assert (summary.counts[State.VALID], summary.asked) == (12, 3)


def test_a_wrong_key_is_noticed_by_one_request(survey: Any, store: Store) -> None:
    with pytest.raises(AccessError):
        run(survey(), scripted_model({"rules": [{"error": "access"}]}), store, QUICK)
    assert store.totals().failed_attempts == {"access": 1}
    assert sum(store.counts().values()) == 0


def test_an_address_without_answer_is_noticed_by_one_request(survey: Any, store: Store) -> None:
    with pytest.raises(EndpointError):
        run(survey(), scripted_model({"rules": [{"error": "endpoint"}]}), store, QUICK)
    assert store.totals().failed_attempts == {"endpoint": 1}


def test_an_endpoint_that_is_down_when_a_run_is_continued_is_noticed_by_one_request(
    survey: Any, store: Store
) -> None:
    run(survey(), scripted_model({"default": "3"}), store, RunOptions(caps=Caps(requests=3)))
    with pytest.raises(EndpointError):
        run(survey(), scripted_model({"rules": [{"error": "endpoint"}]}), store, QUICK)
    assert store.totals().failed_attempts == {"endpoint": 1}


def test_only_cells_that_have_ended_count_for_the_share_of_valid_ones(survey: Any, store: Store) -> None:
    options = RunOptions(caps=Caps(requests=4), concurrency=1)
    summary = run(
        survey(), scripted_model({"rules": [{"item": "q3", "reply": "x"}], "default": "3"}), store, options
    )
    assert (summary.remaining, summary.valid_share) == (8, 0.75)


def test_caps_hold_where_an_endpoint_counts_no_tokens_and_money_is_unknown(survey: Any, store: Store) -> None:
    prices = Prices(1.0, 1.0)
    options = RunOptions(caps=Caps(cost=0.002), prices=prices, concurrency=1)
    summary = run(survey(), scripted_model({"default": "3"}), store, options)
    assert (0 < summary.asked < 12, summary.cost) == (True, None)
    assert "cost cap" in summary.stopped


def test_halves_of_surrogate_pairs_in_a_reply_do_not_stop_a_run(survey: Any, store: Store) -> None:
    class Half:
        name = "half"

        def describe(self) -> Any:
            return {"name": self.name}

        async def complete(self, request: Any, *, timeout: float) -> Reply:
            return Reply("3\ud800", "stop\ud800", refusal="\ud800", model="m\ud800")

        async def close(self) -> None:
            pass

    assert run(survey(), Half(), store).asked == 12
    assert {call.reply.model for call in store.calls() if call.reply} == {"m\ufffd"}


def test_an_endpoint_that_has_answered_may_be_away_for_a_while(survey: Any, store: Store) -> None:
    script = {"rules": [{"persona": "p1", "error": "endpoint", "times": 2}], "default": "3"}
    summary = run(survey(), scripted_model(script), store, RunOptions(backoff=0.001, concurrency=1))
    assert summary.counts[State.VALID] == 12


def test_a_run_in_which_everything_fails_stops(survey: Any, store: Store) -> None:
    options = RunOptions(backoff=0.001, failures_in_a_row=10)
    with pytest.raises(ProviderError, match="10 cells in a row failed"):
        run(survey(100), scripted_model({"rules": [{"error": "rejected"}]}), store, options)
    assert store.totals().failed_attempts == {"rejected": 10}


def test_a_request_too_long_is_never_sent(survey: Any, store: Store) -> None:
    class Long(survey):  # type: ignore[misc]
        def request(self, cell: Cell) -> Request:
            text = "long " * (10_000 if cell.persona == "p1" else 1)
            return Request((Message("user", (text,)),), cell=cell)

    model = Counting()
    summary = run(Long(), model, store, RunOptions(context_limit=1000))
    assert (summary.counts[State.VALID], summary.counts[State.SKIPPED]) == (8, 4)
    assert {"p0", "p2"} == {cell.persona for cell in model.asked}
    skipped = store.call(Cell("p1", "q0"))
    assert skipped is not None
    assert skipped.parsed.reason == "about 12,500 tokens; the context limit is 1,000"


@pytest.mark.parametrize(
    ("caps", "most"),
    [(Caps(requests=5), 5), (Caps(tokens=1000), 9), (Caps(cost=0.003), 21)],
    ids=["requests", "tokens", "cost"],
)
def test_caps_are_kept_however_many_requests_are_under_way(
    survey: Any, store: Store, caps: Caps, most: int
) -> None:
    model = Counting(0.001)
    options = RunOptions(caps=caps, concurrency=50, prices=Prices(1.0, 4.0))
    summary = run(survey(10), model, store, options)
    assert "cap" in summary.stopped
    assert 1 <= len(model.asked) <= most
    assert len(model.asked) == summary.counts[State.VALID]
    assert summary.remaining == 40 - len(model.asked)
    again = run(survey(10), model, store, options)  # the cap is the run's, not the session's
    assert len(model.asked) <= most
    assert again.counts == store.counts()


def test_a_cap_on_money_without_prices_is_refused() -> None:
    with pytest.raises(ParameterError, match="needs prices"):
        RunOptions(caps=Caps(cost=1.0))


def test_money_is_unknown_without_prices(survey: Any, store: Store) -> None:
    assert run(survey(), Counting(), store, QUICK).cost is None
    assert store.totals().unpriced == 12


def test_usage_and_cost_of_the_session_are_those_stored(survey: Any, store: Store) -> None:
    script = {"default": "3", "rules": [{"reply": "3", "usage": TOKENS}]}
    summary = run(survey(), scripted_model(script), store, RunOptions(prices=Prices(1.0, 4.0)))
    assert Usage(1200, 120) == summary.usage == store.totals().usage
    assert pytest.approx(12 * (100 + 40) / 1e6) == summary.cost
    assert pytest.approx(summary.cost) == store.totals().cost


def test_concurrency_is_bounded_and_used(survey: Any, store: Store) -> None:
    model = Counting(0.01)
    run(survey(10, 10), model, store, RunOptions(concurrency=7))
    assert model.peak == 7


def test_too_many_requests_narrow_the_gate(survey: Any, store: Store) -> None:
    class Limited(Counting):
        async def complete(self, request: Request, *, timeout: float) -> Reply:
            if self.running >= 4:
                raise TransientError("slow down", kind="rate-limit")
            return await super().complete(request, timeout=timeout)

    limits: list[int] = []
    model = Limited(0.01)
    options = RunOptions(concurrency=32, backoff=0.01, attempts=20)
    summary = run(survey(20, 10), model, store, options, progress=lambda p: limits.append(p.limit))
    assert summary.counts[State.VALID] == 200
    assert model.peak == 4
    assert limits[-1] < 32


def test_nothing_is_sent_before_retry_after_is_over(survey: Any, store: Store) -> None:
    times: list[float] = []

    class Busy(Counting):
        async def complete(self, request: Request, *, timeout: float) -> Reply:
            times.append(asyncio.get_running_loop().time())
            if len(times) == 1:
                raise TransientError("later", 0.3, kind="rate-limit")
            return await super().complete(request, timeout=timeout)

    run(survey(), Busy(), store, QUICK)
    assert times[1] - times[0] >= 0.3


def test_a_wait_of_hours_ends_the_run_with_a_message(survey: Any, store: Store) -> None:
    script = {"rules": [{"error": "rate-limit", "retry_after": 7200}]}
    with pytest.raises(ProviderError, match="asks to wait 7,200 seconds"):
        run(survey(), scripted_model(script), store, QUICK)


def test_a_model_that_never_answers_times_out(
    survey: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("truetwin.llm.running.attempts._GRACE", 0.0)
    options = RunOptions(timeout=0.05, attempts=2, backoff=0.001)
    summary = run(survey(1, 2), Counting(60.0), store, options)
    assert summary.counts[State.PROVIDER_ERROR] == 2
    assert summary.failed_attempts == {"timeout": 4}


def test_other_settings_are_refused_and_named(survey: Any, store: Store) -> None:
    run(survey(temperature=0.0), Counting(), store, QUICK)
    with pytest.raises(RunError, match=r"task\.temperature: stored 0\.0, asked for 1\.0"):
        run(survey(temperature=1.0), Counting(), store, QUICK)
    assert sum(store.counts().values()) == 12


def test_settings_of_a_run_without_answers_may_change(survey: Any, store: Store) -> None:
    with pytest.raises(AccessError):
        run(survey(x=1), scripted_model({"rules": [{"error": "access"}]}), store, QUICK)
    assert run(survey(x=2), Counting(), store, QUICK).complete


def test_shards_ask_each_cell_once(survey: Any, tmp_path: Path) -> None:
    asked = []
    for number in (1, 2, 3):
        model = Counting()
        with Store(tmp_path / f"{number}.sqlite") as store:
            summary = run(survey(20), model, store, RunOptions(shard=Shard(number, 3)))
        assert summary.complete
        asked += model.asked
    assert sorted(survey(20).cells(), key=str) == sorted(asked, key=str)


def test_progress_ends_with_everything_done(survey: Any, store: Store) -> None:
    seen: list[Progress] = []
    run(survey(), Counting(), store, QUICK, progress=seen.append)
    assert (seen[-1].done, seen[-1].total) == (12, 12)


def test_an_interrupt_stores_what_is_under_way(survey: Any, store: Store) -> None:
    class Interrupted(Counting):
        async def complete(self, request: Request, *, timeout: float) -> Reply:
            if len(self.asked) == 15:
                os.kill(os.getpid(), signal.SIGINT)
            return await super().complete(request, timeout=timeout)

    model, seen = Interrupted(0.4), []
    summary = run(
        survey(10, 10), model, store, QUICK, progress=lambda p: seen.append((p.stopping, p.in_flight))
    )
    assert "interrupted" in {why for why, under_way in seen if under_way}
    assert summary.stopped == "interrupted"
    assert len(model.asked) == summary.counts[State.VALID] == store.counts()[State.VALID] < 100
    assert run(survey(10, 10), Counting(), store, QUICK).complete


def test_a_second_interrupt_gives_up_what_is_under_way(survey: Any, store: Store) -> None:
    class Stuck(Counting):
        async def complete(self, request: Request, *, timeout: float) -> Reply:
            if len(self.asked) == 3:
                for wait in (0.05, 0.1):
                    asyncio.get_running_loop().call_later(wait, os.kill, os.getpid(), signal.SIGINT)
                self.seconds = 60.0
            return await super().complete(request, timeout=timeout)

    summary = run(survey(10, 10), Stuck(), store, QUICK)
    assert 3 <= summary.counts[State.VALID] < 100
    assert summary.failed_attempts["interrupted"] >= 1


def test_nothing_is_asked_again_after_an_interrupt(survey: Any, store: Store) -> None:
    class Failing(Counting):
        async def complete(self, request: Request, *, timeout: float) -> Reply:
            await super().complete(request, timeout=timeout)
            if len(self.asked) == 1:
                return Reply("3")
            if len(self.asked) == 9 and request.cell == self.asked[-1]:
                os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.1)
            raise TransientError("500", kind="server")

    model = Failing(0.01)
    summary = run(survey(10, 10), model, store, QUICK)
    assert (summary.stopped, len(model.asked)) == ("interrupted", 9)
    assert summary.failed_attempts == {"server": 8}
    assert summary.remaining == 99


def test_replies_under_way_are_stored_when_cells_cannot_be_claimed(
    survey: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, calls = store.claim, []

    def failing(cells: Any) -> Any:
        calls.append(cells)
        if len(calls) == 3:
            raise RunError("the disk is full")
        return claim(cells)

    monkeypatch.setattr(store, "claim", failing)
    model = Counting(0.05)
    with pytest.raises(RunError, match="the disk is full"):
        run(survey(10, 10), model, store, QUICK)
    assert len(model.asked) == store.counts()[State.VALID] > 0


def test_a_run_works_inside_a_running_loop(survey: Any, store: Store) -> None:
    async def notebook() -> int:
        return run(survey(), Counting(), store, QUICK).asked

    assert asyncio.run(notebook()) == 12


def test_an_error_in_making_a_request_ends_the_run(survey: Any, store: Store) -> None:
    class Broken(survey):  # type: ignore[misc]
        def request(self, cell: Cell) -> Request:
            raise ParameterError("no such item")

    with pytest.raises(ParameterError, match="no such item"):
        asyncio.run(run_async(Broken(), Counting(), store, QUICK))

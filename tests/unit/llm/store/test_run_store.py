"""What is stored stays, is stored once, and can be read again."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truetwin.errors import RunError
from truetwin.llm import Cell, Message, Parsed, Reply, Request, Sampling, State, Store, Usage
from truetwin.llm.store.batched_run import Outcome
from truetwin.llm.store.ledger import Ledger, Use
from truetwin.llm.store.merging import merge_stores
from truetwin.llm.store.salvage import look_for_damage, salvage, save
from truetwin.llm.store.sessions import Process, begin_work, end_work, here, is_alive
from truetwin.llm.store.stored_call import Failure

CELL = Cell("anna", "q1")
HELLO = Request((Message("system", ("You are ", "Anna")), Message("user", ("How much?",))), cell=CELL)
VALID = Parsed(State.VALID, 3)
SETTINGS = {"task": {"a": 1}, "model": {"name": "m"}}


def answered(path: Path, cell: Cell = CELL, text: str = "3", request: Request = HELLO) -> Store:
    store = Store(path)
    store.begin(cell.step, SETTINGS)
    store.claim([cell])
    store.put(cell, request, VALID, Reply(text, usage=Usage(10, 1)), cost=0.5)
    store.flush()
    return store


def test_a_call_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    reply = Reply("3", "stop", Usage(10, 2, 1, 5), "no", ({"3": -0.1, "4": -2.5},), "m-2024", 0.25)
    with Store(tmp_path) as store:
        store.put(CELL, HELLO, Parsed(State.REFUSED, None, "it said no"), reply, attempts=2, cost=0.1)
        store.flush()
        found = store.call(CELL)
    assert found is not None
    assert reply == found.reply
    assert Parsed(State.REFUSED, None, "it said no") == found.parsed
    assert (CELL, HELLO.digest, 2, 0.1) == (found.cell, found.digest, found.attempts, found.cost)


def test_a_request_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    sampling = Sampling(0.5, 0.9, 10, 7, "low", 5, {"guided": {"x": [1]}})
    request = Request(HELLO.messages, sampling, {"type": "object"}, "3", CELL)
    with answered(tmp_path, request=request) as store:
        found = store.request(CELL)
    assert request == found
    assert request.digest == found.digest


def test_a_text_is_stored_once_however_many_prompts_hold_it(tmp_path: Path) -> None:
    persona = "a life story " * 1000
    with Store(tmp_path) as store:
        for k in range(100):
            cell = Cell("anna", f"q{k}")
            store.put(cell, Request((Message("user", (persona, f"question {k}")),)), VALID, Reply("3"))
            store.flush()
    base = sqlite3.connect(tmp_path / "run.sqlite")
    assert base.execute("SELECT count(*) FROM texts").fetchone() == (101,)
    base.close()
    assert (tmp_path / "run.sqlite").stat().st_size < 200_000


def test_an_answer_is_never_replaced(tmp_path: Path) -> None:
    with answered(tmp_path) as store:
        store.put(CELL, HELLO, VALID, Reply("late", usage=Usage(10, 1)))
        store.flush()
        found = store.call(CELL)
        totals = store.totals()
    assert found is not None
    assert found.reply is not None
    assert found.reply.text == "3"
    assert totals.failed_attempts == {"duplicate": 1}
    assert Usage(20, 2) == totals.usage


def test_a_failed_cell_is_replaced_by_an_answer(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put(CELL, HELLO, Parsed(State.PROVIDER_ERROR, None, "500"))
        store.flush()
        assert store.claim([CELL]).mine == (CELL,)
        store.put(CELL, HELLO, VALID, Reply("3"))
        store.flush()
        assert store.state(CELL) == State.VALID
        assert sum(store.counts().values()) == 1


def test_two_sessions_never_hold_the_same_cell(tmp_path: Path) -> None:
    cells = [Cell("anna", f"q{k}") for k in range(10)]
    with Store(tmp_path) as first, Store(tmp_path) as second:
        mine = first.claim(cells[:6]).mine
        theirs = second.claim(cells)
        assert tuple(cells[:6]) == mine
        assert (tuple(cells[6:]), 6) == (theirs.mine, theirs.elsewhere)
        assert sum(holder.cells for holder in first.holders()) == 4
        first.release(mine)
        assert mine == second.claim(mine).mine


def test_claims_of_a_dead_process_are_freed_and_counted(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.begin("answer", SETTINGS)
        dead = store.open_session(Process(here(), 2**22 + 1, "1"))
        named = "INSERT INTO claims (step, persona, item, replicate, session)"
        store._base.execute(f"{named} VALUES ('answer', 'anna', 'q1', 0, ?)", (dead,))
        assert store.reap() == 1
        assert store.reap() == 0
        assert store.totals().failed_attempts == {"interrupted": 1}
        assert store.claim([CELL]).mine == (CELL,)


def test_a_process_elsewhere_lives_as_long_as_it_gives_signs_of_life() -> None:
    far = Process("another machine", 1, "1")
    assert is_alive(far, 1000.0, now=1100.0)
    assert not is_alive(far, 1000.0, now=2000.0)


def test_a_process_here_lives_as_long_as_the_system_says() -> None:
    mine = begin_work()
    assert is_alive(mine, 0.0)
    end_work(mine)
    assert not is_alive(mine, 0.0)
    assert not is_alive(Process(here(), os.getppid(), "another birth"), 0.0)


def test_replies_can_be_read_anew_without_a_call(tmp_path: Path, survey: Any) -> None:
    with Store(tmp_path) as store:
        for k, text in enumerate(("3", "four", "5")):
            cell = Cell(f"p{k}", "q0")
            store.put(cell, HELLO, Parsed(State.UNPARSEABLE, None, "?"), Reply(text))
        store.put(Cell("p9", "q0"), HELLO, Parsed(State.PROVIDER_ERROR))
        store.flush()
        assert store.reparse(survey()) == 3
        assert store.reparse(survey()) == 0
        assert [call.parsed.value for call in store.calls()] == [3, None, 5, None]
        assert (store.counts()[State.VALID], store.counts()[State.PROVIDER_ERROR]) == (2, 1)


def test_usage_of_failed_attempts_is_counted(tmp_path: Path) -> None:
    with answered(tmp_path) as store:
        store.put_failure(Failure(CELL, "malformed", "cut", Usage(7, 3), 0.25))
        store.flush()
        totals = store.totals()
    assert (Usage(17, 4), 0.75, 2) == (totals.usage, totals.cost, totals.requests)


def test_steps_have_their_own_settings_and_counts(tmp_path: Path) -> None:
    judge = Cell("anna", "q1", step="judge")
    with answered(tmp_path) as store:
        store.begin("judge", {"task": {"a": 2}})
        store.put(judge, HELLO, Parsed(State.TRUNCATED), Reply("x", "length"))
        store.flush()
        assert store.steps() == ["answer", "judge"]
        assert (store.counts("judge")[State.TRUNCATED], store.counts("judge")[State.VALID]) == (1, 0)
        assert [judge] == [call.cell for call in store.calls("judge")]
        with pytest.raises(RunError, match="has no step 'other'"):
            store.settings("other")


def test_settings_may_differ_where_that_is_allowed(tmp_path: Path) -> None:
    with answered(tmp_path) as store:
        other = {"task": {"a": 1}, "model": {"name": "n"}}
        store.begin("answer", other, may_differ=["model.name"])
        with pytest.raises(RunError, match=r'model\.name: stored "m", asked for "n"'):
            store.begin("answer", other)


def test_shards_are_merged_once(tmp_path: Path) -> None:
    answered(tmp_path / "a.sqlite").close()
    with answered(tmp_path / "b.sqlite", Cell("ben", "q1")) as other:
        other.put_failure(Failure(CELL, "server", "500", Usage(1, 1)))
    with Store(tmp_path / "all.sqlite") as target:
        for _ in range(2):
            merge_stores(target, [tmp_path / "a.sqlite", tmp_path / "b.sqlite"])
            assert [(c.cell.persona, c.parsed.value) for c in target.calls()] == [("anna", 3), ("ben", 3)]
            assert Usage(21, 3) == target.totals().usage
        assert HELLO.messages == target.request(CELL).messages


def test_a_cell_answered_in_two_shards_keeps_one_answer_and_both_costs(tmp_path: Path) -> None:
    answered(tmp_path / "a.sqlite", text="3").close()
    answered(tmp_path / "b.sqlite", text="4").close()
    with Store(tmp_path / "all.sqlite") as target:
        merged = merge_stores(target, [tmp_path / "a.sqlite", tmp_path / "b.sqlite"])
        assert (merged.taken, merged.duplicates) == (1, 1)
        assert [call.reply.text for call in target.calls() if call.reply] == ["3"]
        assert Usage(20, 2) == target.totals().usage


def merged_from(old: Path, new: Path) -> None:
    with Store(new) as target:
        merge_stores(target, [old])
    with Store(new) as store, store.writing() as base:
        base.execute("DELETE FROM sessions")  # so that the next session has the number of one in the old file


def recovered_from(old: Path, new: Path) -> None:
    save(salvage(old), new)


@pytest.mark.parametrize("copied", [merged_from, recovered_from])
def test_what_came_from_another_file_is_not_taken_for_the_use_of_a_session_here(
    tmp_path: Path, copied: Callable[[Path, Path], None]
) -> None:
    with answered(tmp_path / "old.sqlite") as store:
        store.put_failure(Failure(CELL, "server", "500", Usage(1000, 1000)))
    copied(tmp_path / "old.sqlite", tmp_path / "new.sqlite")
    with Store(tmp_path / "new.sqlite") as other, Store(tmp_path / "new.sqlite") as store:
        assert other.session == 1
        ledger = Ledger(store)
        other.put(Cell("ben", "q1"), HELLO, VALID, Reply("3", usage=Usage(10, 1)))
        other.flush()
        assert ledger.reserve(Use(), Use(1, 1), Use(), lambda use: False) == Use(1, 11)


def test_replies_that_were_asked_again_are_recovered_only_if_they_are_sound(tmp_path: Path) -> None:
    with answered(tmp_path / "old.sqlite") as store:
        store._move_to_earlier(CELL)
    recovered_from(tmp_path / "old.sqlite", tmp_path / "whole.sqlite")
    with Store(tmp_path / "whole.sqlite") as store:
        assert [call.parsed.value for call, _ in store.earlier()] == [3]
    with Store(tmp_path / "old.sqlite") as store, store.writing() as base:
        base.execute("UPDATE earlier SET reply = '4'")
    recovered_from(tmp_path / "old.sqlite", tmp_path / "new.sqlite")
    assert look_for_damage(tmp_path / "new.sqlite") is None


def test_what_became_of_requests_in_files_is_recovered(tmp_path: Path) -> None:
    with answered(tmp_path / "old.sqlite") as store:
        store.hand_over("a.jsonl", [("id-1", CELL, HELLO), ("id-2", Cell("ben", "q1"), HELLO)])
        store.end_waits({"id-1": Outcome.ANSWERED})
    recovered_from(tmp_path / "old.sqlite", tmp_path / "new.sqlite")
    with Store(tmp_path / "new.sqlite") as store:
        found = [store.handed_over(name) for name in ("id-1", "id-2")]
    assert [each and each.outcome for each in found] == [Outcome.ANSWERED, Outcome.GIVEN_UP]


def test_shards_of_other_settings_are_not_merged(tmp_path: Path) -> None:
    answered(tmp_path / "a.sqlite").close()
    with Store(tmp_path / "b.sqlite") as other:
        other.begin("answer", {"task": {"a": 2}, "model": {"name": "m"}})
        other.put(CELL, HELLO, VALID, Reply("3"))
    with (
        Store(tmp_path / "a.sqlite") as target,
        pytest.raises(RunError, match=r"task\.a: stored 1, asked for 2"),
    ):
        merge_stores(target, [tmp_path / "b.sqlite"])


@pytest.mark.parametrize(
    "content", [b"not a database, but a text of some length" * 30, b"SQLite format 3\0broken"]
)
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.sqlite").write_bytes(content)
    with pytest.raises(RunError, match="cannot be opened as a stored run"):
        Store(tmp_path)


def test_another_database_is_refused(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "run.sqlite")
    base.execute("CREATE TABLE songs (name TEXT)")
    base.close()
    with pytest.raises(RunError, match="not a stored run"):
        Store(tmp_path)


def test_a_run_of_another_version_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store._base.execute("UPDATE meta SET value = '99'")
    with pytest.raises(RunError, match="of version 99"):
        Store(tmp_path)


def test_a_missing_run_is_refused_where_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is none"):
        Store(tmp_path / "run.sqlite", create=False)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(codec=None), max_size=20))
def test_any_text_can_be_stored(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Store(tmp_path_factory.mktemp("run")) as store:
        request = Request((Message("user", (text,)),))
        store.put(CELL, request, Parsed(State.UNPARSEABLE, {"text": text}, text), Reply(text, refusal=text))
        store.flush()
        found = store.call(CELL)
    assert found is not None
    assert found.reply is not None
    if text.isprintable():
        assert text == found.reply.text == found.parsed.value["text"]


@pytest.mark.parametrize("count", [True, np.int64(3), 3.0])
def test_counts_of_any_kind_are_stored_as_whole_numbers(tmp_path: Path, count: Any) -> None:
    with Store(tmp_path) as store:
        store.put(CELL, HELLO, VALID, Reply("3", usage=Usage(count, count, count, count)))
        store.flush()
        found = store.call(CELL)
    assert found is not None
    assert found.reply is not None
    assert Usage(*[int(count)] * 4) == found.reply.usage


def test_settings_keep_their_order_and_get_it_back_in_runs_that_lost_it(tmp_path: Path) -> None:
    asked = {"task": {"items": {"q2": 1, "q10": 2}}, "model": {"name": "m"}}
    with Store(tmp_path / "run.sqlite") as store:
        store.begin("answer", asked)
        assert json.dumps(store.settings("answer")) == json.dumps(asked)
    answered(tmp_path / "old.sqlite").close()
    with sqlite3.connect(tmp_path / "old.sqlite") as base:
        base.execute("UPDATE steps SET settings = ?", (json.dumps(asked, sort_keys=True),))
        base.execute("DELETE FROM meta WHERE name LIKE 'hash of the settings%'")  # they wrote none
    with Store(tmp_path / "old.sqlite") as store:
        assert list(store.settings("answer")["task"]["items"]) == ["q10", "q2"]
        store.begin("answer", asked)
        assert json.dumps(store.settings("answer")) == json.dumps(asked)


def test_a_new_file_that_another_process_is_making_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "run.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    released = threading.Timer(0.05, other.execute, ["ROLLBACK"])
    released.start()
    with Store(tmp_path) as store:
        assert store.steps() == []
    released.join()
    other.close()

"""Requests go to files, replies come from files, and a cell that waits for a batch is asked by nobody else."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.errors import AccessError, FileFormatError, RunError, TransientError
from truetwin.llm import (
    Cell,
    Message,
    Parsed,
    Prices,
    Reply,
    Request,
    RunOptions,
    Shard,
    State,
    Store,
    Usage,
    open_model,
    run,
    scripted_model,
)
from truetwin.llm.batches.batch_api import collect_batches, poll_batches, submit_batches
from truetwin.llm.batches.batch_files import Imported, export_requests, import_replies
from truetwin.llm.batches.reply_lines import reply_lines
from truetwin.llm.store.merging import merge_stores
from truetwin.llm.store.salvage import salvage, save


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path) as store:
        yield store


def answer(requests: Path, replies: Path, text: str = "3") -> None:
    """What a local engine does: a reply for each request."""
    with replies.open("w") as stream:
        for line in requests.read_text().splitlines():
            usage = {"prompt_tokens": 10, "completion_tokens": 1}
            body = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": usage}
            reply = {
                "custom_id": json.loads(line)["custom_id"],
                "response": {"status_code": 200, "body": body},
            }
            stream.write(json.dumps(reply) + "\n")


def test_a_file_of_requests_is_what_batch_services_read(survey: Any, store: Store, tmp_path: Path) -> None:
    (exported,) = export_requests(survey(), scripted_model({}), store, tmp_path)
    lines = [json.loads(line) for line in exported.path.read_text().splitlines()]
    assert 12 == exported.requests == len(lines) == len({line["custom_id"] for line in lines})
    assert {"custom_id", "method", "url", "body"} == set(lines[0])
    assert (lines[0]["method"], lines[0]["url"], lines[0]["body"]["model"]) == (
        "POST",
        "/v1/chat/completions",
        "scripted",
    )
    assert "p0" not in lines[0]["custom_id"]


def test_replies_from_a_file_end_in_the_store_like_all_others(
    survey: Any, store: Store, tmp_path: Path
) -> None:
    (exported,) = export_requests(survey(), scripted_model({}), store, tmp_path)
    replies = tmp_path / "replies.jsonl"
    answer(exported.path, replies)
    imported = import_replies(survey(), store, replies, prices=Prices(1.0, 1.0))
    assert (imported.answered, imported.failed, imported.unexpected, imported.unreadable) == (12, 0, 0, 0)
    assert store.counts()[State.VALID] == 12
    assert Usage(120, 12) == store.totals().usage
    assert pytest.approx(132e-6) == store.totals().cost
    assert store.waiting() == {}
    again = import_replies(survey(), store, replies)
    assert (again.answered, again.unexpected) == (0, 12)
    assert store.totals().requests == 12


def test_cells_that_wait_for_a_batch_are_asked_by_nobody(survey: Any, store: Store, tmp_path: Path) -> None:
    (exported,) = export_requests(survey(), scripted_model({}), store, tmp_path)
    store.close()
    with Store(tmp_path) as later:
        summary = run(survey(), scripted_model({"default": "3"}), later)
        assert (summary.asked, summary.remaining) == (0, 12)
        assert export_requests(survey(), scripted_model({}), later, tmp_path) == []
        assert {exported.path.name: 12} == later.waiting()
        assert later.give_up(exported.path.name) == 12
        assert run(survey(), scripted_model({"default": "3"}), later).asked == 12


def test_answered_cells_are_not_exported(survey: Any, store: Store, tmp_path: Path) -> None:
    model = scripted_model({"rules": [{"persona": "p1", "error": "server"}], "default": "3"})
    run(survey(), model, store, RunOptions(attempts=1))
    (exported,) = export_requests(survey(), model, store, tmp_path)
    assert exported.requests == 4


def test_files_are_cut_where_services_want_it(survey: Any, store: Store, tmp_path: Path) -> None:
    exported = export_requests(survey(), scripted_model({}), store, tmp_path, max_requests=5)
    assert [each.requests for each in exported] == [5, 5, 2]
    assert len({each.path for each in exported}) == 3


def test_a_part_of_a_run_can_be_exported(survey: Any, store: Store, tmp_path: Path) -> None:
    task, part = survey(20), Shard(1, 2)
    exported = export_requests(task, scripted_model({}), store, tmp_path, shard=part)
    assert sum(map(part.holds, task.cells())) == exported[0].requests


def test_a_request_too_long_is_not_exported(survey: Any, store: Store, tmp_path: Path) -> None:
    class Long(survey):  # type: ignore[misc]
        def request(self, cell: Any) -> Request:
            return Request((Message("user", ("long " * (1000 if cell.item == "q1" else 1),)),), cell=cell)

    (exported,) = export_requests(Long(), scripted_model({}), store, tmp_path, context_limit=100)
    assert (exported.requests, store.counts()[State.SKIPPED]) == (9, 3)


def test_lines_that_are_no_replies_are_counted(survey: Any, store: Store, tmp_path: Path) -> None:
    (exported,) = export_requests(survey(1, 2), scripted_model({}), store, tmp_path)
    names = [json.loads(line)["custom_id"] for line in exported.path.read_text().splitlines()]
    replies = tmp_path / "replies.jsonl"
    replies.write_bytes(
        b'{"custom_id": "tt-other", "response": {}}\n{"half\xe4\n[]\n\n'
        + json.dumps({"custom_id": names[0], "response": {"body": {"choices": []}}}).encode()
        + b"\n"
        + json.dumps({"custom_id": names[1], "error": {"message": "expired"}}).encode()
    )
    imported = import_replies(survey(1, 2), store, replies)
    assert (imported.answered, imported.failed, imported.unexpected, imported.unreadable) == (0, 2, 1, 2)
    assert store.counts()[State.PROVIDER_ERROR] == 2
    reasons = " ".join(call.parsed.reason for call in store.calls())
    assert "expired" in reasons
    assert run(survey(1, 2), scripted_model({"default": "3"}), store).asked == 2


def test_a_file_without_any_reply_is_refused(survey: Any, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "replies.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(FileFormatError, match="no line of"):
        import_replies(survey(), store, path)


def test_other_settings_are_not_exported_into_a_run(survey: Any, store: Store, tmp_path: Path) -> None:
    export_requests(survey(x=1), scripted_model({}), store, tmp_path)
    with pytest.raises(RunError, match=r"task\.x"):
        export_requests(survey(x=2), scripted_model({}), store, tmp_path)


def test_a_batch_is_submitted_once_polled_and_collected(
    llm_server: Any, survey: Any, store: Store, tmp_path: Path
) -> None:
    pytest.importorskip("openai", reason="needs the extra 'llm'")
    llm_server.configure(batch_failing=0.3, seed=1)
    model: Any = open_model("m", base_url=llm_server.base_url)
    files = [each.path for each in export_requests(survey(10), model, store, tmp_path, max_requests=30)]
    jobs = submit_batches(model, store, files)
    assert [job.status for job in jobs] == ["in_progress", "in_progress"]
    assert jobs[0].id != jobs[1].id
    again = submit_batches(model, store, files)
    assert [job.id for job in jobs] == [job.id for job in again]
    collected = collect_batches(survey(10), model, store)
    assert [each.unanswered for each in collected] == [0, 0]
    assert poll_batches(model, store) == []
    counts, stats = store.counts(), llm_server.stats()
    assert counts[State.VALID] + counts[State.PROVIDER_ERROR] == 40
    assert counts[State.VALID] == stats["served"] > 0
    assert counts[State.PROVIDER_ERROR] > 0
    assert Usage(stats["prompt_tokens"], stats["completion_tokens"]) == store.totals().usage
    summary = run(survey(10), model, store)
    assert (40, counts[State.PROVIDER_ERROR]) == (summary.counts[State.VALID], summary.asked)


def test_a_batch_that_died_before_it_was_noted_is_found_again(
    llm_server: Any, survey: Any, store: Store, tmp_path: Path
) -> None:
    pytest.importorskip("openai", reason="needs the extra 'llm'")
    model: Any = open_model("m", base_url=llm_server.base_url)
    files = [each.path for each in export_requests(survey(), model, store, tmp_path)]
    (first,) = submit_batches(model, store, files)
    store.note(f"batch job {first.id}", None)
    (second,) = submit_batches(model, store, files)
    assert first.id == second.id


def test_a_batch_whose_creation_seemed_to_fail_is_not_begun_twice(
    llm_server: Any, survey: Any, store: Store, tmp_path: Path
) -> None:
    pytest.importorskip("openai", reason="needs the extra 'llm'")
    llm_server.configure(batch_lost=1)
    model: Any = open_model("m", base_url=llm_server.base_url)
    files = [each.path for each in export_requests(survey(), model, store, tmp_path)]
    with pytest.raises(TransientError):
        submit_batches(model, store, files)
    (job,) = submit_batches(model, store, files)
    assert job.id == "batch-1"


def test_what_a_failed_batch_left_is_submitted_again_under_other_ids(
    llm_server: Any, survey: Any, store: Store, tmp_path: Path
) -> None:
    pytest.importorskip("openai", reason="needs the extra 'llm'")
    llm_server.configure(batch_rejected=1, batch_polls=0)
    model: Any = open_model("m", base_url=llm_server.base_url)
    first = [each.path for each in export_requests(survey(), model, store, tmp_path)]
    submit_batches(model, store, first)
    (collected,) = collect_batches(survey(), model, store)
    assert collected.unanswered == 12
    second = [each.path for each in export_requests(survey(), model, store, tmp_path)]
    ids = [{json.loads(line)["custom_id"] for line in f[0].read_text().splitlines()} for f in (first, second)]
    assert ids[0].isdisjoint(ids[1])
    (job,) = submit_batches(model, store, second)
    assert job.id == "batch-2"
    collect_batches(survey(), model, store)
    assert store.counts()[State.VALID] == 12


def test_strange_lines_and_repeated_ones_are_counted_and_change_nothing(
    survey: Any, store: Store, tmp_path: Path
) -> None:
    (exported,) = export_requests(survey(1, 3), scripted_model({}), store, tmp_path)
    names = [json.loads(line)["custom_id"] for line in exported.path.read_text().splitlines()]
    replies = tmp_path / "replies.jsonl"
    answer(exported.path, replies)
    good = replies.read_text().splitlines()
    malformed = {"usage": {"prompt_tokens": 10, "completion_tokens": 5}}
    lines = [
        json.dumps({"custom_id": {}, "response": {}}),
        json.dumps({"custom_id": "\ud800"}),
        json.dumps({"custom_id": names[1], "response": ["strange"]}),
        json.dumps({"custom_id": names[2], "response": {"status_code": None, "body": malformed}}),
        "[" * 100_000,
        good[0],
        good[0],
    ]
    replies.write_text("\n".join(lines))
    imported = import_replies(survey(1, 3), store, replies, prices=Prices(1.0, 1.0))
    assert (imported.answered, imported.failed, imported.unexpected, imported.unreadable) == (1, 2, 2, 2)
    assert dict(store.totals().failed_attempts) == {"batch": 2}


def test_a_rejected_key_is_told_when_a_batch_is_submitted(
    llm_server: Any, survey: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai", reason="needs the extra 'llm'")
    monkeypatch.setenv("SOME_KEY", "sk-quite-secret")
    llm_server.configure(key="right")
    model: Any = open_model("m", base_url=llm_server.base_url, key_variable="SOME_KEY")
    files = [each.path for each in export_requests(survey(), model, store, tmp_path)]
    with pytest.raises(AccessError) as raised:
        submit_batches(model, store, files)
    assert "secret" not in str(raised.value)


def failed(requests: Path, replies: Path) -> None:
    """Write a failure for each request."""
    names = [json.loads(line)["custom_id"] for line in requests.read_text().splitlines()]
    lines = [json.dumps({"custom_id": name, "error": {"message": "no memory"}}) for name in names]
    replies.write_text("\n".join(lines) + "\n")


def counts(imported: Imported) -> tuple[int, int, int, int]:
    return imported.answered, imported.failed, imported.unexpected, imported.unreadable


def test_an_old_file_of_failures_does_not_end_the_wait_for_a_newer_one(
    survey: Any, store: Store, tmp_path: Path
) -> None:
    task, bad, good = survey(), tmp_path / "bad.jsonl", tmp_path / "good.jsonl"
    (first,) = export_requests(task, scripted_model({}), store, tmp_path)
    failed(first.path, bad)
    assert counts(import_replies(task, store, bad)) == (0, 12, 0, 0)
    (second,) = export_requests(task, scripted_model({}), store, tmp_path)
    answer(second.path, good)
    assert counts(import_replies(task, store, bad)) == (0, 0, 12, 0)
    assert store.waiting() == {second.path.name: 12}
    assert run(task, scripted_model({"default": "3"}), store).asked == 0
    assert counts(import_replies(task, store, good)) == (12, 0, 0, 0)
    assert dict(store.totals().failed_attempts) == {"batch": 12}


def test_a_late_good_reply_to_an_older_file_is_taken_and_ends_the_wait(
    survey: Any, store: Store, tmp_path: Path
) -> None:
    task, late = survey(), tmp_path / "late.jsonl"
    (first,) = export_requests(task, scripted_model({}), store, tmp_path)
    assert store.give_up(first.path.name) == 12
    assert store.give_up(first.path.name) == 0
    export_requests(task, scripted_model({}), store, tmp_path)
    answer(first.path, late)
    assert counts(import_replies(task, store, late)) == (12, 0, 0, 0)
    assert (store.waiting(), store.counts()[State.VALID]) == ({}, 12)
    assert counts(import_replies(task, store, late)) == (0, 0, 12, 0)
    assert store.totals().requests == 12


def test_a_name_of_a_lost_file_is_not_given_again(survey: Any, store: Store, tmp_path: Path) -> None:
    (first,) = export_requests(survey(), scripted_model({}), store, tmp_path)
    first.path.unlink()
    store.give_up(first.path.name)
    (second,) = export_requests(survey(), scripted_model({}), store, tmp_path)
    assert second.path.name == "requests-0002.jsonl"


@pytest.mark.parametrize("order", ["error first", "reply first"])
def test_a_good_line_stays_whatever_stands_beside_it(
    survey: Any, store: Store, tmp_path: Path, order: str
) -> None:
    task, good, bad, both = survey(), tmp_path / "good", tmp_path / "bad", tmp_path / "both"
    (exported,) = export_requests(task, scripted_model({}), store, tmp_path)
    answer(exported.path, good)
    failed(exported.path, bad)
    parts = (bad, good) if order == "error first" else (good, bad)
    both.write_text("".join(part.read_text() for part in parts))
    found = counts(import_replies(task, store, both))
    assert found == ((12, 12, 0, 0) if order == "error first" else (12, 0, 12, 0))
    before = store.totals()
    assert store.counts()[State.VALID] == 12
    assert counts(import_replies(task, store, both)) == (0, 0, 24, 0)
    assert store.totals() == before


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_byte_order_mark_is_no_damage(survey: Any, store: Store, tmp_path: Path, encoding: str) -> None:
    replies = tmp_path / "replies.jsonl"
    (exported,) = export_requests(survey(), scripted_model({}), store, tmp_path)
    answer(exported.path, replies)
    text = replies.read_text().replace("\n", "\r\n")
    replies.write_bytes((b"\xfe\xff" if encoding == "utf-16-be" else b"") + text.encode(encoding))
    assert counts(import_replies(survey(), store, replies)) == (12, 0, 0, 0)


def test_a_line_of_any_length_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_bytes(b"a\n\n" + b"x" * 1000 + b"\nlast")
    assert [line.strip() for line in reply_lines(path, longest=100)] == [b"a", b"x" * 100, b"last"]


def test_late_replies_to_files_of_a_part_are_taken_by_the_merged_run(survey: Any, tmp_path: Path) -> None:
    part, whole, late = tmp_path / "part", tmp_path / "whole", tmp_path / "late.jsonl"
    part.mkdir()
    whole.mkdir()
    with Store(part) as store:
        (exported,) = export_requests(survey(), scripted_model({}), store, part)
    answer(exported.path, late)
    with Store(whole) as store:
        merge_stores(store, [part / "run.sqlite"])
        assert store.waiting() == {}
        assert counts(import_replies(survey(), store, late)) == (12, 0, 0, 0)


def test_a_run_of_an_earlier_version_is_waited_for_and_taken_in(
    survey: Any, store: Store, tmp_path: Path
) -> None:
    (exported,) = export_requests(survey(), scripted_model({}), store, tmp_path)
    replies = tmp_path / "replies.jsonl"
    answer(exported.path, replies)
    store.close()
    with closing(sqlite3.connect(tmp_path / "run.sqlite")) as base:
        base.execute("ALTER TABLE batches DROP COLUMN outcome")
    with Store(tmp_path) as later:
        assert later.waiting() == {exported.path.name: 12}
        assert counts(import_replies(survey(), later, replies)) == (12, 0, 0, 0)
        assert later.waiting() == {}


def test_a_recovered_run_takes_late_replies_to_its_files(survey: Any, tmp_path: Path) -> None:
    broken, whole, late = tmp_path / "broken", tmp_path / "whole", tmp_path / "late.jsonl"
    broken.mkdir()
    whole.mkdir()
    with Store(broken) as store:
        (exported,) = export_requests(survey(), scripted_model({}), store, broken)
    answer(exported.path, late)
    save(salvage(broken / "run.sqlite"), whole / "run.sqlite")
    with Store(whole) as store:
        assert store.waiting() == {}
        assert counts(import_replies(survey(), store, late)) == (12, 0, 0, 0)


def test_a_file_whose_import_breaks_off_is_counted_once(survey: Any, tmp_path: Path) -> None:
    class Broken:
        def parse(self, cell: Cell, reply: Reply) -> Parsed:
            if cell.persona == "p2":
                raise KeyboardInterrupt
            return survey().parse(cell, reply)

    with Store(tmp_path) as store:
        (exported,) = export_requests(survey(), scripted_model({}), store, tmp_path)
        answer(exported.path, tmp_path / "replies.jsonl")
    with pytest.raises(KeyboardInterrupt), Store(tmp_path) as store:
        import_replies(Broken(), store, tmp_path / "replies.jsonl")
    with Store(tmp_path) as store:
        begun = store.counts()[State.VALID]
        assert 0 < begun < 12
        found = import_replies(survey(), store, tmp_path / "replies.jsonl")
        assert (found.answered, found.unexpected) == (12 - begun, begun)
        assert (store.totals().usage, dict(store.totals().failed_attempts)) == (Usage(120, 12), {})


def test_a_command_that_names_fewer_items_collects_all_the_same(
    tmp_path: Path, llm_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-quite-secret")
    llm_server.configure(batch_polls=0, reply="4")
    (tmp_path / "personas.csv").write_text("id,text\na,A cook.\nb,A nurse.\n")
    given = ["--personas", str(tmp_path / "personas.csv"), "--items", str(tmp_path / "items.csv")]
    given += ["--run", str(tmp_path / "run"), "--model", "m", "--base-url", llm_server.base_url, "--batch"]
    for items, code in (("Q1,Tea?,1,5\nQ2,Rain?,1,5\n", 1), ("Q1,Tea?,1,5\n", 0)):
        (tmp_path / "items.csv").write_text("item_id,text,low,high\n" + items)
        assert _run(["simulate", *given], debug=False) == code, capsys.readouterr().err
    with Store(tmp_path / "run") as store:
        assert (store.counts()[State.VALID], store.waiting()) == (4, {})

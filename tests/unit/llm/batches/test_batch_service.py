"""A batch service that misbehaves costs nothing that was paid for, and reaches nothing that it should not."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import AccessError, ProviderError, RunError, TransientError
from truetwin.llm import State, Store, open_model
from truetwin.llm.batches.batch_api import Collected, collect_batches, poll_batches, submit_batches
from truetwin.llm.batches.batch_files import export_requests
from truetwin.llm.batches.batch_service import BatchService

pytestmark = pytest.mark.extra("llm")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path) as store:
        yield store


class Batches:
    """A survey of 12 calls, sent through the batch service."""

    def __init__(self, survey: Any, server: Any, store: Store) -> None:
        self.survey, self.server, self.store = survey, server, store
        self.model: Any = open_model("m", base_url=server.base_url)

    def submit(self) -> list[Any]:
        files = export_requests(self.survey(), self.model, self.store, self.store.path.parent)
        return submit_batches(self.model, self.store, [each.path for each in files])

    def collect(self) -> list[Collected]:
        return collect_batches(self.survey(), self.model, self.store)

    def round(self) -> Collected:
        self.submit()
        (found,) = self.collect()
        return found

    def valid(self) -> int:
        return self.store.counts()[State.VALID]


@pytest.fixture
def batches(survey: Any, llm_server: Any, store: Store) -> Batches:
    llm_server.configure(batch_polls=0)
    return Batches(survey, llm_server, store)


def test_what_an_expired_batch_answered_stays_and_the_rest_is_sent_again(batches: Batches) -> None:
    batches.server.configure(batch_fault="expired")
    found = batches.round()
    assert (found.job.status, found.imported.answered, found.imported.failed) == ("expired", 6, 6)
    batches.server.configure(batch_fault="")
    again = batches.round()
    assert (again.imported.answered, batches.valid()) == (6, 12)
    assert batches.server.stats()["served"] == 12 + 6


def test_requests_that_a_batch_leaves_out_are_sent_again(batches: Batches) -> None:
    batches.server.configure(batch_fault="missing")
    found = batches.round()
    assert (found.imported.answered, found.unanswered) == (6, 6)
    batches.server.configure(batch_fault="")
    assert batches.round().imported.answered == 6
    assert batches.valid() == 12


@pytest.mark.parametrize("fault", ["twice", "both", "strangers"])
def test_lines_that_are_repeated_or_belong_to_nobody_change_nothing(batches: Batches, fault: str) -> None:
    batches.server.configure(batch_fault=fault)
    found = batches.round()
    assert (found.imported.answered, found.unanswered, batches.valid()) == (12, 0, 12)
    assert found.imported.unexpected == 12
    assert batches.store.totals().usage.completion_tokens == batches.server.stats()["completion_tokens"]


def test_a_batch_without_a_single_reply_is_told_and_sent_again(batches: Batches) -> None:
    batches.server.configure(batch_fault="garbage")
    found = batches.round()
    assert (found.imported.answered, found.unanswered) == (0, 12)
    assert "no line of its output file is a reply" in found.faults[0]
    batches.server.configure(batch_fault="")
    assert batches.round().imported.answered == 12


def test_why_a_batch_was_rejected_is_told(batches: Batches) -> None:
    batches.server.configure(batch_rejected=1)
    found = batches.round()
    assert (found.job.status, found.job.reason) == ("failed", "Enqueued token limit reached")
    assert found.unanswered == 12


def test_a_file_without_end_is_read_up_to_its_limit(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("truetwin.llm.batches.batch_api._BYTES_A_FILE", 2**20)
    batches.server.configure(batch_fault="endless")
    batches.submit()
    tracemalloc.start()
    (found,) = batches.collect()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.imported.answered, batches.valid()) == (12, 12)
    assert "the rest was not read" in found.faults[0]
    assert peak < 100e6


def test_a_file_that_the_provider_no_longer_has_is_told(batches: Batches) -> None:
    batches.server.configure(batch_fault="gone")
    found = batches.round()
    assert (found.imported.answered, found.unanswered) == (0, 12)
    assert "is not there any more" in found.faults[0]


def test_a_job_that_the_provider_forgot_waits_until_it_is_given_up(batches: Batches) -> None:
    (job,) = batches.submit()
    batches.server.configure(batch_fault="forgotten")
    assert [each.status for each in poll_batches(batches.model, batches.store)] == ["unknown"]
    assert batches.collect() == []
    assert batches.store.waiting() == {job.file: 12}
    assert batches.store.give_up(job.file) == 12
    assert batches.collect() == []
    assert poll_batches(batches.model, batches.store) == []
    batches.server.configure(batch_fault="")
    assert batches.round().imported.answered == 12


def test_replies_to_a_file_that_was_given_up_are_taken_all_the_same(batches: Batches) -> None:
    (job,) = batches.submit()
    batches.store.give_up(job.file)
    batches.submit()
    first, second = batches.collect()
    assert (first.imported.answered, second.imported.answered, second.imported.unexpected) == (12, 0, 12)
    assert dict(batches.store.totals().failed_attempts) == {"duplicate": 12}
    assert batches.store.totals().usage.prompt_tokens == batches.server.stats()["prompt_tokens"]
    assert batches.store.waiting() == {}


def test_a_request_file_that_was_lost_before_it_was_sent_can_be_given_up(batches: Batches) -> None:
    (file,) = export_requests(batches.survey(), batches.model, batches.store, batches.store.path.parent)
    file.path.unlink()
    with pytest.raises(RunError, match=r"--give-up requests-0001\.jsonl"):
        submit_batches(batches.model, batches.store, [file.path])
    batches.store.give_up(file.path.name)
    assert batches.submit()[0].file == "requests-0002.jsonl"
    assert batches.collect()[0].imported.answered == 12


def test_a_service_cannot_choose_where_files_are_written(batches: Batches) -> None:
    batches.server.configure(batch_fault="path")
    with pytest.raises(ProviderError, match="must name its jobs"):
        batches.submit()


def test_a_service_that_answers_in_words_is_told(batches: Batches) -> None:
    batches.server.configure(batch_fault="words")
    with pytest.raises(TransientError, match="as a JSON object; found str"):
        batches.submit()


def test_a_key_that_a_batch_repeats_is_masked_on_disk_and_in_messages(
    survey: Any, llm_server: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-quite-secret")
    llm_server.configure(batch_polls=0, key="sk-quite-secret", batch_fault="echo")
    batches = Batches(survey, llm_server, store)
    found = batches.round()
    assert found.imported.failed == 12
    written = [path.read_bytes() for path in store.path.parent.iterdir()]
    assert not any(b"quite-secret" in each for each in written)
    assert all("[key]" in call.parsed.reason for call in store.calls())
    llm_server.configure(key="another")
    with pytest.raises(AccessError) as raised:
        poll_batches(batches.model, store) or batches.submit()
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("form", ["sk-secret", "sk%2Dsecret", "sk\\u002dsecret"])
def test_a_key_is_masked_wherever_pieces_are_cut(
    llm_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, form: str
) -> None:
    text = b'{"a": "KEY KEYs sk sec ret \xff KEY", "b": "KEY"}'.replace(b"KEY", form.encode())
    assert text.replace(form.encode(), b"[key]") == written(
        text, size, "sk-secret", llm_server, tmp_path, monkeypatch
    )


def test_what_servers_without_keys_take_is_left_in_replies(
    llm_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b'{"content": "none of these"}'
    assert text == written(text, 5, "none", llm_server, tmp_path, monkeypatch)


def written(
    text: bytes, size: int, key: str, server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> bytes:
    """Write a text that comes in pieces of a size as a file of the service."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    model: Any = open_model("m", base_url=server.base_url)
    pieces = (text[k : k + size] for k in range(0, len(text), size))
    with BatchService(model.endpoint) as service:
        service._write(pieces, folder / "file")
    return (folder / "file").read_bytes()

"""The batch service of OpenAI and of gateways that copy it: half the price, answers within a day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.io import file_hash
from truetwin.llm.batches.batch_files import ENDPOINT, Imported, import_replies
from truetwin.llm.providers.openai_client import OpenAIModel
from truetwin.llm.running.pricing import Prices
from truetwin.llm.store.run_store import Store
from truetwin.llm.task import Task

_ENDED = {"completed", "failed", "expired", "cancelled"}
_NOTE = "batch job "


@dataclass(frozen=True)
class BatchJob:
    """A file of requests at the provider's.

    ``status`` is the provider's word; ``completed`` and ``failed`` count its lines as far as it says.
    """

    id: str
    file: str
    status: str
    completed: int = 0
    failed: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status in _ENDED


@dataclass(frozen=True)
class Collected:
    """What came of a job; ``unanswered`` cells were in it and may be asked again."""

    job: BatchJob
    imported: Imported
    unanswered: int


def submit_batches(model: OpenAIModel, store: Store, files: Sequence[Path]) -> list[BatchJob]:
    """Send files of :func:`~truetwin.llm.batches.batch_files.export_requests` to the provider.

    A file whose job is still open is not sent again, also if the process died before it could note the job: jobs carry
    the hash of their file. What a collected job left unanswered may be in a later file of the very same content; that
    one is sent.

    Raises
    ------
    ProviderError
        As for single requests.
    """
    noted = store.notes(_NOTE)
    known = {job["hash"] for job in noted.values() if not job.get("collected")}
    collected = {name.removeprefix(_NOTE) for name, job in noted.items() if job.get("collected")}
    with _client(model) as client:
        for path in files:
            digest = file_hash(path)
            if digest in known:
                continue
            job = _find(client, digest, collected)
            if job is None:
                with path.open("rb") as stream:
                    uploaded = client.files.create(file=stream, purpose="batch")
                # Once only: a job whose creation seems to have failed may run, and is found by its hash next time.
                job = client.with_options(max_retries=0).batches.create(
                    input_file_id=uploaded.id,
                    endpoint=ENDPOINT,
                    completion_window="24h",
                    metadata={"truetwin": digest},
                )
            store.note(_NOTE + job.id, {"file": path.name, "hash": digest})
    return poll_batches(model, store)


def poll_batches(model: OpenAIModel, store: Store) -> list[BatchJob]:
    """How the jobs of a run stand that have not been collected."""
    with _client(model) as client:
        return [
            _job(client.batches.retrieve(name.removeprefix(_NOTE)), noted["file"])
            for name, noted in store.notes(_NOTE).items()
            if not noted.get("collected")
        ]


def collect_batches(
    task: Task, model: OpenAIModel, store: Store, *, prices: Prices | None = None
) -> list[Collected]:
    """Fetch and store the replies of all jobs that have ended.

    The provider's files are kept beside the store (``<job>.output.jsonl``, ``<job>.errors.jsonl``). Cells that a job
    left unanswered, because it expired or was cancelled, may be asked again.
    """
    done = []
    for job in poll_batches(model, store):
        if job.ended:
            done.append(_collect(task, model, store, job, prices))
    return done


def _collect(task: Task, model: OpenAIModel, store: Store, job: BatchJob, prices: Prices | None) -> Collected:
    total = Imported(0, 0, 0, 0)
    with _client(model) as client:
        found = client.batches.retrieve(job.id)
        for kind, file in (("output", found.output_file_id), ("errors", found.error_file_id)):
            if file is None:
                continue
            path = store.path.parent / f"{job.id}.{kind}.jsonl"
            path.write_bytes(client.files.content(file).read())
            one = import_replies(task, store, path, prices=prices)
            total = Imported(
                total.answered + one.answered,
                total.failed + one.failed,
                total.unexpected + one.unexpected,
                total.unreadable + one.unreadable,
            )
    left = store.give_up(job.file)
    store.note(_NOTE + job.id, store.notes(_NOTE + job.id)[_NOTE + job.id] | {"collected": True})
    return Collected(job, total, left)


def _find(client: Any, digest: str, collected: Collection[str]) -> Any:
    for job in client.batches.list(limit=100):
        if (job.metadata or {}).get("truetwin") == digest and job.id not in collected:
            return job
    return None


def _job(found: Any, file: str) -> BatchJob:
    counts = found.request_counts
    return BatchJob(
        found.id, file, found.status, counts.completed if counts else 0, counts.failed if counts else 0
    )


@contextmanager
def _client(model: OpenAIModel) -> Iterator[Any]:
    import openai

    client = model.blocking_client()
    try:
        yield client
    except openai.OpenAIError as error:
        raise model.failure(error) from None
    finally:
        client.close()

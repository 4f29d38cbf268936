"""Use the batch service of OpenAI, or of a gateway that copies it: half the price, answers within a day."""

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
    """Batch job: a file of requests that was sent to the provider.

    ``status`` is the provider's word for how the job stands. ``completed`` and ``failed`` count the requests that the
    provider reports as such.
    """

    id: str
    file: str
    status: str
    completed: int = 0
    failed: int = 0

    @property
    def ended(self) -> bool:
        """Whether the job has ended: no further reply will come."""
        return self.status in _ENDED


@dataclass(frozen=True)
class Collected:
    """Result of a batch job. Cells that it left ``unanswered`` may be asked again."""

    job: BatchJob
    imported: Imported
    unanswered: int


def submit_batches(model: OpenAIModel, store: Store, files: Sequence[Path]) -> list[BatchJob]:
    """Send files of :func:`~truetwin.llm.batches.batch_files.export_requests` to the provider.

    A file whose job is still open is not sent again. This holds also if the process died before it could note the job,
    because jobs carry the hash of their file. A later file may have the very same content, since requests that a
    collected job left unanswered are exported again; that file is sent.

    Raises
    ------
    ProviderError
        If the provider rejects the key, the model or a file, or cannot be reached.
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
                # Create the job without retries: a job whose creation seems to have failed may run all the same. The
                # next call finds it by its hash.
                job = client.with_options(max_retries=0).batches.create(
                    input_file_id=uploaded.id,
                    endpoint=ENDPOINT,
                    completion_window="24h",
                    metadata={"truetwin": digest},
                )
            store.note(_NOTE + job.id, {"file": path.name, "hash": digest})
    return poll_batches(model, store)


def poll_batches(model: OpenAIModel, store: Store) -> list[BatchJob]:
    """Ask the provider for the status of every job whose replies have not been fetched."""
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

    client = model.endpoint.blocking_client()
    try:
        yield client
    except openai.OpenAIError as error:
        raise model.endpoint.failure(error) from None
    finally:
        client.close()

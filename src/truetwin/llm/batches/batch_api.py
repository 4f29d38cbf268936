"""Use the batch service of OpenAI, or of a gateway that copies it: half the price, answers within a day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from truetwin.errors import FileFormatError, RunError
from truetwin.io import file_hash
from truetwin.llm.batches.batch_files import Imported, import_replies
from truetwin.llm.batches.batch_service import BatchService, Fetched, ServiceJob
from truetwin.llm.providers.openai_client import OpenAIModel
from truetwin.llm.running.pricing import Prices
from truetwin.llm.store.run_store import Store
from truetwin.llm.task import ReplyReader

_ENDED = {"completed", "failed", "expired", "cancelled"}
_NOTE = "batch job "
# Most bytes that are fetched of a file of replies: for each of its requests, and for a file with none.
_BYTES_A_REPLY = 2**20
_BYTES_A_FILE = 16 * 2**20
_FAULTS = {
    Fetched.CUT: "has more than {most:,} bytes; the rest was not read",
    Fetched.GONE: "is not there any more",
}


@dataclass(frozen=True)
class BatchJob:
    """Batch job: a file of requests that was sent to the provider.

    ``status`` is the provider's word for how the job stands; "unknown" if the provider does not know the job any more.
    ``completed`` and ``failed`` count the requests that the provider reports as such. ``reason`` is what it says about
    a job that failed.
    """

    id: str
    file: str
    status: str
    completed: int = 0
    failed: int = 0
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether the job has ended: no further reply will come."""
        return self.status in _ENDED


@dataclass(frozen=True)
class Collected:
    """Result of a batch job.

    Cells that it left ``unanswered`` may be asked again. ``faults`` says what was wrong with the provider's files.
    """

    job: BatchJob
    imported: Imported
    unanswered: int
    faults: tuple[str, ...] = ()


def submit_batches(model: OpenAIModel, store: Store, files: Sequence[Path]) -> list[BatchJob]:
    """Send files of :func:`~truetwin.llm.batches.batch_files.export_requests` to the provider.

    A file that has a job is not sent again. This holds also if the process died before it could note the job, because
    jobs carry the hash of their file.

    Raises
    ------
    ProviderError
        If the provider rejects the key, the model or a file, or cannot be reached.
    RunError
        If a file is not there.
    """
    noted = store.notes(_NOTE)
    known = {job["file"] for job in noted.values() if not job.get("collected")}
    collected = {name.removeprefix(_NOTE) for name, job in noted.items() if job.get("collected")}
    with BatchService(model.endpoint) as service:
        for path in files:
            if path.name in known:
                continue
            if not path.is_file():
                raise RunError(
                    f"{path} must be there to be sent; it is not. Put it back, or give it up: --give-up {path.name} "
                    "asks its calls again."
                )
            digest = file_hash(path)
            job = _find(service, digest, collected) or service.begin(service.send(path), digest)
            store.note(_NOTE + job.id, {"file": path.name, "hash": digest})
    return poll_batches(model, store)


def poll_batches(model: OpenAIModel, store: Store) -> list[BatchJob]:
    """Ask the provider for the status of every job whose replies have not been fetched."""
    with BatchService(model.endpoint) as service:
        return [job for job, _ in _open_jobs(service, store)]


def collect_batches(
    reader: ReplyReader,
    model: OpenAIModel,
    store: Store,
    *,
    prices: Prices | None = None,
    under: Callable[[str], ReplyReader] | None = None,
) -> list[Collected]:
    """Fetch and store the replies of all jobs that have ended.

    The provider's files are kept beside the store (``<job>.output.jsonl``, ``<job>.errors.jsonl``). Cells that a job
    left unanswered, because it expired or was cancelled, may be asked again. A job that the provider does not know any
    more is forgotten once nobody waits for its file.
    """
    done, take = [], partial(import_replies, reader, store, prices=prices, under=under)
    with BatchService(model.endpoint) as service:
        for job, found in _open_jobs(service, store):
            if job.ended:
                done.append(_collect(take, service, store, job, found))
            elif job.status == "unknown" and job.file not in store.waiting():
                _note_collected(store, job)
    return done


def _open_jobs(service: BatchService, store: Store) -> list[tuple[BatchJob, ServiceJob]]:
    """Look at every job that was not collected."""
    found = []
    for name, noted in store.notes(_NOTE).items():
        if not noted.get("collected"):
            seen = service.look(name.removeprefix(_NOTE))
            job = BatchJob(seen.id, noted["file"], seen.status, seen.completed, seen.failed, seen.reason)
            found.append((job, seen))
    return found


def _collect(
    take: Callable[[Path], Imported], service: BatchService, store: Store, job: BatchJob, found: ServiceJob
) -> Collected:
    total, faults = Imported(0, 0, 0, 0), []
    most = _BYTES_A_FILE + _BYTES_A_REPLY * store.waiting().get(job.file, 0)
    for kind, file in found.files:
        path = store.path.parent / f"{job.id}.{kind}.jsonl"
        fetched = service.fetch(file, path, most)
        if fetched is not Fetched.WHOLE:
            faults.append(f"its {kind} file {_FAULTS[fetched].format(most=most)}")
        if fetched is Fetched.GONE:
            continue
        try:
            total += take(path)
        except FileFormatError:
            faults.append(f"no line of its {kind} file is a reply; it is kept as {path.name}")
    left = store.give_up(job.file)
    _note_collected(store, job)
    return Collected(job, total, left, tuple(faults))


def _note_collected(store: Store, job: BatchJob) -> None:
    name = _NOTE + job.id
    store.note(name, store.notes(name)[name] | {"collected": True})


def _find(service: BatchService, digest: str, collected: Collection[str]) -> ServiceJob | None:
    for job in service.jobs():
        if job.digest == digest and job.id not in collected:
            return job
    return None

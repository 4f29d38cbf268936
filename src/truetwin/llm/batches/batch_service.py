"""Talk to a batch service: send files, begin jobs, look at them, fetch files of replies.

What a service says is read as plain JSON and checked, because its names become names of files here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from truetwin.errors import ProviderError, TransientError
from truetwin.io import replacing
from truetwin.llm.providers.bounded_responses import MOST_BYTES
from truetwin.llm.providers.endpoint import Endpoint
from truetwin.llm.providers.key_masking import KeyMask

_COMPLETIONS = "/v1/chat/completions"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}")
_TIMEOUT = 120.0
_MOST_PAGES = 20  # of the list of jobs, 100 each
_MOST_WORDS = 300


class Fetched(Enum):
    """How a file of the service was fetched."""

    WHOLE = "whole"
    CUT = "cut"
    GONE = "gone"


@dataclass(frozen=True)
class ServiceJob:
    """Job as the service tells it.

    ``status`` is the service's word, or "unknown" if the service does not know the job any more. ``reason`` is what it
    says about a job that failed.
    """

    id: str
    status: str
    completed: int = 0
    failed: int = 0
    reason: str = ""
    digest: str = ""
    files: tuple[tuple[str, str], ...] = ()


class BatchService:
    """Batch service of an endpoint. Use it in a ``with`` block, which closes its connections."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client = endpoint.blocking_client(timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, path: Path) -> str:
        """Send a file of requests. Returns the name that the service gives it."""
        with self._asking(), path.open("rb") as stream:
            return _name(getattr(self._client.files.create(file=stream, purpose="batch"), "id", None))

    def begin(self, file: str, digest: str) -> ServiceJob:
        """Begin a job without retries, as a job whose creation seems to have failed may run all the same."""
        body = {
            "input_file_id": file,
            "endpoint": _COMPLETIONS,
            "completion_window": "24h",
            "metadata": {"truetwin": digest},
        }
        with self._asking():
            return _read_job(
                self._client.post("/batches", cast_to=object, body=body, options={"max_retries": 0})
            )

    def look(self, job: str) -> ServiceJob:
        """Ask how a job stands."""
        import openai

        with self._asking():
            try:
                return _read_job(self._client.get(f"/batches/{_name(job)}", cast_to=object))
            except openai.NotFoundError:
                return ServiceJob(job, "unknown")

    def jobs(self) -> Iterator[ServiceJob]:
        """Yield the latest jobs, at most some thousands."""
        after: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            with self._asking():
                page = self._client.get(
                    "/batches", cast_to=object, options={"params": {"limit": 100, **after}}
                )
                found = page.get("data") if isinstance(page, Mapping) else None
                jobs = [_read_job(each) for each in islice(found or (), 1000)]
            yield from jobs
            if not jobs or not page.get("has_more") or after.get("after") == jobs[-1].id:
                return
            after = {"after": jobs[-1].id}

    def fetch(self, file: str, path: Path, most: int) -> Fetched:
        """Write at most ``most`` bytes of a file of the service to ``path``, with the key masked."""
        import openai

        with (
            self._asking(),
            closing(self._endpoint.blocking_client(timeout=_TIMEOUT, most_bytes=most)) as client,
        ):
            try:
                with client.files.with_streaming_response.content(_name(file)) as response:
                    return self._write(response.iter_bytes(), path)
            except openai.NotFoundError:
                return Fetched.GONE

    def _write(self, pieces: Iterator[bytes], path: Path) -> Fetched:
        """Write pieces to a file that appears when all are written; those past the limit raise."""
        fetched, mask = Fetched.WHOLE, _MaskedPieces(self._endpoint.mask)
        with replacing(path) as (draft,), draft.open("wb") as stream:
            try:
                for piece in pieces:
                    stream.write(mask.read(piece))
            except TransientError as error:
                if error.kind != "too-long":
                    raise
                fetched = Fetched.CUT
            stream.write(mask.rest())
        return fetched

    def _asking(self) -> AbstractContextManager[None]:
        return self._endpoint.errors_told("batches")


class _MaskedPieces:
    """Masking of the key in bytes that come in pieces."""

    def __init__(self, mask: KeyMask) -> None:
        self._mask, self._kept = mask, ""

    def read(self, piece: bytes) -> bytes:
        """Return what can be written: all but the last bytes, which may be the beginning of a key."""
        found = self._mask.text(
            self._kept + piece.decode("latin-1")
        )  # keys are ASCII; other bytes stay as they are
        cut = max(0, len(found) - self._mask.longest + 1)
        self._kept = found[cut:]
        return found[:cut].encode("latin-1")

    def rest(self) -> bytes:
        """Return the last bytes."""
        kept, self._kept = self._kept, ""
        return kept.encode("latin-1")


def _name(found: Any) -> str:
    """Return a name that the service gave to a job or a file, if it can be the name of a file here, too."""
    if not isinstance(found, str) or not _NAME.fullmatch(found):
        shown = repr(found)[:100]
        raise ProviderError(
            f"a batch service must name its jobs and files by letters, digits, '-', '_' and '.'; found {shown}"
        )
    return found


def _read_job(found: Any) -> ServiceJob:
    if not isinstance(found, Mapping):
        raise TransientError(
            f"a batch service must describe a job as a JSON object; found {type(found).__name__}",
            kind="malformed",
        )
    counts, metadata = found.get("request_counts"), found.get("metadata")
    digest = metadata.get("truetwin") if isinstance(metadata, Mapping) else None
    files = (
        (kind, _name(found[f"{name}_file_id"]))
        for kind, name in (("output", "output"), ("errors", "error"))
        if found.get(f"{name}_file_id") is not None
    )
    return ServiceJob(
        id=_name(found.get("id")),
        status=str(found.get("status") or "unknown")[:40],
        completed=_count(counts, "completed"),
        failed=_count(counts, "failed"),
        reason=_reason(found.get("errors")),
        digest=digest if isinstance(digest, str) else "",
        files=tuple(files),
    )


def _count(found: Any, name: str) -> int:
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, int) and 0 <= value < MOST_BYTES else 0


def _reason(found: Any) -> str:
    """Read the first of a job's errors."""
    errors = found.get("data") if isinstance(found, Mapping) else found
    first = errors[0] if isinstance(errors, list) and errors else None
    words = first.get("message") if isinstance(first, Mapping) else first
    return " ".join(str(words or "").split())[:_MOST_WORDS]

"""Which step of a run was done with which inputs, so that nothing is computed or paid for twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from truetwin.errors import OutputError, RunError
from truetwin.io import dump_json, file_hash, write_json

FILE, LOCK = "steps.json", ".lock"


def step_key(name: str, settings: Mapping[str, Any], inputs: Mapping[str, Path], version: str) -> str:
    """Hash of everything that a step's result depends on."""
    parts = {
        "step": name,
        "version": version,
        "settings": settings,
        "inputs": {role: file_hash(path) for role, path in sorted(inputs.items())},
    }
    return hashlib.sha256(dump_json(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Ledger:
    """The record of a run folder: for each step its key and the hashes of what it wrote."""

    folder: Path

    def entries(self) -> dict[str, Any]:
        """What is recorded, by step."""
        path = self.folder / FILE
        if not path.exists():
            return {}
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return dict(found)
        except (ValueError, TypeError) as error:
            raise RunError(
                f"{path} must be the record of a run; it cannot be read ({error}). Remove it."
            ) from error

    def is_done(self, name: str, key: str) -> bool:
        """Whether the step was done with this key, and what it wrote is still there and unchanged."""
        entry = self.entries().get(name)
        if not entry or entry["key"] != key:
            return False
        paths = {self.folder / file: digest for file, digest in entry["outputs"].items()}
        return all(path.is_file() and file_hash(path) == digest for path, digest in paths.items())

    def record(self, name: str, key: str, outputs: Sequence[Path], seconds: float) -> None:
        """Note that a step is done."""
        entry = {
            "key": key,
            "outputs": {path.relative_to(self.folder).as_posix(): file_hash(path) for path in outputs},
            "seconds": round(seconds, 3),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_json({**self.entries(), name: entry}, self.folder / FILE)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process alone; the hold ends with the process, however it ends."""
    import fcntl

    try:
        handle = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise OutputError(f"the run folder must be writable; {folder} is not ({error.strerror})") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise RunError(
            f"another process is running in {folder}; wait for it, or choose another --run"
        ) from error
    try:
        yield
    finally:
        os.close(handle)

"""Resumable step cache: a folder remembers which step was done with which inputs, so that nothing is done twice.

Studies and builds of benchmarks use it. A step's key is a hash of everything that its result depends on. The step
counts as done while its key is the recorded one and every file it wrote has the recorded hash.
"""

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


def step_key(name: str, settings: Mapping[str, Any], inputs: Mapping[str, Path | str], version: str) -> str:
    """Hash everything that a step's result depends on.

    Parameters
    ----------
    name : str
        Name of the step.
    settings : mapping
        Its settings, as JSON can hold them.
    inputs : mapping from str to Path or str
        By role: a file, which is hashed, or text that stands for an input, such as the key of the step before.
    version : str
        Version of the program, or of the step.
    """
    found = {
        role: file_hash(given) if isinstance(given, Path) else given for role, given in sorted(inputs.items())
    }
    parts = {"step": name, "version": version, "settings": settings, "inputs": found}
    return hashlib.sha256(dump_json(parts).encode("utf-8", "backslashreplace")).hexdigest()


def digest_of(value: Any) -> str:
    """Hash anything JSON can hold. The order of keys does not matter, and every machine gives the same hash."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Ledger:
    """Record of the finished steps of a folder: each step's key, the hashes of its files, and notes about it."""

    folder: Path

    def entries(self) -> dict[str, Any]:
        """Read the recorded entries, by name of the step.

        Raises
        ------
        RunError
            If the record cannot be read.
        """
        path = self.folder / FILE
        if not path.exists():
            return {}
        try:
            found = dict(json.loads(path.read_text(encoding="utf-8")))
            if not all(
                isinstance(entry, dict) and {"key", "outputs"} <= entry.keys() for entry in found.values()
            ):
                raise ValueError("a step has no key or no outputs")
        except (ValueError, TypeError) as error:
            raise RunError(
                f"{path} must be the record of a run; it cannot be read ({error}). Remove it."
            ) from error
        return found

    def done(self, name: str, key: str) -> dict[str, Any] | None:
        """Return the step's entry if it was done with this key and its files are there unchanged; else None."""
        entry = self.entries().get(name)
        if not entry or entry["key"] != key:
            return None
        paths = {self.folder / file: digest for file, digest in entry["outputs"].items()}
        intact = all(path.is_file() and file_hash(path) == digest for path, digest in paths.items())
        return dict(entry) if intact else None

    def is_done(self, name: str, key: str) -> bool:
        """Tell whether the step was done with this key, and what it wrote is still there and unchanged."""
        return self.done(name, key) is not None

    def record(self, name: str, key: str, outputs: Sequence[Path], seconds: float, **notes: Any) -> None:
        """Record that a step is done. ``notes`` are further fields of its entry."""
        entry = {
            "key": key,
            "outputs": {path.relative_to(self.folder).as_posix(): file_hash(path) for path in outputs},
            "seconds": round(seconds, 3),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            **notes,
        }
        write_json({**self.entries(), name: entry}, self.folder / FILE)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a run folder for this process. The lock ends with the process, even if the process is killed."""
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

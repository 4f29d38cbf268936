"""A pipeline of named stages: each counted, cached by what it depends on, and resumed after whatever ended it.

A stage writes its records to a file of its own; a second file, written last, says what the first one holds and why
records were left out. A stage whose two files are there and agree is not done again. Its name carries a hash of the
input, of its own settings and of all stages before it, so that nothing stale is ever read.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truetwin.errors import OutputError
from truetwin.io.atomic import replacing

FOLDER = ".stages"
#: Raised when a stage of unchanged settings would give other records than before.
VERSION = 1
Record = Mapping[str, Any]
Progress = Callable[[str, int, int], None]


@dataclass
class Tally:
    """Counts of one stage: what went in, and what was left out for which reason.

    ``tick(done, total)`` reports progress.
    """

    n_in: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    tick: Callable[[int, int], None] = lambda done, total: None

    def keep(self, reason_to_drop: str | None) -> bool:
        """Count one record; it is kept unless there is a reason to drop it."""
        self.n_in += 1
        if reason_to_drop:
            self.dropped[reason_to_drop] += 1
        return not reason_to_drop


@dataclass(frozen=True)
class Stage:
    """A finished stage."""

    name: str
    path: Path
    digest: str
    n_in: int
    n_out: int
    dropped: Mapping[str, int]
    noted: Mapping[str, int]
    cached: bool

    def records(self) -> Iterator[dict[str, Any]]:
        """Its records in order, read one by one."""
        with self.path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)

    def row(self) -> dict[str, Any]:
        """Its counts, for a table or a datasheet."""
        return {
            "stage": self.name,
            "n_in": self.n_in,
            "n_out": self.n_out,
            "dropped": dict(sorted(self.dropped.items())),
            "noted": dict(sorted(self.noted.items())),
        }


class Stages:
    """Runs stages one after the other and keeps their results in a folder.

    Parameters
    ----------
    folder : Path
        The build's output folder; results lie in ``.stages`` in it.
    inputs : mapping from str to str
        Hash of each input by name, and whatever else all stages depend on, such as the seed.
    progress : callable, optional
        Called with (stage, done, total).

    Examples
    --------
    >>> import tempfile
    >>> stages = Stages(Path(tempfile.mkdtemp()), {"seed": "0"})
    >>> def even(tally):
    ...     for k in range(4):
    ...         if tally.keep("odd" if k % 2 else None):
    ...             yield {"k": k}
    >>> found = stages.run("even", even)
    >>> found.row()["dropped"], list(found.records())
    ({'odd': 2}, [{'k': 0}, {'k': 2}])
    """

    def __init__(self, folder: Path, inputs: Mapping[str, str], progress: Progress | None = None) -> None:
        self.folder = folder / FOLDER
        self.progress = progress
        self.done: list[Stage] = []
        self._digest = digest_of({"version": VERSION, "inputs": dict(inputs)})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the output must be a folder; {folder}: {error.strerror or error}") from error

    def run(
        self,
        name: str,
        work: Callable[[Tally], Iterable[Record]],
        settings: Mapping[str, Any] | None = None,
    ) -> Stage:
        """Do a stage, or read what it gave before."""
        self._digest = digest_of({"before": self._digest, "name": name, "settings": dict(settings or {})})
        stem = f"{len(self.done) + 1:02d}-{name.replace(' ', '-')}"
        path = self.folder / f"{stem}-{self._digest[:16]}.jsonl"
        stage = self._cached(name, path) or self._work(name, path, work)
        for old in self.folder.glob(f"{stem}-*"):
            if not old.name.startswith(path.stem):
                old.unlink(missing_ok=True)
        self.done.append(stage)
        return stage

    def rows(self) -> list[dict[str, Any]]:
        """Counts of all stages so far."""
        return [stage.row() for stage in self.done]

    def _work(self, name: str, path: Path, work: Callable[[Tally], Iterable[Record]]) -> Stage:
        progress = self.progress
        tally = Tally()
        if progress:
            tally.tick = lambda done, total: progress(name, done, total)
        n, content = 0, hashlib.sha256()
        # A lone surrogate, as JSON may carry it, is written as the escape that it came as.
        encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
        with replacing(path) as (draft,), draft.open("wb") as out:
            for record in work(tally):
                line = encode(record).encode("utf-8", "backslashreplace") + b"\n"
                out.write(line)
                content.update(line)
                n += 1
        known = {
            "sha256": content.hexdigest(),
            "n_in": tally.n_in,
            "n_out": n,
            "dropped": dict(tally.dropped),
            "noted": dict(tally.noted),
        }
        with replacing(_sidecar(path)) as (draft,):
            draft.write_text(json.dumps(known, sort_keys=True), encoding="utf-8")
        return self._stage(name, path, known, cached=False)

    def _cached(self, name: str, path: Path) -> Stage | None:
        try:
            known = json.loads(_sidecar(path).read_text(encoding="utf-8"))
            intact = known["sha256"] == file_digest(path)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return self._stage(name, path, known, cached=True) if intact else None

    def _stage(self, name: str, path: Path, known: Mapping[str, Any], *, cached: bool) -> Stage:
        return Stage(
            name, path, self._digest, known["n_in"], known["n_out"], known["dropped"], known["noted"], cached
        )


def digest_of(value: Any) -> str:
    """Hash of anything JSON can hold, the same on every machine."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Hash of a file's bytes."""
    found = hashlib.sha256()
    with path.open("rb") as raw:
        while block := raw.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".json")

"""Pipeline of named stages: each counted, kept on disk, and resumed after whatever ended the build.

A stage writes its records to a JSONL file. When it is finished, the folder's step cache
(:class:`truetwin.results.step_cache.Ledger`) notes the hash of that file, and how many records were left out for which
reason. The key of a stage covers the inputs, its own settings and all stages before it, so a stage that is there
under the same key is read and not done again.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from truetwin.errors import OutputError, RunError
from truetwin.io.atomic import replacing
from truetwin.results.step_cache import FILE, Ledger, step_key

FOLDER = ".stages"
#: Version of the stages; a higher one makes older results be done again.
VERSION = 2
#: Kind of the records of a stage: a dictionary with known fields, as JSON can hold them.
R = TypeVar("R", bound=Mapping[str, object], covariant=True)
Progress = Callable[[str, int, int], None]


@dataclass
class Tally:
    """Counts of one stage: what went in, and what was left out for which reason.

    ``tick(done, total)`` reports progress; a total of 0 is one that is not known.
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
class Stage(Generic[R]):
    """A finished stage: where its records lie, and what was counted."""

    name: str
    path: Path
    n_in: int
    n_out: int
    dropped: Mapping[str, int]
    noted: Mapping[str, int]
    cached: bool

    def records(self) -> Iterator[R]:
        """Read its records in order, one by one."""
        with self.path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)

    def placed(self) -> Iterator[tuple[int, R]]:
        """Read its records, each with the byte at which it begins (its place)."""
        at = 0
        with self.path.open("rb") as lines:
            for line in lines:
                yield at, json.loads(line)
                at += len(line)

    def at(self, places: Iterable[int]) -> Iterator[R]:
        """Read the records at some places."""
        with self.path.open("rb") as lines:
            for place in places:
                lines.seek(place)
                yield json.loads(lines.readline())

    def row(self) -> dict[str, Any]:
        """Give its counts, for a table or a datasheet."""
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
        self.done: list[Stage[Any]] = []
        self._key = step_key("inputs", {}, inputs, str(VERSION))
        self._ledger = Ledger(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the output must be a folder; {folder}: {error.strerror or error}") from error
        try:
            self._ledger.entries()
        except RunError:  # a damaged record: all stages are done again
            (self.folder / FILE).unlink()

    def run(
        self,
        name: str,
        work: Callable[[Tally], Iterable[R]],
        settings: Mapping[str, Any] | None = None,
    ) -> Stage[R]:
        """Do a stage, or read what it gave before."""
        key = self._key = step_key(name, settings or {}, {"before": self._key}, str(VERSION))
        stem = f"{len(self.done) + 1:02d}-{name.replace(' ', '-')}"
        path = self.folder / f"{stem}-{key[:16]}.jsonl"
        known = (self._ledger.done(name, key) or {}).get("counts")
        counts = known or self._work(name, key, path, work)
        stage: Stage[R] = Stage(name, path, **counts, cached=known is not None)
        for old in self.folder.glob(f"{stem}-*"):
            if old != path:
                old.unlink(missing_ok=True)
        self.done.append(stage)
        return stage

    def rows(self) -> list[dict[str, Any]]:
        """Give the counts of all stages so far."""
        return [stage.row() for stage in self.done]

    def _work(self, name: str, key: str, path: Path, work: Callable[[Tally], Iterable[R]]) -> dict[str, Any]:
        """Write the records of a stage, note that it is done, and give its counts."""
        progress, tally, start = self.progress, Tally(), time.perf_counter()
        if progress:
            tally.tick = lambda done, total: progress(name, done, total)
        n = 0
        # A lone surrogate, as JSON may carry it, is written as the escape that it came as.
        encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
        with replacing(path) as (draft,), draft.open("wb") as out:
            for record in work(tally):
                out.write(encode(record).encode("utf-8", "backslashreplace") + b"\n")
                n += 1
        counts = {
            "n_in": tally.n_in,
            "n_out": n,
            "dropped": dict(tally.dropped),
            "noted": dict(tally.noted),
        }
        self._ledger.record(name, key, [path], time.perf_counter() - start, counts=counts)
        return counts

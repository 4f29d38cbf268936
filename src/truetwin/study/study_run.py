"""Run a study: every step that its inputs call for, in order, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from truetwin import __version__
from truetwin.errors import ParameterError
from truetwin.io import make_folder, write_json
from truetwin.registry import closest
from truetwin.results.step_cache import Ledger, locked, step_key
from truetwin.settings.declaration import study_record
from truetwin.settings.study_settings import Study
from truetwin.study.step_work import Progress, Work
from truetwin.study.study_check import check_study
from truetwin.study.study_file import files_of, named_in
from truetwin.study.study_steps import STEPS, Step

Bar = Callable[[str], AbstractContextManager[Progress | None]]


@dataclass(frozen=True)
class StepOutcome:
    """One step of a run: done now, or done before with the same inputs."""

    name: str
    skipped: bool
    seconds: float
    outputs: tuple[Path, ...]


@dataclass(frozen=True)
class StudyRun:
    """What a run did, and where its report is."""

    folder: Path
    steps: tuple[StepOutcome, ...]

    @property
    def report(self) -> Path:
        """The HTML page."""
        return self.folder / "report.html"


def run_study(
    study: Study,
    folder: str | Path,
    *,
    again: Iterable[str] = (),
    n_jobs: int = 1,
    bar: Bar | None = None,
) -> StudyRun:
    """Do every step of a study whose inputs have changed, and write a report.

    Parameters
    ----------
    study : Study
        What :func:`read_study` read.
    folder : path
        Where results go; made if it is missing. A former run of the same study is continued.
    again : iterable of str
        Steps to do even if nothing has changed.
    n_jobs : int
        Parallel workers; results do not depend on it.
    bar : callable, optional
        Called with the name of a step; gives a context that yields a progress callback.

    Returns
    -------
    StudyRun

    Raises
    ------
    TruetwinError
        Whatever is wrong with the study (before anything is computed), or what a step raises.
    """
    again = set(again)
    names = [step.name for step in STEPS]
    for name in again - set(names):
        raise ParameterError(f"no step named {name!r}.{closest(name, names)} Steps are {', '.join(names)}.")
    check_study(study)
    root = Path(folder).resolve()
    make_folder(root, "the run folder")
    with locked(root):
        work, ledger = Work(study, root, n_jobs), Ledger(root)
        _write_study(work)
        wanted = [step for step in STEPS if step.section(study) is not None]
        outcomes = tuple(_do(step, work, ledger, step.name in again, bar) for step in wanted)
    return StudyRun(root, outcomes)


def _do(step: Step, work: Work, ledger: Ledger, again: bool, bar: Bar | None) -> StepOutcome:
    section = step.section(work.study)
    assert section is not None
    settings = {
        "seed": work.study.seed,
        "id_column": work.study.inputs.id_column,
        **{key: value for key, value in study_record(section).items() if key != "inputs"},
        **step.also(work.study),
    }
    files = {} if section is work.study else dict(files_of(section))
    key = step_key(step.name, settings, {**step.reads(work), **files}, __version__)
    if not again and ledger.is_done(step.name, key):
        files = ledger.entries()[step.name]["outputs"]
        return StepOutcome(step.name, True, 0.0, tuple(work.folder / file for file in files))
    start = time.perf_counter()
    with named_in(step.name), bar(step.name) if bar else nullcontext() as work.progress:
        outputs = step.do(work)
    seconds = time.perf_counter() - start
    ledger.record(step.name, key, outputs, seconds)
    return StepOutcome(step.name, False, seconds, tuple(outputs))


def _write_study(work: Work) -> None:
    """The study as it was understood, defaults included, with versions and hashes of all inputs."""
    from truetwin.results.sidecars import hashed, versions

    inputs = {role: path for role, path in work.study.inputs if isinstance(path, Path)}
    content = {
        "study": study_record(work.study),
        "versions": versions(),
        "inputs": hashed(inputs),
    }
    write_json(content, work.folder / "study.json")

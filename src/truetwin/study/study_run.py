"""Run the steps of a study in order. A step is skipped if its inputs have not changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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
    """Outcome of a step: whether it was carried out now, or before with the same inputs."""

    name: str
    skipped: bool
    seconds: float
    outputs: tuple[Path, ...]


@dataclass(frozen=True)
class StudyRun:
    """Outcomes of the steps of a run, and its report."""

    folder: Path
    steps: tuple[StepOutcome, ...]

    @property
    def report(self) -> Path:
        """Path of the report, an HTML page."""
        return self.folder / "report.html"


def run_study(
    study: Study,
    folder: str | Path,
    *,
    again: Iterable[str] = (),
    n_jobs: int = 1,
    bar: Bar | None = None,
) -> StudyRun:
    """Carry out every step of a study whose inputs have changed, and write a report.

    Parameters
    ----------
    study : Study
        The study, from :func:`read_study`.
    folder : path
        Folder for the results, created if it is missing. An earlier run of the same study is continued.
    again : iterable of str
        Steps to carry out even if nothing has changed.
    n_jobs : int
        Number of parallel workers. Results do not depend on it.
    bar : callable, optional
        Called with the name of a step. Returns a context manager that yields a progress callback.

    Returns
    -------
    StudyRun

    Raises
    ------
    TruetwinError
        If the study has an error, which is found before anything is computed, or if a step fails.
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
        **_people_settings(work.study),
        **_reading_settings(work.study),
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


def _people_settings(study: Study) -> dict[str, Any]:
    """Return the columns of people that the study names, if it names any."""
    named = asdict(study.inputs.columns_of_people)
    return {"people": named} if any(named.values()) else {}


def _reading_settings(study: Study) -> dict[str, Any]:
    """Return how the study reads its tables, if it is not the usual way."""
    from truetwin.data.reading_choices import AS_USUAL

    return {} if study.inputs.reading == AS_USUAL else {"reading": asdict(study.inputs.reading)}


def _write_study(work: Work) -> None:
    """Write the study as it was read, including defaults, with versions and hashes of all inputs."""
    from truetwin.results.sidecars import hashed, versions

    inputs = {role: path for role, path in work.study.inputs if isinstance(path, Path)}
    content = {
        "study": study_record(work.study),
        "versions": versions(),
        "inputs": hashed(inputs),
    }
    write_json(content, work.folder / "study.json")

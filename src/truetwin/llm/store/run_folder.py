"""Open the store of a run by the folder or file that a user names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from truetwin.errors import RunError
from truetwin.io import make_folder
from truetwin.llm.store.run_file import FILE_NAME, file_of
from truetwin.llm.store.run_store import Store


@contextmanager
def run_store(path: Path, *, resume: bool = False) -> Iterator[Store]:
    """Open the store of a run; begin the run if there is none.

    Parameters
    ----------
    path : Path
        The run's folder, which is made if it is missing, or its ``.sqlite`` file.
    resume : bool
        Whether the run must be there already.

    Raises
    ------
    RunError
        If there is no run to resume.
    """
    folder = folder_of(path)
    file = path / FILE_NAME if folder == path else path
    if resume and not file.exists():
        raise RunError(f"there is no run to resume at {path}. Leave out --resume to begin one.")
    make_folder(folder, "the run")
    with Store(file) as store:
        yield store


def existing_run(path: Path) -> Path:
    """Return the file of a run that is named by its folder or by its file, and is there.

    Raises
    ------
    RunError
        If there is no run.
    """
    file = file_of(path)
    if not file.is_file():
        raise RunError(f"there is no run at {path}")
    return file


def folder_of(path: Path) -> Path:
    """Return the folder of a run that is named by its folder or by its ``.sqlite`` file."""
    return path.parent if path.is_file() or path.suffix == ".sqlite" else path

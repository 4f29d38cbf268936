"""Check that a file can be read, and read it as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from truetwin.errors import FileFormatError, TruetwinError
from truetwin.io.sheet_names import file_and_sheet
from truetwin.registry import closest


def check_is_file(path: Path) -> Path:
    """Return ``path``, which may name a sheet too; raise :class:`FileFormatError` if there is no readable file."""
    named = path
    try:
        path, _ = file_and_sheet(path)
        if path.is_dir():
            raise FileFormatError(f"{path} must be a file; it is a folder")
        if not path.exists():
            near = closest(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else ""
            raise FileFormatError(f"there is no file {path}.{near}")
        if not path.is_file():
            raise FileFormatError(
                f"{path} must be a file; it is a pipe or a device. Write its content to a file first."
            )
        with path.open("rb"):
            return named
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def reading(path: Path, what: str, remedy: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one :class:`FileFormatError`.

    The message names the file, what it should be, the reason that the reading library gives, and a remedy. Errors of
    this package pass, as do signs that the machine is out of memory.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it must be, such as "a .sav file".
    remedy : str
        A sentence that says what to do.
    """
    try:
        yield
    except (TruetwinError, MemoryError):
        raise
    except Exception as error:  # the libraries below raise what they like on hostile files
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = reason if len(reason) <= 200 else f"{reason[:197]}..."
        raise FileFormatError(f"{path} cannot be read as {what}: {reason}. {remedy}") from error


def read_text(path: Path) -> str:
    """Read a UTF-8 text file; raise a :class:`FileFormatError` that names what it is instead."""
    try:
        return check_is_file(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} must be UTF-8 text; byte {error.start + 1} is not") from error

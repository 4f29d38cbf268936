"""Check that a file can be read, and read it as text."""

from __future__ import annotations

from pathlib import Path

from truetwin.errors import FileFormatError
from truetwin.registry import closest


def check_is_file(path: Path) -> Path:
    """Return ``path``; raise :class:`FileFormatError` if there is no readable file."""
    try:
        if path.is_dir():
            raise FileFormatError(f"{path} must be a file; it is a folder")
        if not path.exists():
            near = closest(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else ""
            raise FileFormatError(f"there is no file {path}.{near}")
        with path.open("rb"):
            return path
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read: {error.strerror}") from error


def read_text(path: Path) -> str:
    """Read a UTF-8 text file; raise a :class:`FileFormatError` that names what it is instead."""
    try:
        return check_is_file(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} must be UTF-8 text; byte {error.start + 1} is not") from error

"""Write files so that a reader never sees half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from truetwin.errors import OutputError
from truetwin.io.sheet_names import file_and_sheet

LONGEST_NAME = 255  # bytes of a file's name that usual systems allow
_SHORT = 40  # characters of it that the name of a draft begins with


def check_writable(path: Path) -> None:
    """Raise :class:`OutputError` if no file can be written at ``path``; call it before long work."""
    folder = path.parent
    if (length := len(os.fsencode(path.name))) > LONGEST_NAME:
        raise OutputError(
            f"the name of a file may have {LONGEST_NAME} bytes; {path.name[:40]}... has {length}. Choose a shorter one."
        )
    if path.is_dir():
        raise OutputError(f"the output must be a file; {path} is a folder")
    if not folder.is_dir():
        raise OutputError(f"the output's folder must exist; {folder} does not. Create it first.")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise OutputError(f"the output must be writable; {path} is not (permission denied)")


def check_folder(folder: Path, what: str) -> None:
    """Raise :class:`OutputError` unless ``folder`` can be written to, or can be made in its parent."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{what} must be a folder; {folder} is a file")
    check_writable(folder / "file" if folder.is_dir() else folder)


def make_folder(folder: Path, what: str) -> None:
    """Make ``folder`` and its parents if they are missing; raise :class:`OutputError` if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{what} must be a folder; {folder} cannot be made ({error.strerror})") from error


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path | None]) -> None:
    """Raise :class:`OutputError` if an output cannot be written, is named twice, or would overwrite or join inputs."""
    seen: set[Path] = set()
    sources = {file_and_sheet(source)[0].resolve() for source in inputs if source}
    folders = {source for source in sources if source.is_dir()}
    for path in outputs:
        if not path.name:
            raise OutputError(f"the output must be a file; {str(path)!r} is not the name of one")
        check_writable(path)
        if path.resolve() in sources:
            raise OutputError(f"the output must not overwrite an input; {path} is one")
        if path.resolve().parent in folders:
            raise OutputError(
                f"the output must not lie in a folder of inputs, where it would be read as one of them; {path} does"
            )
        if path.resolve() in seen:
            raise OutputError(f"outputs must have different names; {path} is named twice")
        seen.add(path.resolve())


_Moves = list[tuple[Path, Path]]
_waiting: ContextVar[_Moves | None] = ContextVar("_waiting", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Move the files of all :func:`replacing` blocks inside into place at the end, if the whole block succeeds.

    If it fails, none of them is written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with together():
    ...     with replacing(folder / "first.txt") as (draft,):
    ...         _ = draft.write_text("1")
    ...     assert not (folder / "first.txt").exists()
    >>> [path.name for path in folder.iterdir()]
    ['first.txt']
    """
    moves: _Moves = []
    token = _waiting.set(moves)
    try:
        yield
        _move(moves)
    finally:
        _waiting.reset(token)
        for draft, _ in moves:
            draft.unlink(missing_ok=True)


def _move(moves: _Moves) -> None:
    for draft, path in moves:
        try:
            os.replace(draft, path)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def replacing(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Write under temporary names beside ``paths``, and move all files into place if the block succeeds.

    If it fails, the temporary files are removed and ``paths`` stay as they were. Inside :func:`together`, files are
    moved when that block ends.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "answer.txt"
    >>> with replacing(target) as (draft,):
    ...     _ = draft.write_text("42")
    >>> target.read_text()
    '42'
    """
    drafts: list[Path] = []
    try:
        for path in paths:
            check_writable(path)
            short = path.name[:_SHORT]  # a name of the greatest length allowed is longer with anything added
            handle, name = tempfile.mkstemp(prefix=f".{short}.", suffix=".part", dir=path.parent)
            os.close(handle)
            os.chmod(name, 0o666 & ~_umask())
            drafts.append(Path(name))
        yield tuple(drafts)
        moves = list(zip(drafts, paths, strict=True))
        waiting = _waiting.get()
        if waiting is None:
            _move(moves)
        else:
            waiting += moves
            drafts = []
    except OSError as error:
        raise OutputError(f"cannot write {paths[0]}: {error.strerror or error}") from error
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


@contextmanager
def taking_turns(folder: Path) -> Iterator[None]:
    """Wait until no other process is in such a block for the same folder, so that a file can be read and replaced.

    The turn ends with the process, even if the process is killed. Where folders cannot be locked (Windows), nothing is
    waited for.
    """
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        with suppress(OSError):  # file systems without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current

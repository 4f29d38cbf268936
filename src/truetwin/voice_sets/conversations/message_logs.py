"""Read logs of messages: tables of messages, or folders of IRC logs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from truetwin.errors import FileFormatError
from truetwin.io import file_hash
from truetwin.voice_sets.common.raw_rows import Columns, Reading
from truetwin.voice_sets.conversations.conversation_records import RawMessage

NEEDED = ("user", "text", "channel")
OPTIONAL = ("id", "reply_to", "time")


@dataclass
class TableLog:
    """Log of messages in a JSONL, CSV or Parquet file.

    Parameters
    ----------
    path : Path
        The file.
    columns : mapping from str to str
        The file's names of user, text, channel, id, reply_to and time; the last three may be missing.
    encoding : str, optional
        UTF-8 by default.
    """

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    skipped: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[RawMessage]:
        columns = Columns(NEEDED, OPTIONAL, self.columns)
        reading = Reading(self.path, self.encoding)
        self.skipped = Counter()
        for k, row in enumerate(reading):
            if k == 0:
                columns.check(self.path, row)
            found = columns.of(row)
            yield RawMessage(
                found["channel"].strip(),
                found["user"].strip(),
                found["text"],
                found["id"],
                found["reply_to"],
                seconds_of(found["time"]),
            )
        self.skipped.update(reading.skipped)

    def sources(self) -> list[Mapping[str, Any]]:
        """Give name and hash of the file."""
        return [{"name": self.path.name, "sha256": _digest(self.path)}]


def seconds_of(time: str) -> float | None:
    """Read a number or an ISO 8601 time as seconds since 1970 (without a zone: UTC); anything else gives None.

    Examples
    --------
    >>> seconds_of("1970-01-01T00:01:00"), seconds_of("61.5"), seconds_of("soon")
    (60.0, 61.5, None)
    """
    if not time:
        return None
    try:
        number = float(time)
        return number if number - number == 0 else None
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(time.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_ENDINGS = (".raw.txt", ".ascii.txt")
_LINE = re.compile(
    r"^(?:[\w#-]+ \d{4}-\d\d-\d\d )?\[[\d:]+\] "
    r"(?:<(?P<nick>[^>\s]+)>|\* (?P<actor>\S+))(?P<text>.*)$"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class IrcLog:
    """Folder of IRC logs, one file a sitting: ``<name>.raw.txt`` or ``<name>.ascii.txt``.

    Each file is a channel of its own, in the order of their first dates. A message's id is the file's name and the
    number of its line, counted from 0, as in ``<name>.annotation.txt``. Lines that are no messages are counted.

    Parameters
    ----------
    folder : Path
        Searched with its folders; or one file.
    """

    folder: Path
    skipped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        found = [self.folder] if self.folder.is_file() else sorted(self.folder.rglob("*.txt"))
        self.files = sorted(
            (p for p in found if p.name.endswith(_ENDINGS)), key=lambda p: (_date_of(p), p.name)
        )
        if not self.files:
            raise FileFormatError(f"{self.folder} must hold IRC logs (*.raw.txt or *.ascii.txt); it has none")

    def __iter__(self) -> Iterator[RawMessage]:
        self.skipped = Counter()
        for path in self.files:
            for _, message in self.messages(path):
                yield message

    def messages(self, path: Path) -> Iterator[tuple[int, RawMessage]]:
        """Read the messages of one file with the numbers of their lines."""
        name = irc_name(path)
        for number, line in enumerate(_irc_lines(path)):
            found = _LINE.match(line)
            if found is None:
                self.skipped["line is no message (joined, left, renamed, notice)"] += 1
                continue
            user = found["nick"] or found["actor"]
            yield number, RawMessage(name, user, found["text"].strip(), f"{name}:{number}")

    def sources(self) -> list[Mapping[str, Any]]:
        """Give name and hash of every file."""
        return [{"name": path.name, "sha256": _digest(path)} for path in self.files]


def irc_name(path: Path) -> str:
    """Give a log's name without its ending."""
    return next(path.name.removesuffix(e) for e in _ENDINGS if path.name.endswith(e))


def open_log(
    path: Path, columns: Mapping[str, str] | None = None, encoding: str | None = None
) -> TableLog | IrcLog:
    """Open the log at a path: a folder or ``.txt`` file of IRC logs, else a table of messages."""
    if not path.exists():
        raise FileFormatError(f"there must be a log at {path}; there is none")
    if path.is_dir() or path.suffix == ".txt":
        return IrcLog(path)
    return TableLog(path, dict(columns or {}), encoding)


def _irc_lines(path: Path) -> Iterable[str]:
    """Read the lines of a log; old logs mix encodings, so a line that is not UTF-8 is read as Latin-1."""
    with path.open("rb") as raw:
        while line := raw.readline(2**16):
            try:
                yield line.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError:
                yield line.decode("latin-1").rstrip("\r\n")


def _date_of(path: Path) -> str:
    found = _DATE.search(path.name)
    if found is None:
        with path.open("rb") as raw:
            found = _DATE.search(raw.readline(2**12).decode("utf-8", "replace"))
    return found.group() if found else "9999"


def _digest(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error

"""Read replies with their posts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truetwin.errors import FileFormatError
from truetwin.io import file_hash
from truetwin.voice_sets.common.raw_rows import Columns, Reading
from truetwin.voice_sets.conversations.conversation_records import RawMessage
from truetwin.voice_sets.conversations.message_logs import seconds_of

POST_COLUMNS = ("post", "post_id")


@dataclass
class ReplyTable:
    """Table of replies in a JSONL, CSV or Parquet file, with their posts in the same rows or in a second file.

    Parameters
    ----------
    path : Path
        Columns user, reply, and post or post_id; if known topic and time.
    posts : Path, optional
        Columns post_id and post. Its texts are held in memory.
    columns : mapping from str to str
        The files' names of these columns.
    encoding : str, optional
        UTF-8 by default.
    """

    path: Path
    posts: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    skipped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for path in (self.path, self.posts):
            if path is not None and not path.exists():
                raise FileFormatError(f"there must be a file at {path}; there is none")
        named = dict(self.columns)
        known = Columns(("user", "reply"), ("post", "post_id", "topic", "time"), named)
        self._columns = known
        self._posts = self._read_posts(named) if self.posts else None

    def _read_posts(self, named: Mapping[str, str]) -> dict[str, str]:
        assert self.posts is not None
        columns = Columns(("post_id", "post"), (), {k: v for k, v in named.items() if k in POST_COLUMNS})
        found: dict[str, str] = {}
        for k, row in enumerate(Reading(self.posts, self.encoding)):
            if k == 0:
                columns.check(self.posts, row)
            cells = columns.of(row)
            found.setdefault(cells["post_id"], cells["post"])
        return found

    def __iter__(self) -> Iterator[RawMessage]:
        reading = Reading(self.path, self.encoding)
        self.skipped = Counter()
        for k, row in enumerate(reading):
            if k == 0:
                self._columns.check(self.path, row)
                self._check_posts(row)
            cells = self._columns.of(row)
            post = self._posts.get(cells["post_id"], "") if self._posts is not None else cells["post"]
            post_id = cells["post_id"] or hashlib.sha256(post.encode("utf-8", "replace")).hexdigest()[:16]
            yield RawMessage(
                post_id,
                cells["user"].strip(),
                cells["reply"],
                time=seconds_of(cells["time"]),
                post=post,
                topic=cells["topic"],
            )
        self.skipped.update(reading.skipped)

    def _check_posts(self, row: Mapping[str, Any]) -> None:
        wanted = "post_id" if self._posts is not None else "post"
        theirs = self.columns.get(wanted, wanted)
        if theirs not in row:
            found = ", ".join(map(str, row))[:200]
            raise FileFormatError(
                f"{self.path} must have a column {theirs!r} with the {wanted}; it has {found}. "
                f"Name it (columns: {{{wanted}: ...}}), or give the posts in a file of their own (posts)"
            )

    def sources(self) -> list[Mapping[str, Any]]:
        """Give name and hash of each file."""
        paths = [path for path in (self.path, self.posts) if path is not None]
        return [{"name": path.name, "sha256": file_hash(path)} for path in paths]

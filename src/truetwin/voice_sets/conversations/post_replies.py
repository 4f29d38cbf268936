"""Posts and replies as they come, and the users among them who write enough, and variedly enough."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from truetwin.errors import FileFormatError, ParameterError
from truetwin.io import file_hash
from truetwin.voice.items.verbatim import words_of
from truetwin.voice_sets.common.canned_messages import CannedCounts, CannedOptions
from truetwin.voice_sets.common.log_people import Census, Names, Said, census_records, scrubbed
from truetwin.voice_sets.common.privacy import Pseudonyms, Scrubber
from truetwin.voice_sets.common.raw_rows import Columns, Reading
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.conversations.message_logs import seconds_of

Record = dict[str, Any]
TICK = 20_000
POST_COLUMNS = ("post", "post_id")


@dataclass(frozen=True, slots=True)
class RawReply:
    """One reply as written, with its post; the post is empty if it is not there."""

    user: str
    reply: str
    post: str
    post_id: str
    topic: str = ""
    time: float | None = None


@dataclass
class ReplyTable:
    """Replies in a JSONL, CSV or Parquet file, with their posts in the same rows or in a second file.

    Parameters
    ----------
    path : Path
        Columns user, reply, and post or post_id; if known topic and time.
    posts : Path, optional
        Columns post_id and post. Its texts are held in memory.
    columns : mapping from str to str
        What the files call these.
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

    def __iter__(self) -> Iterator[RawReply]:
        reading = Reading(self.path, self.encoding)
        self.skipped = Counter()
        for k, row in enumerate(reading):
            if k == 0:
                self._columns.check(self.path, row)
                self._check_posts(row)
            cells = self._columns.of(row)
            post = self._posts.get(cells["post_id"], "") if self._posts is not None else cells["post"]
            post_id = cells["post_id"] or hashlib.sha256(post.encode("utf-8", "replace")).hexdigest()[:16]
            time = seconds_of(cells["time"])
            yield RawReply(cells["user"].strip(), cells["reply"], post, post_id, cells["topic"], time)
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
        """Name and hash of each file."""
        paths = [path for path in (self.path, self.posts) if path is not None]
        return [{"name": path.name, "sha256": file_hash(path)} for path in paths]


@dataclass(frozen=True)
class UserOptions:
    """Whose replies become items. The defaults are those of paper B (section 4.1) where it gives any.

    Parameters
    ----------
    min_mean_characters : float, default=10
        A user's replies must be longer than this on average.
    ttr_share : float, default=0.2
        Users among this share with the lowest type-token ratio are left out.
    ttr_words : int, default=500
        The ratio is that of a user's first so many words, as it falls with the length of a text; 0 takes all, as
        published, and so leaves out those who write most.
    min_replies : int, default=6
        Replies that a user must have.
    """

    min_mean_characters: float = 10.0
    ttr_share: float = 0.2
    ttr_words: int = 500
    min_replies: int = 6

    def __post_init__(self) -> None:
        if not 0 <= self.ttr_share < 1:
            raise ParameterError(f"ttr_share must be in [0, 1); got {self.ttr_share}")
        if self.min_replies < 1 or self.ttr_words < 0 or self.min_mean_characters < 0:
            raise ParameterError(
                "min_replies must be at least 1, ttr_words and min_mean_characters not negative; got "
                f"{self.min_replies}, {self.ttr_words} and {self.min_mean_characters}"
            )


def take_census(
    table: ReplyTable, options: CannedOptions, pseudonyms: Pseudonyms, tally: Tally
) -> Iterator[Record]:
    """One record a user: how many replies, and whether it is a bot."""
    census = Census(CannedCounts(options))
    census.first(_said(table))
    census.second(_said(table))
    for record in census_records(census, pseudonyms):
        tally.n_in += 1
        if record["bot"]:
            tally.noted[record["bot"]] += 1
        yield record


def clean_replies(
    table: ReplyTable,
    census: Stage,
    canned: CannedOptions,
    pseudonyms: Pseudonyms,
    tally: Tally,
    *,
    max_characters: int,
    consistent: bool,
) -> Iterator[Record]:
    """Replies without bots, canned and repeated ones, and without personal data."""
    counts = CannedCounts(canned)
    for one in _said(table):
        counts.add(one.user, one.text)
    people = list(census.records())
    bots = {record["user"]: record["bot"] for record in people if record["bot"]}
    names = Names(
        pseudonyms,
        {record["alias"]: record["user"] for record in people},
        frozenset(record["user"] for record in people if record["named"]),
    )
    scrubber = Scrubber(pseudonyms, consistent)
    seen: set[int] = set()
    for k, raw in enumerate(table):
        if k % TICK == 0:
            tally.tick(k, 0)
        user = pseudonyms.of(raw.user)
        if not tally.keep(_reason(raw, bots.get(user), counts, max_characters) or _repeated(raw, seen)):
            continue
        post, n_post = names.masked(scrubbed(raw.post.strip(), scrubber))
        reply, n_reply = names.masked(scrubbed(raw.reply.strip(), scrubber))
        if n_post + n_reply:
            tally.noted["user replaced"] += n_post + n_reply
        record: Record = {"u": user, "p": pseudonyms.of(raw.post_id, "post"), "y": post, "x": reply}
        if raw.topic:
            record["topic"] = raw.topic
        if raw.time is not None:
            record["t"] = raw.time
        yield record
    for reason, n in table.skipped.items():
        tally.n_in += n
        tally.dropped[reason] += n
    for kind, n in scrubber.counts.items():
        tally.noted[f"{kind} replaced"] = n


def kept_users(replies: Stage, options: UserOptions, tally: Tally) -> Iterator[Record]:
    """Users whose replies are long, varied and many enough, each filter counted."""
    sizes: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    words: dict[str, list[int]] = {}  # words, different words
    known: dict[str, set[str]] = {}
    for record in replies.records():
        user = record["u"]
        sizes[user] += 1
        characters[user] += len(record["x"])
        count, different = words.setdefault(user, [0, 0]), known.setdefault(user, set())
        for word in words_of(record["x"]):
            if options.ttr_words and count[0] >= options.ttr_words:
                break
            count[0] += 1
            different.add(word)
        count[1] = len(different)
    long = {u for u in sizes if characters[u] / sizes[u] > options.min_mean_characters and words[u][0]}
    ratios = {u: words[u][1] / words[u][0] for u in long}
    least = float(np.quantile(list(ratios.values()), options.ttr_share)) if ratios else 0.0
    for user, n in sizes.items():
        reason = None
        if user not in long:
            reason = f"replies of {options.min_mean_characters:g} characters or fewer on average"
        elif ratios[user] < least:
            reason = f"type-token ratio among the lowest {options.ttr_share:.0%}"
        elif n < options.min_replies:
            reason = f"fewer than {options.min_replies} replies"
        if tally.keep(reason):
            yield {"user": user, "n": n, "ttr": round(ratios[user], 4)}


def _said(table: ReplyTable) -> Iterator[Said]:
    return (Said(raw.user, "", raw.reply) for raw in table if raw.user and raw.reply.strip())


def _reason(raw: RawReply, bot: str | None, counts: CannedCounts, max_characters: int) -> str | None:
    if not raw.user or not raw.reply.strip():
        return "no user or reply"
    if not raw.post.strip():
        return "replies to a post that is not there"
    if bot:
        return bot
    if max(len(raw.reply), len(raw.post)) > max_characters:
        return f"longer than {max_characters} characters"
    return "canned reply" if counts.is_canned(raw.reply) else None


def _repeated(raw: RawReply, seen: set[int]) -> str | None:
    whole = f"{raw.user}\0{raw.post_id}\0{raw.reply}".encode("utf-8", "replace")
    key = int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "little")
    if key in seen:
        return "same reply again"
    seen.add(key)
    return None

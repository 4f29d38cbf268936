"""The funnel: from raw messages to few, informative, different ones. Every step streams and counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import numpy as np

from truetwin.errors import ParameterError
from truetwin.voice.items.script_language import UNKNOWN
from truetwin.voice.items.verbatim import length_in_words
from truetwin.voice_sets.common.canned_messages import CannedCounts, CannedOptions
from truetwin.voice_sets.common.log_people import Census, Names, Said, census_records, scrubbed
from truetwin.voice_sets.common.message_language import CommonWords
from truetwin.voice_sets.common.near_duplicates import DistinctTexts, rarest_first
from truetwin.voice_sets.common.privacy import Pseudonyms, Scrubber
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.common.text_similarity import BATCH, Embedder, TfidfEmbedder
from truetwin.voice_sets.conversations.message_logs import Log, RawMessage
from truetwin.voice_sets.conversations.reply_guessing import ReplyOptions, address_of

Record = dict[str, Any]
TICK = 20_000
_PASSED_ON = ("c", "u", "x", "to", "re", "t")


@dataclass(frozen=True)
class FunnelOptions:
    """Which messages pass. The defaults are those of paper B (section 4.1) where it gives any.

    Parameters
    ----------
    min_channels, min_messages, min_per_channel : int, default=3, 500 and 100
        A user must have so many channels with so many messages each, and so many messages in all.
    min_tokens : int, default=5
        Words of a reply.
    max_characters : int, default=2000
        Longer messages are pasted, not written.
    informative_share : float, default=0.1
        Share of the active users' messages that is kept, by mean TF-IDF weight of their words, language by language.
    most_alike : float, default=0.9
        Messages more alike (cosine) than this to an earlier one are left out.
    links : {"auto", "explicit", "heuristic"}, default="auto"
        What a message replies to: as the log says, or by :class:`~.replies.ReplyFinder`; "auto" takes what the log
        says if it says so of any message.
    bases : tuple of str
        Rules of the heuristic that are sure enough for an item.
    replies : ReplyOptions
        Of the heuristic.
    canned : CannedOptions
        What a bot is.
    consistent : bool, default=True
        Whether the same address, link or number gets the same replacement.
    """

    min_channels: int = 3
    min_messages: int = 500
    min_per_channel: int = 100
    min_tokens: int = 5
    max_characters: int = 2000
    informative_share: float = 0.1
    most_alike: float = 0.9
    links: Literal["auto", "explicit", "heuristic"] = "auto"
    bases: tuple[str, ...] = ("addressed", "answer")
    replies: ReplyOptions = field(default_factory=ReplyOptions)
    canned: CannedOptions = field(default_factory=CannedOptions)
    consistent: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "bases", tuple(self.bases))
        for name in ("min_channels", "min_messages", "min_per_channel", "min_tokens", "max_characters"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} must be at least 1; got {getattr(self, name)}")
        for name in ("informative_share", "most_alike"):
            if not 0 < getattr(self, name) <= 1:
                raise ParameterError(f"{name} must be in (0, 1]; got {getattr(self, name)}")
        if unknown := set(self.bases) - {"addressed", "answer", "goes on"}:
            raise ParameterError(f"bases must be among addressed, answer, goes on; got {', '.join(unknown)}")


def take_census(log: Log, counts: CannedCounts, pseudonyms: Pseudonyms, tally: Tally) -> Iterator[Record]:
    """One record a user: messages by channel, and whether it is a bot. ``counts`` are filled on the way."""
    census = Census(counts)
    census.first(_ticked((Said(m.user, m.channel, m.text) for m in log if _complete(m)), tally))
    census.second(_ticked((Said(m.user, m.channel, m.text) for m in log if _complete(m)), tally))
    for record in census_records(census, pseudonyms):
        tally.n_in += 1
        if record["bot"]:
            tally.noted[record["bot"]] += 1
        yield record


def active_users(census: Iterable[Record], options: FunnelOptions, tally: Tally) -> Iterator[Record]:
    """Users who write enough, in enough channels."""
    for record in census:
        counts = record["channels"]
        enough = sum(n >= options.min_per_channel for n in counts)
        reason = None
        if record["bot"]:
            reason = record["bot"]
        elif len(counts) < options.min_channels:
            reason = f"in fewer than {options.min_channels} channels"
        elif sum(counts) < options.min_messages:
            reason = f"fewer than {options.min_messages} messages"
        elif enough < options.min_channels:
            reason = f"fewer than {options.min_channels} channels with {options.min_per_channel} messages"
        if tally.keep(reason):
            yield {"user": record["user"]}


def counted(log: Log, counts: CannedCounts) -> CannedCounts:
    """Counts of a log's templates, for a build that resumes after its census."""
    for m in log:
        if _complete(m):
            counts.add(m.user, m.text)
    return counts


class Cleaner:
    """Messages without bots, canned messages and personal data; what is left out is counted.

    A message is kept as a record: ``c`` channel, ``u`` user, ``x`` text, ``to`` who is addressed, ``id`` and ``re`` its
    id and the one it replies to, ``t`` its time; what is empty is left out.
    """

    def __init__(
        self,
        log: Log,
        census: Stage,
        counts: CannedCounts,
        options: FunnelOptions,
        pseudonyms: Pseudonyms,
        tally: Tally,
    ) -> None:
        self.counts = counts
        self.log, self.options, self.tally, self.pseudonyms = log, options, tally, pseudonyms
        self.bots: dict[str, str] = {}
        aliases: dict[str, str] = {}
        mentions = set()
        for record in census.records():
            aliases.setdefault(record["alias"], record["user"])
            if record["bot"]:
                self.bots[record["user"]] = record["bot"]
            if record["named"]:
                mentions.add(record["user"])
        self.names = Names(pseudonyms, aliases, frozenset(mentions))
        self.scrubber = Scrubber(pseudonyms, options.consistent)
        self._users: dict[str, str] = {}
        self._channels: dict[str, str] = {}

    def records(self) -> Iterator[Record]:
        """Kept messages in the log's order."""
        for m in _ticked(self.log, self.tally):
            if self.tally.keep(self._reason(m)):
                yield self._record(m)
        for reason, n in self.log.skipped.items():
            self.tally.n_in += n
            self.tally.dropped[reason] += n
        for kind, n in self.scrubber.counts.items():
            self.tally.noted[f"{kind} replaced"] = n

    def _reason(self, m: RawMessage) -> str | None:
        if not _complete(m):
            return "no user, channel or text"
        if bot := self.bots.get(self._user(m.user)):
            return bot
        if len(m.text) > self.options.max_characters:
            return f"longer than {self.options.max_characters} characters"
        if self.counts.is_canned(m.text):
            return "canned message"
        return None

    def _user(self, name: str) -> str:
        if name not in self._users:
            self._users[name] = self.pseudonyms.of(name)
        return self._users[name]

    def _record(self, m: RawMessage) -> Record:
        to, text = address_of(m.text, self.names.get)
        text, n_names = self.names.masked(scrubbed(text.strip(), self.scrubber))
        if n_names:
            self.tally.noted["user replaced"] += n_names
        if to:
            self.tally.noted["address at the beginning cut off"] += 1
        if m.channel not in self._channels:
            self._channels[m.channel] = self.pseudonyms.of(m.channel, "channel")
        record: Record = {"c": self._channels[m.channel], "u": self._user(m.user), "x": text}
        if to:
            record["to"] = to
        if m.id:
            record["id"] = self.pseudonyms.of(f"{m.channel}\0{m.id}", "message")
        if m.reply_to:
            record["re"] = self.pseudonyms.of(f"{m.channel}\0{m.reply_to}", "message")
            self.tally.noted["with a reply link"] += 1
        if m.time is not None:
            record["t"] = m.time
        return record


def placed(stage: Stage) -> Iterator[tuple[int, Record]]:
    """Records of a stage with the byte at which each begins, by which it is found again."""
    at = 0
    with stage.path.open("rb") as lines:
        for line in lines:
            yield at, json.loads(line.decode())
            at += len(line)


def record_at(stage: Stage, place: int) -> Record:
    """The record that begins at a byte of a stage's file."""
    with stage.path.open("rb") as lines:
        lines.seek(place)
        found: Record = json.loads(lines.readline())
    return found


class Informative:
    """The most informative messages of everybody: as informative as the top share of the active users' messages.

    A message's informativeness is the mean TF-IDF weight of its different words. Weights are compared within a
    language, as rare languages would otherwise pass whole.
    """

    def __init__(self, messages: Stage, active: frozenset[str], options: FunnelOptions, tally: Tally) -> None:
        self.messages, self.active, self.options, self.tally = messages, active, options, tally
        self.embedder = TfidfEmbedder()
        self.languages = CommonWords()

    def records(self) -> Iterator[Record]:
        """Messages that pass, with ``at`` (place), ``l`` (language), ``s`` (score), ``a`` (by an active user)."""
        self.embedder.fit(record["x"] for _, record in self._long())
        self.tally.noted["by others, too short"] = 0
        places, scores, codes, active = self._scored()
        thresholds = self._thresholds(scores, codes, active)
        keep = scores >= thresholds[codes]
        names = sorted(self._codes, key=lambda name: self._codes[name])
        n_active, n_kept = int(active.sum()), int((active & keep).sum())
        self.tally.n_in += n_active
        if n_active > n_kept:
            self.tally.dropped["not informative enough"] += n_active - n_kept
        if others := int((keep & ~active).sum()):
            self.tally.noted["by others, for distractors"] += others
        chosen = np.flatnonzero(keep)
        for k, (at, record) in zip(chosen.tolist(), self._at(places[chosen]), strict=True):
            known: Record = {key: record[key] for key in _PASSED_ON if key in record}
            score = round(float(scores[k]), 4)
            yield {**known, "at": at, "l": names[codes[k]], "s": score, "a": bool(active[k])}

    def _at(self, places: Any) -> Iterator[tuple[int, Record]]:
        with self.messages.path.open("rb") as lines:
            for at in places.tolist():
                lines.seek(at)
                yield at, json.loads(lines.readline().decode())

    def _long(self, *, count: bool = False) -> Iterator[tuple[int, Record]]:
        for k, (at, record) in enumerate(placed(self.messages)):
            if k % TICK == 0:
                self.tally.tick(k, self.messages.n_out)
            if length_in_words(record["x"]) >= self.options.min_tokens:
                yield at, record
            elif count and record["u"] in self.active:
                self.tally.keep(f"fewer than {self.options.min_tokens} tokens")
            elif count:
                self.tally.noted["by others, too short"] += 1

    def _scored(self) -> tuple[Any, Any, Any, Any]:
        places, scores, codes, active = [], [], [], []
        self._codes: dict[str, int] = {}
        long = self._long(count=True)
        while placed_batch := list(islice(long, BATCH)):
            batch = [record for _, record in placed_batch]
            places.append(np.array([at for at, _ in placed_batch], dtype=np.int64))
            texts = [record["x"] for record in batch]
            scores.append(self.embedder.mean_weights(texts).astype(np.float32))
            found = [self.languages.of(text) for text in texts]
            codes.append(
                np.array(
                    [self._codes.setdefault(language, len(self._codes)) for language in found], dtype=np.int16
                )
            )
            active.append(np.array([record["u"] in self.active for record in batch], dtype=np.bool_))
        if not scores:
            return (
                np.zeros(0, np.int64),
                np.zeros(0, np.float32),
                np.zeros(0, np.int16),
                np.zeros(0, np.bool_),
            )
        return np.concatenate(places), np.concatenate(scores), np.concatenate(codes), np.concatenate(active)

    def _thresholds(self, scores: Any, codes: Any, active: Any) -> Any:
        """By language: the score that the wanted share of the active users' messages reaches; else nobody passes."""
        found = np.full(max(len(self._codes), 1), np.inf, dtype=np.float32)
        for code in range(len(self._codes)):
            own = scores[active & (codes == code)]
            if own.size:
                place = int(np.ceil((1 - self.options.informative_share) * own.size))
                found[code] = np.sort(own)[min(place, own.size - 1)]
        return found


def distinct(
    informative: Stage, options: FunnelOptions, embedder: Embedder, tally: Tally
) -> Iterator[Record]:
    """Messages that no earlier one of these says already."""
    embedder.fit(record["x"] for record in informative.records())
    order = rarest_first(embedder.idf_) if isinstance(embedder, TfidfEmbedder) else None
    known = DistinctTexts(options.most_alike, order)
    records = informative.records()
    while batch := list(islice(records, BATCH)):
        kept = known.keep(embedder.embed([record["x"] for record in batch]))
        tally.tick(tally.n_in, informative.n_out)
        for record, is_new in zip(batch, kept, strict=True):
            if tally.keep(None if is_new else "says the same as an earlier one"):
                yield record


def language_or(record: Mapping[str, Any], more: str, detector: CommonWords) -> str:
    """A record's language; if it is too short to tell, that of it together with what it replies to."""
    found = record["l"]
    return found if found != UNKNOWN else detector.of(f"{record['x']} {more}")


def _complete(m: RawMessage) -> bool:
    return bool(m.user and m.channel and m.text.strip())


def _ticked(messages: Iterable[Any], tally: Tally) -> Iterator[Any]:
    """The messages, with progress every now and then; how many there are is not known before the end."""
    for k, message in enumerate(messages, 1):
        if k % TICK == 0:
            tally.tick(k, 0)
        yield message

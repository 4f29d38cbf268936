"""Clean messages of any kind: no bots, no canned messages, no personal data."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from truetwin.voice_sets.common.canned_messages import CannedCounts
from truetwin.voice_sets.common.log_people import Census, Names, PersonRecord, census_records, scrubbed
from truetwin.voice_sets.common.privacy import Pseudonyms, Scrubber
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.conversations.conversation_records import Message, RawMessage, Reply
from truetwin.voice_sets.conversations.reply_guessing import address_of

#: Rows between two reports of progress.
TICK = 20_000
_REMEMBERED = 2**17
T = TypeVar("T")


class Material(Protocol):
    """Raw conversations: rows in the order of writing (within each thread), read as often as needed.

    ``skipped`` counts the rows that could not be read, by reason.
    """

    skipped: Counter[str]

    def __iter__(self) -> Iterator[RawMessage]: ...

    def sources(self) -> list[Mapping[str, Any]]: ...  # noqa: D102


@dataclass(frozen=True)
class CleaningRules:
    """Rules for leaving out messages, and the words under which they are counted. Bots have rules of their own.

    Parameters
    ----------
    max_characters : int
        Longest message, and longest post that is replied to.
    consistent : bool
        Whether the same address, link or number gets the same replacement.
    noun : str
        "message" or "reply".
    thread : str
        "channel" or "post"; the kind of its pseudonyms.
    incomplete : str
        Reason to leave out a row in which something is missing.
    once : bool
        Whether a user's second identical message in a thread is left out.
    """

    max_characters: int
    consistent: bool
    noun: str = "message"
    thread: str = "channel"
    incomplete: str = "no user, channel or text"
    once: bool = False


def take_census(
    material: Material,
    counts: CannedCounts,
    pseudonyms: Pseudonyms,
    tally: Tally,
    *,
    by_thread: bool = True,
) -> Iterator[PersonRecord]:
    """Count messages and signs of a bot by user, over two readings; ``counts`` are filled on the way."""
    census = Census(counts, by_thread=by_thread)
    census.first(_ticked(_complete_rows(material), tally))
    census.second(_ticked(_complete_rows(material), tally))
    for record in census_records(census, pseudonyms):
        tally.n_in += 1
        if record["bot"]:
            tally.noted[record["bot"]] += 1
        yield record


@dataclass(frozen=True)
class Cleaning:
    """Cleaning of the material after its census.

    Parameters
    ----------
    material : Material
        Raw conversations.
    census : Stage
        Stage with a record of every user.
    counts : CannedCounts
        Counts of templates from the census; counted again if the census was done by an earlier run.
    rules : CleaningRules
        Rules for what else is left out.
    pseudonyms : Pseudonyms
        Pseudonyms of the build.
    """

    material: Material
    census: Stage[PersonRecord]
    counts: CannedCounts
    rules: CleaningRules
    pseudonyms: Pseudonyms

    def messages(self, tally: Tally) -> Iterator[Message]:
        """Give the messages that pass, under pseudonyms, in the order of the material; the others are counted."""
        anonymous = self._anonymiser(tally)
        return (anonymous.message(number, raw) for number, raw in self._kept(anonymous, tally))

    def replies(self, tally: Tally) -> Iterator[Reply]:
        """Give the same of material whose rows hold the post that is replied to."""
        anonymous = self._anonymiser(tally)
        return (anonymous.reply(number, raw) for number, raw in self._kept(anonymous, tally))

    def _anonymiser(self, tally: Tally) -> Anonymiser:
        return Anonymiser(self.census.records(), self.pseudonyms, self.rules, tally)

    def _kept(self, anonymous: Anonymiser, tally: Tally) -> Iterator[tuple[int, RawMessage]]:
        if self.census.cached:
            for raw in _complete_rows(self.material):
                self.counts.add(raw.user, raw.text)
        bots = {person["user"]: person["bot"] for person in self.census.records() if person["bot"]}
        seen: set[int] = set()
        for number, raw in enumerate(_ticked(self.material, tally)):
            reason = _reason(raw, bots.get(anonymous.user(raw.user)), self.counts, self.rules)
            if reason is None and self.rules.once and _is_repeated(raw, seen):
                reason = f"same {self.rules.noun} again"
            if tally.keep(reason):
                yield number, raw
        for reason, n in self.material.skipped.items():
            tally.n_in += n
            tally.dropped[reason] += n
        for kind, n in anonymous.scrubber.counts.items():
            tally.noted[f"{kind} replaced"] = n


class Anonymiser:
    """Writer of raw messages as records under pseudonyms; counts what it replaces in their texts."""

    def __init__(
        self, people: Iterable[PersonRecord], pseudonyms: Pseudonyms, rules: CleaningRules, tally: Tally
    ) -> None:
        self.pseudonyms, self.rules, self.tally = pseudonyms, rules, tally
        self.scrubber = Scrubber(pseudonyms, rules.consistent)
        aliases: dict[str, str] = {}
        mentions = set()
        for person in people:
            aliases.setdefault(person["alias"], person["user"])
            if person["named"]:
                mentions.add(person["user"])
        self.names = Names(pseudonyms, aliases, frozenset(mentions))
        self._pseudonym = lru_cache(_REMEMBERED)(pseudonyms.of)

    def user(self, name: str) -> str:
        """Give the pseudonym of a user."""
        return self._pseudonym(name)

    def message(self, number: int, raw: RawMessage) -> Message:
        """Write a message as a record, without the name that it addresses at its beginning."""
        addressed, text = address_of(raw.text, self.names.get)
        message = Message(
            number=number,
            thread=self._pseudonym(raw.thread, self.rules.thread),
            user=self.user(raw.user),
            text=self._text(text),
        )
        if addressed:
            message["addressed"] = addressed
            self.tally.noted["address at the beginning cut off"] += 1
        if raw.id:
            message["id"] = self._pseudonym(f"{raw.thread}\0{raw.id}", "message")
        if raw.reply_to:
            message["reply_to"] = self._pseudonym(f"{raw.thread}\0{raw.reply_to}", "message")
            self.tally.noted["with a reply link"] += 1
        if raw.time is not None:
            message["time"] = raw.time
        return message

    def reply(self, number: int, raw: RawMessage) -> Reply:
        """Write a message and the post of its row as a record."""
        reply = Reply(
            number=number,
            thread=self._pseudonym(raw.thread, self.rules.thread),
            user=self.user(raw.user),
            text=self._text(raw.text),
            stimulus=self._text(raw.post or ""),
        )
        if raw.topic:
            reply["topic"] = raw.topic
        if raw.time is not None:
            reply["time"] = raw.time
        return reply

    def _text(self, text: str) -> str:
        masked, n = self.names.masked(scrubbed(text.strip(), self.scrubber))
        if n:
            self.tally.noted["user replaced"] += n
        return masked


def _complete_rows(material: Material) -> Iterator[RawMessage]:
    return (raw for raw in material if _is_complete(raw))


def _is_complete(raw: RawMessage) -> bool:
    return bool(raw.user and raw.thread and raw.text.strip())


def _reason(raw: RawMessage, bot: str | None, counts: CannedCounts, rules: CleaningRules) -> str | None:
    if not _is_complete(raw):
        return rules.incomplete
    if raw.post is not None and not raw.post.strip():
        return f"replies to a {rules.thread} that is not there"
    if bot:
        return bot
    if max(len(raw.text), len(raw.post or "")) > rules.max_characters:
        return f"longer than {rules.max_characters} characters"
    return f"canned {rules.noun}" if counts.is_canned(raw.text) else None


def _is_repeated(raw: RawMessage, seen: set[int]) -> bool:
    whole = f"{raw.user}\0{raw.thread}\0{raw.text}".encode("utf-8", "replace")
    key = int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "little")
    repeated = key in seen
    seen.add(key)
    return repeated


def _ticked(rows: Iterable[T], tally: Tally) -> Iterator[T]:
    """Give the rows, and report progress every now and then; how many there are is not known before the end."""
    for k, row in enumerate(rows, 1):
        if k % TICK == 0:
            tally.tick(k, 0)
        yield row

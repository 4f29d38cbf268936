"""Find out who is in a log (counts by person, bots, names that texts may mention) and mask names in texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypedDict

from truetwin.voice_sets.common.canned_messages import CannedCounts, says_bot
from truetwin.voice_sets.common.privacy import FEWEST_DIGITS, Pseudonyms, Scrubber

#: A name is taken for an ordinary word if it is mentioned more often than this, and three times as often as its bearer
#: speaks.
ORDINARY_MENTIONS = 20
SHORTEST_NAME = 3
_CACHED = 2**17
_TOKEN = re.compile(r"[\w\[\]\\^{}|`-]+")
_DIGIT = re.compile(r"\d")
_EDGES = ".,;:!?\"'()<>*~/"


@dataclass
class Person:
    """Counts of one user: messages by thread, mechanical ones, mentions of the name within other texts."""

    threads: Counter[str] = field(default_factory=Counter)
    mechanical: int = 0
    mentions: int = 0

    @property
    def n(self) -> int:
        """Number of messages in all."""
        return sum(self.threads.values())


class PersonRecord(TypedDict):
    """Record of a user in the census: pseudonyms, messages by thread (most first), and what was found.

    ``alias`` is the pseudonym of the lower-case name; ``bot`` the reason to take the user for a bot, or empty;
    ``named`` whether the name, found within a text, means the user.
    """

    user: str
    alias: str
    threads: list[int]
    bot: str
    mechanical: int
    named: bool


class Said(Protocol):
    """Message as a census reads it: who wrote which text where."""

    @property
    def user(self) -> str: ...  # noqa: D102

    @property
    def thread(self) -> str: ...  # noqa: D102

    @property
    def text(self) -> str: ...  # noqa: D102


class Census:
    """Counts people over two readings of a log. Memory grows with people and threads, not with messages.

    Parameters
    ----------
    counts : CannedCounts
        Counts of templates and openings, filled on the way.
    by_thread : bool, default=True
        Whether messages are counted by thread; else only in all.
    """

    def __init__(self, counts: CannedCounts, *, by_thread: bool = True) -> None:
        self.counts, self.by_thread = counts, by_thread
        self.people: dict[str, Person] = {}

    def first(self, said: Iterable[Said]) -> None:
        """Read the log once, and count who speaks where and which templates are sent."""
        for one in said:
            person = self.people.setdefault(one.user, Person())
            person.threads[one.thread if self.by_thread else ""] += 1
            self.counts.add(one.user, one.text)

    def second(self, said: Iterable[Said]) -> None:
        """Read it again, and count how mechanical each user is and which names are mentioned."""
        names: dict[str, list[Person]] = {}
        for user, person in self.people.items():
            names.setdefault(user.lower(), []).append(person)
        least = self.counts.options.bot_messages
        sizes = {user: person.n for user, person in self.people.items()}
        for one in said:
            person = self.people[one.user]
            n = sizes[one.user]
            if n >= least and self.counts.is_mechanical(one.user, one.text, n):
                person.mechanical += 1
            for token in set(one.text.lower().split()[1:]):
                for mentioned in names.get(token.strip(_EDGES), ()):
                    mentioned.mentions += 1

    def bot_reason(self, user: str) -> str:
        """Say why a user is taken for a bot; empty for everybody else."""
        person, options = self.people[user], self.counts.options
        if says_bot(user):
            return "bot by name"
        if person.n >= options.bot_messages and person.mechanical > options.bot_share * person.n:
            return "bot: most messages are canned or open alike"
        return ""

    def is_name(self, user: str) -> bool:
        """Tell whether the user's name, found within a text, means the user."""
        person = self.people[user]
        if len(user) < SHORTEST_NAME:
            return False
        if not user.isalpha() or any(c.isupper() for c in user[1:]):
            return True
        return person.mentions <= max(ORDINARY_MENTIONS, 3 * person.n)


class Names:
    """Finds people by hashed names, so that no raw name has to be kept.

    Parameters
    ----------
    pseudonyms : Pseudonyms
        Pseudonyms of the build.
    aliases : mapping from str to str
        Pseudonym of a lower-case name (kind ``alias``) to the user's pseudonym.
    mentions : frozenset of str
        Pseudonyms of users whose names mean them wherever they stand.
    """

    def __init__(self, pseudonyms: Pseudonyms, aliases: Mapping[str, str], mentions: frozenset[str]) -> None:
        self._pseudonyms, self._aliases, self._mentions = pseudonyms, aliases, mentions
        self._known: dict[str, str] = {}

    def get(self, token: str) -> str:
        """Look up the pseudonym of whoever has that name in lower case; empty if nobody has."""
        found = self._known.get(token)
        if found is None:
            found = self._aliases.get(self._pseudonyms.of(token, "alias"), "") if token else ""
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[token] = found
        return found

    def masked(self, text: str) -> tuple[str, int]:
        """Replace names of people in a text, and count how many were."""
        hits = 0
        if self._mentions.isdisjoint(map(self.get, _TOKEN.findall(text.lower()))):
            return text, 0

        def replaced(found: re.Match[str]) -> str:
            nonlocal hits
            user = self.get(found.group().lower())
            if user not in self._mentions:
                return found.group()
            hits += 1
            return f"[{user}]"

        return _TOKEN.sub(replaced, text), hits


def scrubbed(text: str, scrubber: Scrubber) -> str:
    """Replace addresses, links, numbers and handles in a text; a text that cannot hold any is not searched."""
    if "@" in text or "://" in text or "www." in text or len(_DIGIT.findall(text)) >= FEWEST_DIGITS:
        return scrubber.scrub(text)
    return text


def census_records(census: Census, pseudonyms: Pseudonyms) -> Iterator[PersonRecord]:
    """Give one record a user, in the order of first messages, without the name."""
    for user, person in census.people.items():
        yield {
            "user": pseudonyms.of(user),
            "alias": pseudonyms.of(user.lower(), "alias"),
            "threads": sorted(person.threads.values(), reverse=True),
            "bot": census.bot_reason(user),
            "mechanical": person.mechanical,
            "named": census.is_name(user),
        }

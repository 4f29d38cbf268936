"""What each message that passed the funnel replies to, and what its user said before in other channels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from truetwin.errors import ParameterError
from truetwin.voice.items.item_faults import says_nothing
from truetwin.voice.items.verbatim import length_in_words
from truetwin.voice_sets.common.message_language import CommonWords
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.conversations.message_funnel import TICK, FunnelOptions, Record, language_or, placed
from truetwin.voice_sets.conversations.reply_guessing import ReplyFinder, stimulus_of


@dataclass(frozen=True)
class HistoryOptions:
    """What is remembered of a user.

    Parameters
    ----------
    least, most : int, default=5 and 30
        Earlier messages from other channels that an item must have, and may have (the latest ones).
    remembered : int, default=100
        Messages of a user in a channel among which these are chosen; of more, so many are drawn by the seed.
    stimulus_words : int, default=3
        Words that the message replied to must have.
    """

    least: int = 5
    most: int = 30
    remembered: int = 100
    stimulus_words: int = 3

    def __post_init__(self) -> None:
        for name in ("most", "remembered", "stimulus_words"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} must be at least 1; got {getattr(self, name)}")
        if not 0 <= self.least <= self.most:
            raise ParameterError(f"least must be in 0..most; got {self.least} and {self.most}")


class Linker:
    """Finds the message that each record replies to, reading the messages once or twice.

    A link that the log states must point to an earlier message of the same channel by somebody else; a link forward or
    to itself (so also any cycle of links) is counted and its message left out.
    """

    def __init__(
        self,
        messages: Stage,
        records: Stage,
        options: FunnelOptions,
        history: HistoryOptions,
        tally: Tally,
    ) -> None:
        self.messages, self.wanted, self.options, self.tally = messages, records, options, tally
        self.history = history
        explicit = options.links == "explicit"
        self.explicit = explicit or (
            options.links == "auto" and messages.noted.get("with a reply link", 0) > 0
        )
        self.languages = CommonWords()

    def records(self) -> Iterator[Record]:
        """Records with ``y``, the text replied to, and ``b``, how that is known; the others are counted."""
        if self.explicit:
            self.tally.noted["links as the log states them"] = 1
            found = self._stated()
        else:
            self.tally.noted["links by the heuristic"] = 1
            found = self._guessed()
        with self.messages.path.open("rb") as texts:
            for k, (record, place, reason, basis) in enumerate(found):
                if k % TICK == 0:
                    self.tally.tick(k, self.wanted.n_out)
                stimulus = _at(texts, place) if reason is None else {}
                reason = reason or self._fault(record, stimulus)
                if self.tally.keep(reason):
                    text = stimulus["x"]
                    language = language_or(record, text, self.languages)
                    yield {**record, "l": language, "y": text, "b": basis, "to_user": stimulus["u"]}

    def _fault(self, record: Record, stimulus: Record) -> str | None:
        if stimulus["u"] == record["u"]:
            return "replies to a message of its own user"
        if length_in_words(stimulus["x"]) < self.history.stimulus_words or says_nothing(stimulus["x"]):
            return f"replies to fewer than {self.history.stimulus_words} words"
        return None

    def _stated(self) -> Iterator[tuple[Record, int, str | None, str]]:
        ids = {record["re"] for record in self.wanted.records() if "re" in record}
        places: dict[str, int] = {}
        for at, message in placed(self.messages):
            if message.get("id") in ids:
                places.setdefault(message["id"], at)
        for record in self.wanted.records():
            place = places.get(record.get("re", ""), -1)
            reason = None
            if "re" not in record:
                reason = "no reply"
            elif place < 0:
                reason = "replies to a message that is not there"
            elif place >= record["at"]:
                reason = "replies to itself or to a later message"
            yield record, place, reason, "stated"

    def _guessed(self) -> Iterator[tuple[Record, int, str | None, str]]:
        finder = ReplyFinder(self.options.replies)
        wanted = self.wanted.records()
        record = next(wanted, None)
        for at, message in placed(self.messages):
            if record is None:
                return
            seen = finder.add(message["c"], at, message["u"], message.get("to", ""))
            if at != record["at"]:
                continue
            stimulus = stimulus_of(seen)
            if stimulus is None:
                yield record, -1, "replies to nothing", seen.basis
            elif seen.basis not in self.options.bases:
                yield record, -1, f"not sure what it replies to ({seen.basis})", seen.basis
            else:
                yield record, stimulus.key, None, seen.basis
            record = next(wanted, None)


@dataclass
class _Memory:
    """A sample of a user's messages in one channel: every one equally likely to be in it."""

    most: int
    rng: np.random.Generator
    n: int = 0
    kept: list[tuple[float, int, int]] = field(default_factory=list)

    def add(self, when: float, at: int, context: int) -> None:
        self.n += 1
        if len(self.kept) < self.most:
            self.kept.append((when, at, context))
        elif (k := int(self.rng.integers(self.n))) < self.most:
            self.kept[k] = (when, at, context)


class Memories:
    """Messages of some users by channel, in memory that does not grow with the log.

    Parameters
    ----------
    messages : Stage
        All messages.
    users : frozenset of str
        Whose are remembered.
    """

    def __init__(
        self,
        messages: Stage,
        users: frozenset[str],
        funnel: FunnelOptions,
        history: HistoryOptions,
        seed: int,
    ) -> None:
        self.messages, self.users, self.funnel, self.options = messages, users, funnel, history
        self._found: dict[str, dict[str, _Memory]] = {}
        self._seed = seed

    def read(self, tally: Tally) -> None:
        """Go through the messages once."""
        finder = ReplyFinder(self.funnel.replies)
        for k, (at, message) in enumerate(placed(self.messages)):
            if k % TICK == 0:
                tally.tick(k, self.messages.n_out)
            seen = finder.add(message["c"], at, message["u"], message.get("to", ""))
            if message["u"] not in self.users:
                continue
            if length_in_words(message["x"]) < self.funnel.min_tokens:
                continue
            stimulus = stimulus_of(seen) if seen.basis in self.funnel.bases else None
            by_channel = self._found.setdefault(message["u"], {})
            if message["c"] not in by_channel:
                rng = np.random.default_rng([self._seed, 13, len(self._found), len(by_channel)])
                by_channel[message["c"]] = _Memory(self.options.remembered, rng)
            when = message.get("t", float(at))
            by_channel[message["c"]].add(when, at, stimulus.key if stimulus else -1)

    def before(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
        """What a record's user said before in other channels: (text, what it replied to, place), the latest last."""
        when = record.get("t", float(record["at"]))
        earlier = [
            entry
            for channel, memory in self._found.get(record["u"], {}).items()
            if channel != record["c"]
            for entry in memory.kept
            if entry[0] < when
        ]
        with self.messages.path.open("rb") as texts:
            for _, at, context in sorted(earlier)[-self.options.most :]:
                yield _at(texts, at)["x"], _at(texts, context)["x"] if context >= 0 else "", at


def _at(texts: Any, place: int) -> Record:
    texts.seek(place)
    found: Record = json.loads(texts.readline())
    return found

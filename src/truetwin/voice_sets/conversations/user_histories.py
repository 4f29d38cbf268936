"""Remember what users said before, as the history of their items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from truetwin.settings.voice_build_settings import FunnelOptions
from truetwin.voice.items.verbatim import length_in_words
from truetwin.voice.items.voice_items import Turn
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.conversations.conversation_records import Message, Reply
from truetwin.voice_sets.conversations.message_cleaning import TICK
from truetwin.voice_sets.conversations.reply_guessing import ReplyFinder, stimulus_of


class _Entry(NamedTuple):
    """Remembered message: its time, its place, and the place of what it replied to (-1: not known)."""

    time: float
    place: int
    context: int = -1


@dataclass
class _Memory:
    """Reservoir sample of a user's messages: every one is equally likely to be in it; without ``most``, all are."""

    most: int | None
    rng: np.random.Generator | None
    n: int = 0
    kept: list[_Entry] = field(default_factory=list)

    def add(self, entry: _Entry) -> None:
        """Offer the next message."""
        self.n += 1
        if self.most is None or self.rng is None or len(self.kept) < self.most:
            self.kept.append(entry)
        elif (k := int(self.rng.integers(self.n))) < self.most:
            self.kept[k] = entry


@dataclass(frozen=True)
class Remembering:
    """Rules for which messages of a user are remembered, and how many go into an item.

    Parameters
    ----------
    least, most : int
        Earlier messages in other threads that an item must have, and may have.
    window : int
        The latest earlier messages among which these are; some are left out as they would give the reply away.
    sample : int, optional
        Messages of a user in a thread that are remembered, drawn by the seed; all by default.
    min_words : int, default=0
        Shorter messages are not remembered.
    guessing : FunnelOptions, optional
        Rules to find what a remembered message replied to, where its record does not say.
    """

    least: int
    most: int
    window: int
    sample: int | None = None
    min_words: int = 0
    guessing: FunnelOptions | None = None


@dataclass(frozen=True)
class Histories:
    """Samples of users' messages by user and thread. Without sampling, a user's threads are kept as one."""

    messages: Stage[Message]
    how: Remembering
    samples: dict[str, dict[str, _Memory]]

    def before(self, reply: Reply) -> Iterator[Turn]:
        """Read what the reply's user said before in other threads, the latest last."""
        when = _time_of(reply)
        earlier = sorted(
            entry
            for thread, memory in self.samples.get(reply["user"], {}).items()
            if thread != reply["thread"]
            for entry in memory.kept
            if entry.time < when
        )[-self.how.window :]
        contexts = [entry.context for entry in earlier if entry.context >= 0]
        replied_to = dict(zip(contexts, self.messages.at(contexts), strict=True))
        found = self.messages.at([entry.place for entry in earlier])
        for entry, message in zip(earlier, found, strict=True):
            if message["thread"] != reply["thread"]:
                context = replied_to[entry.context]["text"] if entry.context >= 0 else ""
                yield Turn(
                    message["text"], str(message.get("stimulus", context)), f"{message['number']:012d}"
                )


def remember(
    messages: Stage[Message], users: frozenset[str], how: Remembering, seed: int, tally: Tally
) -> Histories:
    """Go through the messages once; memory grows with users and threads, and without sampling with their messages."""
    samples: dict[str, dict[str, _Memory]] = {}
    finder = ReplyFinder(how.guessing.replies) if how.guessing else None
    for k, (place, message) in enumerate(messages.placed()):
        if k % TICK == 0:
            tally.tick(k, messages.n_out)
        user, thread = message["user"], message["thread"]
        seen = finder.add(thread, place, user, message.get("addressed", "")) if finder else None
        if user not in users or length_in_words(message["text"]) < how.min_words:
            continue
        stimulus = stimulus_of(seen) if seen and how.guessing and seen.basis in how.guessing.bases else None
        by_thread = samples.setdefault(user, {})
        key = thread if how.sample else ""
        if key not in by_thread:
            rng = np.random.default_rng([seed, 13, len(samples), len(by_thread)]) if how.sample else None
            by_thread[key] = _Memory(how.sample, rng)
        by_thread[key].add(_Entry(_time_of(message), place, stimulus.key if stimulus else -1))
    return Histories(messages, how, samples)


def _time_of(message: Message) -> float:
    """Give its time; where the log does not say, its number, as messages are in order."""
    return message.get("time", float(message["number"]))

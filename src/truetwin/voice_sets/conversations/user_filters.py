"""Choose the users whose replies may become items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from truetwin.settings.voice_build_settings import FunnelOptions, UserOptions
from truetwin.voice.items.verbatim import words_of
from truetwin.voice_sets.common.log_people import PersonRecord
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.conversations.conversation_records import KeptUser, Reply


def active_users(census: Stage[PersonRecord], options: FunnelOptions, tally: Tally) -> Iterator[KeptUser]:
    """Keep the users who write enough, in enough channels."""
    for person in census.records():
        sizes = person["threads"]
        enough = sum(n >= options.min_per_channel for n in sizes)
        reason = None
        if person["bot"]:
            reason = person["bot"]
        elif len(sizes) < options.min_channels:
            reason = f"in fewer than {options.min_channels} channels"
        elif sum(sizes) < options.min_messages:
            reason = f"fewer than {options.min_messages} messages"
        elif enough < options.min_channels:
            reason = f"fewer than {options.min_channels} channels with {options.min_per_channel} messages"
        if tally.keep(reason):
            yield {"user": person["user"]}


@dataclass
class _Written:
    """Counts of what one user wrote: replies, their characters, and the first so many words."""

    replies: int = 0
    characters: int = 0
    words: int = 0
    different: set[str] = field(default_factory=set)

    def add(self, text: str, most_words: int) -> None:
        """Count one reply; words beyond ``most_words`` (0: no limit) do not count."""
        self.replies += 1
        self.characters += len(text)
        words = words_of(text)
        if most_words:
            words = words[: most_words - self.words]
        self.words += len(words)
        self.different.update(words)

    @property
    def type_token_ratio(self) -> float:
        """Different words over all words; undefined without any."""
        return len(self.different) / self.words


def varied_users(replies: Stage[Reply], options: UserOptions, tally: Tally) -> Iterator[KeptUser]:
    """Keep the users whose replies are long, varied and many enough; each filter is counted."""
    users: dict[str, _Written] = {}
    for reply in replies.records():
        users.setdefault(reply["user"], _Written()).add(reply["text"], options.ttr_words)
    ratios = {
        user: wrote.type_token_ratio
        for user, wrote in users.items()
        if wrote.words and wrote.characters / wrote.replies > options.min_mean_characters
    }
    least = float(np.quantile(list(ratios.values()), options.ttr_share)) if ratios else 0.0
    for user, wrote in users.items():
        reason = None
        if user not in ratios:
            reason = f"replies of {options.min_mean_characters:g} characters or fewer on average"
        elif ratios[user] < least:
            reason = f"type-token ratio among the lowest {options.ttr_share:.0%}"
        elif wrote.replies < options.min_replies:
            reason = f"fewer than {options.min_replies} replies"
        if tally.keep(reason):
            yield {"user": user, "n": wrote.replies, "type_token_ratio": round(ratios[user], 4)}

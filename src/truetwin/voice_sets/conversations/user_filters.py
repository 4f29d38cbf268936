"""Choose the users whose replies may become items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from truetwin.errors import ParameterError
from truetwin.voice.items.verbatim import words_of
from truetwin.voice_sets.common.log_people import PersonRecord
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.conversations.conversation_records import KeptUser, Reply
from truetwin.voice_sets.conversations.message_funnel import FunnelOptions


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
    """What one user wrote: replies, their characters, and the first so many words."""

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
        """Different words over all words; only for who wrote any."""
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

"""Records of the stages of a build from conversations, as they stand in JSONL files.

A *thread* is where something is said: a channel of a log of messages, or the post that is replied to. Fields that are
not known are left out.
"""

from __future__ import annotations

from typing import NamedTuple, NotRequired, TypedDict


class RawMessage(NamedTuple):
    """One message as written, with names and all.

    ``post`` is the text that it replies to, where the same row gives it; None in a log of messages. ``time`` is in
    seconds, or None where nobody says.
    """

    thread: str
    user: str
    text: str
    id: str = ""
    reply_to: str = ""
    time: float | None = None
    post: str | None = None
    topic: str = ""


class Message(TypedDict):
    """A message under pseudonyms, without personal data. ``number`` is its row in the input, counted from 0."""

    number: int
    thread: str
    user: str
    text: str
    time: NotRequired[float]
    #: Whom it addresses at its beginning.
    addressed: NotRequired[str]
    id: NotRequired[str]
    reply_to: NotRequired[str]


class InformativeMessage(Message):
    """A message of the top share by mean TF-IDF weight (``informativeness``)."""

    language: str
    informativeness: float


class Reply(Message):
    """A message with what it replies to (``stimulus``)."""

    stimulus: str
    topic: NotRequired[str]
    language: NotRequired[str]
    informativeness: NotRequired[float]
    #: How it is known what it replies to.
    link: NotRequired[str]
    #: Who wrote the stimulus.
    partner: NotRequired[str]


class KeptUser(TypedDict):
    """A user whose replies may become items."""

    user: str
    n: NotRequired[int]
    type_token_ratio: NotRequired[float]

"""Find the message that each message replies to: as the log states it, or by rules where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple, cast

from truetwin.settings.voice_build_settings import FunnelOptions
from truetwin.voice.items.item_faults import says_nothing
from truetwin.voice.items.script_language import UNKNOWN
from truetwin.voice.items.verbatim import length_in_words
from truetwin.voice_sets.common.message_language import CommonWords
from truetwin.voice_sets.common.stages import Stage, Tally
from truetwin.voice_sets.common.text_similarity import BATCH
from truetwin.voice_sets.conversations.conversation_records import InformativeMessage, Message, Reply
from truetwin.voice_sets.conversations.reply_guessing import ReplyFinder, stimulus_of

HEURISTIC = "links by the heuristic"


class _Link(NamedTuple):
    """Link of a message: the place of what it replies to, or the reason why there is none; and how it is known."""

    message: InformativeMessage
    place: int
    reason: str | None
    basis: str


def linked_replies(
    messages: Stage[Message],
    wanted: Stage[InformativeMessage],
    options: FunnelOptions,
    stimulus_words: int,
    tally: Tally,
) -> Iterator[Reply]:
    """Give the wanted messages that reply to something, each with what it replies to; the others are counted.

    A link that the log states must point to an earlier message of the same channel by somebody else; a link forward or
    to itself (so also any cycle of links) is counted and its message left out.
    """
    auto = options.links == "auto" and messages.noted.get("with a reply link", 0) > 0
    if auto or options.links == "explicit":
        tally.noted["links as the log states them"] = 1
        links = _stated(messages, wanted)
    else:
        tally.noted[HEURISTIC] = 1
        links = _guessed(messages, wanted, options)
    detector = CommonWords()
    while batch := list(islice(links, BATCH)):
        tally.tick(tally.n_in, wanted.n_out)
        stimuli = messages.at([link.place for link in batch if link.reason is None])
        for message, _, reason, basis in batch:
            stimulus = next(stimuli) if reason is None else None
            if tally.keep(_fault(message, stimulus, stimulus_words) if stimulus else reason) and stimulus:
                text = stimulus["text"]
                found = {**message, "stimulus": text, "link": basis, "partner": stimulus["user"]}
                reply = cast(Reply, found)
                if message["language"] == UNKNOWN:  # too short to tell: that of both together
                    reply["language"] = detector.of(f"{message['text']} {text}")
                yield reply


def _fault(message: Message, stimulus: Message, least_words: int) -> str | None:
    if stimulus["user"] == message["user"]:
        return "replies to a message of its own user"
    if length_in_words(stimulus["text"]) < least_words or says_nothing(stimulus["text"]):
        return f"replies to fewer than {least_words} words"
    return None


def _stated(messages: Stage[Message], wanted: Stage[InformativeMessage]) -> Iterator[_Link]:
    ids = {message["reply_to"] for message in wanted.records() if "reply_to" in message}
    known: dict[str, tuple[int, int]] = {}  # number and place
    for place, message in messages.placed():
        if message.get("id") in ids:
            known.setdefault(message["id"], (message["number"], place))
    for reply in wanted.records():
        number, place = known.get(reply.get("reply_to", ""), (-1, -1))
        reason = None
        if "reply_to" not in reply:
            reason = "no reply"
        elif place < 0:
            reason = "replies to a message that is not there"
        elif number >= reply["number"]:
            reason = "replies to itself or to a later message"
        yield _Link(reply, place, reason, "stated")


def _guessed(
    messages: Stage[Message], wanted: Stage[InformativeMessage], options: FunnelOptions
) -> Iterator[_Link]:
    finder = ReplyFinder(options.replies)
    replies = wanted.records()
    reply = next(replies, None)
    for place, message in messages.placed():
        if reply is None:
            return
        seen = finder.add(message["thread"], place, message["user"], message.get("addressed", ""))
        if message["number"] != reply["number"]:
            continue
        stimulus = stimulus_of(seen)
        if stimulus is None:
            yield _Link(reply, -1, "replies to nothing", seen.basis)
        elif seen.basis not in options.bases:
            yield _Link(reply, -1, f"not sure what it replies to ({seen.basis})", seen.basis)
        else:
            yield _Link(reply, stimulus.key, None, seen.basis)
        reply = next(replies, None)

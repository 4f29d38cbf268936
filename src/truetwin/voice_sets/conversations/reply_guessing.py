"""Guess what a message replies to, where the log does not say: rules on who speaks to whom, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from truetwin.settings.voice_build_settings import ReplyOptions


class Seen(NamedTuple):
    """Message as the heuristic sees it.

    ``place`` is its number in the channel; ``key`` whatever finds its text again; ``link`` the message it goes on from.
    """

    place: int
    key: int
    user: str
    to: str = ""
    link: Seen | None = None
    basis: str = ""


@dataclass
class _Channel:
    by: dict[str, Seen] = field(default_factory=dict)
    addressed: dict[str, Seen] = field(default_factory=dict)


class ReplyFinder:
    """Linker of the messages of a stream to earlier ones.

    In this order: a message that addresses somebody replies to that person's last message. One whose user was addressed
    or answered since speaking last replies to that. One whose user spoke a short while ago goes on from there. Anything
    else opens a conversation: that it replies to the message before is true too rarely to be assumed.

    Examples
    --------
    >>> finder = ReplyFinder()
    >>> asked = finder.add("room", 0, "ann", "")
    >>> other = finder.add("room", 1, "bob", "")
    >>> reply = finder.add("room", 2, "eve", "ann")
    >>> reply.link.key, reply.basis
    (0, 'addressed')
    """

    def __init__(self, options: ReplyOptions | None = None) -> None:
        self.options = options or ReplyOptions()
        self._channels: dict[str, _Channel] = {}
        self._places: dict[str, int] = {}

    def add(self, channel: str, key: int, user: str, to: str) -> Seen:
        """Link the next message of a channel, and remember it."""
        room = self._channels.setdefault(channel, _Channel())
        place = self._places.get(channel, 0)
        self._places[channel] = place + 1
        link, basis = self._link(room, place, user, to)
        seen = Seen(place, key, user, to, _shortened(link), basis)
        room.by[user] = seen
        partner = to or (link.user if link and link.user != user else "")
        if partner:
            room.addressed[partner] = seen
        if len(room.by) > 4 * self.options.window:
            self._forget(room, place)
        return seen

    def _link(self, room: _Channel, place: int, user: str, to: str) -> tuple[Seen | None, str]:
        options = self.options
        own = room.by.get(user)
        if to and to != user:
            target = room.by.get(to)
            if target and place - target.place <= options.window:
                return target, "addressed"
        called = room.addressed.get(user)
        if called and place - called.place <= options.window and (own is None or called.place > own.place):
            return called, "answer"
        if own and place - own.place <= options.own:
            return own, "goes on"
        return None, "opens"

    def _forget(self, room: _Channel, place: int) -> None:
        for known in (room.by, room.addressed):
            for user in [u for u, seen in known.items() if place - seen.place > self.options.window]:
                del known[user]


def stimulus_of(seen: Seen) -> Seen | None:
    """Find the message of somebody else that a message replies to, back through the user's own messages."""
    link = seen.link
    for _ in range(8):
        if link is None or link.user != seen.user:
            return link
        link = link.link
    return None


def _shortened(link: Seen | None) -> Seen | None:
    """Cut a link's own chain at the first message of somebody else, so that old messages can be forgotten."""
    if link is None:
        return None
    root = stimulus_of(link)
    bare = None if root is None else Seen(root.place, root.key, root.user, root.to)
    return Seen(link.place, link.key, link.user, link.to, bare, link.basis)


def address_of(text: str, named: Callable[[str], str | None]) -> tuple[str, str]:
    """Split off whom a message addresses at its beginning ("ann: ...", "@ann ...").

    Parameters
    ----------
    text : str
        A message.
    named : callable
        Gives the person with a lower-case name; empty or None if there is nobody.

    Examples
    --------
    >>> people = {"ann": "user-1"}
    >>> address_of("Ann: try again", people.get), address_of("note: this is odd", people.get)
    (('user-1', 'try again'), ('', 'note: this is odd'))
    """
    head, _, rest = text.lstrip().partition(" ")
    if not rest or len(head) > 40:
        return "", text
    if head.startswith("@") or head.endswith((":", ",", ";")):
        person = named(head.removeprefix("@").rstrip(":,;").lower())
        return (person, rest.lstrip()) if person else ("", text)
    name, colon, start = head.partition(":")
    if colon and start and (person := named(name.lower())):
        return person, f"{start} {rest}"
    second, _, after = rest.partition(" ")
    person = named(head.lower()) if second in ("-", ":", ",", "--") and after else None
    return (person, after.lstrip()) if person else ("", text)

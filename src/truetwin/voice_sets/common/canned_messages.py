r"""Detect bots and canned messages (those that are sent again and again).

Two signs, both counted and named:

*Canned message*: the same template (the message with numbers, links, addresses and names masked) is sent often, over
all users. Templates of few words ("thank you very much") are how people talk, and do not count.

*Bot*: the name says so, or most of a user's messages are canned or open in the same way ("New patchset: ...").
"""

from __future__ import annotations

import re

from truetwin.settings.voice_build_settings import CannedOptions
from truetwin.voice_sets.common.count_min_sketch import CountSketch

_MASKED = re.compile(
    r"\[(?:user|email|link|phone|handle)(?:-\w+)?\]|(?:\w+://|www\.)\S+|@\S+|[^\W\d_]*\d[\w.:/-]*"
)
_MAY_MASK = re.compile(r"[\d@\[]|://|www\.")
_NAME = re.compile(
    r"(?:^|[^a-zA-Z])u?bot+u?(?:$|[^a-zA-Z])|bot\d*[_`^-]*$|^\[?bot\]?|^ubot|^(?:chan|nick|mem)serv$", re.I
)
#: Endings such as "talbot", in which "bot" is part of a name.
_NOT = re.compile(r"(?:ab|tal|ro|sa)bott?\d*[_`^-]*$", re.I)
OPENING_WORDS = 2
#: An opening is mechanical if this share of a user's messages, and at least so many, begin with it.
OPENING_SHARE = 0.2
FEWEST_OPENINGS = 10


def template_of(text: str) -> str:
    """Mask in a message what changes from one sending to the next.

    Examples
    --------
    >>> template_of("Build 4711 failed, see https://ci.example.org/4711")
    'build # failed, see #'
    """
    text = text.lower()
    if _MAY_MASK.search(text):
        text = _MASKED.sub("#", text)
    return " ".join(text.split())


def says_bot(name: str) -> bool:
    """Tell whether a name says that its bearer is a bot.

    Examples
    --------
    >>> [says_bot(name) for name in ("ubottu", "wikibugs_bot", "Talbot", "robothead", "deploybot2")]
    [True, True, False, False, True]
    """
    return bool(_NAME.search(name)) and not _NOT.search(name)


class CannedCounts:
    """Count templates and users' opening words, in memory of fixed size.

    Examples
    --------
    >>> counts = CannedCounts(CannedOptions(repeats=2, min_words=3), bits=10)
    >>> for _ in range(2):
    ...     counts.add("ann", "The build number 5 failed again")
    >>> counts.is_canned("The build number 6 failed again"), counts.is_canned("Something else was said here")
    (True, False)
    """

    def __init__(self, options: CannedOptions, bits: int = 22) -> None:
        self.options = options
        self._templates, self._openings = CountSketch(bits), CountSketch(bits)

    def add(self, user: str, text: str) -> None:
        """Count one message."""
        template = template_of(text)
        if self._is_long(template):
            self._templates.add(template)
        self._openings.add(_opening(user, template))

    def is_canned(self, text: str) -> bool:
        """Tell whether a message's template was seen too often."""
        return self._is_frequent(template_of(text))

    def is_mechanical(self, user: str, text: str, n: int) -> bool:
        """Tell whether a message is canned, or opens like a fifth of the ``n`` messages of its user."""
        template = template_of(text)
        opens = self._openings.count(_opening(user, template))
        return opens >= max(OPENING_SHARE * n, FEWEST_OPENINGS) or self._is_frequent(template)

    def _is_frequent(self, template: str) -> bool:
        return self._is_long(template) and self._templates.count(template) >= self.options.repeats

    def _is_long(self, template: str) -> bool:
        return template.count(" ") + 1 >= self.options.min_words


def _opening(user: str, template: str) -> str:
    return f"{user}\0{' '.join(template.split(' ', OPENING_WORDS)[:OPENING_WORDS])}"

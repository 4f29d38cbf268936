"""Find faults of single items: leaks, duplicates, placeholders, missing histories."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from truetwin.voice.items.verbatim import same_words, stands_in, words_of
from truetwin.voice.items.voice_items import Turn, VoiceItem
from truetwin.voice.stats.rates import wilson

_BRACKETED = re.compile(r"\W{0,2}[\[<{][^\[\]<>{}]*[\]>}]\W{0,2}")
_NOTHING_SAID = {"none", "null", "nil", "nan", "n/a", "na", "todo", "tbd", "undefined", "placeholder"}


@dataclass(frozen=True)
class Finding:
    """Kind of fault, and the items that have it.

    ``low`` and ``high`` are Wilson's 95% interval of the share of items concerned.
    """

    name: str
    description: str
    item_ids: tuple[str, ...]
    n_items: int

    @property
    def n(self) -> int:
        """Number of items concerned."""
        return len(self.item_ids)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the share of items concerned."""
        return wilson(self.n / self.n_items, self.n_items)


def is_placeholder(text: str) -> bool:
    """Test whether a text only stands for a text: all of it is in brackets.

    Examples
    --------
    >>> is_placeholder("[the woman's name]"), is_placeholder("[Sighs] Well then.")
    (True, False)
    """
    return bool(_BRACKETED.fullmatch(text.strip()))


def says_nothing(text: str) -> bool:
    """Test whether a text is empty, or a word that a program writes for nothing.

    Examples
    --------
    >>> says_nothing("none"), says_nothing("..."), says_nothing("None!")
    (True, True, False)
    """
    bare = text.strip().strip(".").lower()
    return bare in _NOTHING_SAID or not re.search(r"[^\W_]|[!?！？]", bare)


def true_reply_in_stimulus(item: VoiceItem) -> bool:
    """Test whether the true reply, of at least four words, stands word for word in the stimulus."""
    return stands_in(item.true_option.text, item.stimulus)


def distractor_in_stimulus(item: VoiceItem) -> bool:
    """Test whether any distractor, of at least four words, stands word for word in the stimulus, for comparison."""
    return any(stands_in(option.text, item.stimulus) for option in item.distractors)


def gives_away(true: str, turn: Turn) -> bool:
    """Test whether a turn gives the true reply away: its reply has the same words, or the true reply stands in it."""
    return same_words(turn.reply, true) or stands_in(true, turn.reply) or stands_in(true, turn.context)


def true_reply_in_history(item: VoiceItem) -> bool:
    """Test whether any earlier turn gives the true reply away."""
    return any(gives_away(item.true_option.text, turn) for turn in item.history)


def stimulus_in_history(item: VoiceItem) -> bool:
    """Test whether the history has a turn on the same post, message or scene."""
    return any(turn.context and same_words(turn.context, item.stimulus) for turn in item.history)


def _equal_options(item: VoiceItem) -> bool:
    texts = [" ".join(words_of(option.text)) or option.text for option in item.options]
    return len(set(texts)) < len(texts)


_CHECKS: tuple[tuple[str, str, Callable[[VoiceItem], bool]], ...] = (
    ("leak in context", "the true reply (4 words or more) stands in the stimulus", true_reply_in_stimulus),
    (
        "distractor in context",
        "a distractor (4 words or more) stands in the stimulus",
        distractor_in_stimulus,
    ),
    (
        "leak in history",
        "the true reply is an earlier reply, or stands in an earlier turn",
        true_reply_in_history,
    ),
    ("stimulus in history", "the history has a turn on the same stimulus", stimulus_in_history),
    (
        "placeholder",
        "the true reply is a placeholder in brackets",
        lambda i: is_placeholder(i.true_option.text),
    ),
    (
        "no reply",
        "the true reply is empty or a word such as 'none'",
        lambda i: says_nothing(i.true_option.text),
    ),
    (
        "bad distractor",
        "a distractor is a placeholder, empty or a word such as 'none'",
        lambda i: any(is_placeholder(o.text) or says_nothing(o.text) for o in i.distractors),
    ),
    ("equal options", "two options have the same words", _equal_options),
    ("empty history", "the persona has no earlier reply", lambda i: not i.history),
)


#: Checks that do not apply to items whose histories are not known.
_OF_HISTORIES = ("leak in history", "stimulus in history", "empty history")


def find_faults(items: Sequence[VoiceItem], *, histories_known: bool = True) -> list[Finding]:
    """Look for all kinds of fault; kinds without items are listed too.

    If histories are not known, kinds about histories are left out.
    """
    found = [
        Finding(name, description, tuple(item.item_id for item in items if check(item)), len(items))
        for name, description, check in _CHECKS
        if histories_known or name not in _OF_HISTORIES
    ]
    return [
        *found,
        Finding(
            "duplicate",
            "an earlier item has the same persona, stimulus and true reply",
            tuple(duplicates_of(items)),
            len(items),
        ),
    ]


def duplicates_of(items: Sequence[VoiceItem]) -> dict[str, str]:
    """Find items with the persona, stimulus and true reply of an earlier item.

    Returns the id of the first such item by the id of the duplicate.
    """
    first: dict[tuple[str, str, str], str] = {}
    found = {}
    for item in items:
        original = first.setdefault((item.persona.id, item.stimulus, item.true_option.text), item.item_id)
        if original != item.item_id:
            found[item.item_id] = original
    return found

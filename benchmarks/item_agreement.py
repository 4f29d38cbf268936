"""Compare what was found in a book with items that somebody else made from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from truetwin.voice_sets.novels.novel_drafts import ReadBook


@dataclass(frozen=True)
class Known:
    """An utterance that is known to be in the book: its words, who speaks, and about where (any increasing number)."""

    text: str
    speaker: str
    place: float


@dataclass(frozen=True)
class Agreement:
    """Counts of known utterances: all, in the book word for word, found as speech, found whole, same speaker.

    Each is counted among those before it; whole utterances and same speakers both among those found.
    """

    n_known: int
    n_in_book: int
    n_found: int
    n_whole: int
    n_same_speaker: int


def agreement(read: ReadBook, known: Sequence[Known]) -> Agreement:
    """Compare; words only, whatever the marks.

    A known utterance counts as found if its words stand within what one person says at one place. Where they stand in
    several (such as "Yes."), the one nearest to the known place is taken, places being matched by those utterances that
    stand in one only. Speakers are compared by name.
    """
    text = f" {words_only(' '.join(p.text for p in read.book.paragraphs))} "
    here = [k for k in known if f" {words_only(k.text)} " in text]
    spoken = [f" {words_only(u.text)} " for u in read.utterances]
    hits = [[i for i, said in enumerate(spoken) if f" {words_only(k.text)} " in said] for k in here]
    unique = sorted((k.place, found[0]) for k, found in zip(here, hits, strict=True) if len(found) == 1)
    places, indices = (np.array(column, dtype=np.float64) for column in zip(*unique, strict=True))
    n_found = n_whole = n_same = 0
    for k, found in zip(here, hits, strict=True):
        if not found:
            continue
        near = min(found, key=lambda i: abs(i - np.interp(k.place, places, indices)))
        n_found += 1
        n_whole += spoken[near].strip() == words_only(k.text)
        person = read.cast.get(read.utterances[near].speaker)
        n_same += person is not None and _is_named(person.name, k.speaker)
    return Agreement(len(known), len(here), n_found, n_whole, n_same)


def words_only(text: str) -> str:
    """Lower-case words without marks and apostrophes.

    Examples
    --------
    >>> words_only("Don’t--go!")
    'dont go'
    """
    return " ".join(re.findall(r"\w+", re.sub("[’‘']", "", text).lower()))


def _is_named(name: str, known: str) -> bool:
    """Whether two names may be one person's: equal, or one is a part of the other ("Hale", "Thomas Hale")."""
    own = [w for w in name.split() if w.rstrip(".") not in ("Mr", "Mrs", "Miss", "Dr")]
    return name == known or (len(own) == len(name.split()) and set(own) <= set(known.split()))

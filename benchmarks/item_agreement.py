"""Compare the utterances found in a book with published items that were made from the same book."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from truetwin.voice_sets.novels.novel_drafts import ReadBook


@dataclass(frozen=True)
class Known:
    """Known utterance of the book: its words, its speaker, and its approximate place (any increasing number)."""

    text: str
    speaker: str
    place: float


@dataclass(frozen=True)
class Agreement:
    """Counts of known utterances: all, in the book word for word, found as speech, found whole, same speaker.

    Each count is a part of the one before it, except that "found whole" and "same speaker" are both parts of "found as
    speech".
    """

    n_known: int
    n_in_book: int
    n_found: int
    n_whole: int
    n_same_speaker: int


def agreement(read: ReadBook, known: Sequence[Known]) -> Agreement:
    """Compare utterances found in a book with known ones, by their words only. Punctuation does not count.

    A known utterance counts as found if its words occur within the speech of one person at one place. Words such as
    "Yes." occur at several places; the place nearest to the known one is taken. Utterances that occur only once show
    how known places map to places in the book. Speakers are compared by name.
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
    """Return the words of a text in lower case, without punctuation and apostrophes.

    Examples
    --------
    >>> words_only("Don’t--go!")
    'dont go'
    """
    return " ".join(re.findall(r"\w+", re.sub("[’‘']", "", text).lower()))


def _is_named(name: str, known: str) -> bool:
    """Tell whether two names may belong to one person: they are equal, or one is part of the other ("Thomas Hale")."""
    own = [w for w in name.split() if w.rstrip(".") not in ("Mr", "Mrs", "Miss", "Dr")]
    return name == known or (len(own) == len(name.split()) and set(own) <= set(known.split()))

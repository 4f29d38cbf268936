"""Agreement of what is found in a book with items that are known."""

from __future__ import annotations

from item_agreement import Agreement, Known, agreement, words_only
from truetwin.voice_sets.novels.book import book_of
from truetwin.voice_sets.novels.characters import Character
from truetwin.voice_sets.novels.novel_pipeline import read_speech

TALK = (
    "“Come here at once, and bring the lamp,” said Anna Reed.\n\n"
    "“I will not come before the rain is over,” said Thomas Hale.\n\n"
) * 3


def test_known_utterances_are_found_by_their_words_and_compared_by_speaker() -> None:
    book = book_of(f"{TALK}“The mill is closed today, as you can see,” said Anna Reed.\n", name="b")
    people = [
        Character("a", "Anna Reed", ("Anna Reed", "Anna")),
        Character("t", "Thomas Hale", ("Thomas Hale",)),
    ]
    known = [
        Known("The mill is closed today as you can see", "Anna Reed", 9.0),
        Known("bring the lamp", "Thomas Hale", 1.0),
        Known("Nobody says this", "Anna Reed", 2.0),
    ]
    found = agreement(read_speech(book, people)[0], known)
    assert found == Agreement(n_known=3, n_in_book=2, n_found=2, n_whole=1, n_same_speaker=1)


def test_marks_and_apostrophes_do_not_count() -> None:
    assert words_only("Don’t--go!") == "dont go"

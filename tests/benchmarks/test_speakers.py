"""Speakers against labelled lines."""

from __future__ import annotations

from itertools import accumulate

from speakers import Label, judged
from truetwin.voice_sets.novels.book import book_of
from truetwin.voice_sets.novels.characters import Character
from truetwin.voice_sets.novels.novel_pipeline import read_speech


def test_lines_are_found_by_place_and_compared_by_any_of_the_names() -> None:
    book = book_of("“Come,” said Anna.\n\n“Wait,” said a voice.\n\n“Come,” said Anna.", name="b")
    starts = [0, *accumulate(len(p.text) + 1 for p in book.paragraphs)]
    read, _ = read_speech(book, [Character("a", "Anna Reed", ("Anna",))])
    labels = [
        Label(starts[0] + 1, ("Mrs. Hale", "Anna Reed")),
        Label(starts[1] + 1, ("other",)),
        Label(starts[2] + 1, ("Ann",)),
        Label(starts[2] + 2, ("Anna Reed",)),
    ]
    assert [line.right for line in judged(read, labels)] == [True, True, False, False]

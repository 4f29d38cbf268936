"""Places of a book where somebody speaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from truetwin.voice_sets.novels.book import Book


@dataclass(frozen=True)
class Span:
    """Span: characters ``start`` to ``end`` of a paragraph, without the marks."""

    paragraph: int
    start: int
    end: int


def joined_text(book: Book, spans: Iterable[Span]) -> str:
    """Join the words of several spans to one text."""
    pieces = (book.paragraphs[s.paragraph].text[s.start : s.end].strip() for s in spans)
    return " ".join(piece for piece in pieces if piece)

"""Read a plain-text book and cut it into paragraphs and indexed chunks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from truetwin.errors import DataError, FileFormatError, ParameterError
from truetwin.voice_sets.novels.script_cues import cut_at_cues, on_one_line, opens_line

#: A paragraph longer than this (characters) is no paragraph; it is left out and counted.
LONGEST_PARAGRAPH = 50_000
#: A paragraph of at most so many words after a chapter's number is its title.
LONGEST_TITLE = 12
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_START = re.compile(r"^\*\*\*\s*START OF (?:THE|THIS) [^\n]*\n", re.M)
_END = re.compile(r"^(?:\*\*\*\s*END OF (?:THE|THIS) |End of (?:the )?Project Gutenberg)", re.M)
_HEADING = re.compile(
    r"^(?:(?:chapter|book|part|volume|letter|canto|scene|act)\b.{0,60}|[IVXLC]{1,7}\.?|\d{1,3}\.?)$", re.I
)


@dataclass(frozen=True)
class Paragraph:
    """Paragraph on one line; ``section`` counts the chapter headings up to it."""

    index: int
    text: str
    section: int
    is_heading: bool = False


@dataclass(frozen=True)
class Chunk:
    """Chunk: paragraphs ``first`` to ``last`` (both included) under one id."""

    id: str
    first: int
    last: int


@dataclass(frozen=True)
class Book:
    """Book in paragraphs; ``n_skipped`` paragraphs were too long to be any."""

    name: str
    paragraphs: tuple[Paragraph, ...]
    n_skipped: int = 0

    @property
    def n_words(self) -> int:
        """Number of words, as separated by blanks."""
        return sum(len(p.text.split()) for p in self.paragraphs)


def read_book(path: str | Path, *, encoding: str | None = None, name: str | None = None) -> Book:
    """Read a plain-text book; licence text around it is left out where it is marked as such.

    Parameters
    ----------
    path : str or Path
        A text file.
    encoding : str, optional
        Name of its encoding. By default UTF-8, or what a byte order mark says.
    name : str, optional
        What the book is called in items; the file's name without its ending by default.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or is not text in that encoding.
    DataError
        If no text is in it.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    return book_of(_decoded(raw, path, encoding), name=name or path.stem, where=str(path))


def book_of(text: str, *, name: str, where: str = "the text") -> Book:
    """Cut a text into paragraphs: at blank lines, or at every line where there are none."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    start, end = _START.search(text), _END.search(text)
    body = text[start.end() if start else 0 : end.start() if end else len(text)]
    if not body.strip():
        raise DataError(f"a book must hold text; {where} has none")
    blocks = re.split(r"\n\s*\n", body)
    if len(blocks) < 3 and body.count("\n") > len(blocks):
        blocks = body.split("\n")
    paragraphs: list[Paragraph] = []
    section = skipped = 0
    for block in cut_at_cues(blocks):
        flat = on_one_line(block)
        if not flat:
            continue
        if len(flat) > LONGEST_PARAGRAPH:
            skipped += 1
            continue
        numbered = bool(_HEADING.match(block.strip().split("\n")[0].strip()))
        titled = bool(
            paragraphs
            and _HEADING.match(paragraphs[-1].text)
            and len(flat.split()) <= LONGEST_TITLE
            and not opens_line(flat)
        )
        section += numbered
        paragraphs.append(Paragraph(len(paragraphs), flat, section, numbered or titled))
    if not paragraphs:
        raise DataError(
            f"a book must have paragraphs of at most {LONGEST_PARAGRAPH} characters; {where} has none "
            f"({skipped} are longer). Separate paragraphs by blank lines."
        )
    return Book(name, tuple(paragraphs), skipped)


def chunks_of(book: Book, *, words: int = 250) -> Iterator[Chunk]:
    """Cut the book into runs of whole paragraphs of about ``words`` words that do not cross a chapter heading."""
    if words < 1:
        raise ParameterError(f"a chunk must have at least 1 word; got {words}")
    first = count = number = 0
    for k, paragraph in enumerate(book.paragraphs):
        count += len(paragraph.text.split())
        last = k + 1 == len(book.paragraphs)
        if last or count >= words or book.paragraphs[k + 1].section != paragraph.section:
            yield Chunk(f"{number:05d}", first, k)
            first, count, number = k + 1, 0, number + 1


def _decoded(raw: bytes, path: Path, encoding: str | None) -> str:
    if encoding is None:
        encoding = next((name for mark, name in _BYTE_ORDER_MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except LookupError:
        raise ParameterError(f"no text encoding is called {encoding!r}; try 'utf-8' or 'cp1252'") from None
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{path} must be {encoding} text; byte {error.start} is not. Name the encoding it is in "
            "(older books are often 'cp1252' or 'latin-1')."
        ) from error
    if "\0" in text:
        raise FileFormatError(
            f"{path} must be plain text; it holds null characters (is it UTF-16, or no text?)"
        )
    return text

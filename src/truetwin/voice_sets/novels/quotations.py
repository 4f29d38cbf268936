"""Find what is said in a book: quotations under the conventions of different editions.

Curly or straight, single or double marks, guillemets, low quotes and dashes. A book follows one outer convention, which
is found by counting; marks of another kind inside belong to the quotation (nested). A quotation that runs on over
paragraphs is opened anew in each and closed in the last.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from truetwin.errors import DataError
from truetwin.voice_sets.novels.book import Book
from truetwin.voice_sets.novels.script_cues import Cue
from truetwin.voice_sets.novels.script_lines import find_script
from truetwin.voice_sets.novels.spans import Span
from truetwin.voice_sets.novels.word_classes import SPEECH_VERBS

#: Below this many quotations in ten thousand words, a book is taken to have none.
FEWEST_PER_10000_WORDS = 5.0
_ELIDED = "tis|twas|twere|twould|twill|tisn|twasn|em|till|til|cause|bout|ere|gainst|neath|pon|un|ee|a"
_BEFORE_OPENING = re.compile(r"[\s(\[—–\-“\"‘:]$")
#: More words than this are speech even without a stop inside the marks.
LONGEST_MENTION = 8
_SAID = "|".join(sorted(SPEECH_VERBS))
_REPORTED = re.compile(rf"\s*(?:[\w’'.]+\s+){{0,3}}(?:{_SAID})\b")
#: Marks that may have a blank before the words.
_SPACED = "«»„"
#: Within speech that a dash opens: what the narrator says of it, up to the next dash or the end of the sentence.
_TAG = re.compile(
    rf"(?:\s?[—–―]\s?|\s--?\s|--|(?<=[,.!?…])\s)"
    rf"(?:(?:{_SAID})\s(?:he|she|I|they|the|an?|my|his|her|[A-Z][\w’'-]+)\b(?![’'])"
    rf"|(?:he|she|they|[A-Z][\w’'-]+)\s(?:{_SAID})(?=(?:\s\w+ly)?(?:\sto\s\w+)?\s?[,.;:!?—–―-]))"
    r"(?:(?!\s--?\s|--)[^—–―.!?;:,])*"
    r"(?:,(?=\s(?:and|but|with|as|while|\w+ing)\b)[^—–―.!?;:]*)?"
)
#: A dash with a blank before it and none after it opens an insertion in other languages ("No —dijo Ana—. Ven.").
_INSERTED = re.compile(r"\s[—–―](?=[^\W\d_A-Z])[^—–―]*")
_STOPS = ".,!?;:—–-…)"


@dataclass(frozen=True)
class Convention:
    """Convention of marks around speech; ``closing`` may equal ``opening``, and is empty for dashes."""

    name: str
    opening: str
    closing: str

    @property
    def is_single(self) -> bool:
        """Tell whether closing marks look like apostrophes."""
        return self.closing in ("'", "’")


CONVENTIONS = (
    Convention("double-curly", "“", "”"),
    Convention("double-straight", '"', '"'),
    Convention("single-curly", "‘", "’"),
    Convention("single-straight", "'", "'"),
    Convention("single-backtick", "`", "'"),
    Convention("guillemets", "«", "»"),
    Convention("guillemets-inward", "»", "«"),
    Convention("low-curly", "„", "“"),
    Convention("low-right", "„", "”"),
    Convention("low-straight", "„", '"'),
    Convention("dash", "—", ""),
    Convention("dash-short", "–", ""),
    Convention("dash-bar", "―", ""),
    Convention("dash-hyphens", "--", ""),
    Convention("dash-hyphen", "- ", ""),
)
#: Convention of a book in which all that is said stands in lines of a script.
NO_MARKS = Convention("script", "", "")


@dataclass(frozen=True)
class Quotations:
    """Quotations of a book by paragraph, in order, and how many marks were never closed.

    Lines of a script are among them: ``cues`` has the names that open them, by paragraph, ``scripted`` all their
    paragraphs, and ``persons`` the names in a list of persons. ``joined`` holds paragraphs whose first span continues
    the last span of the paragraph before.
    """

    convention: Convention
    spans: dict[int, tuple[Span, ...]]
    joined: frozenset[int]
    n_unclosed: int
    n_mentions: int
    cues: Mapping[int, Cue]
    scripted: frozenset[int]
    persons: tuple[str, ...]


def find_convention(book: Book, scripted: Collection[int] = ()) -> Convention:
    """Find the marks that this book puts around speech, by how often they open a paragraph or follow a blank.

    ``scripted`` paragraphs are lines of a script, and are not looked at. A book without marks that has such lines has
    the convention :data:`NO_MARKS`; one without either raises :class:`truetwin.errors.DataError`.
    """
    starts: Counter[str] = Counter()
    closings: Counter[str] = Counter()
    paragraphs = [p for p in book.paragraphs if p.index not in scripted]
    for paragraph in paragraphs:
        for convention in CONVENTIONS:
            if paragraph.text.startswith(convention.opening) and len(paragraph.text) > 1:
                starts[convention.name] += 1
                closings[convention.name] += (
                    bool(convention.closing) and convention.closing in paragraph.text[1:]
                )
    best = max(CONVENTIONS, key=lambda c: (starts[c.name], closings[c.name]))
    found = sum(len(_scan(p.text, best)[0]) for p in paragraphs) if starts[best.name] else 0
    needed = max(2.0, FEWEST_PER_10000_WORDS * book.n_words / 10_000)
    if found >= needed:
        return best
    if scripted:
        return NO_MARKS
    raise DataError(
        f"a book must mark what is said, with quotation marks, dashes or names as in a script (NAME. words); "
        f"{book.name!r} has {found} such marks in {book.n_words} words (at least {needed:.0f} are needed)."
    )


def find_quotations(book: Book, convention: Convention | None = None) -> Quotations:
    """Find everything that is said.

    A short quotation within a sentence that ends without a stop inside its marks is a mention (a title, a word spoken
    of), not speech; it is counted only. Within lines of a script, marks are words quoted by whoever speaks.
    """
    script = find_script(book)
    convention = convention or find_convention(book, script.spans)
    spans: dict[int, tuple[Span, ...]] = {}
    joined: set[int] = set()
    unclosed = mentions = 0
    running = False
    for paragraph in book.paragraphs:
        text = paragraph.text
        if paragraph.index in script.spans:
            spans[paragraph.index] = script.spans[paragraph.index]
            unclosed, running = unclosed + running, False
            continue
        continues = running and text.startswith(convention.opening)
        unclosed += running and not continues
        raw, running = ([], False) if paragraph.is_heading else _scan(text, convention)
        kept = [
            (a, b)
            for a, b in raw
            if not convention.closing or _is_speech(text, a, b) or (continues and a == 1)
        ]
        mentions += len(raw) - len(kept)
        if kept:
            spans[paragraph.index] = tuple(Span(paragraph.index, a, b) for a, b in kept)
            if continues and kept[0][0] <= 1:
                joined.add(paragraph.index)
    return Quotations(
        convention,
        spans,
        frozenset(joined) | script.continued,
        unclosed + running,
        mentions,
        script.cues,
        frozenset(script.spans),
        script.listed,
    )


def _scan(text: str, convention: Convention) -> tuple[list[tuple[int, int]], bool]:
    """Find the spans of one paragraph, and whether the last one is still open at its end."""
    if convention is NO_MARKS:
        return [], False
    if not convention.closing:
        return _scan_dashes(text, convention.opening), False
    found: list[tuple[int, int]] = []
    at = 0
    while (start := _opening(text, at, convention)) is not None:
        end = _closing(text, start + 1, convention)
        if end is None:
            found.append((start + 1, len(text)))
            return found, True
        if end > start + 1:
            found.append((start + 1, end))
        at = end + 1
    return found, False


def _opening(text: str, at: int, convention: Convention) -> int | None:
    mark = convention.opening
    while (k := text.find(mark, at)) >= 0:
        after = text[k + 1 : k + 2]
        free = k == 0 or bool(_BEFORE_OPENING.search(text[:k][-1]))
        spaced = mark in _SPACED and bool(text[k + 1 :].strip())
        if after and (spaced or not after.isspace()) and (free or mark not in ("'", '"')):
            elided = convention.is_single and k > 0 and _is_elision(text, k)
            if not elided:
                return k
        at = k + 1
    return None


def _is_elision(text: str, k: int) -> bool:
    """Tell whether the mark before a small letter stands for dropped letters ('tis), not for an opening."""
    word = re.match(rf"(?:{_ELIDED})\b", text[k + 1 :])
    return bool(word)


def _closing(text: str, at: int, convention: Convention) -> int | None:
    """Find where a quotation that was opened before ``at`` ends."""
    mark = convention.closing
    if not convention.is_single:
        k = text.find(mark, at)
        return k if k >= 0 else None
    maybe: int | None = None
    dropped: int | None = None
    reopened = _opening(text, at, convention)
    for found in re.finditer(re.escape(mark), text[at:]):
        k = at + found.start()
        if reopened is not None and k > reopened and maybe is not None and text[k - 1] not in _STOPS:
            break
        if k + 1 < len(text) and text[k + 1].isalnum():
            continue  # within a word, or letters dropped at its beginning
        if text[k - 1] in _STOPS or text[k - 1] in "”\"'’":
            if reopened is not None and k > reopened and maybe is not None:
                break  # a plain word was closed before another quotation opened
            return k
        if text[k - 1].isspace():
            continue
        if _is_dropped_ending(text, k):
            dropped = k if dropped is None else dropped
        elif maybe is None:
            maybe = k
    # A speech that opens its paragraph may go on in the next one; anything else is closed where it can be.
    return dropped if maybe is None and at > 1 else maybe


def _is_dropped_ending(text: str, k: int) -> bool:
    """Tell whether a mark after a word is an apostrophe: a plural's possessive, or dropped letters (o', th', goin')."""
    word = re.search(r"(\w+)$", text[:k])
    if not word:
        return False
    before = word.group(1).lower()
    follows_word = bool(re.match(r"\s+[a-z]", text[k + 1 :]))
    return follows_word and (
        before.endswith(("s", "in", "an")) or before in {"o", "th", "wi", "ha", "d", "t", "an", "a"}
    )


def _scan_dashes(text: str, dash: str) -> list[tuple[int, int]]:
    """Find speech that a dash opens: up to the paragraph's end, without what the narrator says of it."""
    if not text.startswith(dash):
        return []
    found: list[tuple[int, int]] = []
    at = len(dash)
    while told := (_TAG.search(text, at) or _INSERTED.search(text, at)):
        found.append((at, told.start()))
        at = told.end()
        at += len(text[at:]) - len(text[at:].lstrip(" —–―-.,;:!?"))
    found.append((at, len(text)))
    return [(a, b) for a, b in found if re.search(r"\w", text[a:b])]


def _is_speech(text: str, start: int, end: int) -> bool:
    inner = text[start:end].rstrip("”\"'’ ")
    if not inner.strip():
        return False
    before = text[: max(start - 1, 0)].rstrip()
    words = len(inner.split())
    if not before or inner[-1] in _STOPS:
        named_alone = before and words == 1 and inner[-1] in ",;"
        return bool(re.search(r"\w", inner)) and (not named_alone or bool(_REPORTED.match(text[end + 1 :])))
    return words > LONGEST_MENTION

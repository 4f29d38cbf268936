"""Find lines of scripts in a book: a whole play, or scenes in script form within prose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from truetwin.voice_sets.novels.book import Book, Paragraph
from truetwin.voice_sets.novels.script_cues import IN_CAPITALS, Cue, cue_of
from truetwin.voice_sets.novels.spans import Span
from truetwin.voice_sets.novels.word_classes import NO_NAMES

#: A scene in script form goes on over at most so many paragraphs without a line.
LONGEST_BREAK = 5
FEWEST_LINES, FEWEST_SMALL_LINES = 3, 6
#: Share of the paragraphs of a run that must be lines where names are not in capitals.
SMALL_SHARE = 0.5
_SQUARE = re.compile(r"\[[^\]]*(?:\]|$)[.,]?")
_ROUND = re.compile(r"\((?:[^()]|\([^()]*\))*(?:\)|$)")
#: A list of the persons of a play ends with a heading, and has at most so many paragraphs.
LONGEST_LIST = 40
_CAST_LIST = re.compile(
    r"^[\s_*]*(?:characters|dramatis person|persons (?:of|in)|the cast|cast)\b.{0,40}$", re.I
)
_ENTRY = re.compile(rf"({IN_CAPITALS})(?=[,.:;(—–-]|\s[(—–]|$)")
_IN_CONVERSATION = re.compile(r"\b(?:I|we|you|my|your|our|me|us|thou|thee|thy)\b")
_FULL_NAME_IN_CAPITALS = re.compile(r"\b[A-ZÀ-ÖØ-Þ][A-ZÀ-ÖØ-Þ’'-]{2,}\b")


@dataclass(frozen=True)
class Script:
    """Lines in script form: the cue of each, what is said by paragraph, and paragraphs that continue a line.

    ``listed`` are the names in the list of persons, if the play has one.
    """

    cues: Mapping[int, Cue]
    spans: Mapping[int, tuple[Span, ...]]
    continued: frozenset[int]
    listed: tuple[str, ...] = ()


def find_script(book: Book) -> Script:
    """Find the lines in script form; directions in brackets are not part of what is said.

    A single "NAME. words" is no script: lines come in runs, in which two people speak and a name returns.
    """
    lists = _persons(book)
    cues = {k: cue for run in _runs(book, lists) for k, cue in run}
    direction = _SQUARE if any("[" in book.paragraphs[k].text for k in cues) else _ROUND
    spans = {k: _spoken(book.paragraphs[k].text, k, cue.end, direction) for k, cue in cues.items()}
    continued = set()
    for k, cue in list(cues.items()):
        for paragraph in book.paragraphs[k + 1 :]:
            here = paragraph.index
            if here in cues:
                break
            words = _spoken(paragraph.text, here, 0, direction)
            if not words and paragraph.text[0] in "([":
                continue  # a direction alone
            if not words or not (_continues if spans[k] else _begins)(book, paragraph, words[0].start, cues):
                break
            spans[here] = words
            if spans[k]:
                continued.add(here)
            else:  # the name stands above its words
                k, cues[here] = here, replace(cue, end=0)
    said = {k: found for k, found in sorted(spans.items()) if found}
    kept = {k: c for k, c in cues.items() if k in said}
    return Script(kept, said, frozenset(continued & set(said)), tuple(lists.values()) if kept else ())


def _persons(book: Book) -> dict[int, str]:
    """Find the lists of persons: each entry's paragraph and the name that opens it ("ANNA REED, a widow")."""
    found: dict[int, str] = {}
    left = 0
    for paragraph in book.paragraphs:
        if _CAST_LIST.match(paragraph.text):
            left = LONGEST_LIST
        elif paragraph.is_heading:
            left = 0
        elif left and (entry := _ENTRY.match(paragraph.text)):
            found[paragraph.index] = entry[1]
        left = max(left - 1, 0)
    return found


def _runs(book: Book, lists: Collection[int]) -> Iterator[list[tuple[int, Cue]]]:
    """Cut all paragraphs that look like lines into runs, and give those that are scenes."""
    run: list[tuple[int, Cue]] = []
    for paragraph in book.paragraphs:
        cue = None if paragraph.index in lists else cue_of(paragraph.text)
        if cue is not None and paragraph.is_heading and cue.end < len(paragraph.text):
            continue
        if cue is None or (not cue.in_capitals and cue.name.split()[0].lower() in NO_NAMES - {"mr", "mrs"}):
            continue
        if run and (paragraph.index - run[-1][0] > LONGEST_BREAK + 1):
            yield from _scene(run)
            run = []
        run.append((paragraph.index, cue))
    yield from _scene(run)


def _scene(run: list[tuple[int, Cue]]) -> Iterator[list[tuple[int, Cue]]]:
    """Give the run's lines in capitals if they are a scene, or else all its lines if those are."""
    capitals = [(k, cue) for k, cue in run if cue.in_capitals]
    if _is_scene(capitals, FEWEST_LINES):
        yield capitals
        return
    small = [(k, cue) for k, cue in run if not cue.in_capitals]
    returning = Counter(cue.name for _, cue in small)
    small = [(k, cue) for k, cue in small if returning[cue.name] > 1]
    if _is_scene(small, FEWEST_SMALL_LINES) and len(small) >= SMALL_SHARE * (small[-1][0] - small[0][0] + 1):
        yield small


def _is_scene(lines: Sequence[tuple[int, Cue]], fewest: int) -> bool:
    names = Counter(cue.name for _, cue in lines)
    return len(lines) >= fewest and len(names) > 1 and max(names.values()) > 1


def _begins(book: Book, paragraph: Paragraph, start: int, cues: Mapping[int, Cue]) -> bool:
    """Tell whether a paragraph below a name, or below a name with a direction, is what is said there."""
    above = paragraph.index - 1
    text = book.paragraphs[above].text
    is_expected = above in cues and (cues[above].end == len(text) or text.endswith(":"))
    return not paragraph.is_heading and (is_expected or _may_be_said(paragraph, start, cues))


def _continues(book: Book, paragraph: Paragraph, start: int, cues: Mapping[int, Cue]) -> bool:
    """Tell whether a paragraph after a line goes on with it, rather than directing or narrating.

    It does if it begins within a sentence; or if another line follows soon, it speaks as people in conversation do,
    and names nobody in capitals, as directions do. It may open with a direction, up to ``start``.
    """
    if paragraph.is_heading or paragraph.text[0] in "_*":
        return False
    before = book.paragraphs[paragraph.index - 1].text
    if paragraph.text[0].islower() or before.rstrip("_*")[-1] in ",;:":
        return True
    return _may_be_said(paragraph, start, cues) and bool(_IN_CONVERSATION.search(paragraph.text[start:]))


def _may_be_said(paragraph: Paragraph, start: int, cues: Mapping[int, Cue]) -> bool:
    soon = any(k in cues for k in range(paragraph.index + 1, paragraph.index + 3))
    return soon and not _FULL_NAME_IN_CAPITALS.search(paragraph.text[start:])


def _spoken(text: str, paragraph: int, start: int, direction: re.Pattern[str]) -> tuple[Span, ...]:
    """Cut the directions out of a line."""
    pieces: list[tuple[int, int]] = []
    at = start
    begins = _after_blanks(text, start)
    opening = _ROUND.match(text, begins) or _SQUARE.match(text, begins)
    if opening:  # what stands in brackets before the words is a direction in every edition
        at = opening.end()
    for found in direction.finditer(text, at):
        pieces.append((at, found.start()))
        at = found.end()
    pieces.append((at, len(text)))
    trimmed = (_trimmed(text, a, b) for a, b in pieces)
    return tuple(Span(paragraph, a, b) for a, b in trimmed if re.search(r"\w", text[a:b]))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Take blanks off both sides, and what a direction leaves of the cue's stop before the words."""
    piece = text[start:end]
    start += len(piece) - len(re.sub(r"^[\s.:_]+(?=[^\s.:_])", "", piece))
    return start, max(start, start + len(text[start:end].rstrip()))


def _after_blanks(text: str, at: int) -> int:
    return at + len(text[at:]) - len(text[at:].lstrip())

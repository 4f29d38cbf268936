"""Recognise the name that opens a line of a script: ``NAME. words``, ``NAME: (direction) words``, ``NAME—words``.

A name in capitals may also stand above its words, or be set off by a tab or by several blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from truetwin.voice_sets.novels.word_classes import NO_SPEAKERS

_CAPITALS = r"[A-ZÀ-ÖØ-Þ]"
_WORD = rf"(?:\d{{1,2}}(?:ST|ND|RD|TH)|{_CAPITALS}(?:{_CAPITALS}|[’'-])*)"
_SHORT = r"(?:MRS|MR|MS|DR|ST|MME|MLLE|M|[Mm]rs|[Mm]r|[Mm]s|[Dd]r|[Ss]t|Mme|Mlle)\. "
IN_CAPITALS = rf"(?:{_SHORT})?{_WORD}(?:,? (?:{_SHORT})?(?:{_WORD}|and|of|the|&)){{0,4}}"
_IN_SMALL = rf"(?:{_SHORT})?{_CAPITALS}[a-zà-ÿ’'-]+(?: {_CAPITALS}[a-zà-ÿ’'-]+){{0,2}}"
_ASIDE = r"\((?P<round>(?:[^()]|\([^()]*\))*)\)|\[(?P<square>[^\[\]]*)\]"
_DASH = r"\s?(?:—|–|--)\s*"
_LINE = (
    rf"[_*]*(?P<name>{{name}})[_*]*\s*(?:(?:{_ASIDE})[_*]*\s*(?P<after>[.:]?)|(?P<stop>[.:]))[_*]*"
    rf"(?:{_DASH}|\s+)(?=\S)"
)
_CAPITAL_LINE = re.compile(_LINE.format(name=IN_CAPITALS))
_SMALL_LINE = re.compile(_LINE.format(name=_IN_SMALL))
#: A name in capitals that a tab or a dash sets off from words that begin a sentence.
_SET_OFF_LINE = re.compile(rf"[_*]*(?P<name>{IN_CAPITALS})[_*]*(?:\t|{_DASH})(?=[^\sa-zà-ÿ])")
#: A name in capitals without words, which follow in the next paragraph.
_ALONE = re.compile(rf"[_*]*(?P<name>{IN_CAPITALS})[_*]*\s*(?:(?:{_ASIDE})[_*]*\s*)?(?P<stop>[.:]?)[_*]*$")
_ABOVE_OR_APART = re.compile(rf"\s*([_*]*{IN_CAPITALS}[_*]*)(?: *[\n\t]| {{2,}})\s*(?=[^\sa-zà-ÿ])")
_ROMAN = re.compile(r"[IVXLC]+$")


@dataclass(frozen=True)
class Cue:
    """Cue: the name that opens a line of a script, and where the line's words begin."""

    name: str
    end: int
    in_capitals: bool
    with_colon: bool


def cue_of(text: str) -> Cue | None:
    """Find the name that opens a paragraph as in a script; headings of acts and scenes are none.

    Examples
    --------
    >>> cue_of("MASHA. [Aside] I know.").name
    'MASHA'
    >>> cue_of("ACT II. A garden.") is None
    True
    """
    found = _SET_OFF_LINE.match(text) or _CAPITAL_LINE.match(text) or _ALONE.match(text)
    in_capitals = found is not None
    found = found or _SMALL_LINE.match(text)
    if found is None:
        return None
    name = found["name"]
    words = [w for w in re.findall(r"[^\W_]+", name.lower()) if w not in ("the", "a", "an")]
    if not words or words[0] in NO_SPEAKERS or max(map(len, words)) < 2:
        return None
    if _ROMAN.match(name):
        return None
    parts = found.groupdict("")
    end = found.end("name") if parts.get("round") or parts.get("square") else found.end()
    return Cue(name, end, in_capitals, ":" in parts.get("stop", "") + parts.get("after", ""))


def cut_at_cues(blocks: Iterable[str]) -> Iterator[str]:
    """Cut blocks of lines that open with a name in capitals before each further line that opens with one.

    Some editions of plays have no blank lines between the lines of a script.
    """
    for block in blocks:
        lines = block.strip("\n").split("\n")
        if len(lines) == 1 or not _opens(lines, 0):
            yield block
            continue
        starts = [k for k in range(len(lines)) if k == 0 or _opens(lines, k)]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            yield "\n".join(lines[start:end])


def opens_line(text: str) -> bool:
    """Tell whether a text opens with a name in capitals and goes on in small letters, as titles in capitals do not."""
    cue = cue_of(text.strip())
    return cue is not None and cue.in_capitals and not text.isupper()


def on_one_line(block: str) -> str:
    r"""Put a block of lines on one line; a tab stays where only white space sets a name in capitals off.

    Examples
    --------
    >>> on_one_line("MASHA\nI know\nit.")
    'MASHA\tI know it.'
    """
    name = _ABOVE_OR_APART.match(block)
    start = name.end() if name and cue_of(name[1]) else 0
    return (f"{name[1]}\t" if name and start else "") + " ".join(block[start:].split())


def _opens(lines: Sequence[str], k: int) -> bool:
    above = _ALONE.match(lines[k].strip())
    return opens_line(on_one_line("\n".join(lines[k : k + 2])) if above else lines[k])

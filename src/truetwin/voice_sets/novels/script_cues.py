"""Recognise the name that opens a line of a script: ``NAME. words``, ``NAME: (direction) words``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from truetwin.voice_sets.novels.word_classes import NO_SPEAKERS

_CAPITALS = r"[A-ZÀ-ÖØ-Þ]"
_WORD = rf"(?:\d{{1,2}}(?:ST|ND|RD|TH)|{_CAPITALS}(?:{_CAPITALS}|[’'-])*)"
_SHORT = r"(?:MRS|MR|MS|DR|ST|MME|MLLE|M|[Mm]rs|[Mm]r|[Mm]s|[Dd]r|[Ss]t|Mme|Mlle)\.\s"
IN_CAPITALS = rf"(?:{_SHORT})?{_WORD}(?:,?\s(?:{_SHORT})?(?:{_WORD}|and|of|the|&)){{0,4}}"
_IN_SMALL = rf"(?:{_SHORT})?{_CAPITALS}[a-zà-ÿ’'-]+(?:\s{_CAPITALS}[a-zà-ÿ’'-]+){{0,2}}"
_ASIDE = r"\((?P<round>(?:[^()]|\([^()]*\))*)\)|\[(?P<square>[^\[\]]*)\]"
_LINE = (
    rf"[_*]*(?P<name>{{name}})[_*]*\s*(?:(?:{_ASIDE})[_*]*\s*(?P<after>[.:]?)|(?P<stop>[.:]))[_*]*"
    r"(?:\s?(?:—|–|--)\s*|\s+)(?=\S)"
)
_CAPITAL_LINE = re.compile(_LINE.format(name=IN_CAPITALS))
_SMALL_LINE = re.compile(_LINE.format(name=_IN_SMALL))
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
    found = _CAPITAL_LINE.match(text)
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
    has_aside = found["round"] is not None or found["square"] is not None
    end = found.end("name") if has_aside else found.end()
    with_colon = ":" in (found["stop"] or found["after"] or "")
    return Cue(name, end, in_capitals, with_colon)


def cut_at_cues(blocks: Iterable[str]) -> Iterator[str]:
    """Cut blocks of lines that open with a name in capitals before each further line that opens with one.

    Some editions of plays have no blank lines between the lines of a script.
    """
    for block in blocks:
        lines = block.strip("\n").split("\n")
        if len(lines) == 1 or not opens_line(lines[0]):
            yield block
            continue
        starts = [k for k, line in enumerate(lines) if k == 0 or opens_line(line)]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            yield "\n".join(lines[start:end])


def opens_line(text: str) -> bool:
    """Tell whether a text opens with a name in capitals and goes on in small letters, as titles in capitals do not."""
    cue = cue_of(text.strip())
    return cue is not None and cue.in_capitals and not text.isupper()

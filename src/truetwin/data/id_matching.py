"""Find the simple change of ids, or of names of items, that makes two tables match."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

_Change = Callable[[str], str]
#: Changes that are tried, alone and in pairs, the simplest first.
_CHANGES: tuple[tuple[str, _Change], ...] = (
    ("removing blanks at the ends", str.strip),
    ("ignoring upper and lower case", str.casefold),
    ("removing '.0' at the end", lambda text: re.sub(r"\.0+$", "", text) if text.endswith("0") else text),
    ("removing zeros at the front", lambda text: re.sub(r"^0+(?=\d)", "", text) if text[:1] == "0" else text),
    (
        "replacing blanks, points and hyphens by underscores",
        lambda text: re.sub(r"[\s.\-]+", "_", text.strip()),
    ),
)
#: Changes that leave an id the same to whoever reads it; the last one gives it another name.
_WRITING = _CHANGES[:-1]


@dataclass(frozen=True)
class Match:
    """Change that makes ids of two tables match.

    Attributes
    ----------
    change : str
        What it does, in words.
    theirs_to_ours : dict of str
        Our id for each of their ids that matches.
    n_ours, n_theirs : int
        Number of ids in each table.
    """

    change: str
    theirs_to_ours: dict[str, str]
    n_ours: int
    n_theirs: int

    def describe(self, what: str) -> str:
        """Say what the change would do, such as "removing '.0' at the end would match 40 of 40 respondent ids"."""
        return f"{self.change} would match {len(self.theirs_to_ours)} of {self.n_theirs} {what}s"


def find_match(ours: Sequence[str], theirs: Sequence[str]) -> Match | None:
    """Find the simplest change that makes most of their ids match ours; None if no change matches more than none does.

    Examples
    --------
    >>> find_match(["1", "2"], ["1.0", "2.0"]).describe("respondent id")
    "removing '.0' at the end would match 2 of 2 respondent ids"
    >>> find_match(["R_1", "R_2"], ["2", "1"]).theirs_to_ours
    {'2': 'R_2', '1': 'R_1'}
    """
    best: Match | None = None
    most = len(set(ours) & set(theirs))
    single = [*_CHANGES, *_prefixes(ours, theirs)]
    tried: list[tuple[str, tuple[_Change, ...]]] = [(name, (change,)) for name, change in single]
    tried += [(f"{a} and {b}", (first, second)) for (a, first), (b, second) in combinations(single, 2)]
    for name, changes in tried:
        found = _matched(ours, theirs, changes)
        if found is not None and len(found) > most:
            most, best = len(found), Match(name, found, len(ours), len(theirs))
    return best


def written_otherwise(ours: Sequence[str], theirs: Sequence[str]) -> Match | None:
    """Find ids that the tables write in two ways, such as ``007`` and ``7``, besides those that match as they are.

    None if there are none. Ids that would become the same as another one of their own table are left alone: where a
    table holds both 007 and 7, they are two people.

    Examples
    --------
    >>> found = written_otherwise(["007", "120"], ["7", "120"])
    >>> found.change, found.theirs_to_ours
    ('removing zeros at the front', {'120': '120', '7': '007'})
    >>> written_otherwise(["007", "7"], ["0007", "120"]) is None
    True
    """
    known, given = set(ours), set(theirs)
    read = {text: _as_read(text) for text in known ^ given}
    sides = [{read[text]: text for text in part} for part in (known - given, given - known)]
    keys = sides[0].keys() & sides[1].keys()
    if not keys:
        return None
    counts = [Counter(read.get(text) or _as_read(text) for text in texts) for texts in (known, given)]
    pairs = {sides[1][key]: sides[0][key] for key in keys if counts[0][key] == counts[1][key] == 1}
    if not pairs:
        return None
    used = list(_WRITING)
    for each in _WRITING:
        others = [one for one in used if one is not each]
        if all(_as_read(a, others) == _as_read(b, others) for a, b in pairs.items()):
            used = others
    same = {text: text for text in theirs if text in known}
    ordered = {text: pairs[text] for text in theirs if text in pairs}
    return Match(" and ".join(name for name, _ in used), {**same, **ordered}, len(ours), len(theirs))


def _as_read(text: str, changes: Sequence[tuple[str, _Change]] = _WRITING) -> str:
    for _, change in changes:
        text = change(text)
    return text


def _matched(ours: Sequence[str], theirs: Sequence[str], changes: Sequence[_Change]) -> dict[str, str] | None:
    """Match changed ids; None if the change makes two ids of one table the same."""

    def changed(text: str) -> str:
        for change in changes:
            text = change(text)
        return text

    sides = [{changed(text): text for text in texts} for texts in (ours, theirs)]
    if any(len(side) < len(set(texts)) for side, texts in zip(sides, (ours, theirs), strict=True)):
        return None
    return {theirs_id: sides[0][key] for key, theirs_id in sides[1].items() if key in sides[0]}


def _prefixes(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, _Change]]:
    """Make changes that remove a beginning that all ids of one table share, such as ``R_`` or ``Q``."""
    found: list[tuple[str, _Change]] = []
    for texts in (ours, theirs):
        prefix = _common_start(texts)
        if prefix:
            found.append((f"removing {prefix!r} at the front", partial(_without, prefix)))
    return found


def _without(prefix: str, text: str) -> str:
    return text.removeprefix(prefix)


def _common_start(texts: Sequence[str]) -> str:
    if len(texts) < 2:
        return ""
    low, high = min(texts), max(texts)
    n = next((k for k, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    start = re.match(r"\D*", low[:n])
    return start.group() if start else ""

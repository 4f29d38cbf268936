"""Find the simple change of ids, or of names of items, that makes two tables match."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

_Change = Callable[[str], str]
#: Changes that are tried, alone and in pairs, the simplest first.
_CHANGES: tuple[tuple[str, _Change], ...] = (
    ("removing blanks at the ends", str.strip),
    ("ignoring upper and lower case", str.casefold),
    ("removing '.0' at the end", lambda text: re.sub(r"\.0+$", "", text)),
    ("removing zeros at the front", lambda text: re.sub(r"^0+(?=\d)", "", text)),
    (
        "replacing blanks, points and hyphens by underscores",
        lambda text: re.sub(r"[\s.\-]+", "_", text.strip()),
    ),
)


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

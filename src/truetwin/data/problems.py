"""Collect the problems of a table, so that one message names all of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from truetwin.errors import DataError, ScaleError

#: Most problems that a message names.
MOST = 20


@dataclass
class Problems:
    """Problems found in one table, by kind.

    Examples
    --------
    >>> problems = Problems("human.csv")
    >>> problems.add("scale", "answer 9 is not on the scale of 'Q1'")
    >>> problems.message()
    "human.csv: answer 9 is not on the scale of 'Q1'"
    """

    source: str
    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, message: str) -> None:
        """Add a problem; ``kind`` is a word that groups like ones, and "scale" one that breaks a declared scale."""
        self.found.setdefault(kind, []).append(message)

    def message(self) -> str:
        """Write all problems as one message, at most 20 of them, as many of each kind as there is room for."""
        kinds = list(self.found.values())
        shown: list[str] = []
        place = 0
        while len(shown) < MOST and any(place < len(kind) for kind in kinds):
            shown += [kind[place] for kind in kinds if place < len(kind)][: MOST - len(shown)]
            place += 1
        count = sum(map(len, kinds))
        if count == 1:
            return f"{self.source}: {shown[0]}"
        listed = " ".join(f"({k}) {text}" for k, text in enumerate(shown, 1))
        rest = f" ... and {count - len(shown)} more." if count > len(shown) else ""
        return f"{self.source} has {count} problems: {listed}{rest}"

    def raise_any(self) -> None:
        """Raise one error that names the problems, if there are any."""
        if self.found:
            raise (ScaleError if set(self.found) == {"scale"} else DataError)(self.message())

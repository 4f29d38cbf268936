"""Collect the problems of a table, so that one message names all of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from truetwin.errors import DataError, ScaleError

#: Most problems that a message lists, and most of one kind.
MOST, MOST_OF_A_KIND = 20, 6


@dataclass(frozen=True)
class Problem:
    """One problem, or several that a few lines describe together."""

    lines: tuple[str, ...]
    count: int = 1


@dataclass
class Problems:
    """Problems found in one table, by kind.

    Examples
    --------
    >>> problems = Problems("human.csv")
    >>> problems.add("scale", "answer 9 is not on the scale of 'Q1'")
    >>> problems.message()
    "human.csv: answer 9 is not on the scale of 'Q1'"
    >>> problems.add("infinite", "answers must be finite")
    >>> print(problems.message())
    human.csv has 2 problems:
    (1) answer 9 is not on the scale of 'Q1'
    (2) answers must be finite
    """

    source: str
    found: dict[str, list[Problem]] = field(default_factory=dict)

    def add(self, kind: str, *lines: str, count: int = 1) -> None:
        """Add a problem, or several that a few lines describe.

        ``kind`` is a word that groups like ones, and "scale" one that breaks a declared scale.
        """
        told = tuple(" ".join(line.split()) for line in lines)
        self.found.setdefault(kind, []).append(Problem(told, count))

    def lines(self) -> list[str]:
        """Write all problems as lines: at most 20 problems and 6 of a kind, and how many more there are."""
        kinds = [kind[:MOST_OF_A_KIND] for kind in self.found.values()]
        shown: list[Problem] = []
        place = 0
        while len(shown) < MOST and any(place < len(kind) for kind in kinds):
            shown += [kind[place] for kind in kinds if place < len(kind)][: MOST - len(shown)]
            place += 1
        if sum(map(len, self.found.values())) == 1:
            return [f"{self.source}: {shown[0].lines[0]}", *shown[0].lines[1:]]
        count = sum(problem.count for kind in self.found.values() for problem in kind)
        listed = [f"{self.source} has {count} problems:"]
        for k, problem in enumerate(shown, 1):
            listed += [f"({k}) {problem.lines[0]}", *problem.lines[1:]]
        rest = count - sum(problem.count for problem in shown)
        return [*listed, *([f"... and {rest} more like these."] if rest else [])]

    def message(self) -> str:
        """Write all problems as one message."""
        return "\n".join(self.lines())

    def raise_any(self) -> None:
        """Raise one error that names the problems, if there are any."""
        if not self.found:
            return
        error = (ScaleError if set(self.found) == {"scale"} else DataError)(self.message())
        error.lines = tuple(self.lines())
        raise error

"""Grouping: people divided into groups by a column of the people table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError

Floats = NDArray[np.float64]
#: Between the names of crossed columns, and between their groups.
CROSS = " x "


@dataclass(frozen=True, eq=False)
class Grouping:
    """People divided into groups.

    Attributes
    ----------
    by : str
        Name of the column.
    names : tuple of str
        Names of the groups that are large enough.
    members : ndarray of shape (n_people, n_groups)
        Weight of each person in each group; zero outside it.
    counts : ndarray of shape (n_groups,)
        Number of people.
    weights : ndarray of shape (n_people,)
        Weight of each person, also of those in no group.
    suppressed : mapping of str to int
        Groups that are too small, with their number of people.
    n_without : int
        Number of people whose group is not known.
    beside : tuple of str
        Groups that are large enough, but left out because the small ones could be found by subtraction otherwise.
    exposed : bool
        Whether the small groups can be found by subtraction, because too few groups are left to leave out another one.
    """

    by: str
    names: tuple[str, ...]
    members: Floats
    counts: NDArray[np.int64]
    weights: Floats
    suppressed: dict[str, int]
    n_without: int = 0
    beside: tuple[str, ...] = ()
    exposed: bool = False

    @classmethod
    def of(
        cls,
        by: str,
        groups: Sequence[str | None],
        weights: Floats,
        min_cell: int,
        *,
        answered: bool = False,
    ) -> Grouping:
        """Divide people into groups, and leave out those with fewer than ``min_cell`` people.

        With ``answered``, estimates rest on answers of these people. Everybody's figure less those of the other groups
        would then tell what few people have answered, so that the smallest of the other groups is left out as well.

        Raises
        ------
        DataError
            If no group, or only one of all, is large enough.

        Examples
        --------
        >>> found = Grouping.of("age", ["old", "old", "young", None], np.ones(4), 2)
        Traceback (most recent call last):
        ...
        truetwin.errors.DataError: column 'age' must have at least two groups of 2 people or more; it has 'old' (2), \
'young' (1). Join groups, or lower --min-cell (min_cell).
        """
        known = np.array([g is not None for g in groups]) & (weights > 0)
        labels = np.array([g if g is not None else "" for g in groups], dtype=object)
        sizes = {name: int((known & (labels == name)).sum()) for name in _in_order(labels[known])}
        large = [name for name, size in sizes.items() if size >= min_cell]
        if len(large) < 2:
            found = ", ".join(f"{name!r} ({size})" for name, size in list(sizes.items())[:5]) or "none"
            raise DataError(
                f"column {by!r} must have at least two groups of {min_cell} people or more; it has {found}. Join "
                "groups, or lower --min-cell (min_cell)."
            )
        small = {name: size for name, size in sizes.items() if size < min_cell}
        n_without = int((~known & (weights > 0)).sum())
        beside: list[str] = []
        exposed = answered and bool(small) and sum(small.values()) + n_without < min_cell
        if exposed and len(large) > 2:
            beside.append(min(large, key=sizes.__getitem__))
            large.remove(beside[0])
            exposed = False
        members = np.column_stack([np.where(known & (labels == name), weights, 0.0) for name in large])
        counts = np.array([sizes[name] for name in large])
        return cls(by, tuple(large), members, counts, weights, small, n_without, tuple(beside), exposed)

    @property
    def n_groups(self) -> int:
        """Number of groups that are large enough."""
        return len(self.names)

    @property
    def shares(self) -> Floats:
        """Weighted share of each group in all people, (n_groups,); they sum to less than 1 if some are in no group."""
        return np.asarray(self.members.sum(axis=0) / self.weights.sum())

    @property
    def effective_counts(self) -> Floats:
        """Effective number of people (Kish) of each group, (n_groups,)."""
        return np.asarray(self.members.sum(axis=0) ** 2 / (self.members**2).sum(axis=0))

    def note(self) -> str | None:
        """Say which groups are left out, and how many people have no group; None if there are none.

        How small the groups are is not said, because notes are published."""
        texts = []
        if self.suppressed:
            texts.append(
                f"too few people for estimates of {self.by}: {', '.join(map(repr, self.suppressed))}"
            )
        if self.beside:
            texts.append(
                f"{', '.join(map(repr, self.beside))} is left out as well, or the difference from everybody would show "
                "the answers of so few"
            )
        if self.exposed:
            texts.append(
                "everybody's figures less those of the other groups show the answers of so few: join groups, or do "
                "not publish both"
            )
        if self.n_without:
            who = "1 person has" if self.n_without == 1 else f"{self.n_without} people have"
            texts.append(f"{who} no {self.by} and no group of it")
        return "; ".join(texts) or None


def crossed(columns: Sequence[Sequence[str | None]]) -> list[str | None]:
    """Cross several columns: one group for each combination that occurs.

    Examples
    --------
    >>> crossed([["a", "b", None], ["x", "y", "x"]])
    ['a x x', 'b x y', None]
    """
    return [None if None in row else CROSS.join(map(str, row)) for row in zip(*columns, strict=True)]


def _in_order(labels: NDArray[np.object_]) -> list[str]:
    """Sort the names of groups: as numbers if all are numbers, else by alphabet."""
    names = sorted(set(labels.tolist()))
    try:
        return sorted(names, key=float)
    except ValueError:
        return names

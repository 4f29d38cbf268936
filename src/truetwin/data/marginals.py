"""Marginals: how a population's answers split over the categories of each item ("topline results")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item
from truetwin.data.responses import check_unique
from truetwin.errors import AlignmentError, DataError, UnknownNameError

Floats = NDArray[np.float64]

SUM_TOLERANCE = 0.011  # shares printed to two digits miss 1 by up to about this
EVERYBODY = "all"


@dataclass(frozen=True)
class ItemMarginal:
    """Distribution of one population's answers to one item.

    Attributes
    ----------
    item : Item
        The item; its scale has categories.
    shares : ndarray of shape (K,)
        Share of each category, in the order of the scale's categories; they sum to 1.
    base_size : float or None
        Number of people asked, where known.
    off_scale_share : float
        Share of all answers that were off-scale codes, left out of ``shares``.
    """

    item: Item
    shares: Floats
    base_size: float | None = None
    off_scale_share: float = 0.0

    @classmethod
    def from_amounts(
        cls,
        item: Item,
        amounts: Mapping[float, float],
        *,
        are_counts: bool,
        base_size: float | None = None,
        source: str = "the marginals",
        tolerance: float = SUM_TOLERANCE,
    ) -> ItemMarginal:
        """Build a marginal from shares or counts per category code, off-scale codes included.

        Raises
        ------
        DataError
            If an amount is negative or infinite, shares do not sum to 1, or nobody is on the scale. The message names
            the item.

        Examples
        --------
        >>> from truetwin.data import Scale
        >>> asked = Item("Q1", scale=Scale.ordinal(1, 2, off_scale={9: "refused"}))
        >>> found = ItemMarginal.from_amounts(asked, {1: 30, 2: 60, 9: 10}, are_counts=True)
        >>> found.shares.round(3).tolist(), found.off_scale_share, found.base_size
        ([0.333, 0.667], 0.1, 100.0)
        """
        where = f"{source}: item {item.id!r}"
        assert item.scale is not None
        for code, amount in amounts.items():
            if not np.isfinite(amount) or amount < 0:
                kind = "counts" if are_counts else "shares"
                raise DataError(
                    f"{where}: {kind} must be finite and not negative; category "
                    f"{item.scale.labels.get(code, f'{code:g}')!r} "
                    f"has {amount:g}. Correct the cell."
                )
        total = float(sum(amounts.values()))
        if not np.isfinite(total):
            raise DataError(f"{where}: the counts are too large to be added up. Give shares.")
        if not are_counts and abs(total - 1.0) > tolerance:
            hint = " Divide percentages by 100." if abs(total - 100.0) < 2.0 else ""
            raise DataError(
                f"{where}: shares must sum to 1 (within {tolerance:g}); they sum to {total:.4g}.{hint} "
                "Correct them, or give counts."
            )
        on_scale = np.array([float(amounts.get(code, 0.0)) for code in item.scale.categories])
        if on_scale.sum() <= 0:
            raise DataError(
                f"{where}: at least one category of the scale must have a positive share; none has"
            )
        off = max(total - float(on_scale.sum()), 0.0) / total
        base = total if are_counts and base_size is None else base_size
        return cls(item, on_scale / on_scale.sum(), base, off)


@dataclass(frozen=True, eq=False)
class Marginals:
    """Human marginals of several items, in one or several populations.

    Parameters
    ----------
    by_population : mapping from population name to mapping from item id to ItemMarginal
        Populations may lack items; an item has the same scale everywhere.
    source : str
        What to call the table in messages.
    notes : tuple of str
        Remarks to show to the user, collected while the table was read.

    Examples
    --------
    >>> from truetwin.data import Item, Scale
    >>> asked = Item("Q1", scale=Scale.ordinal(1, 2))
    >>> Marginals.of([ItemMarginal(asked, np.array([0.25, 0.75]))]).shares(["Q1"]).tolist()
    [[0.25, 0.75]]
    """

    by_population: Mapping[str, Mapping[str, ItemMarginal]]
    source: str = "the marginals"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not any(self.by_population.values()):
            raise DataError(f"{self.source} must hold the marginals of at least one item; it holds none")

    @classmethod
    def of(
        cls,
        marginals: Iterable[ItemMarginal],
        *,
        population: str = EVERYBODY,
        source: str = "the marginals",
        notes: tuple[str, ...] = (),
    ) -> Marginals:
        """Collect the marginals of one population."""
        listed = list(marginals)
        check_unique([m.item.id for m in listed], "item", source)
        return cls({population: {m.item.id: m for m in listed}}, source, notes)

    @cached_property
    def items(self) -> dict[str, Item]:
        """Items with a marginal in at least one population, by id."""
        found: dict[str, Item] = {}
        for marginals in self.by_population.values():
            for item_id, marginal in marginals.items():
                found.setdefault(item_id, marginal.item)
        return found

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Ids of the items with a marginal in at least one population."""
        return tuple(self.items)

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the populations."""
        return tuple(self.by_population)

    def population(self, name: str) -> Marginals:
        """Select the marginals of one population."""
        if name not in self.by_population:
            raise UnknownNameError(f"no population named {name!r}; there are {', '.join(self.by_population)}")
        return replace(self, by_population={name: self.by_population[name]})

    def shares(
        self, item_ids: Sequence[str], *, population: str | None = None, width: int | None = None
    ) -> Floats:
        """Stack the shares of the given items, (n_items, K).

        Rows are padded with zeros to the largest number of categories, or to ``width``.
        """
        known = self.by_population[population or self.populations[0]]
        lacking = [i for i in item_ids if i not in known]
        if lacking:
            raise AlignmentError(f"{self.source} has no marginal of item {lacking[0]!r}")
        rows = [known[i].shares for i in item_ids]
        out = np.zeros((len(rows), max([r.size for r in rows], default=0) if width is None else width))
        for row, shares in zip(out, rows, strict=True):
            row[: shares.size] = shares
        return out

    def base_sizes(self, item_ids: Sequence[str], *, population: str | None = None) -> Floats:
        """Number of people asked for each of the given items; infinite where it is not known."""
        known = self.by_population[population or self.populations[0]]
        sizes = [known[i].base_size for i in item_ids]
        return np.array([np.inf if size is None else float(size) for size in sizes])

    @property
    def off_scale_share(self) -> float:
        """Mean share of answers that were off-scale codes and were left out."""
        shares = [m.off_scale_share for each in self.by_population.values() for m in each.values()]
        return float(np.mean(shares))

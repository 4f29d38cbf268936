"""Twin table: twins' answers to a set of items as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.data.twin_sources import family_of
from truetwin.data.weight_range import RANGE, beyond_range
from truetwin.errors import DataError
from truetwin.solvers.categorical import CategoricalMap

Floats = NDArray[np.float64]
Codes = NDArray[np.int8] | NDArray[np.int16]

KERNEL_TWINS = 20_000  # twins used to compare items with one another; more add nothing but time


@dataclass(frozen=True, eq=False)
class TwinTable:
    """Answers of ``n`` twins to ``m`` items as category numbers.

    Parameters
    ----------
    codes : ndarray of shape (n, m)
        Category numbers ``0 .. n_categories[j] - 1``; -1 where a twin gave no answer on the item's scale.
    n_categories : ndarray of shape (m,)
        Number of categories of each item.
    item_ids : tuple of str
        Ids of the items.
    ordered : ndarray of shape (m,), default all
        Whether the categories of the item have an order.
    prior : ndarray of shape (n,), optional
        Design weights of the twins; equal by default. They need not sum to 1.
    texts : tuple of str, optional
        Wording of the items.
    batteries : tuple of str, optional
        Battery (or wave, study, year) of each item.
    places : ndarray of shape (m, width), optional
        Where the categories lie between 0 and 1 on the item's scale; evenly spaced by default.
    binned : ndarray of bool of shape (m,), optional
        Whether the categories are bins of a wide numeric scale; none by default.
    sources : tuple of str, optional
        Names of the sources that the twins come from, if there are several.
    source : ndarray of int of shape (n,), optional
        Place of each twin's source in ``sources``.
    given : ndarray of shape (m, width), optional
        Shares of the answers, if they are not to be counted here because these twins are a part of others.
    joint : bool, default=True
        Whether a row holds one twin's answers to all items. Otherwise only the shares of each item mean something.

    Examples
    --------
    >>> import numpy as np
    >>> table = TwinTable.build(np.array([[0, 1], [1, 1], [1, -1]]), [2, 2])
    >>> table.histogram.round(3).tolist()
    [[0.333, 0.667], [0.0, 1.0]]
    >>> table.base.tolist()
    [3, 2]
    """

    codes: Codes
    n_categories: NDArray[np.int64]
    item_ids: tuple[str, ...]
    ordered: NDArray[np.bool_]
    prior: Floats
    texts: tuple[str, ...] | None = None
    batteries: tuple[str, ...] | None = None
    places: Floats = field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    binned: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool), repr=False)
    sources: tuple[str, ...] = ()
    source: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp), repr=False)
    given: Floats | None = field(default=None, repr=False)
    joint: bool = True
    root: TwinTable | None = field(default=None, repr=False)
    rows: NDArray[np.int64] | None = field(default=None, repr=False)

    @classmethod
    def build(
        cls,
        codes: NDArray[np.integer],
        n_categories: Sequence[int] | NDArray[np.integer],
        *,
        item_ids: Sequence[str] | None = None,
        ordered: Sequence[bool] | NDArray[np.bool_] | None = None,
        prior: Floats | None = None,
        texts: Sequence[str] | None = None,
        batteries: Sequence[str] | None = None,
        places: Floats | None = None,
        binned: Sequence[bool] | NDArray[np.bool_] | None = None,
        sources: Sequence[str] = (),
    ) -> TwinTable:
        """Check the parts and build a table; twins whose design weight is zero are left out.

        ``sources`` names the source of each twin, if there are several. Each family then counts alike, or each source
        if they are all of one family.
        """
        sizes = np.asarray(n_categories, dtype=np.int64)
        n, m = codes.shape
        if sizes.shape != (m,):
            raise DataError(f"need one number of categories per item ({m}), got {sizes.size}")
        weights = np.ones(n) if prior is None else np.asarray(prior, dtype=float)
        _check_prior(weights, n)
        if len(sources):
            weights = evened(weights, sources)
        small = np.int8 if not m or sizes.max() < 127 else np.int16
        keep = weights > 0
        kept = codes if keep.all() else codes[keep]
        named = [name for name, used in zip(sources, keep, strict=False) if used]
        names = tuple(dict.fromkeys(named))
        place = {name: k for k, name in enumerate(names)}
        return cls(
            codes=kept.astype(small, copy=False),  # type: ignore[arg-type]
            n_categories=sizes,
            item_ids=tuple(item_ids) if item_ids is not None else tuple(str(j) for j in range(m)),
            ordered=np.ones(m, dtype=bool) if ordered is None else np.asarray(ordered, dtype=bool),
            prior=weights[keep] / weights.sum(),
            texts=None if texts is None else tuple(texts),
            batteries=None if batteries is None else tuple(batteries),
            places=_even_places(sizes) if places is None else np.asarray(places, dtype=float),
            binned=np.zeros(m, dtype=bool) if binned is None else np.asarray(binned, dtype=bool),
            sources=names if len(names) > 1 else (),
            source=np.array([place[name] for name in named] if len(names) > 1 else [], dtype=np.intp),
        )

    @property
    def n_twins(self) -> int:
        """Number of twins with a positive design weight."""
        return int(self.codes.shape[0])

    @property
    def n_items(self) -> int:
        """Number of items."""
        return int(self.n_categories.size)

    @property
    def width(self) -> int:
        """Largest number of categories of any item, also of items that were in the table before :meth:`take`."""
        sizes = self.n_categories if self.root is None else self.root.n_categories
        return int(sizes.max())

    def take(self, rows: NDArray[np.integer] | Sequence[int]) -> TwinTable:
        """Select some of the items; comparisons of items already made are kept."""
        index = np.asarray(rows, dtype=np.int64)
        absolute = index if self.rows is None else self.rows[index]
        return TwinTable(
            codes=self.codes[:, index],
            n_categories=self.n_categories[index],
            item_ids=tuple(self.item_ids[j] for j in index),
            ordered=self.ordered[index],
            prior=self.prior,
            texts=None if self.texts is None else tuple(self.texts[j] for j in index),
            batteries=None if self.batteries is None else tuple(self.batteries[j] for j in index),
            places=self.places[index],
            binned=self.binned[index],
            sources=self.sources,
            source=self.source,
            given=None if self.given is None else self.given[index],
            joint=self.joint,
            root=self if self.root is None else self.root,
            rows=absolute,
        )

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Families of the sources; none if there is one only. Replicates of a source are one family."""
        found = tuple(dict.fromkeys(map(family_of, self.sources)))
        return found if len(found) > 1 else ()

    @cached_property
    def family(self) -> NDArray[np.intp]:
        """Place of each twin's family in :attr:`families`, shape ``(n,)``."""
        place = {name: k for k, name in enumerate(self.families)}
        return np.array([place[family_of(name)] for name in self.sources], dtype=np.intp)[self.source]

    def of_families(self, names: Sequence[str]) -> TwinTable:
        """Select the twins of some families; items that none of them has answered keep the others' answers."""
        if set(names) >= set(self.families):
            return self
        return self._part(f"_of_{'|'.join(names)}", lambda root: root._selected(names))

    def thinned(self) -> TwinTable:
        """Select as many twins as one source has, an equal part of each source; shares stay those of all."""
        return self if len(self.sources) < 2 else self._part("_thinned", TwinTable._thinned)

    def _part(self, key: str, make: Callable[[TwinTable], TwinTable]) -> TwinTable:
        """Return a part of the whole table, restricted to these items; it is made once, and so are its comparisons."""
        root = self if self.root is None else self.root
        if key not in root.__dict__:
            root.__dict__[key] = make(root)
        part: TwinTable = root.__dict__[key]
        return part if self.rows is None else part.take(self.rows)

    def _selected(self, names: Sequence[str]) -> TwinTable:
        wanted = np.array([name in names for name in self.families])[self.family]
        answered = np.asarray(self.codes >= 0)
        lacking = ~answered[wanted].any(axis=0)
        kept = wanted | (answered & lacking).any(axis=1)
        codes = np.where(wanted[:, None] | lacking, self.codes, -1).astype(self.codes.dtype)
        places = np.unique(self.source[kept])
        prior = self.prior[kept]
        return replace(
            self,
            codes=codes[kept],
            prior=prior / prior.sum(),
            sources=tuple(self.sources[k] for k in places),
            source=np.searchsorted(places, self.source[kept]),
        )

    def _thinned(self) -> TwinTable:
        n_sources, kept = len(self.sources), np.zeros(self.n_twins, dtype=bool)
        for k in range(n_sources):
            members = np.flatnonzero(self.source == k)
            kept[members[k % max(members.size, 1) :: n_sources]] = True
        prior = self.prior[kept]
        return replace(
            self,
            codes=self.codes[kept],
            prior=prior / prior.sum(),
            sources=(),
            source=np.zeros(0, dtype=np.intp),
            given=self.histogram,
        )

    @cached_property
    def base(self) -> NDArray[np.int64]:
        """Number of twins who answered each item, shape ``(m,)``."""
        return np.asarray((self.codes >= 0).sum(axis=0), dtype=np.int64)

    @property
    def twins_agree(self) -> NDArray[np.bool_]:
        """Mark items to which all twins gave one answer, shape ``(m,)``."""
        return np.asarray(self.histogram.max(axis=1) > 1.0 - 1e-9)

    @cached_property
    def histogram(self) -> Floats:
        """Weighted shares of the twins' answers per item, over those who answered, shape ``(m, width)``."""
        if self.root is not None and self.rows is not None:
            return self.root.histogram[self.rows]
        if self.given is not None:
            return self.given
        counts = self._counts(self.codes, self.prior)
        total = counts.sum(axis=1, keepdims=True)
        if (total == 0).any():
            first = self.item_ids[int(np.argmin(total[:, 0]))]
            raise DataError(
                f"at least one twin must have answered every item; no twin has an answer on the scale of item "
                f"{first!r}. Leave that item out, or check its categories."
            )
        if not self.families:
            return np.asarray(counts / total)
        shares, there = self._family_shares
        return np.asarray((shares * there[:, :, None]).sum(axis=0) / there.sum(axis=0)[:, None])

    @cached_property
    def family_histograms(self) -> dict[str, Floats]:
        """Shares of the answers of each family of sources, (m, width); those of all where it has no answer."""
        if self.root is not None and self.rows is not None:
            return {name: shares[self.rows] for name, shares in self.root.family_histograms.items()}
        if not self.families:
            return {}
        shares, there = self._family_shares
        return {
            name: np.where(there[k][:, None], shares[k], self.histogram)
            for k, name in enumerate(self.families)
        }

    @cached_property
    def _family_shares(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Shares by family, (F, m, width), and whether a family has an answer to the item, (F, m)."""
        members = [self.family == k for k in range(len(self.families))]
        counts = np.stack([self._counts(self.codes[each], self.prior[each]) for each in members])
        total = counts.sum(axis=2, keepdims=True)
        return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0), total[:, :, 0] > 0

    def _counts(self, codes: Codes, weights: Floats) -> Floats:
        """Sum the weights of those who gave each answer, (m, width)."""
        counts = np.zeros((self.n_items, self.width))
        for j in range(self.n_items):
            given = codes[:, j] >= 0
            counts[j] = np.bincount(codes[given, j], weights=weights[given], minlength=self.width)
        return counts

    @cached_property
    def operator(self) -> CategoricalMap:
        """Linear map from weights of twins to weighted answer counts of these items."""
        return CategoricalMap((self.codes[:, j] for j in range(self.n_items)), self._sizes_to_width())

    def base_codes(self, n_base: int | None = None) -> NDArray[np.int64]:
        """Return the answers of the base category twins, shape ``(n_base, m)``.

        The k-th of ``n_base`` (default ``width``) always answers at the same place of the scale. This is category k
        where an item has ``n_base`` categories, and the category at the same relative position where it has fewer.
        """
        n_base = n_base or self.width
        place = (np.arange(n_base)[:, None] + 0.5) / n_base
        return np.asarray((place * self.n_categories).astype(np.int64))

    def with_base_twins(self, *, twins: bool = True) -> CategoricalMap:
        """Build the map for twins followed by base category twins, or for the latter alone."""
        base = self.base_codes()
        columns = (
            np.concatenate([self.codes[:, j], base[:, j].astype(self.codes.dtype)]) if twins else base[:, j]
            for j in range(self.n_items)
        )
        return CategoricalMap(columns, self._sizes_to_width())

    def _sizes_to_width(self) -> NDArray[np.int64]:
        return np.full(self.n_items, self.width, dtype=np.int64)

    def valid(self) -> NDArray[np.bool_]:
        """Mask of the cells of a ``(m, width)`` array that are categories of the item."""
        return np.arange(self.width) < self.n_categories[:, None]


def evened(weights: Floats, sources: Sequence[str]) -> Floats:
    """Return weights of twins that sum to the same for each family of sources, or for each source of a lone family.

    Examples
    --------
    >>> evened(np.ones(4), ["x", "x", "x", "y"]).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    families = [family_of(name) for name in sources]
    groups = families if len(set(families)) > 1 else list(sources)
    _, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    total = np.bincount(member, weights=weights)
    share = np.divide(weights, total[member], out=np.zeros_like(weights), where=total[member] > 0)
    return np.asarray(share * weights.sum() / max(int((total > 0).sum()), 1))


def _even_places(sizes: NDArray[np.int64]) -> Floats:
    """Spread the categories of each item evenly over 0 to 1; 0 beyond an item's categories."""
    number = np.arange(sizes.max(initial=0))
    places = number / np.maximum(sizes[:, None] - 1, 1)
    return np.asarray(np.where(number < sizes[:, None], places, 0.0))


def _check_prior(weights: Floats, n: int) -> None:
    if weights.shape != (n,):
        raise DataError(f"twin weights must be one number per twin ({n}); got {weights.size}")
    if not np.isfinite(weights).all() or (weights < 0).any():
        bad = int(np.argmax(~np.isfinite(weights) | (weights < 0)))
        raise DataError(f"twin weights must be finite and not negative; twin number {bad} has {weights[bad]}")
    extreme = beyond_range(weights)
    if extreme.any():
        bad = int(np.argmax(extreme))
        raise DataError(f"twin weights must {RANGE}; twin number {bad} has {weights[bad]:g}")
    if weights.sum() <= 0:
        raise DataError(
            f"twin weights must not all be zero; all {n} are. Give at least one twin a positive weight, or leave the "
            "weights out for equal ones."
        )

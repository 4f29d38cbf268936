"""Find batteries (items asked together) in the answers: same people asked, or twins answering alike.

Ids do not always show a battery: exports rename columns to ``v1``, ``v2``. Three kinds of evidence are therefore
joined. Two items are in one block if a chain of evidence connects them:

- *ids* that differ in a set-off number only (:func:`truetwin.instrument.batteries.infer_blocks`);
- *missingness*: exactly the same people answered both items, at least 5% and at most 95% of all. A pattern that
  more than half of all items share is not used: it is a drop-out or a half of the survey, not a battery;
- *near-duplicates*: groups of items whose twin answers all correlate at .9 or more in size with each other.

A battery that everybody was asked, and whose items twins answer differently, is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError
from truetwin.instrument.batteries import complete_blocks, infer_blocks

if TYPE_CHECKING:
    from truetwin.data.panel import Panel

Array = NDArray[np.float64]
LEAST_SHARE = 0.05
LARGEST_GROUP = 0.5
NEAR_DUPLICATE = 0.9
MIN_ANSWERS = 20


@dataclass(frozen=True)
class FoundBlocks:
    """Blocks of all items, and how many items each kind of evidence joined.

    Attributes
    ----------
    of : dict of item id to block
        Block of every item.
    by_ids, by_missingness, by_duplicates : int
        Number of items that each kind of evidence joins to another item.
    """

    of: dict[str, str]
    by_ids: int
    by_missingness: int
    by_duplicates: int

    @property
    def n_blocks(self) -> int:
        """Number of blocks, single items included."""
        return len(set(self.of.values()))

    @property
    def n_batteries(self) -> int:
        """Number of blocks of more than one item."""
        names = list(self.of.values())
        return sum(1 for name in set(names) if names.count(name) > 1)

    def describe(self) -> str:
        """Say in one sentence what was found and by which evidence."""
        if not self.n_batteries:
            return (
                "none found in ids, missing answers or twin answers: every item stands alone; --blocks FILE "
                "(item_id,block) declares them"
            )
        return (
            f"{_number(set(self.of.values()))} found, {self.n_batteries} of them batteries: ids join {self.by_ids} "
            f"items, identical missing answers {self.by_missingness}, near-duplicate twin answers {self.by_duplicates}"
        )


def find_blocks(panel: Panel) -> FoundBlocks:
    """Find batteries in ids, missing answers and twin answers.

    Of the human answers, only whether they are present is used. An evaluation may therefore use the blocks to decide
    what is hidden together. Where items are hidden one by one, what a method learns must not depend on these blocks.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> find_blocks(generate_population(100, 12, n_new_items=2).panel).n_batteries
    0
    """
    ids = list(panel.item_ids)
    named = infer_blocks(ids)
    by_id = _groups([named[i] for i in ids])
    human = np.isfinite(panel.human_values)
    # Nobody has been asked a new item: only the twins' missing answers can be used.
    asked = np.where(human.any(axis=0), human, np.isfinite(panel.twin_values))
    by_missingness = missing_groups(asked[human.any(axis=1)] if human.any() else asked)
    nominal = np.array(
        [panel.scales[i].kind == "nominal" for i in ids]
    )  # codes without an order do not correlate
    by_duplicates = duplicate_groups(np.where(nominal, np.nan, panel.twin_values))
    block = _joined(ids, named, [*by_id, *by_missingness, *by_duplicates])
    return FoundBlocks(block, *(sum(map(len, groups)) for groups in (by_id, by_missingness, by_duplicates)))


def missing_groups(seen: NDArray[np.bool_]) -> list[list[int]]:
    """Group items that exactly the same people answered, as positions of columns.

    Patterns that tell nothing of batteries are left out; see the module's description.

    Parameters
    ----------
    seen : ndarray of bool of shape (n_respondents, n_items)
        Which answers are there.

    Examples
    --------
    >>> missing_groups(np.array([[1, 1, 1, 0, 1], [0, 0, 1, 1, 1], [1, 1, 0, 0, 1]], dtype=bool))
    [[0, 1]]
    """
    share = seen.mean(axis=0) if seen.size else np.zeros(seen.shape[1])
    telling = (share >= LEAST_SHARE) & (share <= 1 - LEAST_SHARE)
    patterns: list[object] = [
        np.packbits(seen[:, j]).tobytes() if telling[j] else j for j in range(seen.shape[1])
    ]
    return [g for g in _groups(patterns) if len(g) <= LARGEST_GROUP * seen.shape[1]]


def duplicate_groups(values: Array) -> list[list[int]]:
    """Group near-duplicate items by complete linkage, as positions of columns.

    All items of a group correlate with each other at :data:`NEAR_DUPLICATE` or more in size. Items that all twins
    answered alike, or that fewer than 20 twins answered, are left out: nothing can be said of them.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    seen = np.isfinite(values)
    spread = [
        np.ptp(values[s, j]) if (s := seen[:, j]).sum() >= MIN_ANSWERS else 0.0 for j in range(seen.shape[1])
    ]
    usable = np.flatnonzero(np.array(spread) > 0)
    if usable.size < 2:
        return []
    size = np.abs(_correlations(values[:, usable]))
    distance = np.clip(1 - (size + size.T) / 2, 0.0, 1.0)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "complete")
    labels = fcluster(tree, 1 - NEAR_DUPLICATE, "distance")
    return [[int(usable[k]) for k in group] for group in _groups(labels.tolist())]


def _correlations(values: Array) -> Array:
    """Correlate each pair of items over the people who answered both, (p, p); 0 where fewer than 20 people did."""
    seen = np.isfinite(values).astype(np.float64)
    centre = np.sum(values, axis=0, where=seen > 0) / np.maximum(seen.sum(axis=0), 1)
    filled = np.where(seen > 0, values - centre, 0.0)
    n = seen.T @ seen
    count = np.maximum(n, 1.0)
    mean = filled.T @ seen / count  # of the first item, over those who answered the second too
    square = (filled**2).T @ seen / count - mean**2
    cross = filled.T @ filled / count - mean * mean.T
    scale = np.sqrt(np.maximum(square * square.T, 0.0))
    fine = (n >= MIN_ANSWERS) & (scale > 1e-12)
    return np.where(fine, cross / np.where(fine, scale, 1.0), 0.0)


def _groups(labels: Sequence[object]) -> list[list[int]]:
    """Return the positions of each label that occurs more than once."""
    members: dict[object, list[int]] = {}
    for k, label in enumerate(labels):
        members.setdefault(label, []).append(k)
    return [group for group in members.values() if len(group) > 1]


def _joined(ids: Sequence[str], named: dict[str, str], groups: Iterable[Sequence[int]]) -> dict[str, str]:
    """Join chains of evidence into blocks.

    A block is named after its first id by alphabet, so that names do not depend on the order of the table.
    """
    parent = list(range(len(ids)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    for group in groups:
        for k in group[1:]:
            parent[root(k)] = root(group[0])
    first: dict[int, str] = {}
    for k in sorted(range(len(ids)), key=lambda k: ids[k]):
        first.setdefault(root(k), named[ids[k]])
    return {item: first[root(k)] for k, item in enumerate(ids)}


def resolve_blocks(
    panel: Panel, blocks: Mapping[str, str] | Literal["auto"] | None
) -> tuple[dict[str, str], str]:
    """Decide the block of every item of a panel, and say in words where the blocks come from.

    Parameters
    ----------
    panel : Panel
        The answers.
    blocks : mapping from item id to block, "auto" or None
        A mapping declares the blocks; items that it does not name are blocks of their own. "auto" uses all evidence
        there is. None takes what is declared with the items, or else the ids, or else, where these show no battery,
        all evidence.

    Raises
    ------
    DataError
        If a declaration names no item of the panel.
    ParameterError
        If ``blocks`` is a word other than "auto".
    """
    if isinstance(blocks, str):
        if blocks != "auto":
            raise ParameterError(
                f"blocks must be a mapping from item to block, 'auto' or None; got {blocks!r}"
            )
        found = find_blocks(panel)
        return found.of, found.describe()
    declared = blocks or panel.declared_blocks
    if blocks is not None or declared:
        complete = dict(zip(panel.item_ids, complete_blocks(declared, panel.item_ids), strict=True))
        unnamed = sum(1 for i in panel.item_ids if i not in declared)
        how = f"{_number(set(complete.values()))} as declared"
        return complete, how + (f"; {unnamed} items without one are blocks of their own" if unnamed else "")
    by_ids = infer_blocks(panel.item_ids)
    if len(set(by_ids.values())) < len(by_ids):
        return by_ids, f"{_number(set(by_ids.values()))} by the ids of the items"
    found = find_blocks(panel)
    return found.of, found.describe()


def _number(blocks: Set[str]) -> str:
    return f"{len(blocks)} blocks" if len(blocks) > 1 else "a single block of all items"

"""Divide items into folds: at random, or whole groups (survey waves, batteries, release years) at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError, ParameterError

Rows = NDArray[np.int64]


def random_folds(n_items: int, n_folds: int = 5, *, seed: int = 0) -> list[Rows]:
    """Divide ``0 .. n_items - 1`` at random into disjoint folds of nearly equal size.

    Examples
    --------
    >>> sorted(int(j) for fold in random_folds(7, 3) for j in fold)
    [0, 1, 2, 3, 4, 5, 6]
    """
    if n_items < 2:
        raise DataError(
            f"cross-validation needs at least 2 training items; found {n_items}. Add items with known human marginals, "
            "or choose a method without settings (twins, mean)."
        )
    order = np.random.default_rng(seed).permutation(n_items)
    return [np.sort(part) for part in np.array_split(order, min(n_folds, n_items))]


def group_folds(groups: Sequence[str], n_folds: int = 5, *, seed: int = 0) -> list[Rows]:
    """Divide items into folds that never split a group.

    The largest groups are placed first, each into the emptiest fold.

    Examples
    --------
    >>> [fold.tolist() for fold in group_folds(["a", "a", "b", "c"], 3)]
    [[0, 1], [3], [2]]
    """
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    if names.size < 2:
        raise DataError(
            f"holding out whole groups needs at least 2 groups; found {names.size} ({', '.join(map(str, names))}). "
            "Leave the groups out to split items at random."
        )
    sizes = np.bincount(member)
    shuffled = np.random.default_rng(seed).permutation(names.size)
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    folds: list[list[int]] = [[] for _ in range(min(n_folds, names.size))]
    load = np.zeros(len(folds))
    for group in order:
        place = int(load.argmin())
        folds[place].append(int(group))
        load[place] += sizes[group]
    return [np.flatnonzero(np.isin(member, fold)) for fold in folds]


def item_folds(
    n_items: int, groups: Sequence[str] | None = None, n_folds: int = 5, *, seed: int = 0
) -> list[Rows]:
    """Divide items into folds: by groups where groups are given, at random otherwise."""
    if groups is None:
        return random_folds(n_items, n_folds, seed=seed)
    return group_folds(groups, n_folds, seed=seed)


def train_test_splits(
    n_items: int, n_splits: int = 5, *, groups: Sequence[str] | None = None, share: float = 0.8
) -> list[tuple[Rows, Rows]]:
    """Make repeated (train, test) splits; the first has seed 42, as in paper A's tables, the others seeds 1, 2, ...

    With groups, whole groups go to the test side until it holds ``1 - share`` of the items.

    Examples
    --------
    >>> train, test = train_test_splits(500)[0]
    >>> len(train), test[:3].tolist()
    (400, [212, 295, 457])
    """
    if not 0 < share < 1:
        raise ParameterError(f"the training share must lie between 0 and 1; got {share}")
    if n_splits < 1:
        raise ParameterError(f"the number of splits must be at least 1; got {n_splits}")
    out = []
    for split in range(n_splits):
        shuffler = np.random.RandomState(split or 42)
        if groups is None:
            order = np.arange(n_items)
            shuffler.shuffle(order)
            cut = int(n_items * share)
        else:
            order, cut = _group_order(groups, share, shuffler)
        if cut < 1 or cut >= n_items:
            raise DataError(
                f"a {share:.0%} / {1 - share:.0%} split must leave items on both sides; {n_items} items do not"
            )
        out.append((order[:cut], order[cut:]))
    return out


def _group_order(
    groups: Sequence[str],
    share: float,
    shuffler: np.random.RandomState,
) -> tuple[Rows, int]:
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    if names.size < 2:
        raise DataError(f"holding out whole groups needs at least 2 groups; found {names.size}")
    ranks = np.arange(names.size)
    shuffler.shuffle(ranks)
    wanted = (1 - share) * member.size
    test: list[int] = []
    for group in ranks:
        members = np.flatnonzero(member == group)
        if len(test) + members.size < member.size and len(test) < wanted:
            test.extend(int(j) for j in members)
    train = np.setdiff1d(np.arange(member.size), test)
    return np.concatenate([train, np.array(sorted(test), dtype=np.int64)]), train.size

"""Map weights of answerers to weighted shares of answers, and gradients back, without a dense tensor.

Answers are small integer codes. Items whose answers repeat the same joint patterns are merged, pair by pair, into
blocks. Each distinct pattern of a block is a *leaf*, so an answerer is one leaf number per block. The leaves are few,
and each knows the answers that it stands for. Weights flow up (answerers -> leaves -> items:
:meth:`CategoricalMap.shares`), gradients flow down (items -> leaves -> answerers: :meth:`CategoricalMap.pull_back`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from truetwin.errors import DataError

Floats = NDArray[np.float64]

MAX_LEAVES = 1 << 14  # leaf numbers are stored as uint16, and a block's table should stay in cache
DENSE_PAIRS = 1 << 22  # pairs of leaves up to which they are counted in a table
SPARSE_LIMIT = 1 << 24  # answerers x blocks up to which the top level is kept as one sparse matrix
CHUNK = 1 << 14  # answerers handled at once above that limit, so that the scratch arrays stay in cache


N_THREADS = min(os.cpu_count() or 1, 8)
BATCH = 16  # items that are merged among themselves before the next ones are looked at


@dataclass(frozen=True)
class _Node:
    """Set of items merged into one.

    It holds the leaf number of each answerer, and the leaves of its parts that each leaf combines.
    """

    leaves: NDArray[np.uint16] | None  # (n,); dropped once the node is part of another
    below: NDArray[np.int64]  # (n_leaves, 1): cells of an item; (n_leaves, 2): leaves of the two parts
    parts: tuple[_Node, ...] = ()

    @property
    def size(self) -> int:
        return int(self.below.shape[0])


class CategoricalMap:
    r"""Map weights to weighted answer counts :math:`S_{ja}(w) = \sum_i w_i 1[y_{ij} = a]`, and back (the adjoint).

    Parameters
    ----------
    items : iterable of ndarray of shape (n,)
        One vector of codes per item, -1 where the answerer gave no answer. It is consumed item by item, so the
        whole ``n x m`` table never has to exist.
    n_categories : sequence of int
        Number of categories of each item; codes are ``0 .. n_categories[j] - 1``.

    Attributes
    ----------
    shape : tuple of int
        ``(m, K)``: items by the largest number of categories; shares are zero where an item has fewer.
    n_answerers : int
        Number of answerers.
    n_blocks : int
        Merged groups of items; the work of a step is proportional to ``n_answerers * n_blocks``.
    complete : bool
        Whether every answerer answered every item.

    Notes
    -----
    Memory: two bytes per answerer and block. Merging stops where it no longer pays: when the merged group would
    have more than a third as many distinct patterns as there are answerers, or more than 16,384.

    Examples
    --------
    >>> import numpy as np
    >>> operator = CategoricalMap.from_codes(np.array([[0, 1], [1, 1], [1, -1]]), [2, 2])
    >>> operator.shares(np.array([0.5, 0.25, 0.25]))
    array([[0.5 , 0.5 ],
           [0.  , 0.75]])
    >>> operator.pull_back(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([5., 6., 2.])
    """

    def __init__(self, items: Iterable[NDArray[np.integer]], n_categories: Iterable[int]) -> None:
        sizes = np.asarray(list(n_categories), dtype=np.int64)
        self._sizes = sizes
        width = int(sizes.max()) if sizes.size else 0
        self.shape = (sizes.size, width)
        self.complete = True
        self._row = width + 1  # one column per category and one for "no answer"
        merged: list[_Node] = []
        batch: list[_Node] = []
        count = 0
        for j, codes in enumerate(items):
            codes = np.asarray(codes)
            if j == 0:
                self.n_answerers = codes.size
            if codes.size != self.n_answerers:
                raise DataError(
                    f"every item must have one answer per answerer; item number {j} has {codes.size}, the first has "
                    f"{self.n_answerers}"
                )
            node, complete = _item_node(codes, int(sizes[j]), j * self._row, width, j)
            self.complete &= complete
            batch.append(node)
            count += 1
            if len(batch) == BATCH:
                merged += _merged(batch)
                batch = []
        if count != sizes.size or not count:
            raise DataError(f"need one vector of answers per item, got {count} for {sizes.size} items")
        self._arrange(_merged(merged + _merged(batch)), sizes.size * self._row)

    @classmethod
    def from_codes(cls, codes: NDArray[np.integer], n_categories: Iterable[int]) -> CategoricalMap:
        """Build the map from an ``(n, m)`` table of codes."""
        return cls((codes[:, j] for j in range(codes.shape[1])), n_categories)

    def shares(self, weights: Floats) -> Floats:
        """Sum the weights of the answerers in every category of every item, shape ``(m, K)``."""
        if self._top is not None:
            mass = self._top_up @ weights
        else:
            count = partial(_leaf_mass, weights)
            mass = np.concatenate(list(_threads().map(count, self._leaves, self._n_leaves)))
        for level in self._levels_up:
            mass = level @ mass
        return np.ascontiguousarray(mass.reshape(self.shape[0], self._row)[:, :-1])

    def pull_back(self, gradient: Floats) -> Floats:
        """Adjoint of :meth:`shares`: sum ``gradient`` over the cells that each answerer answered, shape ``(n,)``."""
        values = np.zeros((self.shape[0], self._row))
        values[:, :-1] = gradient
        mass = values.ravel()
        for level in self._levels:
            mass = level @ mass
        if self._top is not None:
            return np.asarray(self._top @ mass)
        out = np.zeros(self.n_answerers)
        tables = np.split(mass, np.cumsum(self._n_leaves)[:-1])
        share = CHUNK * -(-self.n_answerers // (CHUNK * N_THREADS))  # whole chunks for each thread
        starts = range(0, self.n_answerers, share)
        list(_threads().map(lambda start: self._add_leaves(out, tables, start, start + share), starts))
        return out

    def _add_leaves(self, out: Floats, tables: list[Floats], begin: int, end: int) -> None:
        """Add to ``out[begin:end]`` the gradient of the leaves of these answerers."""
        index = np.empty(CHUNK, dtype=np.intp)
        looked_up = np.empty(CHUNK)
        for start in range(begin, min(end, self.n_answerers), CHUNK):
            part = out[start : min(start + CHUNK, end)]
            size = part.size
            for leaves, table in zip(self._leaves, tables, strict=True):
                index[:size] = leaves[start : start + size]
                np.take(table, index[:size], out=looked_up[:size], mode="clip")
                part += looked_up[:size]

    def codes(self, answerers: NDArray[np.integer]) -> NDArray[np.int16]:
        """Return the codes of these answerers, shape ``(len(answerers), m)``, -1 where there is no answer."""
        out = np.empty((answerers.size, self.shape[0]), dtype=np.int16)
        offset = 0
        for k, node in enumerate(self._nodes):
            if self._top is not None:
                leaves = self._top.indices.reshape(self.n_answerers, -1)[answerers, k] - offset
                offset += node.size
            else:
                leaves = self._leaves[k][answerers]
            for item, codes in _codes(node, leaves, self._row):
                out[:, item] = np.where(codes < self.shape[1], codes, -1)
        return out

    def take(self, answerers: NDArray[np.integer]) -> CategoricalMap:
        """Build the map of these answerers alone."""
        return CategoricalMap.from_codes(self.codes(answerers), self._sizes)

    @property
    def n_blocks(self) -> int:
        """Number of merged groups of items."""
        return len(self._n_leaves)

    @property
    def nbytes(self) -> int:
        """Memory held for the answers, in bytes."""
        if self._top is not None:
            return int(self._top.data.nbytes + self._top.indices.nbytes + self._top.indptr.nbytes)
        return sum(leaves.nbytes for leaves in self._leaves)

    def _arrange(self, nodes: list[_Node], n_cells: int) -> None:
        n = self.n_answerers
        tops = [node.leaves for node in nodes if node.leaves is not None]
        self._n_leaves = [node.size for node in nodes]
        self._nodes = [replace(node, leaves=None) for node in nodes]
        self._leaves = tops
        self._levels = _levels(nodes, n_cells)
        self._levels_up = [level.T for level in reversed(self._levels)]
        self._top: sp.csr_matrix | None = None
        if n * len(nodes) <= SPARSE_LIMIT:
            offsets = np.concatenate([[0], np.cumsum(self._n_leaves)])
            index = np.stack(tops, axis=1) + offsets[:-1]
            pointer = np.arange(0, index.size + 1, len(nodes))
            self._top = sp.csr_matrix(
                (np.ones(index.size), index.ravel().astype(np.int32), pointer.astype(np.int32)),
                shape=(n, int(offsets[-1])),
            )
            self._top_up = self._top.T
            self._leaves = []


@cache
def _threads() -> ThreadPoolExecutor:
    # numpy lets go of the interpreter while it counts and looks up; every number is computed by one thread, so that
    # results do not depend on how many there are.
    return ThreadPoolExecutor(N_THREADS, thread_name_prefix="truetwin-map")


def _leaf_mass(weights: Floats, leaves: NDArray[np.uint16], size: int) -> Floats:
    return np.bincount(leaves, weights=weights, minlength=size).astype(np.float64, copy=False)


def _item_node(
    codes: NDArray[np.integer], size: int, offset: int, missing: int, item: int
) -> tuple[_Node, bool]:
    codes = np.asarray(codes)
    low, high = (int(codes.min()), int(codes.max())) if codes.size else (0, -1)
    if low < -1 or high >= size:
        raise DataError(
            f"codes of item number {item} must lie in 0..{size - 1}, or be -1 for no answer; found {low}..{high}"
        )
    absent = codes < 0
    has_missing = bool(absent.any())
    leaves = np.where(absent, size, codes).astype(np.uint16)
    cells = np.arange(size + has_missing, dtype=np.int64) + offset
    if has_missing:
        cells[-1] = offset + missing
    return _Node(leaves, cells[:, None]), not has_missing


def _codes(node: _Node, leaves: NDArray[np.integer], row: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each item of a node with the codes that belong to these leaves; an item has ``row`` cells."""
    below = node.below[leaves]
    if not node.parts:
        yield int(node.below[0, 0]) // row, below[:, 0] % row
    for k, part in enumerate(node.parts):
        yield from _codes(part, below[:, k], row)


def _entropy(leaves: NDArray[np.uint16] | None) -> float:
    assert leaves is not None
    counts = np.bincount(leaves)
    p = counts[counts > 0] / leaves.size
    return float(-(p * np.log(p)).sum())


def _levels(nodes: list[_Node], n_cells: int) -> list[sp.csr_matrix]:
    """Build the 0/1 matrices from the leaves of the nodes down to the cells of the items, the lowest level first."""
    levels = []
    while any(node.parts for node in nodes):
        below = [part for node in nodes for part in (node.parts or (node,))]
        start, columns, counts = 0, [], []
        for node in nodes:
            if node.parts:
                offsets = np.array([start, start + node.parts[0].size])
                columns.append((node.below + offsets).ravel())
                start += node.parts[0].size + node.parts[1].size
            else:  # an item that stands alone passes through
                columns.append(np.arange(start, start + node.size, dtype=np.int64))
                start += node.size
            counts.append(np.full(node.size, 2 if node.parts else 1))
        levels.append(_zero_one(columns, counts, start))
        nodes = below
    levels.append(
        _zero_one(
            [node.below.ravel() for node in nodes], [np.ones(node.size, int) for node in nodes], n_cells
        )
    )
    return levels[::-1]


def _zero_one(columns: list[NDArray[np.int64]], counts: list[NDArray[np.int64]], width: int) -> sp.csr_matrix:
    joined = np.concatenate(columns)
    pointer = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    return sp.csr_matrix((np.ones(joined.size), joined, pointer), shape=(pointer.size - 1, width))


def _merged(nodes: list[_Node]) -> list[_Node]:
    """Merge neighbouring nodes, those with the fewest distinct patterns first, until no two can be merged."""
    nodes = sorted(nodes, key=lambda node: _entropy(node.leaves))
    changed = True
    while changed:
        out: list[_Node] = []
        changed, k = False, 0
        while k < len(nodes):
            joined = _joined(nodes[k], nodes[k + 1]) if k + 1 < len(nodes) else None
            out.append(nodes[k] if joined is None else joined)
            changed |= joined is not None
            k += 1 if joined is None else 2
        nodes = out
    return nodes


def _joined(left: _Node, right: _Node) -> _Node | None:
    assert left.leaves is not None
    assert right.leaves is not None
    cap = min(MAX_LEAVES, max(left.leaves.size // 3, 2))
    n_pairs = left.size * right.size
    pairs = left.leaves.astype(np.int64) * right.size + right.leaves
    if n_pairs > 4 * MAX_LEAVES and np.unique(pairs[: 4 * cap]).size > cap:
        return None  # a sample shows that merging does not pay
    if n_pairs <= DENSE_PAIRS:
        seen = np.flatnonzero(np.bincount(pairs, minlength=n_pairs))
    else:
        seen = np.unique(pairs)
    if seen.size > cap:
        return None
    if n_pairs <= DENSE_PAIRS:
        rank = np.zeros(n_pairs, dtype=np.uint16)
        rank[seen] = np.arange(seen.size, dtype=np.uint16)
        leaves = rank[pairs]
    else:
        leaves = np.searchsorted(seen, pairs).astype(np.uint16)
    below = np.stack([seen // right.size, seen % right.size], axis=1)
    return _Node(leaves, below, (replace(left, leaves=None), replace(right, leaves=None)))

"""Answers of a panel as shares: people's, weighted, and their twins', on the same categories or bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.data.human_marginals import category_shares
from truetwin.data.panel import Panel
from truetwin.data.scale import Scale
from truetwin.errors import DataError
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]

MOST_CATEGORIES = 12  # an ordinal item with more is binned like a numeric one
N_BINS = 10
OUTWARD = 0.1  # where a bin without twins has its code: so far from its end that is nearer to the twins' mean


@dataclass(frozen=True, eq=False)
class Categories:
    """Categories of one item, or bins of a wide numeric one.

    Attributes
    ----------
    codes : ndarray of shape (K,)
        Codes; for bins the expected mean answer in each.
    edges : ndarray of shape (K - 1,) or None
        Ends between bins; an answer at an end belongs to the bin below. None for categories.
    ordered : bool
        Whether codes have an order.
    """

    codes: Floats
    edges: Floats | None
    ordered: bool

    @classmethod
    def of(cls, scale: Scale, twins: Floats) -> Categories:
        """Read the categories off a scale; bins of a wide scale come from the twins' answers, never from people's."""
        if scale.kind == "nominal" or (scale.kind == "ordinal" and scale.n_categories <= MOST_CATEGORIES):
            return cls(np.array(scale.categories, dtype=float), None, scale.kind == "ordinal")
        given = twins[np.isfinite(twins)]
        ended = np.isfinite(scale.low) and np.isfinite(scale.high)
        low = min(scale.low, given.min()) if ended else given.min()
        high = max(scale.high, given.max()) if ended else given.max()
        edges = twin_quantile_edges(given, float(low), float(high))
        ends = np.concatenate([[low], edges, [high]])
        place = np.searchsorted(edges, given)
        counts = np.bincount(place, minlength=edges.size + 1)
        means = np.bincount(place, weights=given, minlength=edges.size + 1) / np.maximum(counts, 1)
        below = ends[1:] <= given.mean()
        near, far = np.where(below, ends[1:], ends[:-1]), np.where(below, ends[:-1], ends[1:])
        codes = np.where(counts > 0, means, near + OUTWARD * (far - near))
        return cls(np.maximum.accumulate(codes), edges, True)

    @property
    def size(self) -> int:
        """Number of categories or bins."""
        return int(self.codes.size)

    def numbers(self, answers: Floats) -> NDArray[np.int16]:
        """Convert answers to numbers of categories; -1 where missing. An answer between codes gets the nearest."""
        there = np.isfinite(answers)
        known = np.where(there, answers, self.codes[0])
        if self.edges is not None:
            found = np.searchsorted(self.edges, known)
        else:
            found = np.abs(known[:, None] - self.codes).argmin(axis=1)
        return np.where(there, found, -1).astype(np.int16)

    def places(self) -> Floats:
        """Place of every category between 0 and 1."""
        low, high = self.codes.min(), self.codes.max()
        if not self.ordered or high <= low:
            return np.zeros(self.size)
        return np.asarray((self.codes - low) / (high - low))


def twin_quantile_edges(answers: Floats, low: float, high: float, n_bins: int = N_BINS) -> Floats:
    """Ends between bins that hold equally many twins' answers; where answers are tied, the widest gaps are halved.

    Examples
    --------
    >>> twin_quantile_edges(np.array([50.0] * 9 + [100.0]), 0.0, 100.0, n_bins=4).tolist()
    [25.0, 50.0, 75.0]
    """
    edges = np.unique(np.quantile(answers, np.arange(1, n_bins) / n_bins))
    while edges.size < n_bins - 1 and high > low:
        ends = np.concatenate([[low], edges, [high]])
        k = int(np.argmax(np.diff(ends)))
        edges = np.unique(np.append(edges, 0.5 * (ends[k] + ends[k + 1])))
    return np.asarray(edges)


@dataclass(frozen=True, eq=False)
class PanelTable:
    """Items of a panel that twins have answered, as shares.

    Attributes
    ----------
    table : TwinTable
        Twins' answers.
    categories : tuple of Categories
        Categories of each item.
    human : ndarray of shape (m, width)
        Weighted shares of people's answers; 0 where nobody has answered.
    bases : ndarray of shape (m,)
        Effective number of people who have answered; 0 where nobody has.
    people : float
        Effective number of people of the panel.
    """

    table: TwinTable
    categories: tuple[Categories, ...]
    human: Floats
    bases: Floats
    people: float

    @classmethod
    def of(cls, panel: Panel, batteries: Mapping[str, str], weights: Floats | None = None) -> PanelTable:
        """Count shares of the panel's items; ``weights`` are one number a respondent, in the panel's order.

        Items that twins have not answered are left out.
        """
        twins = panel.source_values  # (sources, respondents, items)
        given = np.isfinite(twins).any(axis=0)
        counted = np.ones(len(panel.respondent_ids)) if weights is None else weights
        columns = np.flatnonzero((given & (counted > 0)[:, None]).any(axis=0))
        if not columns.size:
            raise DataError(
                f"{panel.twin.source} must hold answers of twins of people with a positive weight"
            )
        ids = [panel.item_ids[j] for j in columns]
        kinds = tuple(
            Categories.of(panel.scales[i], twins[:, :, j].ravel()) for i, j in zip(ids, columns, strict=True)
        )
        width = max(each.size for each in kinds)
        human, places = np.zeros((len(ids), width)), np.zeros((len(ids), width))
        bases = np.zeros(len(ids))
        for r, (j, each) in enumerate(zip(columns, kinds, strict=True)):
            numbers = each.numbers(panel.human_values[:, j]).astype(float)
            shares, bases[r] = category_shares(numbers, range(each.size), counted)
            human[r, : each.size] = np.nan_to_num(shares)
            places[r, : each.size] = each.places()
        rows, sources = _rows(panel)
        table = TwinTable.build(
            np.column_stack(
                [each.numbers(twins[:, :, j].ravel()[rows]) for j, each in zip(columns, kinds, strict=True)]
            ),
            [each.size for each in kinds],
            item_ids=ids,
            ordered=[each.ordered for each in kinds],
            prior=np.tile(counted, len(twins))[rows],
            texts=_texts(panel, ids),
            batteries=[batteries[i] for i in ids],
            places=places,
            binned=[each.edges is not None for each in kinds],
            sources=sources,
        )
        return cls(table, kinds, human, bases, _effective(panel, counted))


def _rows(panel: Panel) -> tuple[NDArray[np.intp], list[str]]:
    """Return the rows of all sources, one below the other, that hold an answer, and the source of each.

    A lone source keeps all its rows, and needs no name.
    """
    if len(panel.sources) == 1:
        return np.arange(len(panel.respondent_ids)), []
    source, _ = there = np.nonzero(np.isfinite(panel.source_values).any(axis=2))
    rows = np.ravel_multi_index(there, panel.source_values.shape[:2])
    return rows, [panel.source_names[s] for s in source]


def _texts(panel: Panel, ids: Sequence[str]) -> list[str] | None:
    texts = [panel.items[i].text if i in panel.items else "" for i in ids]
    return texts if all(any(c.isalnum() for c in text) for text in texts) else None


def _effective(panel: Panel, weights: Floats) -> float:
    """Kish's effective number of people who have answered anything, or of all if nobody has."""
    answered = np.isfinite(panel.human_values).any(axis=1)
    used = weights[answered & (weights > 0)]
    used = used if used.size else weights[weights > 0]
    return float(used.sum() ** 2 / (used**2).sum())

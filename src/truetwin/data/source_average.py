r"""Average the answers of several twin sources: one table in which each source counts alike.

A source is one table of twin answers. Sources may use a scale differently: one keeps to its middle, another to its
ends. Each is therefore standardised by itself, item by item, before answers are averaged:

.. math:: A_{ij} = \bar m_j + \bar s_j \frac{1}{|S_{ij}|} \sum_{s \in S_{ij}} \frac{Y^s_{ij} - m^s_j}{s^s_j},

with :math:`S_{ij}` the sources that have an answer of person i to item j, :math:`m^s_j, s^s_j` mean and sd of the item
in source s, and :math:`\bar m_j, \bar s_j` their means over sources.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item, merged_item
from truetwin.data.responses import ResponseMatrix

#: An sd below this part of the mean sd of all sources is raised to it, so that one odd answer of a source that is else
#: constant does not outweigh the others. The eight public sources of Twin-2K-500 correlate alike with people's answers,
#: .228 to .229, for every value from 0 to 2.
SD_FLOOR = 0.25


def average_table(sources: Mapping[str, ResponseMatrix], nominal: Collection[str] = ()) -> ResponseMatrix:
    """Average several sources into one table of all their respondents and items.

    Parameters
    ----------
    sources : mapping from name to ResponseMatrix
        Two or more sources; each may lack people and items.
    nominal : collection of str
        Items whose codes have no order: the commonest answer is taken, and of several the one of the earliest source.

    Examples
    --------
    >>> a = ResponseMatrix([[1, 2], [3, 4]], ["p", "q"], ["Q1", "Q2"])
    >>> b = ResponseMatrix([[3], [5]], ["p", "q"], ["Q1"])
    >>> average_table({"a": a, "b": b}).values
    array([[2., 2.],
           [4., 4.]])
    """
    tables = list(sources.values())
    people = tuple(dict.fromkeys(r for table in tables for r in table.respondent_ids))
    items: dict[str, Item] = {}
    for table in tables:
        items |= {item.id: merged_item(items.get(item.id, item), item) for item in table.items}
    stack = np.stack([table.on_grid(people, tuple(items)) for table in tables])
    values = average_answers(stack)
    for j, item in enumerate(items):
        if item in nominal:
            values[:, j] = commonest_answers(stack[:, :, j])
    first = tables[0]
    return ResponseMatrix(
        values,
        people,
        items.values(),
        _weights(tables, people),
        f"the average of {_listed(list(sources))}",
        first.id_name,
        first.frame_kind,
        first.id_type,
        expectations=True,
        off_scale_counts=_counts(tables, tuple(items)),
        notes=dict.fromkeys(note for table in tables for note in table.notes),
    )


def average_answers(stack: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average answers (S, n, m) over sources, each standardised by itself; (n, m), NaN where no source has one.

    No average lies beyond the answers that sources gave to the item.
    """
    seen = np.isfinite(stack)
    count = np.maximum(seen.sum(axis=1), 1)  # (S, m)
    mean = np.where(seen, stack, 0.0).sum(axis=1) / count
    deviations = np.where(seen, stack - mean[:, None], 0.0)
    sd = np.sqrt((deviations**2).sum(axis=1) / count)
    sd = np.where(sd <= 1e-9 * np.maximum(1.0, np.abs(mean)), 0.0, sd)
    has = seen.any(axis=1)
    n_sources = np.maximum(has.sum(axis=0), 1)  # (m,)
    centre, spread = (np.where(has, part, 0.0).sum(axis=0) / n_sources for part in (mean, sd))
    unit = np.maximum(sd, SD_FLOOR * spread)
    varies = sd[:, None] > 0  # where all answers are the same, deviations are rounding
    z = np.where(varies, deviations / np.where(unit > 0, unit, 1.0)[:, None], 0.0)
    n_answers = seen.sum(axis=0)
    averaged = centre + spread * z.sum(axis=0) / np.maximum(n_answers, 1)
    low = np.min(stack, axis=(0, 1), where=seen, initial=np.inf)
    high = np.max(stack, axis=(0, 1), where=seen, initial=-np.inf)
    return np.where(n_answers > 0, np.clip(averaged, np.minimum(low, high), np.maximum(low, high)), np.nan)


def commonest_answers(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the answer (n,) that most sources (S, n) give, of several the one of the earliest source.

    Examples
    --------
    >>> commonest_answers(np.array([[1.0, 1.0], [2.0, 2.0], [np.nan, 2.0]]))
    array([1., 2.])
    """
    votes = (codes[:, None] == codes[None]).sum(axis=1)
    return np.asarray(codes[votes.argmax(axis=0), np.arange(codes.shape[1])])


def _weights(tables: Sequence[ResponseMatrix], people: Sequence[str]) -> NDArray[np.float64] | None:
    """Give each person the weight of the first source that has one; 1 where none has."""
    found: dict[str, float] = {}
    for table in tables:
        if table.weights is not None:
            found = dict(zip(table.respondent_ids, table.weights.tolist(), strict=True)) | found
    return np.array([found.get(person, 1.0) for person in people]) if found else None


def _counts(tables: Sequence[ResponseMatrix], items: Sequence[str]) -> list[int]:
    """Average the number of off-scale answers to each item over the sources that have it."""
    given: dict[str, list[int]] = {}
    for table in tables:
        for item, count in zip(table.item_ids, table.off_scale_counts, strict=True):
            given.setdefault(item, []).append(count)
    return [round(float(np.mean(given[item]))) for item in items]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")

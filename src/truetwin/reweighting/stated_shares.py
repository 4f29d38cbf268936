"""Take the shares that twins state for a whole population in place of their single answers."""

from __future__ import annotations

import numpy as np

from truetwin.data.marginals import Marginals
from truetwin.data.responses import ResponseMatrix
from truetwin.errors import AlignmentError

#: A smaller share counts as none.
_LEAST = 1e-9


def stated_answers(stated: Marginals, population: str) -> ResponseMatrix:
    """Return answers whose shares are those stated: one row for each category, weighted by its share.

    Each row answers a single item, because shares of a population do not say which answers go together. A statement for
    one population serves all; several must have the names of those that are predicted.

    Examples
    --------
    >>> from truetwin.data import Item, Scale
    >>> from truetwin.data.marginals import ItemMarginal
    >>> said = Marginals.of([ItemMarginal(Item("Q1", scale=Scale.ordinal(1, 2)), np.array([0.25, 0.75]))])
    >>> found = stated_answers(said, "all")
    >>> found.values.ravel().tolist(), found.weights.tolist()
    ([1.0, 2.0], [0.25, 0.75])

    Raises
    ------
    AlignmentError
        If shares are stated for several populations, and not for this one.
    """
    lone = len(stated.populations) == 1
    if not lone and population not in stated.populations:
        raise AlignmentError(
            f"{stated.source} must state shares for the population {population!r}; it does for "
            f"{', '.join(map(repr, stated.populations))}"
        )
    known = stated.by_population[stated.populations[0] if lone else population]
    ids, rows, weights = [], [], []
    for j, (item_id, marginal) in enumerate(known.items()):
        assert marginal.item.scale is not None
        for code, share in zip(marginal.item.scale.categories, marginal.shares.tolist(), strict=True):
            if share > _LEAST:
                ids.append(f"{item_id}: {code:g}")
                rows.append((j, code))
                weights.append(share)
    values = np.full((len(rows), len(known)), np.nan)
    for k, (j, code) in enumerate(rows):
        values[k, j] = code
    items = [marginal.item for marginal in known.values()]
    return ResponseMatrix(values, ids, items, np.array(weights), stated.source)

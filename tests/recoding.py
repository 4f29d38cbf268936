"""Other codes for the categories of nominal items: nothing may depend on them."""

from __future__ import annotations

import numpy as np

from truetwin.data import Item, Panel, ResponseMatrix, Scale

#: Another code for each of the codes 1 to 4, in another order.
NEW_CODES = {1.0: 7.0, 2.0: 1.0, 3.0: 40.0, 4.0: -2.0}


def recoded(panel: Panel) -> Panel:
    """Give other codes to the categories of every nominal item, in another order."""
    return Panel(_recoded(panel.human), _recoded(panel.twin))


def _recoded(matrix: ResponseMatrix) -> ResponseMatrix:
    values, items = matrix.values.copy(), list(matrix.items)
    for j, item in enumerate(items):
        if item.scale is not None and item.scale.kind == "nominal":
            codes = [NEW_CODES[c] for c in item.scale.categories]
            values[:, j] = [NEW_CODES.get(v, np.nan) for v in values[:, j]]
            items[j] = Item(item.id, item.text, Scale.nominal(sorted(codes)), item.block)
    return ResponseMatrix(values, matrix.respondent_ids, items)

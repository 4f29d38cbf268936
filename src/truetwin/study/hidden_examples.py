"""Hide and predict a few answered items, and compare the shares of people, of predictions and of plain twins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.human_marginals import twin_category_shares
from truetwin.data.twin_sources import on_scales
from truetwin.errors import NotPredictableError
from truetwin.estimation.reconciliation import calibrate
from truetwin.study.step_work import Work

MOST_CATEGORIES = 11


def example_items(panel: Panel, number: int) -> list[str]:
    """Choose answered ordinal items at even distances in the order of the table. Their results play no part."""
    new = set(panel.new_items)
    usable = [
        item
        for k, item in enumerate(panel.item_ids)
        if item not in new
        and np.isfinite(panel.twin_values[:, k]).any()
        and panel.scales[item].kind == "ordinal"
        and panel.scales[item].n_categories <= MOST_CATEGORIES
    ]
    places = np.linspace(0, len(usable), min(number, len(usable)) + 1)[:-1].astype(int)
    return [usable[k] for k in places]


def example_shares(work: Work, number: int) -> list[dict[str, Any]]:
    """Compute the share of each category among people, in the predictions, and among twins.

    Returns one row for each category. All three shares are over the people who have answered the item, weighted if the
    study has weights. Its human answers are hidden before anything is calibrated. Items that cannot be predicted are
    left out.
    """
    panel = work.panel
    weights = np.ones(len(panel.respondent_ids)) if work.weights is None else work.weights
    rows = []
    for item in example_items(panel, number):
        place, scale = panel.item_ids.index(item), panel.scales[item]
        try:
            found = calibrate(
                _without(panel, item), "auto", items=[item], blocks=work.blocks, weights=work.weights
            )
        except NotPredictableError:
            continue
        human, shares = panel.human_values[:, place], found.probabilities(item)
        who = np.isfinite(human) & np.isfinite(shares).all(axis=1) & (weights > 0)
        if not who.any():
            continue
        twin = twin_category_shares(panel, item, np.where(who, weights, 0.0))
        for k, code in enumerate(sorted(scale.categories)):
            rows.append(
                {
                    "item": item,
                    "category": scale.labels.get(code, f"{code:g}"),
                    "human": _mean(human == code, weights, who),
                    "calibrated": _mean(shares[:, k], weights, who),
                    "twin": twin.get(code),
                    "n": int(who.sum()),
                }
            )
    return rows


def _mean(values: NDArray[Any], weights: NDArray[np.float64], who: NDArray[np.bool_]) -> float | None:
    return float(np.average(values[who], weights=weights[who])) if who.any() else None


def _without(panel: Panel, item: str) -> Panel:
    """Return the panel without human answers to the item. Its scale, which people's answers have shown, is kept."""
    human, values = panel.human, panel.human.values.copy()
    values[:, human.item_ids.index(item)] = np.nan
    hidden = ResponseMatrix(
        values, human.respondent_ids, human.items, human.weights, human.source, human.id_name
    )
    declared = {i: replace(known, scale=panel.scales[i]) for i, known in panel.items.items()}
    sources = {name: on_scales(source, declared) for name, source in panel.sources.items()}
    return Panel(hidden.with_items(declared), sources, people=panel.people)

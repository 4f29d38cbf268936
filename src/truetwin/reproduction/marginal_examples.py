"""Figures 8 and 9 of paper A as data: an example item, and the share of the variance that predictions keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.datasets.movielens_marginals import MarginalData
from truetwin.errors import AlignmentError
from truetwin.evaluation.marginal_metrics import variance_ratio
from truetwin.reproduction.marginal_tables import load_marginal_dataset
from truetwin.reweighting.ensemble import Ensemble
from truetwin.reweighting.marginal_inputs import align
from truetwin.reweighting.splits import train_test_splits

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ExampleItem:
    """Human, predicted and uncalibrated shares of one hidden item (figure 8)."""

    item_id: str
    categories: tuple[str, ...]
    human: Floats
    predicted: Floats
    uncalibrated: Floats

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a category."""
        columns = zip(self.categories, self.human, self.predicted, self.uncalibrated, strict=True)
        return [
            {
                "item_id": self.item_id,
                "category": c,
                "human": float(h),
                "predicted": float(p),
                "uncalibrated": float(u),
            }
            for c, h, p, u in columns
        ]


@dataclass(frozen=True, eq=False)
class VarianceRatios:
    """Ratio of predicted to human variance of every hidden item (figure 9); NaN where humans do not vary."""

    item_ids: tuple[str, ...]
    predicted: Floats
    uncalibrated: Floats

    def rows(self) -> list[dict[str, Any]]:
        """Return one row an item."""
        columns = zip(self.item_ids, self.predicted, self.uncalibrated, strict=True)
        return [{"item_id": i, "predicted": float(p), "uncalibrated": float(u)} for i, p, u in columns]


@dataclass(frozen=True, eq=False)
class FigureData:
    """Data of figures 8 and 9."""

    example: ExampleItem
    ratios: VarianceRatios


def figure_data(
    dataset: str = "movielens",
    data: MarginalData | None = None,
    *,
    discrepancy: str = "cdf-l1",
    item: str | None = None,
) -> FigureData:
    """Train on the paper's split and predict its test items; the example is ``item``, or the first of them."""
    loaded = data or load_marginal_dataset(dataset)
    aligned = align(loaded.twins, loaded.marginals, predict=())
    table = aligned.table
    human = loaded.marginals.shares(table.item_ids, width=table.width)
    train, test = train_test_splits(table.n_items, 1)[0]
    hidden = table.take(test)
    predicted = Ensemble(discrepancy=discrepancy).fit(table.take(train), human[train], {}).predict(hidden)
    if item is not None and item not in hidden.item_ids:
        raise AlignmentError(f"the example must be a hidden item; {item!r} is not among them")
    place = hidden.item_ids.index(item) if item else 0
    scale = aligned.items[int(test[place])].scale
    assert scale is not None
    size = scale.n_categories
    example = ExampleItem(
        hidden.item_ids[place],
        tuple(scale.labels.get(code, f"{code:g}") for code in scale.categories),
        human[test][place, :size],
        predicted[place, :size],
        hidden.histogram[place, :size],
    )
    codes = np.arange(table.width, dtype=float)  # the ratio is the same for any equally spaced codes
    ratios = VarianceRatios(
        hidden.item_ids,
        variance_ratio(human[test], predicted, codes),
        variance_ratio(human[test], hidden.histogram, codes),
    )
    return FigureData(example, ratios)

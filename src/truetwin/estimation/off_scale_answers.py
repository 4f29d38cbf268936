"""Expect how many people will not answer an item: the share of don't know, refused and other off-scale codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel

Floats = NDArray[np.float64]
FEWEST = 10


@dataclass(frozen=True)
class ExpectedOffScale:
    """Expected share of off-scale codes among all answers to an item, with its interval if it is known."""

    share: float
    lower: float | None
    upper: float | None


def expected_off_scale(panel: Panel, items: Sequence[str], level: float) -> dict[str, ExpectedOffScale]:
    """Expect the share of off-scale answers to each item from answered items and from twins.

    The share of people is regressed on that of their twins over answered items; the slope is 0 if that predicts items
    that were left out better, as it does where twins never decline to answer.

    Parameters
    ----------
    panel : Panel
    items : sequence of str
        Items to estimate.
    level : float
        Probability that an interval holds.

    Returns
    -------
    dict
        Empty if neither people nor twins gave any off-scale answer.
    """
    human, twin = (
        dict(zip(source.item_ids, source.off_scale_counts, strict=True))
        for source in (panel.human, panel.twin)
    )
    if not any(human.values()) and not any(twin.values()):
        return {}
    people, twins = (
        _rates(values, panel.item_ids, given)
        for values, given in ((panel.human_values, human), (panel.twin_values, twin))
    )
    twins = np.nan_to_num(twins)
    known = np.array([np.isfinite(people[j]) and i not in set(items) for j, i in enumerate(panel.item_ids)])
    if not known.any():
        return {}
    x, y = twins[known], people[known]
    slope, centre, errors = _regression(x, y)
    found = {}
    for item in items:
        share = float(np.clip(y.mean() + slope * (twins[panel.item_ids.index(item)] - centre), 0.0, 1.0))
        ends: tuple[float | None, float | None] = (None, None)
        if errors.size >= FEWEST:
            low, high = np.quantile(errors, [(1 - level) / 2, (1 + level) / 2])
            ends = float(np.clip(share + min(low, 0.0), 0, 1)), float(np.clip(share + max(high, 0.0), 0, 1))
        found[item] = ExpectedOffScale(share, *ends)
    return found


def _rates(values: Floats, items: Sequence[str], given: Mapping[str, int]) -> Floats:
    off = np.array([given.get(i, 0) for i in items], dtype=np.float64)
    total = np.isfinite(values).sum(axis=0) + off
    return np.asarray(np.divide(off, total, out=np.full(off.shape, np.nan), where=total > 0))


def _regression(x: Floats, y: Floats) -> tuple[float, float, Floats]:
    """Return the slope (0 if that errs less), the mean of x, and the errors of y with each item left out."""
    n, centre = x.size, float(x.mean())
    if n < 3:
        return 0.0, centre, np.zeros(0)
    alone = (y - y.mean()) * n / (n - 1)
    square = float(((x - centre) ** 2).sum())
    if square <= 1e-12:
        return 0.0, centre, alone
    slope = float((x - centre) @ y / square)
    leverage = np.minimum(1 / n + (x - centre) ** 2 / square, 0.999)
    fitted = (y - y.mean() - slope * (x - centre)) / (1 - leverage)
    if slope > 0 and (fitted**2).sum() < (alone**2).sum():
        return slope, centre, fitted
    return 0.0, centre, alone

"""Shares of groups, from everybody's shares and the gaps of groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel, Scale
from truetwin.data.human_marginals import category_shares
from truetwin.estimation.gap_law import GapLaw, tilted
from truetwin.estimation.group_errors import GroupErrors
from truetwin.estimation.group_means import gap_record, gaps, standardised, weighted_sd
from truetwin.estimation.grouping import Grouping
from truetwin.reweighting.share_law import ShareLaw

Floats = NDArray[np.float64]
MOST_CATEGORIES = 12
FEWEST = 5.0


@dataclass(frozen=True, eq=False)
class GroupLaw:
    """Law of the groups of one column in items that nobody has answered.

    Attributes
    ----------
    grouping : Grouping
    gaps : GapLaw
        Law of the gaps of means.
    share_errors : GroupErrors
        How far off shares are, in units of the sd of the indicator; groups miss together as they do in means.
    """

    grouping: Grouping
    gaps: GapLaw
    share_errors: GroupErrors

    @classmethod
    def learn(cls, panel: Panel, hidden: Floats, grouping: Grouping, blocks: Mapping[str, str]) -> GroupLaw:
        """Learn from answered items.

        Parameters
        ----------
        panel : Panel
            Answers; those to the items that are to be estimated are hidden.
        hidden : ndarray of shape (n_people, n_items)
            Predictions of answered items, made as if they were new; NaN elsewhere.
        grouping : Grouping
        blocks : mapping from item to battery
        """
        kinds = [panel.scales[i].kind for i in panel.item_ids]
        answered = np.isfinite(panel.human_values).any(axis=0) & np.isfinite(hidden).any(axis=0)
        known = [j for j in np.flatnonzero(answered).tolist() if kinds[j] != "nominal"]
        units = [blocks[panel.item_ids[j]] for j in known]
        human = panel.human_values[:, known]
        record = gap_record(human, panel.twin_values[:, known], hidden[:, known], grouping, units)
        law = GapLaw.learn(record, FEWEST)
        predicted = law.predict(record.twin, record.calibrated)
        errors, sizes, of_unit = [], [], []
        for row, j in enumerate(known):
            scale = panel.scales[panel.item_ids[j]]
            if not 2 <= scale.n_categories <= MOST_CATEGORIES:
                continue
            found = _share_errors(human[:, row], scale, predicted[row], grouping)
            errors.append(found)
            sizes.append(np.broadcast_to(record.bases[row], found.shape))
            of_unit += [units[row]] * len(found)
        if not errors:
            return cls(grouping, law, law.errors)
        stacked, base = np.concatenate(errors), np.concatenate(sizes)
        number = np.unique(np.array(of_unit, dtype=object).astype(str), return_inverse=True)[1]
        stacked = np.where(base >= FEWEST, stacked, np.nan)
        return cls(grouping, law, law.errors.with_sizes_of(stacked, base, number))

    def shares(
        self, law_shares: Floats, law: ShareLaw, twin: Floats, points: Floats | None, predicted: Floats | None
    ) -> Floats:
        """Return the shares of each group, (n_groups, K).

        Parameters
        ----------
        law_shares : ndarray of shape (K,)
            Shares over everybody.
        law : ShareLaw
            Codes of the categories.
        twin : ndarray of shape (n_people,), or (n_sources, n_people) for nominal items
            Twins' answers to the item; there is no average of codes.
        points : ndarray of shape (n_people,) or None
            Predicted answers.
        predicted : ndarray of shape (n_people, K) or None
            Predicted probabilities, for nominal items.
        """
        if law.ordered:
            mean = float(law_shares @ law.codes)
            sd = float(np.sqrt(max(float(law_shares @ (law.codes - mean) ** 2), 0.0)))
            own = self._standard_gap(twin[:, None], None)
            calibrated = np.zeros_like(own) if points is None else self._standard_gap(points[:, None], sd)
            moved = tilted(law_shares, law.codes, sd * self.gaps.predict(own, calibrated)[0])
        else:
            sds = np.sqrt(np.maximum(law_shares * (1 - law_shares), 1e-9))
            chosen = (np.atleast_2d(twin)[:, :, None] == law.codes).sum(axis=0)  # (n_people, K)
            answers = np.isfinite(np.atleast_2d(twin)).sum(axis=0)[:, None]
            indicators = np.where(answers > 0, chosen / np.maximum(answers, 1), np.nan)
            own = self._standard_gap(indicators, None)
            calibrated = np.zeros_like(own) if predicted is None else self._standard_gap(predicted, sds)
            moved = law_shares + (sds[:, None] * self.gaps.predict(own, calibrated)).T
            moved = np.maximum(moved, 1e-4 * law_shares)
            moved /= moved.sum(axis=1, keepdims=True)
        return with_margin(moved, self.grouping.shares, law_shares)

    def _standard_gap(self, values: Floats, sd: float | Floats | None) -> Floats:
        found = gaps(values, self.grouping)
        scale = weighted_sd(values, self.grouping.weights) if sd is None else np.broadcast_to(sd, len(found))
        return np.nan_to_num(standardised(found, np.asarray(scale, dtype=np.float64)))


def _share_errors(values: Floats, scale: Scale, gap: Floats, grouping: Grouping) -> Floats:
    """Errors of the groups' predicted shares of one answered item, in sd of each indicator, (K, n_groups)."""
    codes = np.array(scale.categories)
    shares, _ = category_shares(values, scale.categories, grouping.weights)
    mean = shares @ codes
    sd = np.sqrt(shares @ (codes - mean) ** 2)
    predicted = tilted(shares, codes, sd * np.nan_to_num(gap))
    true = np.array(
        [
            category_shares(values, scale.categories, grouping.members[:, g])[0]
            for g in range(grouping.n_groups)
        ]
    )
    spread = np.sqrt(shares * (1 - shares))
    there = spread > 0.05  # an indicator that is nearly constant has no shape of errors
    return np.asarray(((true - predicted)[:, there] / spread[there]).T)


def with_margin(table: Floats, shares: Floats, wanted: Floats, n_steps: int = 30) -> Floats:
    """Fit the groups' shares to those of everybody, if everybody is in a group; rows keep summing to 1."""
    if shares.sum() < 1 - 1e-9:
        return table
    found = table
    for _ in range(n_steps):
        reached = shares @ found
        found = found * np.divide(wanted, reached, out=np.ones_like(wanted), where=reached > 0)
        found = found / found.sum(axis=1, keepdims=True)
    return np.asarray(found)

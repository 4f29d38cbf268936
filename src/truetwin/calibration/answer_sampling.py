"""Draw every answer that a calibration predicts, from the laws of its targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from truetwin.calibration.base import Prediction
from truetwin.calibration.new_cells import NewCells
from truetwin.calibration.orientation import Array
from truetwin.calibration.predictive_law import JointLaw, Law
from truetwin.data import Panel

#: Levels of the intervals from which the errors of a law are drawn.
LEVELS = np.concatenate([[1e-6], np.arange(1, 100) / 100])


@dataclass(frozen=True, eq=False)
class ErrorQuantiles:
    """Quantiles of the errors that a law expects, one column an item.

    Attributes
    ----------
    shares : ndarray of shape (s,)
        Ascending.
    values : ndarray of shape (s, p)
        NaN where a law knows no finite error.
    """

    shares: Array
    values: Array

    @classmethod
    def of(cls, law: Law, n_items: int) -> ErrorQuantiles:
        """Read the quantiles off the intervals of a law; beyond the last finite one, the errors stay at it."""
        ends = [law.quantiles(float(level)) for level in LEVELS]
        low, high = (np.array([np.broadcast_to(end[k], n_items) for end in ends]) for k in (0, 1))
        values = np.concatenate([low[::-1], high])
        shares = np.concatenate([(1 - LEVELS[::-1]) / 2, (1 + LEVELS) / 2])
        finite = np.isfinite(values)
        smallest = np.min(values, axis=0, where=finite, initial=np.inf)
        largest = np.max(values, axis=0, where=finite, initial=-np.inf)
        limited = np.clip(values, smallest, np.maximum(largest, smallest))
        return cls(shares, np.where(finite.any(axis=0), limited, np.nan))

    def drawn(self, n: int, rng: np.random.Generator) -> Array:
        """Draw errors, (n, p), all independent."""
        u = rng.random((n, self.values.shape[1]))
        return np.stack(
            [np.interp(u[:, j], self.shares, column) for j, column in enumerate(self.values.T)], axis=1
        )


@dataclass(frozen=True, eq=False)
class AnswerSampler:
    """Sampler of all predicted answers of one panel.

    New items are drawn jointly. The errors of a new respondent's answers are drawn independently of each other.

    Attributes
    ----------
    panel : Panel
        Panel of the predictions.
    items, people : Prediction, optional
        Predictions of the new items and of the new respondents.
    joint : JointLaw, optional
        Of the new items.
    person_laws : mapping from respondent id to Law
        Of the new respondents.
    new_cells : NewCells, optional
        Answers of new respondents to new items.
    """

    panel: Panel
    items: Prediction | None
    people: Prediction | None
    joint: JointLaw | None
    person_laws: Mapping[str, Law]
    new_cells: NewCells | None

    def draws(self, m: int, seed: int) -> Iterator[Array]:
        """Draw m grids of answers, (n_respondents, n_items) each, on the items' scales; NaN where none is predicted."""
        rng = np.random.default_rng(seed)
        people, cells = self._people_by_law(), self.new_cells
        by_item = [ErrorQuantiles.of(cells.law(item), 1) for item in cells.item_ids] if cells else []
        for _ in range(m):
            yield self._draw(rng, people, by_item)

    def _people_by_law(self) -> list[tuple[ErrorQuantiles, list[int]]]:
        """Group the new respondents, by their positions among the predicted ones, by the law that they share."""
        laws: dict[int, tuple[Law, list[int]]] = {}
        for k, person in enumerate(self.people.target_ids if self.people else ()):
            law = self.person_laws[person]
            laws.setdefault(id(law), (law, []))[1].append(k)
        p = len(self.panel.item_ids)
        return [(ErrorQuantiles.of(law, p), members) for law, members in laws.values()]

    def _draw(
        self,
        rng: np.random.Generator,
        people: Sequence[tuple[ErrorQuantiles, list[int]]],
        by_item: Sequence[ErrorQuantiles],
    ) -> Array:
        panel = self.panel
        grid = np.full(panel.human_values.shape, np.nan)
        if self.people:
            rows = np.array([panel.respondent_ids.index(t) for t in self.people.target_ids])
            for law, members in people:
                grid[rows[members]] = self.people.values.T[members] + law.drawn(len(members), rng)
        if self.items and self.joint:
            columns = [panel.item_ids.index(t) for t in self.items.target_ids]
            grid[:, columns] = np.where(np.isfinite(self.items.values), self.joint.draw(rng), np.nan)
        if self.new_cells:
            for k, (item, law) in enumerate(zip(self.new_cells.item_ids, by_item, strict=True)):
                values = self.new_cells.values[:, k] + law.drawn(len(self.new_cells.rows), rng)[:, 0]
                grid[self.new_cells.rows, panel.item_ids.index(item)] = values
        for j, item in enumerate(panel.item_ids):
            grid[:, j] = panel.scales[item].snap(grid[:, j])
        return grid

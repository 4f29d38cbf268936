"""Draw every answer that a calibration predicts, from the laws of the items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.item_laws import FoldStudy
from truetwin.calibration.laws.category_law import CategoryLaw
from truetwin.calibration.laws.law import Law
from truetwin.calibration.laws.people_ranks import PeopleRanks
from truetwin.calibration.laws.people_record import PeopleRecord
from truetwin.calibration.new_cells import NewCells
from truetwin.calibration.orientation import Array
from truetwin.data import Axis, Panel


@dataclass(frozen=True, eq=False)
class AnswerSampler:
    """Sampler of all predicted answers of one panel.

    Each answer has a rank in its own law. Ranks of answers to new items are drawn jointly, and so are those of one new
    respondent's answers; ranks of new respondents' answers to new items are independent of the others, and so are those
    of nominal items.

    Attributes
    ----------
    panel : Panel
        Panel of the predictions.
    studies : mapping of axis to FoldStudy
        How the targets move together.
    laws : mapping from item id to Law
    new_cells : NewCells, optional
        Answers of new respondents to new items.
    """

    panel: Panel
    studies: Mapping[Axis, FoldStudy]
    laws: Mapping[str, Law]
    new_cells: NewCells | None

    def draws(self, m: int, seed: int) -> Iterator[Array]:
        """Draw m grids of answers, (n_respondents, n_items) each, on the items' scales; NaN where none is predicted."""
        rng = np.random.default_rng(seed)
        for _ in range(m):
            yield self._draw(rng)

    def _draw(self, rng: np.random.Generator) -> Array:
        panel, ranks = self.panel, self._ranks(rng)
        grid = np.full(ranks.shape, np.nan)
        for item, law in self.laws.items():
            j, rows = self._columns[item], self._rows[item]
            grid[rows, j] = panel.scales[item].snap(law.quantile(ranks[rows, j]))
        return grid

    def _ranks(self, rng: np.random.Generator) -> Array:
        """Draw the rank of every answer, (n_respondents, n_items)."""
        ranks = rng.random(self.panel.human_values.shape)
        if "respondent" in self.studies:
            targets = list(self.studies["respondent"].fold.targets)
            if (joint := self._people_ranks) is not None:
                self._put(ranks, targets, list(range(ranks.shape[1])), joint.draw(len(targets), rng))
        if "item" in self.studies:
            study = self.studies["item"]
            rows = np.arange(len(ranks))
            if self.new_cells:
                rows = np.setdiff1d(rows, self.new_cells.rows)
            self._put(ranks, rows.tolist(), list(study.fold.targets), study.joint_law.draw(rng)[rows])
        return ranks

    def _put(self, ranks: Array, rows: list[int], columns: list[int], drawn: Array) -> None:
        """Put ranks that were drawn jointly in their place, but for nominal items."""
        kept = [k for k, j in enumerate(columns) if self._ordered(self.panel.item_ids[j])]
        ranks[np.ix_(rows, [columns[k] for k in kept])] = drawn[:, kept]

    def _ordered(self, item: str) -> bool:
        law = self.laws.get(item)
        return not isinstance(law, CategoryLaw) or law.ordered

    @cached_property
    def _people_ranks(self) -> PeopleRanks | None:
        """Joint law of the ranks of new respondents' answers, if it is known how known people's errors go together."""
        record = self.studies["respondent"].errors[0].record()
        return PeopleRanks(record.errors) if isinstance(record, PeopleRecord) else None

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {item: j for j, item in enumerate(self.panel.item_ids)}

    @cached_property
    def _rows(self) -> dict[str, NDArray[np.intp]]:
        row = {r: k for k, r in enumerate(self.panel.respondent_ids)}
        return {
            item: np.array([row[r] for r in law.respondent_ids], dtype=np.intp)
            for item, law in self.laws.items()
        }

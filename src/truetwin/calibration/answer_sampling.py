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
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.calibration.nominal.nominal_draws import drawn_categories, independent_scores
from truetwin.calibration.orientation import Array
from truetwin.data import Axis

#: Draws from which it is learned how the ranks of an item's indicators go together.
FIRST_DRAWS = 10


@dataclass(frozen=True, eq=False)
class AnswerSampler:
    """Sampler of all predicted answers of one panel.

    Each answer has a rank in its own law. Ranks of answers to new items are drawn jointly, and so are those of one new
    respondent's answers; ranks of new respondents' answers to new items are independent of the others. The category of
    a nominal item is drawn from the ranks of its indicators.

    Attributes
    ----------
    encoding : Encoding
        Panel of the predictions, and as methods see it.
    studies : mapping of axis to FoldStudy
        How the targets move together.
    laws : mapping from item id to Law
    new_cells : NewCells, optional
        Answers of new respondents to new items.
    """

    encoding: Encoding
    studies: Mapping[Axis, FoldStudy]
    laws: Mapping[str, Law]
    new_cells: NewCells | None

    def draws(self, m: int, seed: int) -> Iterator[Array]:
        """Draw m grids of answers, (n_respondents, n_items) each, on the items' scales; NaN where none is predicted."""
        rng = np.random.default_rng(seed)
        for _ in range(m):
            yield self._draw(rng)

    def _draw(self, rng: np.random.Generator) -> Array:
        panel, ranks = self.encoding.panel, self._ranks(rng)
        grid = np.full(panel.human_values.shape, np.nan)
        for j, item in enumerate(panel.item_ids):
            if (law := self.laws.get(item)) is None:
                continue
            rows, columns = self._rows[item], self.encoding.positions[item]
            if item in self.encoding.codes:
                grid[rows, j] = self._categories(item, law, ranks[np.ix_(rows, columns)])
            else:
                drawn = law.quantile(ranks[rows, columns[0]])
                grid[rows, j] = drawn if item in self._on_scale else panel.scales[item].snap(drawn)
        return grid

    @cached_property
    def _on_scale(self) -> set[str]:
        """Items whose laws have the categories of the scale, so that what is drawn need not be rounded."""
        scales = self.encoding.panel.scales
        return {
            item
            for item, law in self.laws.items()
            if isinstance(law, CategoryLaw)
            and scales[item].kind != "numeric"
            and scales[item].on_scale(law.codes).all()
        }

    def _categories(self, item: str, law: Law, ranks: Array) -> Array:
        """Draw the answers to a nominal item, (n,)."""
        order = np.argsort(
            self.encoding.in_order(item)
        )  # from the order of the scale to that of the indicators
        table = law.probabilities()[:, order]
        chosen = drawn_categories(np.nan_to_num(table), ranks, self._independent[item])
        return np.where(np.isfinite(table[:, 0]), self.encoding.codes[item][chosen], np.nan)

    @cached_property
    def _independent(self) -> dict[str, Array]:
        """For each nominal item how the ranks of its indicators are made independent, from some draws of their own."""
        nominal = [item for item in self.laws if item in self.encoding.codes]
        rng = np.random.default_rng(0)
        drawn = [self._ranks(rng) for _ in range(FIRST_DRAWS if nominal else 0)]
        return {
            item: independent_scores(
                np.concatenate(
                    [ranks[np.ix_(self._rows[item], self.encoding.positions[item])] for ranks in drawn]
                )
            )
            for item in nominal
        }

    def _ranks(self, rng: np.random.Generator) -> Array:
        """Draw the rank of every answer to the columns of the encoded panel, (n_respondents, columns)."""
        ranks = rng.random(self.encoding.encoded.human_values.shape)
        if "respondent" in self.studies:
            targets = list(self.studies["respondent"].fold.targets)
            if (joint := self._people_ranks) is not None:
                ranks[targets] = joint.draw(len(targets), rng)
        if "item" in self.studies:
            study = self.studies["item"]
            rows = np.arange(len(ranks))
            if self.new_cells:
                rows = np.setdiff1d(rows, self.new_cells.rows)
            ranks[np.ix_(rows, np.array(study.fold.targets))] = study.joint_law.draw(rng)[rows]
        return ranks

    @cached_property
    def _people_ranks(self) -> PeopleRanks | None:
        """Joint law of the ranks of new respondents' answers, if it is known how known people's errors go together."""
        record = self.studies["respondent"].errors[0].record()
        return PeopleRanks(record.errors) if isinstance(record, PeopleRecord) else None

    @cached_property
    def _rows(self) -> dict[str, NDArray[np.intp]]:
        row = {r: k for k, r in enumerate(self.encoding.panel.respondent_ids)}
        return {
            item: np.array([row[r] for r in law.respondent_ids], dtype=np.intp)
            for item, law in self.laws.items()
        }

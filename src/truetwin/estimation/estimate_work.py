"""Compute what estimates of all items share: laws of shares, predictions, those who were asked, laws of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration import Calibration, calibrate
from truetwin.calibration.base import with_blocks
from truetwin.calibration.calibrators import named_calibrators
from truetwin.calibration.laws.category_law import CategoryLaw
from truetwin.data import Panel
from truetwin.data.person_design import PersonDesign
from truetwin.estimation.group_estimates import GroupEstimates, group_estimates
from truetwin.estimation.group_shares import GroupLaw
from truetwin.estimation.grouping import Grouping
from truetwin.estimation.hidden_answers import predict_hidden
from truetwin.estimation.item_rows import heavy_tail
from truetwin.estimation.option_questions import option_items
from truetwin.estimation.sampling_error import survey_design
from truetwin.estimation.statistics import Statistic, why_not
from truetwin.estimation.survey_variance import SurveyDesign
from truetwin.estimation.topline import AskedPeople, Topline, topline
from truetwin.estimation.wanted_items import Wanted
from truetwin.reweighting.panel_shares import pool_shares
from truetwin.reweighting.share_law import ShareLaw

Floats = NDArray[np.float64]
METHOD = "auto"


@dataclass(frozen=True, eq=False)
class EstimateWork:
    """Work that estimates of all items share: laws of shares, predictions, and what was learned of groups.

    Attributes
    ----------
    wanted : Wanted
    blocks : mapping from item to battery
    weights : ndarray of shape (n_people,)
    design : PersonDesign
    population : bool
    factor : float
        Design effect of the people as a sample of the wider population.
    level : float
    seed, n_jobs : int
    statistics : tuple of Statistic
    """

    wanted: Wanted
    blocks: dict[str, str]
    weights: Floats
    design: PersonDesign
    population: bool
    factor: float
    level: float
    seed: int
    n_jobs: int
    statistics: tuple[Statistic, ...]

    @property
    def panel(self) -> Panel:
        """Panel without answers to the wanted items."""
        return self.wanted.panel

    @cached_property
    def laws(self) -> dict[str, ShareLaw]:
        """Law of the shares of each wanted item."""
        return dict(pool_shares(self.panel, self.blocks, self.wanted.items, weights=self.design.weights))

    @cached_property
    def calibration(self) -> Calibration:
        """Predictions of the wanted items."""
        return calibrate(
            self.panel,
            METHOD,
            items=self.wanted.items,
            blocks=self.blocks,
            weights=self.design.weights,
            n_jobs=self.n_jobs,
        )

    @cached_property
    def predicted(self) -> set[str]:
        """Wanted items that have predictions."""
        lacking = {target.id for target in self.calibration.unpredicted}
        return {item for item in self.wanted.items if item not in lacking}

    @cached_property
    def options(self) -> dict[str, str]:
        """Question of each item that is an option of one with several answers."""
        return option_items(self.panel, self.blocks)

    @property
    def sampling(self) -> float:
        """Variance of a mean over the people as a sample of the population, in units of the variance over people."""
        return self.factor / max(int((self.weights > 0).sum()), 1) if self.population else 0.0

    def twin(self, item: str) -> Floats:
        """Twins' answers to an item, (n_people,)."""
        return np.asarray(self.panel.twin_values[:, self.panel.item_ids.index(item)])

    def sources(self, item: str) -> Floats:
        """Answers of each source of twins to an item, (n_sources, n_people)."""
        return np.asarray(self.panel.source_values[:, :, self.panel.item_ids.index(item)])

    def points(self, item: str) -> Floats | None:
        """Predicted answers to an item, (n_people,), the mean where one is missing; None if there are none."""
        values = self.calibration.grid[:, self.panel.item_ids.index(item)]
        return _filled(values, self.weights)

    def probabilities(self, item: str) -> Floats | None:
        """Predicted probabilities of an item's categories, (n_people, K); None for numbers."""
        law = self.laws[item]
        if law.edges is not None or item not in self.predicted:
            return None
        person = self.calibration.law(item)
        if not isinstance(person, CategoryLaw):
            return None
        place = np.abs(law.codes[:, None] - person.codes).argmin(axis=1)
        return _filled(person.probabilities()[:, place], self.weights)

    @cached_property
    def _asked(self) -> dict[str, AskedPeople | None]:
        return {}

    def asked(self, item: str) -> AskedPeople | None:
        """People who have answered an item; None if nobody has."""
        if item not in self._asked:
            self._asked[item] = self._people_asked(item)
        return self._asked[item]

    def _people_asked(self, item: str) -> AskedPeople | None:
        answers = self.wanted.answers.get(item)
        if answers is None:
            return None
        own = self.wanted.weights
        base = self.weights if own is None else np.where(np.isfinite(own), own, 0.0)
        here = np.isfinite(answers) & (self.weights > 0) & (base > 0)
        if not here.any():
            return None
        answers = np.where(here, answers, np.nan)
        clustered = self.design.clusters is not None or self.design.strata is not None
        design = (
            survey_design(self.design, here, base)
            if clustered
            else SurveyDesign.of(int(here.sum()), base[here])
        )
        return AskedPeople(
            answers,
            design,
            self.probabilities(item),
            self.points(item),
            self.weights,
            self.population,
            by_chance=own is None and not clustered,
        )

    def topline(self, item: str) -> Topline:
        """Estimates of an item over everybody."""
        scale = self.panel.scales[item]
        fitting = [each for each in self.statistics if why_not(each, scale) is None]
        whole = topline(
            self.laws[item],
            scale,
            fitting,
            level=self.level,
            sampling=self.sampling,
            asked=self.asked(item),
            is_option=item in self.options,
            n_people=float((self.weights > 0).sum()),
        )
        tail = heavy_tail(whole, self.sources(item).ravel())
        return replace(whole, notes=(*whole.notes, tail)) if tail else whole

    @cached_property
    def new_battery(self) -> dict[str, bool]:
        """Whether nobody has answered any item of the battery, by wanted item."""
        answered = np.asarray(np.isfinite(self.panel.human_values).any(axis=0))
        known = {self.blocks[i] for i, there in zip(self.panel.item_ids, answered, strict=True) if there}
        return {item: self.blocks[item] not in known for item in self.wanted.items}

    @cached_property
    def hidden(self) -> dict[bool, Floats]:
        """Predictions of answered items as if they were new, alone (False) and with their batteries (True)."""
        models = named_calibrators([METHOD], self.panel, "item", preset="cv")
        model = with_blocks(models[METHOD], self.blocks)
        return {
            new: predict_hidden(self.panel, model, self.blocks, new_battery=new)
            for new in set(self.new_battery.values())
        }

    def group_laws(self, groupings: Sequence[Grouping]) -> list[dict[bool, GroupLaw]]:
        """Laws of the groups of each column, for items of known (False) and of new batteries (True)."""
        return [
            {
                new: GroupLaw.learn(self.panel, values, grouping, self.blocks)
                for new, values in self.hidden.items()
            }
            for grouping in groupings
        ]

    def groups(self, item: str, whole: Topline, law: dict[bool, GroupLaw]) -> GroupEstimates:
        """Estimates of an item by group."""
        return group_estimates(
            whole,
            law[self.new_battery[item]],
            twin=self.twin(item) if whole.law.ordered else self.sources(item),
            points=self.points(item),
            predicted=None if whole.law.ordered else self.probabilities(item),
            asked=self.asked(item),
            level=self.level,
            factor=self.factor if self.population else None,
        )


def _filled(values: Floats, weights: Floats) -> Floats | None:
    """Replace missing rows by the weighted mean; None if all are missing."""
    seen = np.isfinite(values) if values.ndim == 1 else np.isfinite(values).all(axis=1)
    if not (seen & (weights > 0)).any():
        return None
    mean = weights[seen] @ values[seen] / weights[seen].sum()
    found = values.copy()
    found[~seen] = mean
    return found

"""Measure estimates of new items in a world with known truth: before anybody has answered them, and with 60 answers.

Before anybody has answered, the shares of the twins, the mean of the known shares and the estimate (the pool of shares)
are compared with the true ones. With answers of 60 people, drawn in one of the ways of ``few_humans.py``, the estimate
is compared with the usual one from these answers alone: Hajek's mean, with a linearised variance and Student's t, and
Jeffreys' interval for a share.

Estimates are about the people of the world. In a *surveyed* world they are about a wider population of 3,000 instead,
of which the panel's people were drawn with unequal chances or in clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from few_humans import sampled
from truetwin.data import Panel, ResponseMatrix
from truetwin.data.people import People
from truetwin.data.person_design import person_design
from truetwin.datasets import World, generate_world
from truetwin.estimation.estimate_work import EstimateWork
from truetwin.estimation.sample_posterior import SamplePosterior, SharePrior, sample_posterior
from truetwin.estimation.sampling_error import design_factor, survey_design
from truetwin.estimation.statistics import named_statistics
from truetwin.estimation.survey_variance import SurveyDesign
from truetwin.estimation.topline import CATEGORY, AskedPeople, Topline, function_values, predicted_values
from truetwin.estimation.wanted_items import wanted_items
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.reweighting.battery_mean import BatteryMean
from truetwin.reweighting.panel_shares import FEWEST_PEOPLE
from truetwin.reweighting.panel_table import PanelTable

Array = NDArray[np.float64]
LEVEL = 0.9
N_ANSWERS = 60
DRAWS = 4  # samples of each item and design
WIDER, CLUSTER = 3000, 10  # people of the wider population, and of a cluster
NOBODY = "nobody"
DESIGNS = {"random": "at random", "weights": "with unequal weights", "clusters": "in clusters"}


@dataclass(frozen=True, eq=False)
class Surveyed:
    """Panel whose new items are estimated.

    Attributes
    ----------
    panel : Panel
        Its people table has the column of the survey, if there is one.
    everybody : mapping from item to ndarray
        True answers of everybody whom estimates are about.
    answers : mapping from item to ndarray of shape (n_people,)
        True answers of the panel's people.
    survey : str or None
        How the panel's people were drawn from everybody: "weights", "clusters", or None if they are everybody.
    """

    panel: Panel
    everybody: Mapping[str, Array]
    answers: Mapping[str, Array]
    survey: str | None = None


def of_world(generate: Callable[..., World], random_state: int) -> Surveyed:
    """Generate a world; estimates are about its people."""
    world = generate(random_state=random_state)
    answers = new_answers(world)
    return Surveyed(world.panel, answers, answers)


def surveyed(twins: str, survey: str, *, n_people: int = 300, random_state: int = 0) -> Surveyed:
    """Draw the panel's people from a wider population, by what they think of the first item.

    With "weights" a person's chance is proportional to exp(.7 (.4 z + .9 e)); with "clusters" people are sorted by
    .45 z + .9 e, cut into clusters of ten, and whole clusters are drawn.
    """
    world = generate_world(twins, WIDER, 40, n_new_items=10, random_state=random_state)
    rng = np.random.default_rng(random_state)
    z, noise = world.opinions[:, 0], rng.normal(size=WIDER)
    if survey == "weights":
        chance = np.exp(0.7 * (0.4 * z + 0.9 * noise))
        chance = np.minimum(n_people * chance / chance.sum(), 1.0)
        here = np.flatnonzero(rng.random(WIDER) < chance)
        column = 1 / chance[here]
    else:
        drawn = rng.permutation(WIDER // CLUSTER)[: n_people // CLUSTER]
        order = np.argsort(0.45 * z + 0.9 * noise)
        here = np.concatenate([order[g * CLUSTER : (g + 1) * CLUSTER] for g in drawn])
        column = np.repeat([f"cluster {g}" for g in drawn], CLUSTER).astype(object)
    human, twin = (people_of(each, here) for each in (world.panel.human, world.panel.twin))
    panel = Panel(human, twin, people=People(human.respondent_ids, {survey: column}))
    everybody = new_answers(world)
    return Surveyed(panel, everybody, {item: each[here] for item, each in everybody.items()}, survey)


def new_answers(world: World) -> dict[str, Array]:
    """Return the true answers to each new item."""
    ids = world.truth.item_ids
    return {item: world.truth.values[:, ids.index(item)] for item in world.panel.new_items}


def people_of(matrix: ResponseMatrix, rows: NDArray[np.intp]) -> ResponseMatrix:
    """Select some of the people."""
    ids = [matrix.respondent_ids[r] for r in rows]
    return ResponseMatrix(matrix.values[rows], ids, matrix.items, source=matrix.source)


@dataclass(frozen=True, eq=False)
class NewItem:
    """A new item: its estimate before anybody has answered, and the truth.

    Attributes
    ----------
    before : Topline
        Estimates of all shares, and of the mean where there is one.
    answers : ndarray of shape (n_people,)
        True answers of the panel's people.
    values, predicted : ndarray of shape (n_people, S)
        Functions of these answers, and their predictions.
    truth : ndarray of shape (S,)
        True shares and mean.
    sd : float
        Standard deviation of the true answers.
    """

    before: Topline
    answers: Array
    values: Array
    predicted: Array | None
    truth: Array
    sd: float

    @property
    def is_share(self) -> NDArray[np.bool_]:
        """Which estimates are shares."""
        return np.array([each.statistic == CATEGORY for each in self.before.functions])

    def distance(self, estimate: Array) -> float:
        """Total variation distance of estimated shares from the true ones."""
        shares = np.maximum(estimate[self.is_share], 0)
        return float(np.abs(shares / shares.sum() - self.truth[self.is_share]).sum() / 2)

    def intervals(self, low: Array, high: Array) -> dict[str, float]:
        """Say whether intervals hold and how wide they are; widths of means are in sds. NaN where there is no mean."""
        held = (low <= self.truth + 1e-9) & (self.truth <= high + 1e-9)
        found = {}
        for name, which, unit in (("mean", ~self.is_share, self.sd), ("shares", self.is_share, 1.0)):
            there = which.any()
            found[f"{name} covered"] = float(held[which].mean()) if there else float("nan")
            found[f"{name} width"] = float((high - low)[which].mean() / unit) if there else float("nan")
        return found


@dataclass(frozen=True, eq=False)
class Estimated:
    """Estimates of the new items of a world."""

    world: Surveyed

    @cached_property
    def work(self) -> EstimateWork:
        """What :func:`truetwin.estimate` computes estimates from."""
        panel, survey = self.world.panel, self.world.survey
        design = person_design(panel, **({survey: survey} if survey else {}))  # type: ignore[arg-type]
        weights = np.ones(len(panel.respondent_ids)) if design.weights is None else design.weights
        factor = design_factor(panel, design, weights) if survey else 1.0
        return EstimateWork(
            wanted_items(panel, panel.new_items),
            resolve_blocks(panel, None)[0],
            weights,
            design,
            survey is not None,
            factor,
            LEVEL,
            0,
            1,
            named_statistics(("mean",)),
        )

    @cached_property
    def items(self) -> dict[str, NewItem]:
        """All new items."""
        return {item: self._item(item) for item in self.world.panel.new_items}

    def _item(self, item: str) -> NewItem:
        work, answers, everybody = self.work, self.world.answers[item], self.world.everybody[item]
        before = work.topline(item)
        asked = AskedPeople(
            answers,
            SurveyDesign.of(answers.size, work.weights),
            work.probabilities(item),
            work.points(item),
            work.weights,
            work.population,
        )
        truth = function_values(everybody, before.law, before.functions).mean(axis=0)
        truth[[each.statistic == "mean" for each in before.functions]] = everybody.mean()
        return NewItem(
            before,
            answers,
            function_values(answers, before.law, before.functions),
            predicted_values(asked, before.law, before.functions),
            truth,
            float(everybody.std()),
        )

    @cached_property
    def mean_of_known(self) -> dict[str, Array]:
        """Mean of the known shares, shrunk to equal ones, for each new item."""
        table = PanelTable.of(self.world.panel, self.work.blocks, self.work.weights)
        known = np.flatnonzero(table.bases >= FEWEST_PEOPLE)
        fitted = BatteryMean().fit(table.table.take(known), table.human[known], {})
        rows = [table.table.item_ids.index(item) for item in self.items]
        shares = fitted.predict(table.table.take(np.array(rows)))
        return {
            item: row[: table.categories[r].size]
            for item, r, row in zip(self.items, rows, shares, strict=True)
        }

    def before(self) -> dict[str, float]:
        """Score estimates before anybody has answered: means over items."""
        found = []
        for item, each in self.items.items():
            twins = function_values(self.work.twin(item), each.before.law, each.before.functions)
            null = np.zeros(each.truth.size)
            null[each.is_share] = self.mean_of_known[item]
            found.append(
                {
                    "twins": each.distance(np.average(twins, axis=0, weights=self.work.weights)),
                    "mean of known": each.distance(null),
                    "estimate": each.distance(each.before.estimate),
                    **each.intervals(each.before.lower, each.before.upper),
                }
            )
        return averaged(found)

    def with_answers(self, design: str, draws: int = DRAWS) -> dict[str, float] | None:
        """Score estimates with answers of 60 people; None in a world with fewer, or drawn in several ways."""
        panel = self.world.panel
        if len(panel.respondent_ids) < 2 * N_ANSWERS or (self.world.survey and design != "random"):
            return None
        alone, both = [], []
        for k, each in enumerate(self.items.values()):
            for draw in range(draws):
                found = self._posterior(each, design, np.random.default_rng((k, draw)))
                both.append(
                    {"estimate": each.distance(found.estimate), **each.intervals(found.low, found.high)}
                )
                alone.append(
                    {
                        "estimate": each.distance(found.classical),
                        **each.intervals(found.classical_low, found.classical_high),
                    }
                )
        return beside(averaged(both), averaged(alone))

    def _posterior(self, item: NewItem, design: str, rng: np.random.Generator) -> SamplePosterior:
        y, work = item.answers, self.work
        if self.world.survey:
            here = np.sort(rng.permutation(y.size)[:N_ANSWERS])
            among = np.isin(np.arange(y.size), here)
            how = survey_design(work.design, among, work.weights)
        else:
            here, how = sampled(design, N_ANSWERS, (y - y.mean()) / max(y.std(), 1e-9), rng)
        return sample_posterior(
            SharePrior.of(item.before.law, item.before.table),
            item.values[here],
            how,
            predicted=None if item.predicted is None else item.predicted[here],
            everybody=item.predicted,
            everybody_weights=None if item.predicted is None else work.weights,
            population=np.inf if work.population else float(y.size),
            level=LEVEL,
        )


def averaged(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each figure over items, without those that are undefined."""
    found = {}
    for name in figures[0]:
        values = np.array([each[name] for each in figures])
        known = values[np.isfinite(values)]
        found[name] = float(known.mean()) if known.size else float("nan")
    return found


def beside(both: Mapping[str, float], alone: Mapping[str, float]) -> dict[str, float]:
    """Put the scores of estimates beside those of the answers alone; widths become ratios."""
    return {
        "alone": alone["estimate"],
        "estimate": both["estimate"],
        "mean covered": both["mean covered"],
        "mean covered, alone": alone["mean covered"],
        "mean width / alone": both["mean width"] / alone["mean width"],
        "shares covered": both["shares covered"],
        "shares covered, alone": alone["shares covered"],
        "shares width / alone": both["shares width"] / alone["shares width"],
    }


def scores(world: Surveyed) -> dict[str, dict[str, float]]:
    """Score the estimates of a world: before anybody has answered, and with 60 answers drawn in each way."""
    estimated = Estimated(world)
    some = {told: estimated.with_answers(design) for design, told in DESIGNS.items()}
    return {NOBODY: estimated.before(), **{told: each for told, each in some.items() if each is not None}}

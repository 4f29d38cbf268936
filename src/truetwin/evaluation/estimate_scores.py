"""Score estimates: hide answered items, estimate their shares and means, and compare with what people answered.

Three things are scored: estimates over everybody when nobody has been asked, estimates by group, and estimates when
some people have been asked. Beside each stands what one would have without it: the twins as they are, everybody's
estimate for every group, and the sample by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.base import with_blocks
from truetwin.calibration.calibrators import named_calibrators
from truetwin.data import Panel
from truetwin.data.person_design import person_group
from truetwin.errors import ParameterError
from truetwin.estimation.group_estimates import group_estimates
from truetwin.estimation.group_shares import GroupLaw
from truetwin.estimation.grouping import Grouping
from truetwin.estimation.hidden_answers import predict_hidden
from truetwin.estimation.statistics import named_statistics, why_not
from truetwin.estimation.survey_variance import SurveyDesign, kish_n
from truetwin.estimation.topline import CATEGORY, AskedPeople, Topline, function_values, topline
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.reweighting.panel_shares import left_out_shares
from truetwin.reweighting.share_law import ShareLaw

Floats = NDArray[np.float64]
#: Protocols under which estimates are scored, and what is hidden at a time.
PROTOCOLS = {"leave-one-item-out": "known", "leave-block-out": "new"}


@dataclass(frozen=True)
class EstimateScore:
    """Score of one estimated mean (or set of shares) of one item.

    Attributes
    ----------
    what : str
        What was known: "nobody asked", "by COLUMN", "N asked".
    source : str
        "estimate", or what it is compared with.
    item, battery, group : str
    error : float
        Error of the mean in sd of people's answers; NaN without an order.
    tv : float
        Total variation distance of the shares.
    covered : float
        Share of the intervals that hold: of the mean, or of the shares if categories have no order; NaN without
        intervals.
    width : float
        Width of the interval of the mean in sd; NaN without one.
    """

    what: str
    source: str
    item: str
    battery: str
    group: str
    error: float
    tv: float
    covered: float
    width: float


def score_estimates(
    panel: Panel,
    protocol: str = "leave-block-out",
    *,
    items: Sequence[str] | None = None,
    blocks: Mapping[str, str] | Literal["auto"] | None = None,
    weights: Floats | None = None,
    by: Sequence[str] = (),
    asked: Sequence[int] = (),
    level: float = 0.9,
    min_cell: int = 5,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[EstimateScore]:
    """Hide answered items and score their estimates.

    Parameters
    ----------
    panel : Panel
    protocol : {"leave-block-out", "leave-one-item-out"}
        Hide whole batteries, or items at random.
    items : sequence of str, optional
        Answered items to score; by default all.
    blocks : mapping from item to battery, "auto" or None
    weights : ndarray of shape (n_people,), optional
        Survey weights; they count in estimates and in the truth.
    by : sequence of str
        Columns of groups to score as well.
    asked : sequence of int
        Numbers of people, drawn simply at random, who have answered the hidden item after all.
    level : float
        Probability that intervals should hold.
    min_cell : int
        Fewest people who answered an item in a group.
    seed : int
        Seed of these samples.
    progress : callable, optional

    Raises
    ------
    ParameterError
        If the protocol is not one of the two.
    """
    if protocol not in PROTOCOLS:
        raise ParameterError(
            f"estimates are scored under {' or '.join(PROTOCOLS)}; the protocol is {protocol!r}"
        )
    members, _ = resolve_blocks(panel, blocks)
    weight = np.ones(len(panel.respondent_ids)) if weights is None else weights
    hide: Any = PROTOCOLS[protocol]
    laws = left_out_shares(panel, hide, members, items, weights=weights, seed=seed)
    hidden = None
    if by or asked:
        models = named_calibrators(["auto"], panel, "item", preset="cv")
        model = with_blocks(models["auto"], members)
        hidden = predict_hidden(panel, model, members, new_battery=hide == "new")
    groupings = [Grouping.of(name, person_group(panel, name).tolist(), weight, min_cell) for name in by]
    work = _Scoring(panel, members, weight, hidden, level, np.random.default_rng(seed))
    found: list[EstimateScore] = []
    for done, (item, law) in enumerate(laws.items(), 1):
        whole = work.whole(item, law)
        found += work.nobody(item, whole)
        for grouping in groupings:
            found += work.groups(item, whole, grouping)
        for n in asked:
            found += work.asked(item, law, n)
        if progress:
            progress(done, len(laws))
    return found


def score_summary(scores: Sequence[EstimateScore]) -> list[dict[str, Any]]:
    """Average scores by what was known and by source, over items and over batteries (each the mean of its items)."""
    rows = []
    for what, source in dict.fromkeys((each.what, each.source) for each in scores):
        here = [each for each in scores if (each.what, each.source) == (what, source)]
        batteries: dict[str, list[float]] = {}
        for each in here:
            if np.isfinite(each.covered):
                batteries.setdefault(each.battery, []).append(each.covered)
        covered = [value for values in batteries.values() for value in values]
        rows.append(
            {
                "what": what,
                "source": source,
                "n_items": len({each.item for each in here}),
                "n_batteries": len({each.battery for each in here}),
                "tv": _mean([each.tv for each in here]),
                "rmse": _root([each.error for each in here]),
                "coverage": float(np.mean(covered)) if covered else None,
                "coverage_by_battery": float(np.mean([np.mean(v) for v in batteries.values()]))
                if covered
                else None,
                "width": _mean([each.width for each in here]),
            }
        )
    return rows


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def _root(values: Sequence[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.sqrt(np.mean(np.square(known)))) if known else None


@dataclass(eq=False)
class _Scoring:
    """Scores of one item at a time, with what was learned of groups without the item's battery."""

    panel: Panel
    blocks: Mapping[str, str]
    weights: Floats
    hidden: Floats | None
    level: float
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self._group_laws: dict[tuple[str, str], GroupLaw] = {}

    def whole(self, item: str, law: ShareLaw) -> Topline:
        """Estimate over everybody. People who did not answer are no part of the truth: their chance is added."""
        answers = self._answers(item)
        here = np.isfinite(answers) & (self.weights > 0)
        lacking = 1 / kish_n(self.weights[here]) - 1 / kish_n(self.weights[self.weights > 0])
        return topline(
            law, self._scale(item), self._statistics(item), level=self.level, sampling=max(lacking, 0.0)
        )

    def nobody(self, item: str, whole: Topline) -> list[EstimateScore]:
        """Score the estimate over everybody, and the twins as they are."""
        truth = self._truth(item, whole, self.weights)
        plain = self._by_twins(item, whole)
        ends = whole.lower, whole.upper
        return [
            self._score("nobody asked", "estimate", item, "", whole, truth, whole.estimate, ends),
            self._score("nobody asked", "twins", item, "", whole, truth, plain, None),
        ]

    def _by_twins(self, item: str, whole: Topline) -> Floats:
        """Estimate from the twins as they are; the mean over sources."""
        found = []
        for twin in self.panel.source_values[:, :, self.panel.item_ids.index(item)]:
            seen = np.isfinite(twin) & (self.weights > 0)
            if seen.any():
                values = function_values(self._scale(item).snap(twin[seen]), whole.law, whole.functions)
                found.append(self.weights[seen] @ values / self.weights[seen].sum())
        return np.asarray(np.mean(found, axis=0))

    def groups(self, item: str, whole: Topline, grouping: Grouping) -> list[EstimateScore]:
        """Score the estimates of the groups of a column, and everybody's estimate in their place."""
        assert self.hidden is not None
        j = self.panel.item_ids.index(item)
        found = group_estimates(
            whole,
            self._group_law(item, grouping),
            twin=self.panel.twin_values[:, j] if whole.law.ordered else self.panel.source_values[:, :, j],
            points=_filled(self.hidden[:, j]),
            predicted=None,
            asked=None,
            level=self.level,
        )
        scores, here = [], np.isfinite(self._answers(item))
        for g, name in enumerate(grouping.names):
            members = grouping.members[:, g]
            if (here & (members > 0)).sum() < 0.5 * grouping.counts[g]:
                continue  # too few of the group have answered to be the truth about it
            truth = self._truth(item, whole, members)
            ends = found.lower[g], found.upper[g]
            what = f"by {grouping.by}"
            scores.append(self._score(what, "estimate", item, name, whole, truth, found.estimate[g], ends))
            scores.append(self._score(what, "everybody's", item, name, whole, truth, whole.estimate, None))
        return scores

    def asked(self, item: str, law: ShareLaw, n: int) -> list[EstimateScore]:
        """Score the estimate when n people have been asked, and what they say by themselves."""
        assert self.hidden is not None
        answers = self._answers(item)
        there = np.flatnonzero(np.isfinite(answers) & (self.weights > 0))
        if there.size < 2 * n:
            return []
        drawn = self.rng.choice(there, n, replace=False)
        some = np.full(answers.shape, np.nan)
        some[drawn] = answers[drawn]
        everybody = np.where(np.isfinite(answers), self.weights, 0.0)
        points = _filled(self.hidden[:, self.panel.item_ids.index(item)])
        design = SurveyDesign.of(n, self.weights[np.sort(drawn)])
        people = AskedPeople(some, design, None, points, everybody, False)
        whole = topline(law, self._scale(item), self._statistics(item), level=self.level, asked=people)
        truth = self._truth(item, whole, self.weights)
        values = function_values(answers[np.sort(drawn)], law, whole.functions)
        w = design.weights / design.weights.sum()
        alone = w @ values
        half = _student_half(values, w, self.level) * np.sqrt(1 - n / there.size)
        ends = whole.lower, whole.upper
        return [
            self._score(f"{n} asked", "estimate", item, "", whole, truth, whole.estimate, ends),
            self._score(f"{n} asked", "sample", item, "", whole, truth, alone, (alone - half, alone + half)),
        ]

    def _group_law(self, item: str, grouping: Grouping) -> GroupLaw:
        """Knowledge of groups, learned from other batteries."""
        assert self.hidden is not None
        battery = self.blocks[item]
        key = (grouping.by, battery)
        if key not in self._group_laws:
            others = self.hidden.copy()
            others[:, [self.blocks[i] == battery for i in self.panel.item_ids]] = np.nan
            self._group_laws[key] = GroupLaw.learn(self.panel, others, grouping, self.blocks)
        return self._group_laws[key]

    def _answers(self, item: str) -> Floats:
        return np.asarray(self.panel.human_values[:, self.panel.item_ids.index(item)])

    def _scale(self, item: str) -> Any:
        return self.panel.scales[item]

    def _statistics(self, item: str) -> Any:
        share, mean = named_statistics(["share", "mean"])
        return [share] if why_not(mean, self._scale(item)) else [mean]

    def _truth(self, item: str, whole: Topline, weights: Floats) -> Floats:
        """Means of the functions over the people who answered."""
        answers = self._answers(item)
        here = np.isfinite(answers) & (weights > 0)
        values = function_values(answers[here], whole.law, whole.functions)
        return np.asarray(weights[here] @ values / weights[here].sum())

    def _score(
        self,
        what: str,
        source: str,
        item: str,
        group: str,
        whole: Topline,
        truth: Floats,
        estimate: Floats,
        ends: tuple[Floats, Floats] | None,
    ) -> EstimateScore:
        names = [each.statistic for each in whole.functions]
        shares = [s for s, name in enumerate(names) if name == CATEGORY]
        means = [s for s, name in enumerate(names) if name == "mean"]
        tv = 0.5 * float(np.abs(estimate[shares] - truth[shares]).sum())
        error, covered, width = float("nan"), float("nan"), float("nan")
        judged = means or [s for s, name in enumerate(names) if name == "share"]
        if means:
            answers = self._answers(item)
            here = np.isfinite(answers) & (self.weights > 0)
            values = function_values(answers[here], whole.law, whole.functions)[:, means[0]]
            w = self.weights[here] / self.weights[here].sum()
            sd = float(np.sqrt(w @ (values - w @ values) ** 2)) or float("nan")
            error = float((estimate[means[0]] - truth[means[0]]) / sd)
            if ends is not None:
                width = float((ends[1][means[0]] - ends[0][means[0]]) / sd)
        if ends is not None:
            inside = (truth[judged] >= ends[0][judged] - 1e-9) & (truth[judged] <= ends[1][judged] + 1e-9)
            covered = float(inside.mean())
        return EstimateScore(what, source, item, self.blocks[item], group, error, tv, covered, width)


def _student_half(values: Floats, w: Floats, level: float) -> Floats:
    """Half widths of Student's intervals of weighted means."""
    from scipy.stats import t

    size = 1 / (w**2).sum()
    spread = w @ (values - w @ values) ** 2 * size / max(size - 1, 1)
    return np.asarray(t.ppf((1 + level) / 2, max(size - 1, 1)) * np.sqrt(spread / size))


def _filled(values: Floats) -> Floats | None:
    seen = np.isfinite(values)
    return np.where(seen, values, values[seen].mean()) if seen.any() else None

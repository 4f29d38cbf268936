r"""Plan how many people a new item needs, with and without twins.

*Without twins* n people give an interval of half width :math:`t \sqrt{v (1 - n / N) / n}`, where v is the variance over
people.

*With twins* the prior is worth some people from the start, and predictions save a share of those asked. How large that
share is, is learned on answered items: each is predicted as if nobody had answered it (nor its battery, if the new
item's battery is new), and the variance that predictions leave is averaged over batteries.

Both half widths are averaged over what the answers may turn out to be, by the law of the item's shares. Answers that
some people have given already narrow that law, and those people count among those to ask. With survey weights, n people
are worth n divided by the design effect of the weights (Kish).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.base import with_blocks
from truetwin.data import Panel, ResponseMatrix
from truetwin.data.person_design import PersonWeights, person_design
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.errors import NotPredictableError, ParameterError
from truetwin.estimation.estimate_work import EstimateWork
from truetwin.estimation.first_answers import NOBODY, FirstAnswers, first_answers
from truetwin.estimation.hidden_answers import predict_hidden
from truetwin.estimation.item_forecast import check_precision, functions_of_law, prior_of_law
from truetwin.estimation.sample_posterior import LEAST_RATIO, SharePrior, posterior_mixture
from truetwin.estimation.statistics import named_statistics
from truetwin.estimation.survey_variance import kish_n
from truetwin.estimation.wanted_items import Wanted, weights_of_being_asked, with_sample, without_answers
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.registry import closest

Array = NDArray[np.float64]

LEAST_ANSWERS = 30  # of an item from which the use of predictions is learned
CASES = 64  # ways in which the answers may turn out
SHOWN = (
    Shown("item", "item"),
    Shown("asked", "asked", "d"),
    Shown("half_width_now", "+- now", ".3f"),
    Shown("more_without_twins", "without twins", "d"),
    Shown("more", "with twins", "d"),
)


@dataclass(frozen=True)
class SamplePlan:
    """Number of people whom each new item needs.

    Attributes
    ----------
    rows : list of dict
        One row an item: ``item``, ``statistic``, ``people`` and ``people_without_twins`` (whom to ask in all),
        ``asked`` (who have answered already), ``more`` and ``more_without_twins`` (whom to ask besides them),
        ``saved``, ``half_width_now`` (of the widest interval that :func:`truetwin.estimate` gives as things stand),
        ``variance_left`` (share of the variance that predictions leave).
    precision, level : float
        Half width that is wanted, and the probability that an interval holds.
    n_people : int
        Number of people in the tables whose weight is above 0.
    effect : float
        Design effect of the survey weights: how many people are worth one who counts like everybody.
    """

    rows: list[dict[str, Any]]
    precision: float
    level: float
    n_people: int
    effect: float = 1.0

    @property
    def title(self) -> str:
        """Say what the table is."""
        more = "more " if self._asked else ""
        return f"{more}people to ask for +-{self.precision:g} ({self.rows[0]['statistic']}, {self.level:.0%} interval)"

    def summary(self) -> SummaryTable:
        """Return one row an item: whom to ask with twins and without."""
        shown = SHOWN if self._asked else tuple(each for each in SHOWN if each.field != "asked")
        return SummaryTable(self.rows, shown, title=self.title)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    @property
    def _asked(self) -> bool:
        """Whether people have answered already."""
        return any(row["asked"] for row in self.rows)


def plan_sample(
    panel: Panel,
    precision: float,
    *,
    items: Iterable[str] | None = None,
    statistic: str = "share",
    level: float = 0.9,
    weights: PersonWeights | None = None,
    sample: ResponseMatrix | None = None,
    blocks: Mapping[str, str] | Literal["auto"] | None = None,
) -> SamplePlan:
    """Say how many people each new item needs for intervals of a given half width, looked at once.

    Parameters
    ----------
    panel : Panel
        Human and twin answers.
    precision : float
        Half width that is wanted: in shares of people, or in units of the answer for a mean.
    items : iterable of str, optional
        New items, or items of the sample; by default all of them.
    statistic : str, default="share"
        What is estimated; of several shares the widest interval counts.
    level : float, default=0.9
        Probability that an interval holds.
    weights : str or array of shape (n,), optional
        Survey weights: a column of the people table, or one number for each respondent of the panel.
    sample : ResponseMatrix, optional
        Answers of people who have been asked already; its weights, if it has any, are those of being asked.
    blocks : mapping from item id to block, or "auto", optional
        Batteries (items asked together).

    Raises
    ------
    ParameterError
        If the precision or the level is out of range, an item is not new, or its scale does not admit the statistic.
    AlignmentError
        If the sample has people or items that the panel lacks.
    NotPredictableError
        If there is no new item.
    """

    if not (np.isfinite(precision) and precision > 0):
        raise ParameterError(f"the precision must be a number above 0; got {precision:g}")
    if not 0 < level < 1:
        raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
    whole = panel if sample is None else with_sample(panel, sample)
    wanted = _new_items(panel, items, sample)
    hidden = panel if sample is None else without_answers(whole, wanted)
    design = person_design(whole, weights=weights)
    weight = np.ones(len(whole.respondent_ids)) if design.weights is None else design.weights
    own = weights_of_being_asked(sample, whole.respondent_ids)
    n_people = int((weight > 0).sum())
    effect = n_people / kish_n(weight)
    members, _ = resolve_blocks(hidden, blocks)
    answers = {item: whole.human_values[:, whole.item_ids.index(item)] for item in wanted}
    asked = {item: values for item, values in answers.items() if np.isfinite(values).any()}
    work = EstimateWork(
        Wanted(hidden, tuple(wanted), asked, own),
        members,
        weight,
        design,
        population=False,
        factor=1.0,
        level=level,
        seed=0,
        n_jobs=1,
        statistics=named_statistics((statistic,)),
    )
    left = _variances_left(hidden, members, statistic, wanted)
    priors = {item: prior_of_law(work.laws[item], hidden.scales[item], statistic) for item in wanted}
    check_precision(max(priors.values(), key=_span), precision, statistic)
    rows = []
    for item, prior in priors.items():
        functions = functions_of_law(work.laws[item], hidden.scales[item], statistic)
        first = first_answers(answers[item], weight, own, work.laws[item], functions, effect)
        now = _half_width_now(work, item, statistic)
        needed = _needed(prior, precision, n_people, level, left[item], first, now)
        rows.append({"item": item, "statistic": statistic, **needed, "variance_left": left[item]})
    return SamplePlan(rows, precision, level, n_people, effect)


def _half_width_now(work: EstimateWork, item: str, statistic: str) -> float:
    """Half width of the widest interval that :func:`truetwin.estimate` gives as things stand."""
    whole = work.topline(item)
    wanted = [s for s, each in enumerate(whole.functions) if each.statistic == statistic]
    return float((whole.upper - whole.lower)[wanted].max() / 2)


def _needed(
    prior: SharePrior,
    precision: float,
    population: int,
    level: float,
    ratio: float,
    first: FirstAnswers,
    now: float,
) -> dict[str, Any]:
    """Say how many people one item needs in all, and how many more than have answered."""
    people = people_needed(prior, precision, population=population, level=level, ratio=ratio, first=first)
    without = people_without_twins(prior, precision, population=population, level=level, first=first)
    if not first.n:
        people = min(people, without)  # twins can still be left aside
    # The forecast is about intervals to come. Whether those of today are narrow enough is known.
    people = first.n if now <= precision else min(max(people, first.n + 1), population)
    return {
        "people": people,
        "people_without_twins": without,
        "saved": max(without - people, 0),
        "asked": first.n,
        "more": people - first.n,
        "more_without_twins": without - first.n,
        "half_width_now": now,
    }


def _variances_left(
    panel: Panel, blocks: Mapping[str, str], statistic: str, wanted: Iterable[str]
) -> dict[str, float]:
    """Share of the variance that predictions leave, by wanted item; new batteries and known ones have two shares."""
    new = set(panel.new_items)
    known = {blocks[i] for i in panel.item_ids if i not in new}
    kinds = {i: blocks[i] not in known for i in wanted}  # whether the battery is new
    left = {kind: variance_left(panel, blocks, statistic, new_battery=kind) for kind in set(kinds.values())}
    return {item: left[kind] for item, kind in kinds.items()}


def _span(prior: SharePrior) -> float:
    return float((prior.high - prior.low).max())


def people_without_twins(
    prior: SharePrior, precision: float, *, population: float, level: float, first: FirstAnswers = NOBODY
) -> int:
    """Smallest simple random sample whose widest interval by Student's t has the half width wanted on average.

    Those who have answered already (``first``) are in it.

    Examples
    --------
    >>> half = np.array([0.5])
    >>> prior = SharePrior(half, half**2, half * 0, half * 0 + 1, np.array([1e6]), np.array([[1.0]]))
    >>> people_without_twins(prior, 0.03, population=np.inf, level=0.9)
    754
    """
    from scipy.stats import t

    now = _worth(first.n, population, level, 1.0, first)
    spread = np.sqrt(_spread_of(prior, _possible_means(prior, first, now, np.inf), first)).mean(axis=1).max()

    def half_width(n: int) -> float:
        people = first.people(n)
        error = spread * np.sqrt(first.rest(n, population) / people)
        return float(t.ppf((1 + level) / 2, max(people - 1, 1.0)) * error)

    return _smallest(half_width, precision, max(2, first.n), population)


def people_needed(
    prior: SharePrior,
    precision: float,
    *,
    population: float,
    level: float,
    ratio: float = 1.0,
    first: FirstAnswers = NOBODY,
) -> int:
    """Smallest simple random sample whose widest interval has the half width wanted on average, with the twins' help.

    Parameters
    ----------
    prior : SharePrior
        What is known of the statistics beforehand.
    precision, level : float
        Half width that is wanted, and the probability that the interval holds.
    population : float
        Number of people whom the estimate is about.
    ratio : float, default=1
        Share of the variance that predictions of single people leave.
    first : FirstAnswers, optional
        Those who have answered already; they are in the sample.
    """

    def half_width(n: int) -> float:
        return float(_expected_half_width(prior, n, population, level, ratio, first).max())

    return _smallest(half_width, precision, first.n, population)


def variance_left(panel: Panel, blocks: Mapping[str, str], statistic: str, *, new_battery: bool) -> float:
    """Share of the variance of answers that predictions of single people leave, averaged over answered batteries.

    1 where there is too little to learn from.
    """
    predicted = predict_hidden(panel, with_blocks(Auto(), blocks), blocks, new_battery=new_battery)
    by_battery: dict[str, list[float]] = {}
    for j, item in enumerate(panel.item_ids):
        y, f = panel.human_values[:, j], predicted[:, j]
        fine = np.isfinite(y) & np.isfinite(f)
        if fine.sum() < LEAST_ANSWERS or y[fine].std() == 0:
            continue
        by_battery.setdefault(blocks[item], []).append(_left_of(y[fine], f[fine], statistic == "mean"))
    if len(by_battery) < 2:
        return 1.0
    return float(np.clip(np.mean([np.mean(part) for part in by_battery.values()]), LEAST_RATIO, 1.0))


def _left_of(y: Array, f: Array, is_mean: bool) -> float:
    """Return 1 - r squared: of the answers, or of the indicators of all categories together."""
    if f.std() < 1e-12:
        return 1.0
    columns = y[:, None] if is_mean else (y[:, None] == np.unique(y)).astype(float)
    columns = columns - columns.mean(axis=0)
    centred = f - f.mean()
    explained = (centred @ columns) ** 2 / (centred @ centred)
    if is_mean and centred @ columns[:, 0] < 0:  # a slope below 0 is not used
        return 1.0
    return float(1.0 - explained.sum() / (columns**2).sum())


def _worth(n: int, population: float, level: float, ratio: float, first: FirstAnswers) -> float:
    """Return how many people drawn simply at random from many n people are worth, with the help of predictions."""
    from scipy.stats import norm, t

    if n <= 1:
        return 0.0
    people = first.people(n)
    student = float(t.ppf((1 + level) / 2, max(people - 1, 1.0)))
    z = float(norm.ppf((1 + level) / 2))
    return people / max(first.rest(n, population), 1e-9) * (z / student) ** 2 / ratio


def _expected_half_width(
    prior: SharePrior, n: int, population: float, level: float, ratio: float, first: FirstAnswers
) -> Array:
    """Half widths of the S posteriors, averaged over equally likely ways in which the answers may turn out."""
    from scipy.stats import norm

    worth = _worth(n, population, level, ratio, first)
    now = _worth(first.n, population, level, ratio, first)
    theta = _possible_means(prior, first, now, worth)
    spread = _spread_of(prior, theta, first)
    tiled = SharePrior(
        np.repeat(prior.means, CASES),
        np.repeat(prior.variances, CASES),
        np.repeat(prior.low, CASES),
        np.repeat(prior.high, CASES),
        prior.kappas,
        np.repeat(prior.weights, CASES, axis=0),
    )
    means, variances, weights = posterior_mixture(
        tiled, theta.ravel(), np.full(theta.size, worth), spread.ravel()
    )
    centre = (weights * means).sum(axis=1)
    total = (weights * (variances + (means - centre[:, None]) ** 2)).sum(axis=1)
    z = float(norm.ppf((1 + level) / 2))
    return np.asarray(z * np.sqrt(total).reshape(theta.shape).mean(axis=1))


def _possible_means(prior: SharePrior, first: FirstAnswers, now: float, worth: float) -> Array:
    """Means of a sample that may turn out, equally likely, of shape (S, CASES).

    The sample is worth ``worth`` people. Of these ``now`` have answered; the others draw from what is believed since.
    """
    from scipy.stats import norm

    means, variances, weights = first.belief(prior, now)
    cases = (np.arange(CASES) + 0.5) / CASES
    reached = np.cumsum(weights, axis=1)[:, None, :] >= cases[:, None] * (1 - 1e-9)
    part = reached.argmax(axis=2)
    away = norm.ppf((np.arange(CASES) * 0.6180339887498949 + 0.5) % 1.0)  # spread evenly over each part
    others = 1.0 if worth == 0 or np.isinf(worth) else 1.0 - now / worth
    noise = first.variance(prior)[:, None] * (others / worth if worth else 0.0)
    middle = others * np.take_along_axis(means, part, axis=1) + (1 - others) * first.centre(prior)[:, None]
    found = middle + away * np.sqrt(others**2 * np.take_along_axis(variances, part, axis=1) + noise)
    return np.asarray(np.clip(found, prior.low[:, None], prior.high[:, None]))


def _spread_of(prior: SharePrior, means: Array, first: FirstAnswers) -> Array:
    """Variance over people if these are the means."""
    two_valued = _is_two_valued(prior)
    spread = np.repeat(first.variance(prior)[:, None], means.shape[1], axis=1)
    least, most = prior.low[two_valued, None], prior.high[two_valued, None]
    spread[two_valued] = (means[two_valued] - least) * (most - means[two_valued])
    return spread


def _is_two_valued(prior: SharePrior) -> NDArray[np.bool_]:
    """Whether a function takes its smallest and largest value only: its variance is then the largest possible."""
    if not np.isfinite(prior.high - prior.low).all():
        return np.zeros(len(prior.means), dtype=bool)
    return np.asarray(
        np.isclose(prior.variances, (prior.means - prior.low) * (prior.high - prior.means), rtol=1e-6)
    )


def _smallest(half_width: Any, precision: float, least: int, population: float) -> int:
    """Find the smallest n that is precise enough by halving; everybody, if only that is."""
    if half_width(least) <= precision:
        return least
    low, high = least, 2 * max(least, 1)
    most = int(population) if np.isfinite(population) else 10**9
    while high < most and half_width(high) > precision:
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if half_width(middle) > precision else (low, middle)
    return high


def _new_items(panel: Panel, items: Iterable[str] | None, sample: ResponseMatrix | None) -> list[str]:
    sampled = set() if sample is None else set(sample.item_ids)
    new = set(panel.new_items) | sampled
    can = [i for i in panel.item_ids if i in new and i in set(panel.twin.item_ids)]
    if not can:
        raise NotPredictableError(
            "nothing to plan: every item that twins have answered has human answers already"
        )
    if items is None:
        return can
    wanted = list(dict.fromkeys(items))
    for item in wanted:
        if item not in can:
            raise ParameterError(
                f"the size of a sample is planned for new items; {item!r} is none.{closest(item, can)}"
            )
    return wanted

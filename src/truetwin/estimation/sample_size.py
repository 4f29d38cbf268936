r"""Plan how many people a new item needs, with and without twins.

*Without twins* n people give an interval of half width :math:`t \sqrt{v (1 - n / N) / n}`, where v is the variance over
people.

*With twins* the prior is worth some people from the start, and predictions save a share of those asked. How large that
share is, is learned on answered items: each is predicted as if nobody had answered it (nor its battery, if the new
item's battery is new), and the variance that predictions leave is averaged over batteries.

Both half widths are averaged over what the answers may turn out to be, by the law of the item's shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.base import with_blocks
from truetwin.data import Panel
from truetwin.errors import NotPredictableError, ParameterError
from truetwin.estimation.hidden_answers import predict_hidden
from truetwin.estimation.item_forecast import check_precision, prior_of_law
from truetwin.estimation.sample_posterior import LEAST_RATIO, SharePrior, posterior_mixture
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.registry import closest

Array = NDArray[np.float64]

LEAST_ANSWERS = 30  # of an item from which the use of predictions is learned
CASES = 64  # ways in which the answers may turn out


@dataclass(frozen=True)
class SamplePlan:
    """Number of people whom each new item needs.

    Attributes
    ----------
    rows : list of dict
        One row an item: ``item``, ``statistic``, ``people`` and ``people_without_twins`` (whom to ask), ``saved``,
        ``half_width_now`` (of the interval before anybody is asked), ``variance_left`` (share of the variance that
        predictions leave).
    precision, level : float
        Half width that is wanted, and the probability that an interval holds.
    n_people : int
        Number of people in the tables.
    """

    rows: list[dict[str, Any]]
    precision: float
    level: float
    n_people: int


def plan_sample(
    panel: Panel,
    precision: float,
    *,
    items: Iterable[str] | None = None,
    statistic: str = "share",
    level: float = 0.9,
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
        New items; by default all.
    statistic : str, default="share"
        What is estimated; of several shares the widest interval counts.
    level : float, default=0.9
        Probability that an interval holds.
    blocks : mapping from item id to block, or "auto", optional
        Batteries (items asked together).

    Raises
    ------
    ParameterError
        If the precision or the level is out of range, an item is not new, or its scale does not admit the statistic.
    NotPredictableError
        If there is no new item.
    """
    from truetwin.reweighting.panel_shares import pool_shares

    if not (np.isfinite(precision) and precision > 0):
        raise ParameterError(f"the precision must be a number above 0; got {precision:g}")
    if not 0 < level < 1:
        raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
    wanted = _new_items(panel, items)
    members, _ = resolve_blocks(panel, blocks)
    laws = pool_shares(panel, members, wanted)
    new = set(panel.new_items)
    known = {members[i] for i in panel.item_ids if i not in new}
    kinds = {i: members[i] not in known for i in wanted}  # whether the battery is new
    left = {
        is_new: variance_left(panel, members, statistic, new_battery=is_new) for is_new in set(kinds.values())
    }
    n_people = len(panel.respondent_ids)
    priors = {item: prior_of_law(laws[item], panel.scales[item], statistic) for item in wanted}
    check_precision(max(priors.values(), key=_span), precision, statistic)
    rows = []
    for item, prior in priors.items():
        ratio = left[kinds[item]]
        people = people_needed(prior, precision, population=n_people, level=level, ratio=ratio)
        without = people_without_twins(prior, precision, population=n_people, level=level)
        rows.append(
            {
                "item": item,
                "statistic": statistic,
                "people": min(people, without),
                "people_without_twins": without,
                "saved": max(without - people, 0),
                "half_width_now": float(_expected_half_width(prior, 0, n_people, level, ratio).max()),
                "variance_left": ratio,
            }
        )
    return SamplePlan(rows, precision, level, n_people)


def _span(prior: SharePrior) -> float:
    return float((prior.high - prior.low).max())


def people_without_twins(prior: SharePrior, precision: float, *, population: float, level: float) -> int:
    """Smallest simple random sample whose widest interval by Student's t has the half width wanted on average.

    Examples
    --------
    >>> half = np.array([0.5])
    >>> prior = SharePrior(half, half**2, half * 0, half * 0 + 1, np.array([1e6]), np.array([[1.0]]))
    >>> people_without_twins(prior, 0.03, population=np.inf, level=0.9)
    754
    """
    from scipy.stats import t

    spread = np.sqrt(_spread_of(prior, _possible_means(prior, 0.0))).mean(axis=1).max()

    def half_width(n: int) -> float:
        rest = max(1 - n / population, 0.0)
        return float(t.ppf((1 + level) / 2, n - 1) * spread * np.sqrt(rest / n))

    return _smallest(half_width, precision, 2, population)


def people_needed(
    prior: SharePrior, precision: float, *, population: float, level: float, ratio: float = 1.0
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
    """

    def half_width(n: int) -> float:
        return float(_expected_half_width(prior, n, population, level, ratio).max())

    return _smallest(half_width, precision, 0, population)


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


def _expected_half_width(prior: SharePrior, n: int, population: float, level: float, ratio: float) -> Array:
    """Half widths of the S posteriors, averaged over equally likely ways in which the answers may turn out."""
    from scipy.stats import norm, t

    z = float(norm.ppf((1 + level) / 2))
    size = n / max(1 - n / population, 1e-9)
    worth = size * (z / float(t.ppf((1 + level) / 2, max(n - 1, 1)))) ** 2 / ratio if n > 1 else 0.0
    theta = _possible_means(prior, 1 / worth if worth else 0.0)
    spread = _spread_of(prior, theta)
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
    return np.asarray(z * np.sqrt(total).reshape(theta.shape).mean(axis=1))


def _possible_means(prior: SharePrior, noise: float) -> Array:
    """Means that may turn out, equally likely, of shape (S, CASES); ``noise`` is the relative variance of a sample."""
    from scipy.stats import norm

    cases = (np.arange(CASES) + 0.5) / CASES
    reached = np.cumsum(prior.weights, axis=1)[:, None, :] >= cases[:, None] * (1 - 1e-9)
    kappa = prior.kappas[reached.argmax(axis=2)]
    away = norm.ppf((np.arange(CASES) * 0.6180339887498949 + 0.5) % 1.0)  # spread evenly over each kappa
    found = prior.means[:, None] + away * np.sqrt(prior.variances[:, None] * (1 / (kappa + 1) + noise))
    return np.asarray(np.clip(found, prior.low[:, None], prior.high[:, None]))


def _spread_of(prior: SharePrior, means: Array) -> Array:
    """Variance over people if these are the means."""
    two_valued = _is_two_valued(prior)
    spread = np.repeat(prior.variances[:, None], means.shape[1], axis=1)
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


def _new_items(panel: Panel, items: Iterable[str] | None) -> list[str]:
    new = [i for i in panel.new_items if i in set(panel.twin.item_ids)]
    if not new:
        raise NotPredictableError(
            "nothing to plan: every item that twins have answered has human answers already"
        )
    if items is None:
        return new
    wanted = list(dict.fromkeys(items))
    for item in wanted:
        if item not in new:
            raise ParameterError(
                f"the size of a sample is planned for new items; {item!r} is none.{closest(item, new)}"
            )
    return wanted

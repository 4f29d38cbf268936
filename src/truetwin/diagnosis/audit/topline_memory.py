r"""Do twins know published results, or results that are older than their training, better than comparable ones?

For each item, the distance of the twins' shares from the truth, :math:`\sqrt{TV}`, is regressed on the number of
categories and the variety of the true answers, and on whether the result could be remembered. Twins who remember
nothing err as much either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from truetwin.data import Item, Scale
from truetwin.diagnosis.audit.audit_check import Check, any_of, unmeasured
from truetwin.diagnosis.audit.left_out_people import Array
from truetwin.diagnosis.audit.paired_answers import FEWEST

#: Fewer comparable items, or clusters of them, give no test.
FEWEST_ITEMS = 8
PUBLISHED = Check(
    "published_toplines",
    "memory",
    ("scores of methods", "shares and means"),
    "Do twins reproduce published toplines better than results of comparable items?",
)
DATED = Check(
    "fielded_before_training",
    "memory",
    ("scores of methods", "shares and means"),
    "Do twins know results that are older than the model's training better than later ones?",
)


@dataclass(frozen=True, eq=False)
class _Topline:
    """One item: the twins' shares, the truth that they are held against, and what makes it comparable."""

    item: str
    battery: str
    distance: float
    n_categories: int
    variety: float


def memory_checks(
    human: Array,
    twin: Array,
    items: Mapping[str, Item],
    scales: Mapping[str, Scale],
    *,
    published: Mapping[str, Array] | None = None,
    trained_until: str | None = None,
    batteries: Mapping[str, str] | None = None,
    random_state: int = 0,
) -> list[Check]:
    """Check whether twins remember results.

    Parameters
    ----------
    human, twin : ndarray of shape (n, m)
        All answers, in the order of ``items``.
    items, scales : mapping by item id
    published : mapping from item id to ndarray of shape (K,), optional
        Published shares of the categories of an item's scale.
    trained_until : str, optional
        Date of the last texts that the model was trained on.
    batteries : mapping from item id to battery, optional
        Items of one battery count as one in errors.
    random_state : int, default=0
        Seed of the sampling noise that is added to published shares of items which people here did not answer.
    """
    places = {item: j for j, item in enumerate(items)}
    sides = {
        item: _shares(human[:, j], twin[:, j], scales[item])
        for item, j in places.items()
        if scales[item].categories
    }
    n_people = int(np.median([s[2] for s in sides.values() if s[2] >= FEWEST] or [0]))
    rng = np.random.default_rng(random_state)
    found: dict[str, _Topline] = {}
    for item, (people, twins, n, n_twins) in sides.items():
        truth = people if n >= FEWEST else None
        if truth is None and published and item in published:
            # with the noise of a sample, so that it compares with items that a sample answered
            shares = np.asarray(published[item], dtype=float)
            truth = rng.multinomial(n_people, shares / shares.sum()) / n_people if n_people else shares
        if truth is not None and n_twins >= FEWEST and truth.shape == twins.shape:
            distance = float(np.abs(truth - twins).sum() / 2)
            variety = float(1 - np.sum(truth**2))
            found[item] = _Topline(item, (batteries or {}).get(item, item), distance, truth.size, variety)
    return [
        _published(found, sides, published),
        _dated(found, items, trained_until),
    ]


def _shares(human: Array, twin: Array, scale: Scale) -> tuple[Array, Array, int, int]:
    """Return the shares of people and twins in the categories of a scale, and the numbers of answers."""
    codes = np.asarray(scale.categories)
    shares, sizes = [], []
    for values in (human, twin):
        answers = scale.snap(values[np.isfinite(values)]) if scale.kind != "nominal" else values
        counts = np.array([(answers == code).sum() for code in codes], dtype=float)
        sizes.append(int(counts.sum()))
        shares.append(counts / max(counts.sum(), 1.0))
    return shares[0], shares[1], sizes[0], sizes[1]


def _published(
    found: Mapping[str, _Topline],
    sides: Mapping[str, tuple[Array, Array, int, int]],
    published: Mapping[str, Array] | None,
) -> Check:
    if not published:
        return unmeasured(PUBLISHED, "no published toplines were given (--published)")
    known = [item for item in published if item in found]
    if not known:
        return unmeasured(PUBLISHED, "no published topline is of an item that twins answered")
    others = [item for item in found if item not in published]
    exact = _too_exact(sides, {item: published[item] for item in known})
    compared = _compared(found, known, others)
    ps = [any_of(np.array(list(exact.values())))]
    if compared is not None:
        ps.append(compared.p)
    rows: list[dict[str, Any]] = [
        {
            "item": item,
            "distance": found[item].distance,
            "better_than": _rank(found, item, others),
            "p_too_exact": exact.get(item),
        }
        for item in sorted(known, key=lambda i: found[i].distance)
    ]
    exactly = [item for item, p in exact.items() if p * len(exact) <= 0.05]
    words = "" if compared is None else compared.words("published", "other")
    if exactly:
        words += ("; " if words else "") + (
            f"{len(exactly)} toplines are reproduced more exactly than by a random sample of so many people, such as "
            f"{exactly[0]}"
        )
    return replace(
        PUBLISHED,
        measure="mean distance (total variation) of twins' shares from the truth, items with published toplines",
        value=float(np.mean([found[i].distance for i in known])),
        baseline=float(np.mean([found[i].distance for i in others])) if others else None,
        baseline_measure="the same for other items",
        p=any_of(np.array(ps)),
        rule="regression of distances on what makes items comparable and on being published, errors by battery, "
        "one-sided t test; and chi-square of each published topline against a random sample, lower tail, times their "
        "number. The smaller p-value counts, times two"
        + ("" if compared is not None else f". Fewer than {FEWEST_ITEMS} other items: the second only"),
        fault=f"published results are remembered: {words}",
        rows=rows,
    )


def _too_exact(
    sides: Mapping[str, tuple[Array, Array, int, int]], published: Mapping[str, Array]
) -> dict[str, float]:
    """Test whether twins' shares are closer to published ones than those of a random sample of so many people."""
    found = {}
    for item, given in published.items():
        shares = np.asarray(given, dtype=float)
        twins, n = sides[item][1], sides[item][3]
        used = shares * n >= 5
        if used.sum() >= 2 and used.sum() == shares.size:
            statistic = float(n * np.sum((twins - shares) ** 2 / shares))
            found[item] = float(stats.chi2.cdf(statistic, shares.size - 1))
    return found


def _dated(found: Mapping[str, _Topline], items: Mapping[str, Item], trained_until: str | None) -> Check:
    if trained_until is None:
        return unmeasured(DATED, "it is not declared until when the model was trained (--trained-until)")
    dates = {item: items[item].fielded for item in found if items[item].fielded}
    if not dates:
        return unmeasured(DATED, "no item has a date of its fieldwork (column fielded of the item file)")
    before = [item for item, date in dates.items() if _is_before(str(date), trained_until)]
    after = [item for item in dates if item not in before]
    compared = _compared(found, before, after)
    if compared is None:
        return unmeasured(
            DATED,
            f"{len(before)} items were fielded before the end of training ({trained_until}) and {len(after)} after; "
            f"{FEWEST_ITEMS} after, in several batteries, and one before are needed",
        )
    return replace(
        DATED,
        measure=f"mean distance (total variation) of twins' shares from people's, items fielded until {trained_until}",
        value=float(np.mean([found[i].distance for i in before])),
        baseline=float(np.mean([found[i].distance for i in after])),
        baseline_measure="the same for items fielded later",
        p=compared.p,
        rule="regression of distances on what makes items comparable and on being fielded before, errors by battery: "
        "one-sided t test",
        fault=f"results from before the end of training are remembered: {compared.words('earlier', 'later')}",
        rows=[
            {"item": i, "fielded": dates[i], "before": i in before, "distance": found[i].distance}
            for i in dates
        ],
    )


def _is_before(date: str, until: str) -> bool:
    """Whether a date is not after another; the coarser of the two decides how exactly they are compared."""
    size = min(len(date), len(until))
    return date[:size] <= until[:size]


@dataclass(frozen=True)
class _Compared:
    """Difference of the distances of items that could be remembered from those of comparable items."""

    remembered: float
    others: float
    p: float

    def words(self, which: str, rest: str) -> str:
        """Say how far each kind of items is off."""
        return (
            f"twins' shares are off by {self.remembered:.0%} of the answers on {which} results, by {self.others:.0%} "
            f"on comparable {rest} ones"
        )


def _compared(
    found: Mapping[str, _Topline], remembered: Sequence[str], others: Sequence[str]
) -> _Compared | None:
    """Regress distances on features and on being remembered; None if there is too little to compare with."""
    items = [*remembered, *others]
    batteries = np.unique([found[i].battery for i in items], return_inverse=True)[1]
    n_batteries = int(batteries.max()) + 1 if items else 0
    if len(others) < FEWEST_ITEMS or not remembered or n_batteries < FEWEST_ITEMS:
        return None
    y = np.sqrt([found[i].distance for i in items])
    features = np.array([[1.0, np.log(found[i].n_categories), found[i].variety] for i in items])
    dummy = np.array([1.0] * len(remembered) + [0.0] * len(others))
    # what the features explain is learned on all items, with the dummy beside them
    x = np.column_stack([dummy, _full_rank(features)])
    coefficients, errors = _clustered(x, y, batteries)
    df = max(n_batteries - x.shape[1], 1)
    t = coefficients[0] / errors[0] if errors[0] > 0 else 0.0
    expected = float(np.mean([found[i].distance for i in others]))
    return _Compared(
        float(np.mean([found[i].distance for i in remembered])), expected, float(stats.t.cdf(t, df))
    )


def _full_rank(x: Array) -> Array:
    """Keep the first columns that are not combinations of those before them."""
    kept: list[int] = []
    for k in range(x.shape[1]):
        if np.linalg.matrix_rank(x[:, [*kept, k]]) > len(kept):
            kept.append(k)
    return x[:, kept]


def _clustered(x: Array, y: Array, clusters: NDArray[np.intp]) -> tuple[Array, Array]:
    """Least squares with errors that are robust to dependence within clusters (CR1)."""
    inverse = np.linalg.pinv(x.T @ x)
    b = inverse @ x.T @ y
    scores = x * (y - x @ b)[:, None]
    sums = np.zeros((int(clusters.max()) + 1, x.shape[1]))
    np.add.at(sums, clusters, scores)
    G, n, p = sums.shape[0], *x.shape
    scale = G / (G - 1) * (n - 1) / max(n - p, 1)
    return b, np.sqrt(np.maximum(np.diag(inverse @ (scale * sums.T @ sums) @ inverse), 0.0))


def _rank(found: Mapping[str, _Topline], item: str, others: Sequence[str]) -> float | None:
    """Share of other items that twins miss by more."""
    return float(np.mean([found[o].distance > found[item].distance for o in others])) if others else None

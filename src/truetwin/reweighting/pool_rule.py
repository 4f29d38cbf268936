"""Pool predictions of several methods by a rule learned from out-of-fold predictions; null options compete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.reweighting.discrepancies import Discrepancy
from truetwin.reweighting.item_means import MeanRule, battery_effects, centre, has_mean, tilted, unit
from truetwin.reweighting.marginal_method import Fold
from truetwin.reweighting.twin_table import TwinTable
from truetwin.solvers.linear_pool import pool_weights

Floats = NDArray[np.float64]
Components = Mapping[str, Floats]

NULLS = ("mix", "mean", "twins")
#: Name of the null option "one source alone", and start of the names of shares of one source. These compete as null
#: options only: as components they overfit (eight public sources, one item in five hidden: KL .067 with, .058 without).
ONE_SOURCE, OF_SOURCE = "source", "twins of "
SHARES_OF_MEAN = tuple(round(0.05 * k, 2) for k in range(1, 21))
FEWEST_FOR_MEANS = 8  # ordered items, to learn means from


@dataclass(frozen=True, eq=False)
class Evidence:
    """Out-of-fold predictions of the training items, from which the pool is learned.

    Attributes
    ----------
    table : TwinTable
        The training items.
    human : ndarray of shape (m, width)
        Their human shares.
    components : mapping from name to ndarray of shape (m, width)
        Predictions of each method, made without the item's fold; among them ``twins`` and ``mean``.
    omega : ndarray of shape (m,)
        Weights of the items.
    known_batteries : bool
        Whether items of one battery are in several folds, so that a battery's other items are known.
    """

    table: TwinTable
    human: Floats
    components: Components
    omega: Floats
    known_batteries: bool

    def take(self, rows: NDArray[np.int64]) -> Evidence:
        """Select items."""
        parts = {name: shares[rows] for name, shares in self.components.items()}
        return replace(
            self,
            table=self.table.take(rows),
            human=self.human[rows],
            components=parts,
            omega=self.omega[rows],
        )

    def loss(self, predicted: Floats, measure: Discrepancy) -> float:
        """Compute the weighted mean discrepancy of predictions from the human shares."""
        return float(self.omega @ measure.value(self.human, predicted) / self.omega.sum())

    @property
    def units(self) -> list[str]:
        """Battery of each item; items without batteries are units of their own."""
        return units_of(self.table)


@dataclass(frozen=True, eq=False)
class PoolRule:
    """Rule by which predictions of several methods become one.

    Attributes
    ----------
    weights : mapping from component to float
        Weights of the linear pool.
    share_of_mean : float
        The parameter of ``mix``, the mixture of ``mean`` and the shares of twins.
    twins : str
        The twins whose shares are in ``mix``: all (``"twins"``), or one source.
    source : str
        The source that predicts training items best by itself; empty with a single source.
    null : str or None
        The null option that is used in place of the pool, because it did better on training items.
    means : MeanRule or None
        How means are predicted; None if shares are not tilted to them.
    """

    weights: Mapping[str, float]
    share_of_mean: float
    null: str | None = None
    means: MeanRule | None = None
    twins: str = "twins"
    source: str = ""

    def apply(self, components: Components, table: TwinTable) -> Floats:
        """Pool the predictions for the items of a table."""
        base = self.base(components)
        if self.means is None:
            return base
        pooled = self.pooled(components)
        return tilted(base, self.means.predict(self.candidates(components), pooled, table), table)

    def base(self, components: Components) -> Floats:
        """Compute the shares before they are tilted."""
        return self.pooled(components) if self.null is None else self.nulls(components)[self.null]

    def pooled(self, components: Components) -> Floats:
        """Compute the linear pool."""
        return np.asarray(sum(weight * components[name] for name, weight in self.weights.items()))

    def nulls(self, components: Components) -> dict[str, Floats]:
        """Compute the null options, by name."""
        twins, mean = components[self.twins], components["mean"]
        return {
            "mix": self.share_of_mean * mean + (1.0 - self.share_of_mean) * twins,
            "mean": mean,
            "twins": components["twins"],
            **({ONE_SOURCE: components[self.source]} if self.source else {}),
        }

    def candidates(self, components: Components) -> dict[str, Floats]:
        """Collect what means are combined from: the components, the pool and the mix."""
        return {**_pooled(components), "pool": self.pooled(components), "mix": self.nulls(components)["mix"]}


@dataclass(frozen=True, eq=False)
class LearnedPool:
    """Learned rule, and predictions of every training item by rules that were learned without its fold.

    Attributes
    ----------
    rule : PoolRule
        Learned from all training items.
    predictions : ndarray of shape (m, width)
        Honest predictions of the training items.
    tried : mapping from name to float
        Weighted mean discrepancy of the pool and of each null option.
    """

    rule: PoolRule
    predictions: Floats
    tried: Mapping[str, float]


def learn_pool(evidence: Evidence, folds: Sequence[Fold], measure: Discrepancy) -> LearnedPool:
    """Learn how to pool. The pool competes with the null options, and tilted shares with shares as they are.

    For both comparisons, every training item is predicted by a rule that was learned from the other folds.
    """
    honest = [_without(evidence, fold) for fold in folds]
    pooled = _gather(evidence, folds, honest, lambda rule, parts, _: rule.pooled(parts))
    nulls = _gather(
        evidence, folds, honest, lambda rule, parts, _: np.stack(list(rule.nulls(parts).values()), axis=1)
    )
    names = NULLS if nulls.shape[1] == len(NULLS) else (*NULLS, ONE_SOURCE)
    options = {"pool": pooled} | {name: nulls[:, k] for k, name in enumerate(names)}
    tried = {name: evidence.loss(shares, measure) for name, shares in options.items()}
    best = min(tried, key=lambda name: tried[name])
    null = None if best == "pool" else best
    rule, predictions = replace(_learn(evidence), null=null), options[best]
    if has_mean(evidence.table).sum() >= FEWEST_FOR_MEANS:
        rule, predictions = _with_means(evidence, folds, honest, rule, pooled, predictions, measure)
    return LearnedPool(rule, predictions, tried)


def _learn(evidence: Evidence) -> PoolRule:
    """Learn weights, the parameter of the mix, and weights of means."""
    components, omega = evidence.components, evidence.omega
    strength = float(evidence.table.n_items if evidence.known_batteries else len(set(evidence.units)))
    pooled_parts = _pooled(components)
    found = pool_weights(np.array(list(pooled_parts.values())), evidence.human, omega, strength=strength)
    alone = [name for name in components if name.startswith(OF_SOURCE)]
    logs = {
        (name, s): _likelihood(evidence, s * components["mean"] + (1 - s) * components[name])
        for name in ("twins", *alone)
        for s in SHARES_OF_MEAN
    }
    twins, share_of_mean = max(logs, key=lambda each: logs[each])
    rule = PoolRule(
        weights=dict(zip(pooled_parts, map(float, found), strict=True)),
        share_of_mean=share_of_mean,
        twins=twins,
        source=max(alone, key=lambda name: _likelihood(evidence, components[name]), default=""),
    )
    rows = np.flatnonzero(has_mean(evidence.table))
    if rows.size < FEWEST_FOR_MEANS:
        return rule
    ordered = evidence.take(rows)
    target = centre(ordered.human, ordered.table)
    candidates, pooled = rule.candidates(ordered.components), rule.pooled(ordered.components)
    return replace(rule, means=MeanRule.learn(candidates, pooled, target, ordered.table, ordered.omega))


def _pooled(components: Components) -> dict[str, Floats]:
    """Leave out the shares of single sources."""
    return {name: shares for name, shares in components.items() if not name.startswith(OF_SOURCE)}


def _likelihood(evidence: Evidence, shares: Floats) -> float:
    """Compute the weighted mean log-likelihood of people's answers under predicted shares."""
    return float(evidence.omega @ (evidence.human * np.log(np.maximum(shares, 1e-12))).sum(axis=1))


def _without(evidence: Evidence, fold: Fold) -> PoolRule:
    return _learn(evidence.take(np.setdiff1d(np.arange(evidence.table.n_items), fold)))


def _gather(
    evidence: Evidence,
    folds: Sequence[Fold],
    rules: Sequence[PoolRule],
    predict: Callable[[PoolRule, Components, TwinTable], Floats],
) -> Floats:
    """Predict each fold by the rule that was learned without it."""
    out: Floats | None = None
    for fold, rule in zip(folds, rules, strict=True):
        part = evidence.take(fold)
        found = predict(rule, part.components, part.table)
        if out is None:
            out = np.zeros((evidence.table.n_items, *found.shape[1:]))
        out[fold] = found
    assert out is not None
    return out


def _with_means(
    evidence: Evidence,
    folds: Sequence[Fold],
    honest: Sequence[PoolRule],
    rule: PoolRule,
    pooled: Floats,
    base: Floats,
    measure: Discrepancy,
) -> tuple[PoolRule, Floats]:
    """Tilt shares to predicted means, unless this is worse out of fold by more than a clustered standard error."""
    table = evidence.table

    def predicted(each: PoolRule, parts: Components, items: TwinTable) -> Floats:
        if each.means is None:
            return centre(each.pooled(parts), items)
        return each.means.predict(each.candidates(parts), each.pooled(parts), items)

    means = _gather(evidence, folds, honest, predicted)
    effects: dict[str, float] = {}
    if evidence.known_batteries and table.batteries is not None:
        units, names = unit(pooled, table), np.array(table.batteries)
        rows = has_mean(table)
        errors = (centre(evidence.human, table) - means) / units
        before, effects = means, battery_effects(errors[rows], names[rows].tolist())
        means = before.copy()
        for fold in folds:
            rest = np.setdiff1d(np.flatnonzero(rows), fold)
            known = battery_effects(errors[rest], names[rest].tolist()) if rest.size else {}
            means[fold] = before[fold] + units[fold] * [known.get(b, 0.0) for b in names[fold]]
        means = np.clip(means, 0.005, 0.995)
    candidate = tilted(base, means, table)
    change = measure.value(evidence.human, candidate) - measure.value(evidence.human, base)
    if _worse(change, evidence):
        return replace(rule, means=None), base
    assert rule.means is not None
    return replace(rule, means=replace(rule.means, effects=effects)), candidate


def _worse(change: Floats, evidence: Evidence) -> bool:
    """Tell whether a weighted mean change is above its standard error, clustered by battery."""
    omega = evidence.omega / evidence.omega.sum()
    mean = float(omega @ change)
    _, member = np.unique(np.asarray(evidence.units), return_inverse=True)
    sums = np.bincount(member, weights=omega * (change - mean))
    n = sums.size
    return mean > float(np.sqrt(n / max(n - 1, 1) * float(sums @ sums)))


def units_of(table: TwinTable) -> list[str]:
    """Return the battery of each item; items without batteries are units of their own."""
    return list(table.batteries) if table.batteries is not None else [str(j) for j in range(table.n_items)]

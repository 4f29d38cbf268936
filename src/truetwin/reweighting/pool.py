"""Pool of methods for marginals, in which doing nothing competes: the default of reweighting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError
from truetwin.reweighting.battery_mean import BatteryMean, uniform_shares
from truetwin.reweighting.discrepancies import Discrepancy, discrepancy
from truetwin.reweighting.ensemble import Ensemble
from truetwin.reweighting.helpful_sources import choose_sources
from truetwin.reweighting.kernel import FEWEST_ITEMS, KernelSoftmax
from truetwin.reweighting.marginal_method import (
    CrossValidated,
    FittedMarginals,
    Fold,
    MarginalMethod,
    Setting,
)
from truetwin.reweighting.pool_rule import OF_SOURCE, ONE_SOURCE, Evidence, PoolRule, learn_pool
from truetwin.reweighting.share_errors import FEWEST_FOR_POOL, knows_agreement
from truetwin.reweighting.transition import AnswerTransition, WeightsAndTransition
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]

KEPT = 0.99  # of a component's prediction; the rest is uniform, so that no category is impossible
WITHOUT_LEARNING = 0.5  # share of the mean in the mix, with too few training items to learn it
TOLERANCE = 1e-2  # of the ensemble's optimum
UNLEARNED = PoolRule({"twins": 1.0}, WITHOUT_LEARNING, null="mix")
#: Components that look at single answers; of several sources they see an equal part of each, as many twins as one has.
OF_ANSWERS = ("ensemble", "weights+transition", "ksoft")
FEW_STEPS = 40  # of the EM of weights and transition: stopped early, it predicts better and costs a quarter


@dataclass(frozen=True, eq=False)
class FittedPool(FittedMarginals):
    """Fitted methods, and how their predictions are pooled.

    Where all twins gave one answer to a new item, and to too few training items for anything to be learned of such
    agreement, the prediction lies halfway between twins and mean, as it does if nothing is known.
    """

    parts: Mapping[str, FittedMarginals]
    rule: PoolRule
    notes: tuple[str, ...] = ()
    knows_agreement: bool = True
    sources: tuple[str, ...] = ()

    def predict(self, table: TwinTable) -> Floats:
        """Implement :meth:`FittedMarginals.predict`."""
        table = table.of_families(self.sources)
        thin = table.thinned()
        found = {
            name: part.predict(thin if name in OF_ANSWERS else table) for name, part in self.parts.items()
        }
        parts = smoothed(found, table)
        shares = self.rule.apply(parts, table)
        if not self.knows_agreement:
            agree = table.twins_agree
            shares[agree] = UNLEARNED.apply(parts, table)[agree]
        return shares

    def describe(self) -> dict[str, Any]:
        """Implement :meth:`FittedMarginals.describe`."""
        return {
            "used": self.rule.null or "pool",
            "weights": dict(self.rule.weights),
            "share_of_mean_in_mix": self.rule.share_of_mean,
            **({"sources": list(self.sources)} if self.sources else {}),
            "tilted_to_predicted_means": self.rule.means is not None,
        }


@dataclass(frozen=True, eq=False)
class Pool(MarginalMethod):
    """Pool the predictions of several methods, with weights learned from training items.

    The components are the twins' shares (the mean over sources if there are several), uniform shares, the mean of the
    known marginals (shrunk to the item's battery), transition, ensemble, weights+transition and ksoft (with text where
    there is any). The pool is a mixture of them. Its shares are then tilted to means that are predicted separately,
    which for known batteries includes how far off the battery's other items are. Of several sources those are used that
    predict training items best together (:mod:`truetwin.reweighting.helpful_sources`).

    Null options compete: where twins, mean, mix or one source alone predict the training items better than the pool,
    they are used. Every comparison is between predictions of items by what was learned from other items, and of whole
    batteries from other batteries if the folds hold out whole batteries. With fewer than five training items nothing
    is learned: the prediction lies halfway between twins and mean.
    """

    name: str = "auto"
    needs_folds: ClassVar[bool] = True
    knows_batteries: ClassVar[bool] = True
    follows_share_law: ClassVar[bool] = True

    def components_for(self, table: TwinTable) -> dict[str, MarginalMethod]:
        """Return the methods that are pooled, beside twins and uniform shares."""
        found: dict[str, MarginalMethod] = {"mean": BatteryMean()}
        if table.n_items < FEWEST_FOR_POOL:
            return found
        found |= {
            "transition": AnswerTransition(),
            "ensemble": Ensemble(tol=TOLERANCE),
            "weights+transition": WeightsAndTransition(max_steps=FEW_STEPS),
        }
        if table.n_items >= FEWEST_ITEMS:
            found["ksoft"] = KernelSoftmax(with_text=table.texts is not None)
        return {name: method for name, method in found.items() if table.joint or not method.weights_twins}

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedMarginals:
        """Implement :meth:`MarginalMethod.fit`; ``setting`` holds the components' settings and the rule."""
        sources = setting.get("sources", table.families)
        table = table.of_families(sources)
        chosen: Mapping[str, Setting] = setting["components"]
        rule: PoolRule = setting["rule"]
        needed = _needed(rule)
        parts: dict[str, FittedMarginals] = {"twins": _Twins(), "uniform": _Uniform()}
        parts |= {f"{OF_SOURCE}{name}": _OneSource(name) for name in table.families}
        for name, method in self.components_for(table).items():
            known = table.thinned() if name in OF_ANSWERS else table
            parts[name] = method.fit(known, human, chosen[name]) if name in needed else _Uniform()
        return FittedPool(parts, rule, tuple(setting["notes"]), knows_agreement(table), sources)

    def cross_validate(
        self, table: TwinTable, human: Floats, folds: Sequence[Fold], loss: str | Discrepancy = "kl"
    ) -> CrossValidated:
        """Implement :meth:`MarginalMethod.cross_validate`."""
        measure = discrepancy(loss)
        known = knows_siblings(table.batteries, folds)
        omega = item_weights(table, known)
        everything, sources = table, table.families
        if table.n_items >= FEWEST_FOR_POOL:
            sources = choose_sources(table, human, folds, omega, measure)
            table = table.of_families(sources)
        settings: dict[str, Setting] = {}
        found: dict[str, Floats] = {"twins": table.histogram, "uniform": uniform_shares(table)}
        found |= {f"{OF_SOURCE}{name}": shares for name, shares in table.family_histograms.items()}
        for name, method in self.components_for(table).items():
            seen = table.thinned() if name in OF_ANSWERS else table
            settings[name], found[name] = _chosen(method, seen, human, folds, omega, measure)
        evidence = Evidence(table, human, smoothed(found, table), omega, known)
        if table.n_items < FEWEST_FOR_POOL:
            return self._unlearned(evidence, settings, measure)
        learned = learn_pool(evidence, folds, measure)
        setting = {
            "components": settings,
            "rule": learned.rule,
            "tried": dict(learned.tried),
            "used": learned.rule.null or "pool",
            "sources": sources,
            "notes": (*_notes(learned.rule), *_about_sources(everything, sources)),
        }
        return CrossValidated(self, setting, learned.predictions, measure.value(human, learned.predictions))

    def _unlearned(
        self, evidence: Evidence, settings: Mapping[str, Setting], measure: Discrepancy
    ) -> CrossValidated:
        predictions = UNLEARNED.apply(evidence.components, evidence.table)
        n = evidence.table.n_items
        note = (
            f"with {n} training item{'s' if n != 1 else ''} nothing can be learned (at least {FEWEST_FOR_POOL} are "
            "needed): shares lie halfway between the twins' and the mean of the known ones"
        )
        setting = {"components": settings, "rule": UNLEARNED, "used": "mix", "notes": (note,)}
        return CrossValidated(self, setting, predictions, measure.value(evidence.human, predictions))


def unlearned_pool(n_items: int = 0) -> Setting:
    """Setting of the pool for a population of which no marginal, or a single one, is known."""
    what = "no training item" if n_items == 0 else "one training item"
    note = f"with {what} nothing can be learned: shares lie halfway between the twins' and "
    note += "equal shares" if n_items == 0 else "its own"
    return {"components": {"mean": {}}, "rule": UNLEARNED, "used": "mix", "notes": (note,)}


def knows_siblings(batteries: Sequence[str] | None, folds: Sequence[Fold]) -> bool:
    """Tell whether items are predicted with other items of their battery known; True without batteries."""
    if batteries is None:
        return True
    where = Counter(name for fold in folds for name in {batteries[j] for j in fold})
    return max(where.values(), default=1) > 1


def item_weights(table: TwinTable, known_batteries: bool) -> Floats:
    """Weigh items alike, or whole batteries alike if a new item's battery is new."""
    if known_batteries or table.batteries is None:
        return np.ones(table.n_items)
    size = Counter(table.batteries)
    return np.array([1.0 / size[name] for name in table.batteries])


def smoothed(components: Mapping[str, Floats], table: TwinTable) -> dict[str, Floats]:
    """Mix every prediction with a hundredth of uniform shares."""
    even = uniform_shares(table)
    return {name: KEPT * shares + (1.0 - KEPT) * even for name, shares in components.items()}


class _Twins(FittedMarginals):
    def predict(self, table: TwinTable) -> Floats:
        return table.histogram


@dataclass(frozen=True)
class _OneSource(FittedMarginals):
    name: str

    def predict(self, table: TwinTable) -> Floats:
        return table.family_histograms[self.name]


class _Uniform(FittedMarginals):
    def predict(self, table: TwinTable) -> Floats:
        return uniform_shares(table)


def _chosen(
    method: MarginalMethod,
    table: TwinTable,
    human: Floats,
    folds: Sequence[Fold],
    omega: Floats,
    measure: Discrepancy,
) -> tuple[Setting, Floats]:
    """Choose the setting with the least weighted loss, and return its out-of-fold predictions."""
    choices = list(method.settings())
    predicted = np.zeros((len(choices), *human.shape))
    for fold in folds:
        rest = np.setdiff1d(np.arange(table.n_items), fold)
        if not rest.size:
            raise DataError("every fold must leave training items; one of them holds all")
        predicted[:, fold] = method.path(table.take(rest), human[rest], table.take(fold))
    losses = [float(omega @ measure.value(human, each)) for each in predicted]
    best = int(np.argmin(losses))
    return choices[best], predicted[best]


def _needed(rule: PoolRule) -> set[str]:
    """Components whose predictions the rule uses at all."""
    if rule.null is not None and rule.means is None:
        return {"mean"}
    return {*rule.weights, "mean"}


def _about_sources(table: TwinTable, chosen: Sequence[str]) -> tuple[str, ...]:
    left_out = [name for name in table.families if name not in chosen]
    if not left_out:
        return ()
    return (
        f"sources of twins that predict the training items best together: {', '.join(chosen)}; left out: "
        f"{', '.join(left_out)}",
    )


def _notes(rule: PoolRule) -> tuple[str, ...]:
    if rule.null is None:
        return ()
    whose = "the twins' shares" if rule.twins == "twins" else f"the shares of the {rule.twins}"
    what = {
        "twins": "the twins' own shares",
        "mean": "the mean of the known marginals",
        "mix": f"a mixture of {whose} and the mean of the known marginals",
        ONE_SOURCE: f"the shares of the {rule.source} alone",
    }[rule.null]
    moved = ", moved to predicted means" if rule.means is not None else ""
    return (f"no method did better on the training items than {what}, so that is the prediction{moved}",)

"""Answer-transition matrix: how twins' answers turn into humans' answers, alone or with weights of the twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.reweighting.marginal_baselines import Mix
from truetwin.reweighting.marginal_method import (
    FittedMarginals,
    Kind,
    MarginalMethod,
    Setting,
    item_kinds,
    likest_kind,
)
from truetwin.reweighting.twin_table import TwinTable
from truetwin.solvers.em import GivenShares, em_transition

Floats = NDArray[np.float64]

FALLBACK_SHARE = 0.75  # of the mean marginal, for items with a number of categories never seen in training


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedTransition(FittedMarginals):
    """Weights of the twins, and one matrix for every kind of item.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        Weights of the twins.
    transitions : dict of Kind to ndarray of shape (K, K)
        Row a holds the shares of the humans' categories when twins answer a.
    """

    weights: Floats
    transitions: dict[Kind, Floats]
    fallback: FittedMarginals
    n_steps: int
    notes: tuple[str, ...] = field(default=())

    def predict(self, table: TwinTable) -> Floats:
        """Implement :meth:`FittedMarginals.predict`."""
        counts = table.operator.shares(self.weights)
        total = counts.sum(axis=1, keepdims=True)
        shares = np.where(total > 0, counts / np.maximum(total, 1e-300), table.histogram)
        out = np.zeros_like(shares)
        for kind, rows in item_kinds(table).items():
            known, size = likest_kind(self.transitions, kind), kind.size
            if known is None:
                out[rows] = self.fallback.predict(table.take(rows))
            else:
                out[rows, :size] = shares[rows, :size] @ self.transitions[known][:size, :size]
        return out

    def describe(self) -> dict[str, Any]:
        """Implement :meth:`FittedMarginals.describe`."""
        size = float(1.0 / np.sum(self.weights**2))
        return {"steps": self.n_steps, "effective_sample_size": size, "kinds_of_items": len(self.transitions)}


@dataclass(frozen=True, eq=False, kw_only=True)
class SourceTransitions(FittedMarginals):
    """Answer-transition matrices of several sources, one for each family and kind of item.

    Attributes
    ----------
    transitions : mapping from family to mapping from Kind to ndarray of shape (K, K)
    fallback : FittedMarginals
        Predicts items with a number of categories that was never seen in training.
    n_steps : int
        Most steps that one of the fits took.
    """

    transitions: Mapping[str, Mapping[Kind, Floats]]
    fallback: FittedMarginals
    n_steps: int

    @classmethod
    def fit(cls, table: TwinTable, human: Floats, *, max_steps: int = 300) -> SourceTransitions:
        """Learn the matrices of each family from its own shares."""
        kinds, found, steps = item_kinds(table), {}, 0
        for name, shares in table.family_histograms.items():
            fit = em_transition(
                GivenShares(shares),
                human,
                np.ones(1),
                list(kinds.values()),
                fixed_weights=True,
                max_steps=max_steps,
            )
            found[name], steps = dict(zip(kinds, fit.transitions, strict=True)), max(steps, fit.n_steps)
        fallback = Mix().fit(table, human, {"share_of_mean": FALLBACK_SHARE})
        return cls(transitions=found, fallback=fallback, n_steps=steps)

    def predict(self, table: TwinTable) -> Floats:
        """Implement :meth:`FittedMarginals.predict`."""
        return np.asarray(np.mean(list(self.by_family(table).values()), axis=0))

    def by_family(self, table: TwinTable) -> dict[str, Floats]:
        """Predict the shares of every item from the shares of each family alone, (m, width)."""
        found = {}
        for name, shares in table.family_histograms.items():
            found[name] = out = np.zeros_like(shares)
            for kind, rows in item_kinds(table).items():
                known, size = likest_kind(self.transitions[name], kind), kind.size
                if known is None:
                    out[rows] = self.fallback.predict(table.take(rows))
                else:
                    out[rows, :size] = shares[rows, :size] @ self.transitions[name][known][:size, :size]
        return found

    def describe(self) -> dict[str, Any]:
        """Implement :meth:`FittedMarginals.describe`."""
        return {"steps": self.n_steps, "sources": list(self.transitions)}


@dataclass(frozen=True, eq=False)
class AnswerTransition(MarginalMethod):
    """Answer-transition matrix T: how often the twins' answer a stands for the humans' answer k.

    Each source of twins has a matrix of its own, and the prediction is the mean over sources.

    Minimises the mean Kullback-Leibler divergence of the humans' shares from ``histogram @ T`` by EM. Every row is
    pulled slightly towards the mean marginal. There are few parameters, so it is safe with few training items.

    Parameters
    ----------
    max_steps : int, default=300
        Largest number of EM steps.
    """

    max_steps: int = 300
    name: str = "transition"

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedMarginals:
        """Implement :meth:`MarginalMethod.fit`."""
        if table.families:
            return SourceTransitions.fit(table, human, max_steps=self.max_steps)
        return _fit(table, human, pull=0.0, fixed_weights=True, max_steps=self.max_steps)


@dataclass(frozen=True, eq=False)
class WeightsAndTransition(MarginalMethod):
    """Weights of the twins and an answer-transition matrix, learned together by EM.

    Parameters
    ----------
    pulls : tuple of float
        Strengths of the pull to the design weights that cross-validation chooses from.
    max_steps : int, default=200
        Largest number of EM steps.
    """

    pulls: tuple[float, ...] = (0.002, 0.01, 0.05, 0.25)
    max_steps: int = 200
    name: str = "weights+transition"
    weights_twins = True

    def settings(self) -> Sequence[Setting]:
        """Implement :meth:`MarginalMethod.settings`."""
        return tuple({"pull_to_prior": pull} for pull in self.pulls)

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedTransition:
        """Implement :meth:`MarginalMethod.fit`."""
        return _fit(
            table, human, pull=float(setting["pull_to_prior"]), fixed_weights=False, max_steps=self.max_steps
        )


def _fit(
    table: TwinTable, human: Floats, *, pull: float, fixed_weights: bool, max_steps: int
) -> FittedTransition:
    kinds = item_kinds(table)
    fit = em_transition(
        table.operator,
        human,
        table.prior,
        list(kinds.values()),
        pull_to_prior=pull,
        fixed_weights=fixed_weights,
        max_steps=max_steps,
    )
    fallback = Mix().fit(table, human, {"share_of_mean": FALLBACK_SHARE})
    return FittedTransition(
        weights=fit.weights,
        transitions=dict(zip(kinds, fit.transitions, strict=True)),
        fallback=fallback,
        n_steps=fit.n_steps,
    )

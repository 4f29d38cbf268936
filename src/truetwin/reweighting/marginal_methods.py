"""List the methods of reweighting by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from truetwin.errors import ParameterError
from truetwin.registry import Registry
from truetwin.reweighting.blend import GeometricMean
from truetwin.reweighting.ensemble import Ensemble
from truetwin.reweighting.kernel import KernelSoftmax
from truetwin.reweighting.marginal_baselines import MeanMarginal, Mix, Uncalibrated
from truetwin.reweighting.marginal_method import MarginalMethod
from truetwin.reweighting.pool import Pool
from truetwin.reweighting.transition import AnswerTransition, WeightsAndTransition

MarginalMethodMaker = Callable[[], MarginalMethod]


def _check_maker(entry: Any) -> None:
    """Raise an error unless an entry of another package makes a method when it is called."""
    made = entry()
    if not isinstance(made, MarginalMethod):
        raise ParameterError(f"calling it must make a MarginalMethod; it makes {made!r:.80}")


MARGINAL_METHODS: Registry[MarginalMethodMaker] = Registry(
    "method for marginals",
    hint="`truetwin methods` lists all.",
    entry_point_group="truetwin.marginal_methods",
    check=_check_maker,
)
_SUMMARIES: dict[str, str] = {}


def _add(name: str, summary: str, make: MarginalMethodMaker, *aliases: str) -> None:
    MARGINAL_METHODS.add(name, make, aliases=aliases)
    _SUMMARIES[name] = summary


_add("twins", "the twins' own shares, uncalibrated", Uncalibrated)
_add("mean", "mean of the known marginals", MeanMarginal)
_add("mix", "one parameter between mean and twins", Mix)
_add("ensemble", "weighted twins and base category twins (paper A, Algorithm 3)", Ensemble)
_add("transition", "how often twins' answer a stands for humans' answer k", AnswerTransition, "T")
_add("weights+transition", "weights of twins and transition together", WeightsAndTransition, "w+T")
_add("ksoft", "softmax regression on kernel components of the items", KernelSoftmax)
_add("ksoft+text", "the same, with the items' texts", lambda: KernelSoftmax(with_text=True))
_add(
    "geometric-mean",
    "geometric mean of weights+transition and ksoft+text",
    lambda: GeometricMean(WeightsAndTransition(), KernelSoftmax(with_text=True)),
)
_add("auto", "a pool of these, in which twins, mean and mix compete", Pool)

BASELINES = ("twins", "mean", "mix")
"""Shown beside every evaluated method."""


def summaries() -> dict[str, str]:
    """Return what each method does, in one line; for a method of another package the first line of its docstring."""
    return {
        name: _SUMMARIES.get(name) or (make().__doc__ or "").strip().partition("\n")[0]
        for name, make in MARGINAL_METHODS.items()
    }


def marginal_method(name: str | MarginalMethod) -> MarginalMethod:
    """Look up a method by name; an instance is returned as it is.

    Examples
    --------
    >>> marginal_method("w+T").name
    'weights+transition'
    """
    return name if isinstance(name, MarginalMethod) else MARGINAL_METHODS[name]()

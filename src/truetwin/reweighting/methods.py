"""The table of methods of this job."""

from __future__ import annotations

from collections.abc import Callable

from truetwin.registry import Registry
from truetwin.reweighting.auto import Auto
from truetwin.reweighting.base import MarginalMethod
from truetwin.reweighting.baselines import MeanMarginal, Mix, Uncalibrated
from truetwin.reweighting.blend import GeometricMean
from truetwin.reweighting.ensemble import Ensemble
from truetwin.reweighting.kernel import KernelSoftmax
from truetwin.reweighting.transition import AnswerTransition, WeightsAndTransition

MARGINAL_METHODS: Registry[Callable[[], MarginalMethod]] = Registry(
    "method for marginals",
    hint=(
        "Known are twins, mean, mix, ensemble, transition, weights+transition, ksoft, ksoft+text, geometric-mean "
        "and auto."
    ),
    entry_point_group="truetwin.marginal_methods",
)
MARGINAL_METHODS.add("twins", Uncalibrated)
MARGINAL_METHODS.add("mean", MeanMarginal)
MARGINAL_METHODS.add("mix", Mix)
MARGINAL_METHODS.add("ensemble", Ensemble)
MARGINAL_METHODS.add("transition", AnswerTransition, aliases=("T",))
MARGINAL_METHODS.add("weights+transition", WeightsAndTransition, aliases=("w+T",))
MARGINAL_METHODS.add("ksoft", KernelSoftmax)
MARGINAL_METHODS.add("ksoft+text", lambda: KernelSoftmax(with_text=True))
MARGINAL_METHODS.add(
    "geometric-mean", lambda: GeometricMean(WeightsAndTransition(), KernelSoftmax(with_text=True))
)
MARGINAL_METHODS.add("auto", Auto)

BASELINES = ("twins", "mean", "mix")
"""Shown beside every evaluated method."""


def marginal_method(name: str | MarginalMethod) -> MarginalMethod:
    """A method by name; an instance passes through.

    Examples
    --------
    >>> marginal_method("w+T").name
    'weights+transition'
    """
    return name if isinstance(name, MarginalMethod) else MARGINAL_METHODS[name]()

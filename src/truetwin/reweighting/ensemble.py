"""Weighted ensemble of paper A (section 7, Algorithm 3): twins and base category twins under one set of weights.

A *base category twin* is made up: it always gives the same category (paper A calls it a "dummy twin").
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError, ScaleError
from truetwin.reweighting.discrepancies import Discrepancy, discrepancy
from truetwin.reweighting.marginal_method import FittedMarginals, MarginalMethod, Setting
from truetwin.reweighting.paper_run import PaperRun
from truetwin.reweighting.twin_table import TwinTable
from truetwin.solvers.column_generation import minimise_over_many
from truetwin.solvers.em import em_weights
from truetwin.solvers.mirror_descent import SimplexSolution

Floats = NDArray[np.float64]
Variant = Literal["both", "personas-only", "base-only"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)


class MeanDiscrepancy:
    """Objective of the ensemble: mean discrepancy over items, as a function of weighted answer counts.

    A share is a count over the summed weight of those who answered the item. Missing answers thus change the base and
    nothing else.
    """

    def __init__(self, measure: Discrepancy, human: Floats, *, complete: bool) -> None:
        self.measure, self.human, self.complete = measure, human, complete

    def evaluate(self, shares: Floats, smoothing: float) -> tuple[float, Floats]:
        """Compute value and gradient in the counts."""
        base = None if self.complete else np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
        predicted = shares if base is None else shares / base
        values, slope = self.measure.fit_loss(self.human, predicted, smoothing)
        if base is not None:
            slope = (slope - (slope * predicted).sum(axis=1, keepdims=True)) / base
        return float(values.mean()), slope / values.size

    def intercept(self, shares: Floats, value: float, slope: Floats) -> float:
        """Return the constant of a linear function below the unsmoothed objective."""
        if (
            self.complete and len(self.measure.smoothings) > 1
        ):  # a norm of P - Q: its slopes are dual feasible
            return -float(np.vdot(slope, self.human))
        return value - float(np.vdot(slope, shares))


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedEnsemble(FittedMarginals):
    """Fitted weights of twins and base category twins.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        Weights of the twins.
    base_weights : ndarray of shape (K,)
        Weights of the base category twins; with ``weights`` they sum to 1.
    solution : SimplexSolution
        Result of the solver: objective, proven gap, steps, effective sample size.
    surrogate : str
        Loss that was minimised in place of the discrepancy, in words; empty if there was none.
    """

    weights: Floats
    base_weights: Floats
    solution: SimplexSolution
    discrepancy: str
    variant: Variant
    surrogate: str = ""
    notes: tuple[str, ...] = field(default=())

    def predict(self, table: TwinTable) -> Floats:
        """Implement :meth:`FittedMarginals.predict`."""
        base = table.base_codes(self.base_weights.size)
        counts = np.zeros((table.n_items, table.width))
        if self.weights.any():
            counts += table.operator.shares(self.weights)
        for k in np.flatnonzero(self.base_weights):
            counts[np.arange(table.n_items), base[k]] += self.base_weights[k]
        total = counts.sum(axis=1, keepdims=True)
        return np.where(total > 0, counts / np.maximum(total, 1e-300), table.histogram)

    def describe(self) -> dict[str, Any]:
        """Implement :meth:`FittedMarginals.describe`."""
        return {
            "discrepancy": self.discrepancy,
            "variant": self.variant,
            "objective": self.solution.objective,
            "optimality_gap": self.solution.gap,
            "surrogate": self.surrogate,
            "steps": self.solution.n_steps,
            "converged": self.solution.converged,
            "effective_sample_size": self.solution.effective_sample_size,
            "weights_above_1e-6": self.solution.n_above(),
            "base_category_mass": float(self.base_weights.sum()),
        }


@dataclass(frozen=True, eq=False)
class Ensemble(MarginalMethod):
    r"""Weighted ensemble of twins and base category twins.

    Solves

    .. math:: \min_{(w, \pi) \in \Delta^{n+K-1}} \frac1m \sum_j
              D\Big(P_j, \sum_i w_i \delta_{y_{ij}} + \sum_k \pi_k \delta_k\Big)

    (paper A, eq. 7.1-7.2; its ridge terms of 1e-6 move the objective by less than 1e-6 and are left out). The start
    is the twins' design weights.

    Parameters
    ----------
    discrepancy : str, default="kl"
        One of ``DISCREPANCIES``.
    variant : {"both", "personas-only", "base-only"}
        Which answerers take part: twins and base category twins, or one of the two. The others have weight exactly
        zero.
    solver : {"mirror-descent", "em"}
        Accelerated mirror descent, or expectation-maximisation (for kl only).
    tol : float, default=1e-3
        Relative optimality gap at which to stop.
    max_steps : int, default=4000
        Largest number of steps of the solver.
    paper : PaperRun, optional
        Repeat the published run instead of solving the problem (weight floor, fixed number of steps).

    Examples
    --------
    >>> import numpy as np
    >>> table = TwinTable.build(np.array([[0, 0], [1, 1], [1, 0]]), [2, 2])
    >>> human = np.array([[0.8, 0.2], [0.9, 0.1]])
    >>> fitted = Ensemble(tol=1e-6).fit(table, human, {})
    >>> fitted.predict(table).round(2).tolist()
    [[0.8, 0.2], [0.9, 0.1]]
    """

    discrepancy: str = "kl"
    variant: Variant = "both"
    solver: Literal["mirror-descent", "em"] = "mirror-descent"
    tol: float = 1e-3
    max_steps: int = 4000
    paper: PaperRun | None = None
    name: str = "ensemble"
    fits_discrepancies: ClassVar[bool] = True
    weights_twins = True

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise ParameterError(f"the variant must be one of {', '.join(VARIANTS)}; got {self.variant!r}")
        if self.solver == "em" and discrepancy(self.discrepancy).name != "kl":
            raise ParameterError(
                f"the solver 'em' is for the discrepancy kl only; got {self.discrepancy!r}. Use 'mirror-descent'."
            )

    def minimising(self, discrepancy: str, variant: str = "both") -> MarginalMethod:
        """See the base class."""
        return replace(self, discrepancy=discrepancy, variant=cast(Variant, variant))

    @property
    def trained_on(self) -> str:  # type: ignore[override]
        """Name of the discrepancy that is minimised."""
        return discrepancy(self.discrepancy).name

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedEnsemble:
        """Implement :meth:`MarginalMethod.fit`."""
        measure = discrepancy(self.discrepancy)
        refuse_nominal(measure, table)
        everybody = self.paper is not None and self.paper.revived
        twins = everybody or self.variant != "base-only"
        n_base = table.width if everybody or self.variant != "personas-only" else 0
        operator = table.with_base_twins(twins=twins) if n_base else table.operator
        objective = MeanDiscrepancy(measure, human, complete=operator.complete)
        start = _start(table, n_base, twins=twins)
        if self.paper is not None:
            learns = self._learning(table.n_twins, n_base) if everybody else None
            solution = self.paper.run(measure, operator, objective, start.size, learns)
        elif self.solver == "em":
            solution = em_weights(operator, human, start, tol=self.tol, max_steps=self.max_steps)
        else:
            solution = minimise_over_many(
                operator,
                objective,
                start,
                smoothings=measure.smoothings,
                tol=self.tol,
                max_steps=self.max_steps,
            )
        split = operator.n_answerers - n_base
        return FittedEnsemble(
            weights=solution.weights[:split] if twins else np.zeros(table.n_twins),
            base_weights=solution.weights[split:] if n_base else np.zeros(table.width),
            solution=solution,
            discrepancy=measure.name,
            variant=self.variant,
            surrogate=measure.surrogate,
        )

    def _learning(self, n_twins: int, n_base: int) -> NDArray[np.bool_]:
        is_twin = np.arange(n_twins + n_base) < n_twins
        return (
            np.ones_like(is_twin) if self.variant == "both" else is_twin == (self.variant == "personas-only")
        )


def _start(table: TwinTable, n_base: int, *, twins: bool) -> Floats:
    """Return starting weights: the twins' design weights; a base category twin starts like an average twin."""
    if not twins:
        return np.full(n_base, 1.0 / n_base)
    start: Floats = np.concatenate([table.prior, np.full(n_base, 1.0 / table.n_twins)])
    return np.asarray(start / start.sum())


def refuse_nominal(measure: Discrepancy, table: TwinTable) -> None:
    """Raise an error if a discrepancy that needs the order of categories meets items without one."""
    if measure.ordered and not table.ordered.all():
        nominal = [item for item, ordered in zip(table.item_ids, table.ordered, strict=True) if not ordered]
        more = f" ({len(nominal) - 1} more)" if len(nominal) > 1 else ""
        raise ScaleError(
            f"the discrepancy {measure.name!r} compares cumulative shares, so every item must be ordinal; "
            f"item {nominal[0]!r} is nominal{more}. Use tv, chi2, kl or hellinger, or declare the item ordinal."
        )

"""Fit-and-transfer (paper A, Algorithm 1): learn on the twins, apply to the humans."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from truetwin.calibration.base import Calibrator
from truetwin.calibration.design import Design
from truetwin.calibration.orientation import Array
from truetwin.errors import ParameterError
from truetwin.solvers.ridge import ridge
from truetwin.solvers.simplex import simplex_least_squares, simplex_mirror_descent_paper


class LinearTransfer(Calibrator):
    """Predict the target by a linear model in the donors, fitted on twins and applied to humans.

    Subclasses implement ``solve(design)``, which returns ``coef_`` of shape (p, q) and ``intercept_`` of shape (q,).
    """

    uses_imputation: ClassVar[bool] = True
    renamed_hooks: ClassVar[Mapping[str, str]] = {**Calibrator.renamed_hooks, "_solve": "solve"}

    def fit_design(self, design: Design) -> None:
        """See the base class."""
        self.coef_, self.intercept_ = self.solve(design)

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        return design.complete.X_human @ self.coef_ + self.intercept_

    @abstractmethod
    def solve(self, design: Design) -> tuple[Array, Array]:
        """Return coefficients (p, q) and intercepts (q,)."""


class Ridge(LinearTransfer):
    r"""Ridge regression.

    Solves :math:`\min_{w, b} \|y - Xw - b\|_2^2 + \alpha \|w\|_2^2` on the twins.
    Source: paper A, appendix A.2. The loss is a sum, so ``alpha`` grows with the number of samples.

    Parameters
    ----------
    alpha : float, default=100
        Penalty; >= 0.
    """

    def __init__(self, alpha: float = 100.0) -> None:
        self.alpha = alpha

    def solve(self, design: Design) -> tuple[Array, Array]:
        """See the base class."""
        return ridge(design.complete.X_twin, design.complete.y_twin, self.alpha)


class _CoordinateDescent(LinearTransfer):
    """Shared part of lasso and elastic net; ``converged_`` says whether every target met its tolerance."""

    def _descend(self, design: Design, alpha: float, l1_ratio: float) -> tuple[Array, Array]:
        found = design.complete.elastic_net_design.solve(design.complete.y_twin, alpha, l1_ratio)
        self.converged_ = found.converged
        self.note_convergence(getattr(design, "target_ids", ()), found.converged)
        return found.coef, found.intercept


class ElasticNet(_CoordinateDescent):
    r"""Elastic-net regression.

    Solves :math:`\min_{w, b} \frac{1}{2n}\|y - Xw - b\|_2^2 + \alpha\rho\|w\|_1 + \frac{\alpha(1-\rho)}{2}\|w\|_2^2` on
    the twins. Source: paper A, appendix A.2, in scikit-learn's scaling.

    Parameters
    ----------
    alpha : float, default=0.01
        Penalty; > 0.
    l1_ratio : float, default=0.3
        Share of the l1 part, :math:`\rho`; between 0 and 1.
    """

    def __init__(self, alpha: float = 0.01, l1_ratio: float = 0.3) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio

    def solve(self, design: Design) -> tuple[Array, Array]:
        """See the base class."""
        return self._descend(design, self.alpha, self.l1_ratio)


class Lasso(_CoordinateDescent):
    r"""Lasso regression: the elastic net with an l1 penalty only.

    Parameters
    ----------
    alpha : float, default=0.001
        Penalty; > 0.
    """

    def __init__(self, alpha: float = 0.001) -> None:
        self.alpha = alpha

    def solve(self, design: Design) -> tuple[Array, Array]:
        """See the base class."""
        return self._descend(design, self.alpha, 1.0)


class SyntheticControl(LinearTransfer):
    r"""Synthetic control: a convex combination of donors.

    Solves :math:`\min_{w \in \Delta^{p-1}} \|y - Xw\|_2^2 + \alpha\|w\|_2^2` on the twins, exactly. Source: paper A,
    appendix A.2.

    Parameters
    ----------
    alpha : float, default=1e-6
        Penalty; >= 0.
    """

    def __init__(self, alpha: float = 1e-6) -> None:
        self.alpha = alpha

    def solve(self, design: Design) -> tuple[Array, Array]:
        """See the base class."""
        X, y = design.complete.X_twin, design.complete.y_twin
        return simplex_least_squares(design.complete.gram, X.T @ y, self.alpha).weights, np.zeros(y.shape[1])


class SyntheticControlPaper(SyntheticControl):
    """Synthetic control stopped where the paper's own computation stopped, far from the optimum.

    Only for comparison with paper A's tables: its mirror descent stays near uniform weights. Use
    :class:`SyntheticControl`.
    """

    def solve(self, design: Design) -> tuple[Array, Array]:
        """See the base class."""
        X, y = design.complete.X_twin, design.complete.y_twin
        return simplex_mirror_descent_paper(design.complete.gram, X.T @ y, self.alpha).weights, np.zeros(
            y.shape[1]
        )


class SyntheticIntervention(LinearTransfer):
    """Synthetic intervention: ridge regression on the leading singular directions of the twins' donors.

    Source: paper A, appendix A.2.

    Parameters
    ----------
    rank : int, default=20
        Number of right singular vectors that twins and humans are projected on.
    alpha : float, default=100
        Ridge penalty there.
    """

    def __init__(self, rank: int = 20, alpha: float = 100.0) -> None:
        self.rank = rank
        self.alpha = alpha

    def solve(self, design: Design) -> tuple[Array, Array]:
        """See the base class."""
        if self.rank < 1:
            raise ParameterError(f"'rank' of SyntheticIntervention must be >= 1. Got {self.rank} instead.")
        directions = design.complete.right_singular_vectors[:, : self.rank]
        coef, intercept = ridge(design.complete.X_twin @ directions, design.complete.y_twin, self.alpha)
        return directions @ coef, intercept

r"""Compute jackknife intervals for the answers of new respondents, from other people's prediction errors.

Every person who has answered is predicted from all others (:mod:`truetwin.calibration.auto.new_people`). The people
are the exchangeable unit. For each item, with its n residuals in ascending order, the interval of level :math:`1 -
\alpha` around a new person's prediction reaches from the residual of rank :math:`\lfloor (n + 1) \alpha / 2 \rfloor`
to that of rank :math:`\lceil (n + 1)(1 - \alpha / 2) \rceil`; ranks that do not exist leave it open. Source: the
jackknife interval with the conformal count of one more person (Barber, Candes, Ramdas and Tibshirani, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.new_people import predict_people
from truetwin.calibration.orientation import Array
from truetwin.calibration.predictive_law import Law
from truetwin.errors import ParameterError


@dataclass(frozen=True, eq=False)
class PersonLaw(Law):
    """Errors to expect in the predicted answers of a new respondent.

    Attributes
    ----------
    residuals : ndarray of shape (n, p)
        Answer minus prediction of other people in ascending order for each item, NaN at the end.
    counts : ndarray of shape (p,)
        Number of residuals of each item.
    """

    residuals: Array
    counts: Array

    def quantiles(self, level: float) -> tuple[Array, Array]:
        """Return the lower and upper error for each item, (p,); infinite where too few people answered it.

        Examples
        --------
        >>> law = PersonLaw(np.arange(-2.0, 3.0)[:, None], np.array([5]))
        >>> low, high = law.quantiles(0.6)
        >>> low, high
        (array([-2.]), array([2.]))
        """
        if not 0 < level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
        tail = (1 - level) / 2
        low = np.floor((self.counts + 1) * tail + 1e-9).astype(np.intp)
        high = np.ceil((self.counts + 1) * (1 - tail) - 1e-9).astype(np.intp)
        item = np.arange(len(self.counts))
        last = max(len(self.residuals) - 1, 0)
        below = self.residuals[np.clip(low - 1, 0, last), item]
        above = self.residuals[np.clip(high - 1, 0, last), item]
        return np.where(low < 1, -np.inf, below), np.where(high > self.counts, np.inf, above)


def person_law(human: Array, twin: Array, folds: NDArray[np.intp] | None = None) -> PersonLaw:
    """Compute the errors of leave-one-out predictions of everybody who has answered.

    Parameters
    ----------
    human, twin : ndarray of shape (n, p)
        Answers on their scales. The people for whom intervals are wanted have no human answers here.
    folds : ndarray of int of shape (n,), optional
        Folds of people, as in :func:`truetwin.calibration.auto.new_people.predict_people`.
    """
    known = np.flatnonzero(np.isfinite(human).any(axis=1))
    errors = np.sort(human[known] - predict_people(human, twin, known, folds), axis=0)
    return PersonLaw(errors, np.isfinite(errors).sum(axis=0))

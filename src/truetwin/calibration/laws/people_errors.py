r"""Errors of the predicted answers of new respondents, from other people who were predicted as if they were new.

The people are the exchangeable unit. For each item, with its n residuals in ascending order, the interval of level
:math:`1 - \alpha` around a new person's prediction reaches from the residual of rank :math:`\lfloor (n + 1) \alpha / 2
\rfloor` to that of rank :math:`\lceil (n + 1)(1 - \alpha / 2) \rceil`; ranks that do not exist leave it open. Source:
the jackknife interval with the conformal count of one more person (Barber, Candes, Ramdas and Tibshirani, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from truetwin.calibration.laws.people_record import PeopleRecord
from truetwin.calibration.laws.prediction_errors import LEVELS, ErrorQuantiles, Errors
from truetwin.calibration.orientation import Array
from truetwin.errors import ParameterError


@dataclass(frozen=True, eq=False)
class PeopleErrors(Errors):
    """Errors to expect in the predicted answers of a new respondent.

    Attributes
    ----------
    people : PeopleRecord
        Predictions of known people as if they were new.

    Examples
    --------
    >>> record = PeopleRecord(("Q1",), tuple("abcde"), np.zeros((1, 5)), np.arange(-2.0, 3.0)[None])
    >>> low, high = PeopleErrors(record).quantiles(0.6)
    >>> low, high
    (array([-2.]), array([2.]))
    """

    people: PeopleRecord

    def quantiles(self, level: float) -> tuple[Array, Array]:
        """Return the lower and upper error for each item, (p,); infinite where too few people answered it."""
        if not 0 < level < 1:
            raise ParameterError(f"the level of an interval must lie between 0 and 1; got {level:g}")
        low, high = self._ends(np.array([level]))
        return low[0], high[0]

    def _ends(self, levels: Array) -> tuple[Array, Array]:
        """Compute lower and upper errors for several levels at once, (levels, p)."""
        ordered, counts = self.people.ordered, self.people.counts
        tail = ((1 - levels) / 2)[:, None]
        low = np.floor((counts + 1) * tail + 1e-9).astype(np.intp)
        high = np.ceil((counts + 1) * (1 - tail) - 1e-9).astype(np.intp)
        item = np.arange(len(counts))
        last = max(ordered.shape[1] - 1, 0)
        below, above = (ordered[item, np.clip(rank - 1, 0, last)] for rank in (low, high))
        return np.where(low < 1, -np.inf, below), np.where(high > counts, np.inf, above)

    @cached_property
    def _distribution(self) -> ErrorQuantiles:
        low, high = self._ends(LEVELS)
        shares = np.concatenate([(1 - LEVELS[::-1]) / 2, (1 + LEVELS) / 2])
        values = np.concatenate([low[::-1], high])
        ordered, last = self.people.ordered, np.maximum(self.people.counts - 1, 0)
        limited = np.clip(values, ordered[:, 0], ordered[np.arange(len(last)), last])
        return ErrorQuantiles(shares, np.where(self.people.counts > 0, limited, np.nan))

    def distribution(self) -> ErrorQuantiles:
        """See the base class; errors stay within those that were seen."""
        return self._distribution

    def record(self) -> PeopleRecord:
        """See the base class."""
        return self.people

    def level_shares(self, cuts: Array, sample: int | None) -> Array | None:
        """See the base class: the known people's answers to the item."""
        return None if sample is None else self.people.shares_below(sample, cuts)

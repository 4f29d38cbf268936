r"""Limit what donors may change in a new battery to what the twin's own answers bear out.

In a new battery, nothing shows whether links that were learned from twins hold for people. A stacked prediction has
two parts: :math:`D`, from the person's answers to donors, and :math:`O`, from the twin's own answer. If both tell
something of the person's answer, they agree. So D is kept as far as it agrees with O over people:

.. math:: \hat z = O + \min\!\Big(1, \kappa \frac{\max(\rho, 0)}{q}\Big) D,
    \qquad \rho = \mathrm{corr}(D, O),\quad q = \mathrm{sd}(D) / \mathrm{sd}(O).

Parts that do not agree leave the twin as it is. Where all twins gave the same answer, there is nothing to agree with,
and D is kept.

Why 3. Suppose that D and O err independently and correlate with people's answers at :math:`r_D` and r. Then
:math:`\rho = r_D r`, and the best prediction is O plus D times :math:`(1 - r^2) / (r^2 - \rho^2)\, \rho / q`, which is
at least :math:`(1 - r^2) / r^2`. At r = .5 that is 3. So a limit of 3 lets donors change no more than is right for
twins that correlate with people at .5, and twins that do better are rare. For worse twins it is cautious.
``benchmarks/agreement.py`` shows what other values do.

The best value for a new battery cannot be learned on known ones, because what matters is how the new battery differs.
Three things are learned, on known batteries that are hidden as a whole. If D does not raise their mean correlation, the
twin is left alone. If another battery is predicted better without a limit with a probability of .9 (by the prediction
interval of its gain, batteries as units), there is none. For an item that belongs to no battery, it is enough that
batteries gain without a limit in the mean: errors of many such items average out, those of one battery do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from truetwin.calibration.orientation import Array

KAPPA = 3.0
TWIN_ALONE = 0.0
NO_LIMIT = np.inf
SURE = 0.9
_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Parts:
    """Second moments of both parts of the predictions of p items, over people.

    Attributes
    ----------
    donors, own : ndarray of shape (p,)
        Variances of D and O.
    product : ndarray of shape (p,)
        Covariances of D and O.
    """

    donors: Array
    own: Array
    product: Array

    @classmethod
    def of(cls, values: Array) -> Parts:
        """Compute the moments of one item from both parts over people, (2, n)."""
        moments = np.cov(values, bias=True)
        return cls(moments[:1, 0], moments[1:, 1], moments[:1, 1])

    @property
    def comparable(self) -> NDArray[np.bool_]:
        """Items for which both parts vary."""
        return np.asarray((self.donors > _LEAST_VARIANCE) & (self.own > _LEAST_VARIANCE))

    def kept(self, limit: float) -> Array:
        """Compute the share of D that is kept for each item.

        Examples
        --------
        >>> Parts(np.array([1.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0]), np.array([0.2, -0.2, 0.0])).kept(3.0)
        array([0.6, 0. , 1. ])
        """
        if np.isinf(limit):
            return np.ones_like(self.donors)
        slope = np.divide(
            np.maximum(self.product, 0.0),
            self.donors,
            out=np.zeros_like(self.donors),
            where=self.comparable,
        )
        return np.where(self.comparable, np.minimum(1.0, limit * slope), 1.0)

    def variance(self, kept: Array) -> Array:
        """Compute the variance of predictions of which a share of D is kept."""
        return np.maximum(kept**2 * self.donors + 2 * kept * self.product + self.own, 0.0)


def choose_limit(
    parts: Parts,
    donors_answer: Array,
    own_answer: Array,
    share: Array,
    block: NDArray[np.intp],
    *,
    alone: bool = False,
) -> float:
    """Choose between :data:`KAPPA`, :data:`TWIN_ALONE` and :data:`NO_LIMIT` on pseudo-targets.

    Own answers that tell nothing, or the opposite, cannot bear out anything: then there is no limit.

    Parameters
    ----------
    parts : Parts
        Moments of the pseudo-targets' predictions.
    donors_answer, own_answer : ndarray of shape (p,)
        Covariances of D and O with the standardised human answers.
    share : ndarray of shape (p,)
        How much each pseudo-target counts.
    block : ndarray of int of shape (p,)
        Battery of each.
    alone : bool
        Whether the target belongs to no battery.
    """

    def reached(kept: Array) -> Array:
        return correlation(parts.variance(kept), own_answer + kept * donors_answer)

    twin = correlation(parts.own, own_answer)
    if share @ twin <= 0:
        return NO_LIMIT
    weight = np.where(parts.comparable, share, 0.0)
    limited, whole = (reached(parts.kept(limit)) for limit in (KAPPA, NO_LIMIT))
    if weight @ (limited - twin) <= 0:
        return TWIN_ALONE
    of_battery = np.bincount(block, weight)
    gain = np.bincount(block, weight * (whole - limited))[of_battery > 0] / of_battery[of_battery > 0]
    least = gain.mean() if alone and gain.size else _least_of_another(gain)
    return NO_LIMIT if least > 0 else KAPPA


def _least_of_another(values: Array) -> float:
    """Bound one more value from below, with probability :data:`SURE`; minus infinity below three values."""
    if values.size < 3:
        return -np.inf
    error = float(values.std(ddof=1)) * np.sqrt(1 + 1 / values.size)
    return float(values.mean() - stdtrit(values.size - 1, SURE) * error)


def correlation(variance: Array, product: Array) -> Array:
    """Divide covariances with standardised answers by the sds of predictions; 0 where these do not vary."""
    varies = variance > _LEAST_VARIANCE
    return np.divide(product, np.sqrt(np.maximum(variance, 0.0)), out=np.zeros_like(variance), where=varies)

r"""Limit what donors may change in a new battery to what the twin's own answers bear out.

In a new battery, nothing shows whether links that were learned from twins hold for people. A stacked prediction has
two parts: :math:`D`, from the person's answers to donors, and :math:`O`, from the twin's own answer. If both tell
something of the person's answer, they agree. So D is kept as far as it agrees with O over people:

.. math:: \hat z = O + \min\!\Big(1, \kappa \frac{\max(\rho, 0)}{q}\Big) D,
    \qquad \rho = \mathrm{corr}(D, O),\quad q = \mathrm{sd}(D) / \mathrm{sd}(O).

:math:`\rho / q` is the slope of the regression of O on D. Parts that do not agree leave the twin as it is. Where all
twins gave the same answer, there is nothing to agree with, and D is kept.

No answer of the new battery is needed. :data:`KAPPA` cannot be learned on known batteries, because the battery that
needs the limit is the one without answers. Only whether D is of use at all is learned: :data:`TWIN_ALONE` wins if D does
not raise the mean correlation on known batteries, each hidden as a whole.
"""

from __future__ import annotations

import numpy as np

from truetwin.calibration.orientation import Array

KAPPA = 3.0
TWIN_ALONE = 0.0
NO_LIMIT = np.inf
_LEAST_VARIANCE = 1e-12


def kept_share(limit: float, donors: Array, own: Array, product: Array) -> Array:
    """Compute the share of the donors' part that is kept, for each item.

    Parameters
    ----------
    limit : float
        :data:`KAPPA`, :data:`TWIN_ALONE` or :data:`NO_LIMIT`.
    donors, own : ndarray
        Variances of both parts over people.
    product : ndarray
        Covariances of both parts.

    Examples
    --------
    >>> kept_share(3.0, np.array([1.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0]), np.array([0.2, -0.2, 0.0]))
    array([0.6, 0. , 1. ])
    """
    if np.isinf(limit):
        return np.ones_like(donors)
    comparable = (donors > _LEAST_VARIANCE) & (own > _LEAST_VARIANCE)
    slope = np.divide(np.maximum(product, 0.0), donors, out=np.zeros_like(donors), where=comparable)
    return np.where(comparable, np.minimum(1.0, limit * slope), 1.0)

r"""Do twins have the people's factors? Tucker's congruence of loadings.

Loadings are the leading eigenvectors of the correlations, times the root of the eigenvalue. Those of one half of the
people's twins are rotated to those of the people of the other half (orthogonal Procrustes), and compared by

.. math:: \phi = \frac{\sum_j a_j b_j}{\sqrt{\sum_j a_j^2 \sum_j b_j^2}} .

The same between the two halves of the people says what sampling leaves of it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from truetwin.diagnosis.audit.audit_check import Check, with_estimate
from truetwin.diagnosis.audit.left_out_people import Array, across_halves
from truetwin.diagnosis.audit.pair_moments import PairMoments, correlations
from truetwin.solvers.leading_eigenpairs import leading_eigenpairs

MOST_FACTORS = 8


def n_factors(r: Array, n: float) -> int:
    r"""Count the eigenvalues of a correlation matrix that exceed :math:`(1 + \sqrt{m / n})^2`, all that noise reaches.

    Examples
    --------
    >>> n_factors(np.full((10, 10), 0.5) + 0.5 * np.eye(10), 200.0)
    1
    """
    values = np.linalg.eigvalsh(r)
    edge = (1 + np.sqrt(r.shape[0] / max(n, 1.0))) ** 2
    return int(np.clip((values > edge).sum(), 1, min(MOST_FACTORS, r.shape[0] - 1)))


def loadings(r: Array, k: int) -> Array:
    """Return the loadings on the leading k factors, (m, k), largest first."""
    values, vectors = leading_eigenpairs(r, k)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def congruence(a: Array, b: Array) -> Array:
    """Rotate loadings ``a`` to ``b`` and return Tucker's congruence of each factor.

    Examples
    --------
    >>> b = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> congruence(b[:, ::-1], b).round(6).tolist()
    [1.0, 1.0]
    """
    u, _, v = np.linalg.svd(a.T @ b)
    turned = a @ (u @ v)
    size = np.sqrt((turned**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.asarray((turned * b).sum(axis=0) / np.where(size > 0, size, 1.0))


def factor_check(moments: PairMoments) -> Check:
    """Check whether twins' answers have the factors of people's answers."""
    check = Check(
        "factor_structure",
        "flattening",
        ("relations",),
        "Do the same factors lie behind the answers of twins and of people?",
        measure="Tucker's congruence of loadings: twins of one half of the people, people of the other half; mean over "
        "factors",
        baseline_measure="the same between people of the two halves",
        rule="congruence of twins minus that of people: one-sided t test against 0",
    )
    n = float(np.median(moments.human[:, 0].sum(axis=0)))
    k = n_factors(correlations(moments.human.sum(axis=0)), n)

    def describe(sums: Array) -> Array:
        return loadings(correlations(sums), k)

    def compare(h1: Array, h2: Array, t1: Array, t2: Array) -> Array:
        twins = congruence(t1, h2) + congruence(t2, h1)
        people = congruence(h1, h2) + congruence(h2, h1)
        return np.stack([twins / 2, people / 2])

    found = across_halves(describe, compare, moments.human, moments.twin, moments.in_first_half)
    difference = found.map(lambda phi: phi[0].mean() - phi[1].mean()).estimate()
    twin, people = found.value.mean(axis=1)
    return with_estimate(
        replace(
            check,
            value=float(twin),
            baseline=float(people),
            fault=f"the factors behind the answers are not people's: congruence {twin:.2f}, two halves of the people "
            f"{people:.2f} (by convention .95 is equal, .85 fair)",
            rows=[
                {"factor": f + 1, "twin": float(found.value[0, f]), "people": float(found.value[1, f])}
                for f in range(k)
            ],
        ),
        difference,
        float(difference.p_values(side="below")),
    )

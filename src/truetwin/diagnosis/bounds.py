r"""Compute those terms of paper A's error bounds that data can give.

Theorem 4.1 (individual level), divided by :math:`\sqrt n` so that it reads in sds of the item:

.. math:: \frac{\|\hat Y_o - Y_o\|}{\sqrt n} \le \frac{\|r\|}{\sqrt n}
          + \frac{\|Y\| / \sqrt n}{\sigma_{\min}(\hat\Sigma) + \lambda}
            \left(\|\hat\Sigma - \tilde\Sigma\| \|\beta^*\| + \|\hat\gamma - \tilde\gamma\|\right),

with :math:`\hat\Sigma = \tilde Y^T \tilde Y / \tilde n` the twins' moments, :math:`\tilde\Sigma` what they would be
with infinitely many twins, :math:`\gamma` the same for the target, and for any coefficients b of the target on its
donors

.. math:: \|r\| \le \|Y_o - Y b\| + \frac{\|Y\|}{\sigma_{\min}(\tilde\Sigma) + \lambda}
          \left(\lambda \|b\| + \|\tilde\gamma - \tilde\Sigma b\|\right).

(The paper's :math:`\|U e\| + \|\mathcal E_o - \mathcal E b\|` bounds the first term, which needs no latent factors as
it stands here.) With b the humans' own ridge coefficients, an answered item gives every term. For a new item the
target's human side is unknown: what is left are the estimation term and the condition of the donors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from truetwin.data import Scale
from truetwin.diagnosis.span import ALPHA
from truetwin.diagnosis.standardised_panel import Array, Prepared, completed, standardised
from truetwin.solvers.simplex import gram_of, simplex_least_squares

N_BOOTSTRAP = 20
CONFIDENCE = 0.05
MAX_DONORS = 400
MAX_TWINS = 3000


@dataclass(frozen=True)
class ErrorBound:
    """Terms of theorem 4.1 for one item, in standard deviations of the item.

    Attributes
    ----------
    sigma_min, condition : float
        Smallest eigenvalue of the twins' donor moments, and largest over smallest after adding the penalty.
    estimation : float
        Second term of the bound: the price of having few twins.
    residual, mismatch : float or None
        The two parts of the structural term. ``residual``: what the human donors cannot represent. ``mismatch``: how
        differently twins and people relate the item to its donors. None for a new item.
    mismatch_found : float or None
        ``|Y (beta - b)| / sqrt(n)`` itself, before the norms are multiplied: how large the mismatch really is.
    error : float or None
        Root mean squared error of the fit-and-transfer prediction; None for a new item.
    """

    sigma_min: float
    condition: float
    estimation: float
    residual: float | None = None
    mismatch: float | None = None
    mismatch_found: float | None = None
    error: float | None = None

    @property
    def bound(self) -> float | None:
        """Whole right-hand side of the theorem, or None where it cannot be computed."""
        if self.residual is None or self.mismatch is None:
            return None
        return self.residual + self.mismatch + self.estimation


def error_bound(
    human: Array,
    twin: Array,
    twin_target: Array,
    human_target: Array | None = None,
    *,
    moment_error: float,
    target_error: float,
    alpha: float = ALPHA,
) -> ErrorBound:
    """Compute the terms of theorem 4.1 for ridge regression.

    Parameters
    ----------
    human : ndarray of shape (n, p)
        Y, complete human answers to the donors.
    twin, twin_target : ndarray of shape (n_twin, p), (n_twin,)
        Twins' answers to donors and target.
    human_target : ndarray of shape (n,), optional
        Human answers to the target, where known.
    moment_error, target_error : float
        Norms of the twins' moments minus their expectations, for the donors (spectral) and the target (Euclidean).
    alpha : float
        Ridge penalty on the sum over twins; lambda of the paper is alpha over the number of twins.
    """
    n_twin, n = twin.shape[0], human.shape[0]
    penalty = alpha / n_twin
    sigma, gamma = twin.T @ twin / n_twin, twin.T @ twin_target / n_twin
    eigenvalues = np.linalg.eigvalsh(sigma)
    low = max(float(eigenvalues[0]), 0.0)
    size = float(np.sqrt(np.linalg.eigvalsh(human.T @ human)[-1] / n))
    lift = size / (low + penalty)
    beta = np.linalg.solve(sigma + penalty * np.eye(len(sigma)), gamma)
    estimation = lift * (moment_error * float(np.linalg.norm(beta)) + target_error)
    condition = (float(eigenvalues[-1]) + penalty) / (low + penalty)
    if human_target is None:
        return ErrorBound(low, condition, estimation)
    own = human.T @ human / n
    b = np.linalg.solve(own + penalty * np.eye(len(own)), human.T @ human_target / n)
    mismatch = lift * (penalty * np.linalg.norm(b) + np.linalg.norm(gamma - sigma @ b))
    return ErrorBound(
        low,
        condition,
        estimation,
        float(np.linalg.norm(human_target - human @ b) / n**0.5),
        float(mismatch),
        float(np.linalg.norm(human @ (beta - b)) / n**0.5),
        float(np.linalg.norm(human_target - human @ beta) / n**0.5),
    )


def item_bounds(prepared: Prepared, *, alpha: float = ALPHA, random_state: int = 0) -> list[dict[str, Any]]:
    """Compute the terms of theorem 4.1 for every item that twins have answered.

    Donors are the answered items other than the target. The estimation errors of the twins' moments are bootstrapped
    over twins (root mean square over 20 draws).

    Returns
    -------
    list of dict
        One row an item, with the fields of :class:`ErrorBound` and ``bound``. Empty beyond 400 donors, where an
        eigenvalue problem an item costs too much.
    """
    donors = prepared.donors
    if donors.size > MAX_DONORS:
        return []
    seen = [np.isfinite(v[:, donors]).any(axis=1) for v in (prepared.human, prepared.twin)]
    targets = np.concatenate([donors, prepared.new])
    human = standardised(completed(prepared.human[np.ix_(seen[0], donors)]))
    twin = np.nan_to_num(prepared.twin[np.ix_(seen[1], targets)], nan=0.0)
    twin[:, : donors.size] = standardised(completed(prepared.twin[np.ix_(seen[1], donors)]))
    moment, columns = _bootstrap(twin, donors.size, random_state)
    rows = []
    for k, j in enumerate(targets):
        others = np.flatnonzero(np.arange(donors.size) != k)
        truth = human[:, k] if k < donors.size else None
        found = error_bound(
            human[:, others],
            twin[:, others],
            twin[:, k],
            truth,
            moment_error=moment,
            target_error=float(columns[k]),
            alpha=alpha,
        )
        rows.append(
            {"item": prepared.panel.item_ids[j], "answered": truth is not None}
            | vars(found)
            | {"bound": found.bound}
        )
    return rows


def moment_distance(prepared: Prepared) -> dict[str, float]:
    """Compute the spectral norms of the item correlations of humans, of twins, and of their difference."""
    donors = prepared.donors
    human, twin = (
        standardised(completed(v[np.isfinite(v[:, donors]).any(axis=1)][:, donors]))
        for v in (prepared.human, prepared.twin)
    )
    moments = [z.T @ z / len(z) for z in (human, twin)]
    names = {"human": moments[0], "twin": moments[1], "difference": moments[1] - moments[0]}
    return {name: float(np.abs(np.linalg.eigvalsh(m)).max()) for name, m in names.items()}


def _bootstrap(twin: Array, n_donors: int, random_state: int) -> tuple[float, Array]:
    rng = np.random.default_rng(random_state)
    n = len(twin)
    centre = twin[:, :n_donors].T @ twin / n
    moment, columns = 0.0, np.zeros(twin.shape[1])
    for _ in range(N_BOOTSTRAP):
        times = np.bincount(rng.integers(0, n, n), minlength=n)
        off = (twin[:, :n_donors] * times[:, None]).T @ twin / n - centre
        own = off[:, :n_donors]
        moment += float(np.abs(np.linalg.eigvalsh((own + own.T) / 2)).max()) ** 2
        columns += np.sum(off**2, axis=0)
    return (moment / N_BOOTSTRAP) ** 0.5, np.sqrt(columns / N_BOOTSTRAP)


@dataclass(frozen=True)
class ShareBound:
    r"""Terms of theorem 7.1 for the distribution of answers to one item.

    .. math:: TV \le m \|c\|_\infty \left[\text{sim-to-real gap}
              + 3 A \sqrt{\frac{K + \log(4 / \alpha)}{n}}\right]

    Attributes
    ----------
    n_donors : int
        m, the donors on the same scale.
    inflation : float
        :math:`m \|c\|_\infty`: 1 if the item is an even mixture of its donors, m if it depends on one alone.
    distance : float
        Root mean squared distance of the item's twin answers (category indicators) from the mixture, relative to
        predicting their shares: 0 if assumption 7.3 holds among the twins, 1 if the mixture says nothing.
    sampling : float
        The second term with A = 1, the least that it can be, at confidence 95%, times the inflation.
    """

    n_donors: int
    inflation: float
    distance: float
    sampling: float


def share_bounds(prepared: Prepared, *, random_state: int = 0) -> list[dict[str, Any]]:
    """Compute the terms of theorem 7.1 for every item that has answered donors on the same scale.

    The coefficients c are the simplex weights with which the donors' category indicators fit the item's, over twins
    (a seeded sample of 3000 where there are more): the sample counterpart of assumption 7.3.
    """
    panel, donors = prepared.panel, prepared.donors
    answers = panel.source_values.reshape(-1, len(panel.item_ids))  # an average of sources is no category
    twins = np.flatnonzero(np.isfinite(answers).any(axis=1))
    if twins.size > MAX_TWINS:
        twins = np.sort(np.random.default_rng(random_state).choice(twins, MAX_TWINS, replace=False))
    rows = []
    for scale, members in _by_scale(prepared).items():
        pool = [j for j in members if j in set(donors.tolist())]
        if len(pool) < 2:
            continue
        indicators = {j: _indicators(answers[twins, j], scale) for j in members}
        stacked = np.column_stack([indicators[j].ravel() for j in pool])
        gram = gram_of(stacked)
        for j in members:
            allowed = np.array([d != j for d in pool])
            y = indicators[j].ravel()
            c = simplex_least_squares(gram, stacked.T @ y, allowed=allowed).weights
            spread = float(np.linalg.norm(y - np.tile(indicators[j].mean(axis=0), len(indicators[j]))))
            apart = float(np.linalg.norm(y - stacked @ c))
            n = int(np.isfinite(answers[:, j]).sum())
            count = int(allowed.sum())
            inflation = count * float(np.max(c))
            sampling = 3 * float((scale.n_categories + np.log(4 / CONFIDENCE)) / max(n, 1)) ** 0.5
            found = ShareBound(
                count, inflation, apart / spread if spread else float("nan"), inflation * sampling
            )
            rows.append((j, {"item": panel.item_ids[j]} | vars(found)))
    return [row for _, row in sorted(rows, key=lambda r: r[0])]


def _by_scale(prepared: Prepared) -> dict[Scale, list[int]]:
    found: dict[Scale, list[int]] = {}
    for j in np.concatenate([prepared.donors, prepared.new]).tolist():
        scale = prepared.panel.scales[prepared.panel.item_ids[j]]
        if scale.kind == "ordinal":  # codes of nominal items mean nothing beyond the item
            found.setdefault(scale, []).append(j)
    return found


def _indicators(values: Array, scale: Scale) -> Array:
    """Build category indicators, one column a category; a missing answer becomes the shares of the other twins."""
    codes = np.asarray(scale.categories)
    seen = np.isfinite(values)
    hit = np.asarray(values[:, None] == codes[None, :], dtype=np.float64)
    hit[~seen] = hit[seen].mean(axis=0) if seen.any() else 1 / codes.size
    return hit


__all__ = ["ErrorBound", "ShareBound", "error_bound", "item_bounds", "moment_distance", "share_bounds"]

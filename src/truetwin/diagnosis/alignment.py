r"""Subspace alignment: do twins vary in the same directions as people?

Directions among items span the row space, those among respondents the column space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from truetwin.diagnosis.standardised_panel import Array

Space = Literal["row", "column"]
BASELINES = ("gaussian", "shuffled")
N_DRAWS = 10


@dataclass(frozen=True, eq=False)
class Alignment:
    r"""Distance between the leading directions of two sources, beside the distance by chance.

    Attributes
    ----------
    space : {"row", "column"}
        Row space (of items, paper A, eq. 4.3) or column space (of respondents, eq. 6.1).
    cosines : dict of str to ndarray of shape (n_ranks,)
        Cosines of the principal angles between the leading ``n_ranks`` directions, largest first.
    distances : dict of str to ndarray of shape (n_ranks,)
        :math:`\|P_k - \tilde P_k\|_F / \sqrt k` for the leading k = 1, 2, ... directions; 0 if the spaces coincide,
        :math:`\sqrt 2` if they are orthogonal.
    cosine_errors, distance_errors : dict of str to ndarray
        Standard errors over random draws; 0 for "twin", which is not random.

    The keys are "twin", "gaussian" (a matrix of N(0, 1) entries against the human one) and "shuffled" (the human
    matrix, each column shuffled by itself).
    """

    space: Space
    cosines: dict[str, Array]
    distances: dict[str, Array]
    cosine_errors: dict[str, Array]
    distance_errors: dict[str, Array]

    @property
    def n_ranks(self) -> int:
        """Number of directions compared, r + 2 in paper A."""
        return int(self.cosines["twin"].size)

    def records(self) -> list[dict[str, object]]:
        """Return one row a rank and source."""
        return [
            {
                "space": self.space,
                "compared": name,
                "rank": k + 1,
                "cosine": float(self.cosines[name][k]),
                "cosine_standard_error": float(self.cosine_errors[name][k]),
                "distance": float(self.distances[name][k]),
                "distance_standard_error": float(self.distance_errors[name][k]),
            }
            for name in self.cosines
            for k in range(self.n_ranks)
        ]


def alignment(
    human: Array,
    twin: Array,
    n_ranks: int,
    space: Space = "row",
    *,
    n_draws: int = N_DRAWS,
    random_state: int = 0,
) -> Alignment:
    """Compare the leading directions of two complete matrices with demeaned columns.

    Source: paper A, sections 4.2 and 6, figures 3, 4, 6 and 7.

    Parameters
    ----------
    human, twin : ndarray of shape (n, m)
        Complete answers of the same respondents to the same items.
    n_ranks : int
        Number of directions to compare; limited to what the shape admits.
    space : {"row", "column"}
        Directions among items, or among respondents.
    n_draws : int, default=10
        Number of random draws of each baseline.
    random_state : int, default=0
        Seed of the draws.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((50, 8))
    >>> X = X - X.mean(axis=0)
    >>> alignment(X, 2 * X, 3).cosines["twin"].round(6)
    array([1., 1., 1.])
    """
    n_ranks = max(1, min(n_ranks, min(human.shape) - 1))
    rng = np.random.default_rng(random_state)
    own = directions(human, n_ranks, space)
    cosines: dict[str, Array] = {}
    distances: dict[str, Array] = {}
    cosine_errors: dict[str, Array] = {}
    distance_errors: dict[str, Array] = {}
    for name, draws in (("twin", 1), *((b, n_draws) for b in BASELINES)):
        found = []
        for _ in range(draws):
            if name == "twin":
                compared = twin
            elif name == "gaussian":
                compared = _demeaned(rng.standard_normal(human.shape))
            else:
                compared = rng.permuted(human, axis=0)
            found.append(_compare(own, directions(compared, n_ranks, space)))
        stacked = np.array(found)  # (draws, 2, n_ranks)
        error = stacked.std(axis=0, ddof=1) / draws**0.5 if draws > 1 else np.zeros(stacked.shape[1:])
        cosines[name], distances[name] = stacked.mean(axis=0)
        cosine_errors[name], distance_errors[name] = error
    return Alignment(space, cosines, distances, cosine_errors, distance_errors)


def directions(values: Array, count: int, space: Space) -> Array:
    """Return the leading singular vectors as orthonormal columns: right ones (items) or left ones (respondents)."""
    tall = values if values.shape[0] >= values.shape[1] else values.T
    _, vectors = np.linalg.eigh(tall.T @ tall)
    leading = vectors[:, ::-1][:, :count]
    if (tall is values) == (space == "row"):
        return np.asarray(leading)
    # the long side: one product, then made orthonormal, which also settles directions without variance
    return np.linalg.qr(tall @ leading)[0]


def _compare(own: Array, other: Array) -> tuple[Array, Array]:
    overlap = own.T @ other
    cosines = np.clip(np.linalg.svd(overlap, compute_uv=False), 0.0, 1.0)
    ranks = np.arange(1, overlap.shape[0] + 1)
    # |P - Q|_F^2 = 2k - 2 |V'W|_F^2 for the leading k columns of V and W
    shared = np.array([np.sum(overlap[:k, :k] ** 2) for k in ranks])
    return cosines, np.sqrt(np.maximum(2 * ranks - 2 * shared, 0.0) / ranks)


def _demeaned(values: Array) -> Array:
    return np.asarray(values - values.mean(axis=0))

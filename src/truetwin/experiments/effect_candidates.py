"""Candidates: ways to map twin effects to human effects that compete, and the part of the grid that each lives on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.experiments.effect_grid import (
    PRIOR_CENTRES,
    SLOPE_SPREADS,
    SLOPES,
    SPREAD_SHARES,
    STANDARDISERS,
    prior_of_slopes,
)
from truetwin.experiments.paired_effects import Array


@dataclass(frozen=True)
class Candidate:
    """One way to map twin effects to human effects.

    Attributes
    ----------
    standardiser : str
        ``twin`` (twin effects in the human sd) or ``own`` (in the twins' own sd); empty for "no effect".
    by_group : bool
        Whether contrasts between conditions and within persons have a slope each.
    centre : float
        Slope that the prior is around.
    """

    standardiser: str = ""
    by_group: bool = False
    centre: float = 0.0

    @property
    def label(self) -> str:
        """The candidate in words."""
        if not self.standardiser:
            return "no effect"
        sd = "human sd" if self.standardiser == "twin" else "twins' own sd"
        return f"{sd}, {'slope by kind' if self.by_group else 'one slope'}, prior around {self.centre:g}"


NO_EFFECT = Candidate()
CANDIDATES = (
    NO_EFFECT,
    *(
        Candidate(standardiser, by_group, centre)
        for standardiser in STANDARDISERS
        for by_group in (False, True)
        for centre in PRIOR_CENTRES
    ),
)
#: The twin effect times one slope for all kinds, which stands beside every calibrated effect.
SHRUNKEN = tuple(c for c in CANDIDATES if c.standardiser == "twin" and not c.by_group)


@dataclass(frozen=True, eq=False)
class GridPart:
    """Points of the grid on which some candidates live, and their probabilities before anything is seen.

    Attributes
    ----------
    candidates : tuple of Candidate
    slopes : ndarray of shape (N, 2)
        Positions of the slopes between conditions and within persons.
    spreads : ndarray of shape (N, 2)
        Positions of the spread of slopes and the spread of errors.
    priors : ndarray of shape (N, candidates)
    """

    candidates: tuple[Candidate, ...]
    slopes: NDArray[np.intp]
    spreads: NDArray[np.intp]
    priors: Array

    def take(self, kept: NDArray[np.bool_]) -> GridPart:
        """Return the part with some of its points."""
        return GridPart(self.candidates, self.slopes[kept], self.spreads[kept], self.priors[kept])


def grid_parts(standardiser: str) -> list[GridPart]:
    """Return the parts of the grid for a standardiser: slopes that are equal, and slopes by kind; or "no effect"."""
    if not standardiser:
        n = SPREAD_SHARES.shape[1]  # without slopes nothing is known of their spread either
        spreads = np.stack([np.zeros(n, dtype=np.intp), np.arange(n)], axis=1)
        share = SPREAD_SHARES.sum(axis=0)[:, None]
        return [GridPart((NO_EFFECT,), np.zeros((n, 2), dtype=np.intp), spreads, share)]
    parts = []
    n_slopes, n_spreads = len(SLOPES), len(SLOPE_SPREADS) * SPREAD_SHARES.shape[1]
    for by_group in (False, True):
        own = tuple(c for c in CANDIDATES if c.standardiser == standardiser and c.by_group == by_group)
        pairs = np.argwhere(np.ones((n_slopes, n_slopes)) if by_group else np.eye(n_slopes))
        priors = [prior_of_slopes(c.centre, by_group)[pairs[:, 0], pairs[:, 1]] for c in own]
        spreads = np.argwhere(np.ones(SPREAD_SHARES.shape))
        joint = np.stack([np.outer(prior, SPREAD_SHARES.ravel()).ravel() for prior in priors], axis=1)
        parts.append(
            GridPart(own, np.repeat(pairs, n_spreads, axis=0), np.tile(spreads, (len(pairs), 1)), joint)
        )
    return parts

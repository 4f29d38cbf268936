"""Likelihood of past studies, study by study: that of any subset is a sum, and leaving one out is a subtraction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError
from truetwin.experiments.effect_candidates import Candidate, GridPart, grid_parts
from truetwin.experiments.effect_grid import (
    SLOPES,
    SPREAD_SHARES,
    STANDARDISERS,
    regressors,
    study_likelihood,
    true_effect_variances,
)
from truetwin.experiments.paired_effects import Array, PairedEffects

#: With more studies than this, points of the grid that are this much less likely than the best are dropped, in logs.
MOST_UNPRUNED, NEGLIGIBLE = 24, 40.0
#: Numbers in a block of left-out likelihoods.
BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class SlopeMoments:
    """Posterior of the slopes under one candidate, given each pair of spreads.

    Attributes
    ----------
    shares : ndarray of shape (H,)
        Probability of each pair of spreads, in the order of the grid.
    first : ndarray of shape (H, 2)
        Share times mean of both slopes.
    second : ndarray of shape (H, 2, 2)
        Share times mean of their products.
    marginals : ndarray of shape (2, slopes)
        Probability of each slope of either kind.
    """

    shares: Array
    first: Array
    second: Array
    marginals: Array

    @classmethod
    def of(cls, part: GridPart, posterior: Array) -> SlopeMoments:
        """Collect the moments from the probabilities of a part's points."""
        n_errors = SPREAD_SHARES.shape[1]
        pair, size = part.spreads[:, 0] * n_errors + part.spreads[:, 1], SPREAD_SHARES.size
        slopes = SLOPES[part.slopes]

        def sums(values: Array) -> Array:
            return np.bincount(pair, posterior * values, minlength=size).astype(np.float64)

        first = np.stack([sums(slopes[:, 0]), sums(slopes[:, 1])], axis=1)
        products = [sums(slopes[:, i] * slopes[:, j]) for i in (0, 1) for j in (0, 1)]
        marginals = [np.bincount(part.slopes[:, i], posterior, minlength=len(SLOPES)) for i in (0, 1)]
        return cls(
            sums(np.ones(len(pair))), first, np.stack(products, axis=1).reshape(-1, 2, 2), np.stack(marginals)
        )


@dataclass(frozen=True, eq=False)
class PastLikelihood:
    """Log likelihoods of past studies on the parts of the grid.

    Attributes
    ----------
    past : PairedEffects
        Contrasts with human effects.
    variances : mapping of str to ndarray of shape (2,)
        Variance of true twin effects by group of kinds, for each usable standardiser.
    parts : sequence of (GridPart, ndarray of shape (studies, points))
        The points on which candidates live, and each study's log likelihood there.
    """

    past: PairedEffects
    variances: Mapping[str, Array]
    parts: Sequence[tuple[GridPart, Array]]

    @classmethod
    def of(cls, past: PairedEffects) -> PastLikelihood:
        """Compute the likelihoods.

        Twin effects are used in both units, or in the one that more studies have. Contrasts without a human effect, or
        without a twin effect in these units, are left out.

        Raises
        ------
        DataError
            If no contrast has a human and a twin effect.
        """
        usable, known = _usable(past)
        here = past.take(known)
        variances = {name: true_effect_variances(here, name) for name in usable}
        power = study_powers(np.bincount(here.study_numbers))
        found = []
        for k, name in enumerate(usable):
            logs = []
            for study in here.study_names:
                own = here.of_study(study)
                twins = regressors(own, name, variances[name])
                logs.append(study_likelihood(own.human, own.human_variance, twins))
            # without slopes the standardiser does not matter, so "no effect" is computed once
            for part in [*(grid_parts("") if k == 0 else []), *grid_parts(name)]:
                found.append(_pruned(part, logs, power))
        return cls(here, variances, found)

    @property
    def studies(self) -> tuple[str, ...]:
        """Names of the past studies."""
        return self.past.study_names

    def posteriors(
        self, studies: Sequence[int], power: Array
    ) -> tuple[dict[Candidate, SlopeMoments], dict[Candidate, Array]]:
        """Learn from some of the studies.

        Parameters
        ----------
        studies : sequence of int
            Numbers of the studies to learn from.
        power : ndarray of shape (len(studies),)
            Powers of their likelihoods.

        Returns
        -------
        moments : dict
            Posterior of each candidate.
        left_out : dict
            Log density of each study under each candidate that learned from the others.
        """
        moments: dict[Candidate, SlopeMoments] = {}
        left_out: dict[Candidate, Array] = {}
        for part, every in self.parts:
            logs = power[:, None] * every[list(studies)]
            whole = logs.sum(axis=0)
            rest = _left_out_evidence(whole, logs, part.priors)
            shares = np.exp(whole - whole.max())[:, None] * part.priors
            for k, candidate in enumerate(part.candidates):
                total = shares[:, k].sum()
                left_out[candidate] = np.log(total) + whole.max() - rest[:, k]
                moments[candidate] = SlopeMoments.of(part, shares[:, k] / total)
        return moments, left_out


def _usable(past: PairedEffects) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Choose the units of twin effects that keep most studies, and the contrasts that have them."""
    choices = []
    for names in (STANDARDISERS, *((name,) for name in STANDARDISERS)):
        known = np.isfinite(past.human)
        for name in names:
            known &= np.isfinite(getattr(past, name))
        choices.append((len(set(past.study_numbers[known])), names, known))
    n_studies, usable, known = max(choices, key=lambda choice: choice[0])  # the first of equals: both units
    if not n_studies:
        raise DataError("past contrasts need a human effect and a twin effect; none has both")
    return usable, known


def study_powers(n_contrasts: NDArray[np.intp]) -> Array:
    """Powers of the likelihoods of studies: one with more contrasts than the harmonic mean counts as much as that."""
    usual = len(n_contrasts) / (1.0 / n_contrasts).sum()
    return np.asarray(np.minimum(1.0, usual / n_contrasts), dtype=np.float64)


def _pruned(part: GridPart, logs: Sequence[Array], power: Array) -> tuple[GridPart, Array]:
    """Drop the points that do not matter, whichever two studies are left out, and collect likelihoods at the others."""
    if len(logs) <= MOST_UNPRUNED:
        return part, np.stack([_at(log, part) for log in logs])
    whole = np.zeros(len(part.slopes))
    for weight, log in zip(power, logs, strict=True):
        whole += weight * _at(log, part)
    best = int(whole.argmax())
    lowest = np.zeros((2, len(whole)))  # the two studies that speak most against each point
    for weight, log in zip(power, logs, strict=True):
        against = weight * _at(log, part)
        against -= against[best]
        lowest[1] = np.minimum(lowest[1], np.maximum(lowest[0], against))
        lowest[0] = np.minimum(lowest[0], against)
    kept = whole - whole[best] - lowest.sum(axis=0) > -NEGLIGIBLE
    left = part.take(kept)
    return left, np.stack([_at(log, left) for log in logs])


def _at(log: Array, part: GridPart) -> Array:
    """Return a study's log likelihood at the points of a part; an axis of length 1 is the same for all its slopes."""
    first = part.slopes[:, 0] if log.shape[0] > 1 else 0
    second = part.slopes[:, 1] if log.shape[1] > 1 else 0
    return np.array(log[first, second, part.spreads[:, 0], part.spreads[:, 1]])


def _left_out_evidence(whole: Array, logs: Array, priors: Array) -> Array:
    """Log evidence of each candidate without each study, shape (studies, candidates)."""
    found = np.empty((len(logs), priors.shape[1]))
    step = max(1, BLOCK // len(whole))
    for start in range(0, len(logs), step):
        rest = whole - logs[start : start + step]
        top = rest.max(axis=1, keepdims=True)
        found[start : start + step] = np.log(np.exp(rest - top) @ priors) + top
    return found

"""Calibrate effects: learn from past contrasts how twin effects map to human effects, and predict those of a new study.

The model is in :mod:`truetwin.experiments.effect_grid`. Several *candidates* differ in the standardiser of twin
effects, in whether both groups of kinds have one slope, and in the prior of slopes; "no effect" is one of them. They
are averaged with weights learned by leaving out each past study in turn.

Source: Yao, Vehtari, Simpson and Gelman (2018), Using stacking to average Bayesian predictive distributions, Bayesian
Analysis 13(3) (weights by pseudo-Bayesian model averaging with a Bayesian bootstrap).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import softmax

from truetwin.errors import DataError
from truetwin.experiments.effect_candidates import Candidate
from truetwin.experiments.effect_grid import (
    ERROR_SPREADS,
    FACTOR_SHARES,
    SLOPE_SPREADS,
    SLOPES,
    STUDY_FACTORS,
    Regressors,
    regressors,
)
from truetwin.experiments.effect_law import EffectLaw, mixture
from truetwin.experiments.paired_effects import GROUPS, Array, PairedEffects
from truetwin.experiments.past_likelihood import PastLikelihood, SlopeMoments, study_powers

#: Fewest past studies to calibrate on. With two, the spread between studies has one degree of freedom.
LEAST_STUDIES = 3
BOOTSTRAPS, SEED = 1000, 20180901


@dataclass(frozen=True, eq=False)
class EffectCalibration:
    """Rule by which human effects follow from twin effects, learned from past studies. Make it with :meth:`fit`.

    Attributes
    ----------
    studies : tuple of str
        The past studies.
    past : PairedEffects
        Their contrasts.
    left_out : mapping of Candidate to ndarray of shape (studies,)
        Log densities of each past study's effects under a candidate that learned from the others.
    posteriors : mapping of Candidate to SlopeMoments
        What each candidate learned of slopes and spreads.
    variances : mapping of str to ndarray of shape (2,)
        Variances of true twin effects, for their shrinkage.
    """

    studies: tuple[str, ...]
    past: PairedEffects
    left_out: Mapping[Candidate, Array]
    posteriors: Mapping[Candidate, SlopeMoments]
    variances: Mapping[str, Array]

    @classmethod
    def fit(
        cls, past: PairedEffects | PastLikelihood, studies: Sequence[str] | None = None
    ) -> EffectCalibration:
        """Learn from past contrasts.

        Parameters
        ----------
        past : PairedEffects or PastLikelihood
            Contrasts with human and twin effects.
        studies : sequence of str, optional
            Past studies to learn from; all by default.

        Raises
        ------
        DataError
            If there are fewer than three past studies.

        Examples
        --------
        >>> x = [0.5, 0.2, -0.4, 0.6]
        >>> past = PairedEffects.of("abcd", "stuv", ["between"] * 4, human=[0.25, 0.1, -0.2, 0.3],
        ...     human_variance=[0.001] * 4, own=x, own_variance=[0.001] * 4)
        >>> new = PairedEffects.of(["e"], ["w"], ["between"], own=[0.4], own_variance=[0.001])
        >>> EffectCalibration.fit(past).law(new).mean().round(1)
        array([0.2])
        """
        found = past if isinstance(past, PastLikelihood) else PastLikelihood.of(past)
        at = [k for k, name in enumerate(found.studies) if studies is None or name in set(studies)]
        if len(at) < LEAST_STUDIES:
            raise DataError(
                f"calibrating effects needs at least {LEAST_STUDIES} past studies with human effects, or nothing is "
                f"known of how studies differ; got {len(at)}"
            )
        numbers = found.past.study_numbers
        posteriors, left_out = found.posteriors(at, study_powers(np.bincount(numbers)[at]))
        kept = found.past.take(np.isin(numbers, at))
        return cls(tuple(found.studies[k] for k in at), kept, left_out, posteriors, found.variances)

    def law(self, new: PairedEffects, candidates: Sequence[Candidate] | None = None) -> EffectLaw:
        """Predict the human effects of one new study from its twin effects.

        Parameters
        ----------
        new : PairedEffects
            Contrasts of one study. Human effects are not looked at. If the human sd is unknown for one of them, only
            twin effects in the twins' own sd are used.
        candidates : sequence of Candidate, optional
            Candidates to average with equal weights. By default all are averaged with their learned weights.

        Raises
        ------
        DataError
            If a contrast has no twin effect in a unit that past contrasts have.
        """
        if len(new.study_names) != 1:
            raise DataError(f"a law is about one study; got {len(new.study_names)}")
        usable = self.usable_standardisers(new)
        asked = self.posteriors if candidates is None else candidates
        chosen = [c for c in asked if not c.standardiser or c.standardiser in usable]
        weight = self._weights_among(chosen) if candidates is None else np.full(len(chosen), 1 / len(chosen))
        parts = [
            self._components(
                new, name, [k for k, c in enumerate(chosen) if c.standardiser == name], chosen, weight
            )
            for name in ("", *usable)
            if any(c.standardiser == name for c in chosen)
        ]
        return mixture(*(np.concatenate(list(column)) for column in zip(*parts, strict=True)))

    def usable_standardisers(self, new: PairedEffects) -> tuple[str, ...]:
        """Standardisers that past and new contrasts have."""
        usable = tuple(name for name in self.variances if np.isfinite(getattr(new, name)).all())
        if not usable:
            raise DataError(self._why_unusable(new))
        return usable

    def _why_unusable(self, new: PairedEffects) -> str:
        if "own" not in self.variances and np.isfinite(new.own).all():
            return (
                "past effects are known in the human sd only, so that the human sd of new contrasts is needed: declare "
                "it (human_sd), or give past effects in the twins' own sd, too"
            )
        lacking = np.flatnonzero(~np.isfinite(new.own) & ~np.isfinite(new.twin))
        which = f"contrast {new.contrasts[lacking[0]]!r}" if lacking.size else f"study {new.study_names[0]!r}"
        return f"a twin effect needs the twins' own sd (above 0) or a human sd; {which} has neither for all contrasts"

    def _components(
        self,
        new: PairedEffects,
        name: str,
        of_name: Sequence[int],
        chosen: Sequence[Candidate],
        weight: Array,
    ) -> tuple[Array, Array, Array, Array]:
        """Describe the law under one standardiser: a component for each pair of spreads and factor of the study."""
        share, mean, covariance = _joined(
            [self.posteriors[chosen[k]] for k in of_name], weight[list(of_name)]
        )
        if name:
            twins = regressors(new, name, self.variances[name])
        else:
            twins = Regressors(np.zeros(len(new)), np.zeros(len(new)), new.groups)
        n = len(STUDY_FACTORS)
        factor = np.tile(STUDY_FACTORS, len(share))
        share, mean = np.outer(share, FACTOR_SHARES).ravel(), np.repeat(mean, n, axis=0)
        covariance = np.repeat(covariance, n, axis=0)
        slope_spread, error_spread = (
            np.repeat(grid.ravel(), n)
            for grid in np.meshgrid(SLOPE_SPREADS**2, ERROR_SPREADS**2, indexing="ij")
        )
        squares = mean**2 + np.einsum("kii->ki", covariance)
        root = np.linalg.cholesky(covariance + (factor * slope_spread + 1e-14)[:, None, None] * np.eye(2))
        spreads = (factor * error_spread)[:, None] + squares[:, twins.groups] * twins.doubts
        kept = share > 0
        return (
            share[kept],
            (mean[:, twins.groups] * twins.effects)[kept],
            (root[:, twins.groups] * twins.effects[:, None])[kept],
            spreads[kept],
        )

    @cached_property
    def weights(self) -> dict[Candidate, float]:
        """Weights of the candidates; they sum to 1."""
        return dict(zip(self.left_out, map(float, self._weights_among(list(self.left_out))), strict=True))

    def _weights_among(self, candidates: Sequence[Candidate]) -> Array:
        return averaging_weights(np.stack([self.left_out[c] for c in candidates], axis=1))

    @cached_property
    def n_by_group(self) -> tuple[int, int]:
        """Number of past studies with contrasts between conditions, and within persons."""
        groups, numbers = self.past.groups, self.past.study_numbers
        return (len(set(numbers[groups == 0])), len(set(numbers[groups == 1])))

    def slopes(self, level: float = 0.9) -> list[dict[str, Any]]:
        """List the slopes by standardiser and group of kinds, with intervals of the usual slope over studies."""
        rows = []
        for name in self.variances:
            of_name = [c for c in self.left_out if c.standardiser == name]
            weight = self._weights_among(of_name)
            marginals = np.tensordot(
                weight, np.stack([self.posteriors[c].marginals for c in of_name]), axes=1
            )
            for group, label in enumerate(GROUPS):
                share = marginals[group]
                rows.append(
                    {
                        "standardiser": name,
                        "kind": label,
                        "slope": float(share @ SLOPES),
                        "low": _grid_quantile(share, 0.5 - level / 2),
                        "high": _grid_quantile(share, 0.5 + level / 2),
                        "studies": self.n_by_group[group],
                    }
                )
        return rows


def averaging_weights(left_out: Array) -> Array:
    """Weights of candidates from the log densities of studies that were left out, shape (studies, candidates).

    For each of many random weightings of the studies (a Bayesian bootstrap), candidates get weights in proportion to
    their densities; the average of these is returned.

    Examples
    --------
    >>> averaging_weights(np.zeros((4, 2)))
    array([0.5, 0.5])
    """
    studies = len(left_out)
    random = np.random.default_rng(SEED).dirichlet(np.ones(studies), size=BOOTSTRAPS) * studies
    logs = random @ np.maximum(left_out, left_out.max(axis=1, keepdims=True) - 1e3)
    return np.asarray(softmax(logs, axis=1).mean(axis=0))


def _joined(posteriors: Sequence[SlopeMoments], weights: Array) -> tuple[Array, Array, Array]:
    """Mix posteriors; return the probability of each pair of spreads, and the slopes' mean and covariance given it."""
    share, first, second = (
        np.tensordot(weights, np.stack([getattr(p, name) for p in posteriors]), axes=1)
        for name in ("shares", "first", "second")
    )
    safe = np.where(share > 0, share, 1.0)
    mean = first / safe[:, None]
    covariance = second / safe[:, None, None] - mean[:, :, None] * mean[:, None, :]
    sd = np.sqrt(np.maximum(np.einsum("kii->ki", covariance), 0.0))
    limit = sd[:, :, None] * sd[:, None, :]
    return share, mean, np.clip(covariance, -limit, limit)


def _grid_quantile(share: Array, level: float) -> float:
    """Quantile of a slope, between the points of the grid."""
    step = SLOPES[1] - SLOPES[0]
    edges = np.concatenate([[SLOPES[0]], SLOPES[:-1] + step / 2, [SLOPES[-1]]])
    return float(np.interp(level, np.concatenate([[0.0], np.cumsum(share) / share.sum()]), edges))

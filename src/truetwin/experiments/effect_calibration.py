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
from numpy.typing import NDArray

from truetwin.errors import DataError
from truetwin.experiments.effect_grid import (
    ERROR_SPREADS,
    FACTOR_SHARES,
    PRIOR_CENTRES,
    SLOPE_SPREADS,
    SLOPES,
    SPREAD_SHARES,
    STANDARDISERS,
    STUDY_FACTORS,
    log_evidence,
    prior_of_slopes,
    regressors,
    study_likelihood,
    true_effect_variances,
)
from truetwin.experiments.effect_law import EffectLaw, mixture
from truetwin.experiments.paired_effects import GROUPS, Array, PairedEffects

#: Fewest past studies to calibrate on. With two, the spread between studies has one degree of freedom.
LEAST_STUDIES = 3
BOOTSTRAPS, SEED = 1000, 20180901


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


@dataclass(frozen=True, eq=False)
class PastLikelihood:
    """Log likelihoods of past studies on the grid, for each standardiser. Any subset of studies is a sum of them.

    Attributes
    ----------
    past : PairedEffects
        Contrasts with human effects.
    variances : mapping of str to ndarray of shape (2,)
        Variance of true twin effects by group of kinds, for each usable standardiser.
    logs : mapping of str to list of ndarray
        Log likelihood of each study.
    """

    past: PairedEffects
    variances: Mapping[str, Array]
    logs: Mapping[str, Sequence[Array]]

    @classmethod
    def of(cls, past: PairedEffects) -> PastLikelihood:
        """Compute the likelihoods. Contrasts without a human effect or without a standardiser that others have are
        left out.

        Raises
        ------
        DataError
            If no contrast has a human and a twin effect.
        """
        known = np.isfinite(past.human)
        usable = [name for name in STANDARDISERS if np.isfinite(getattr(past, name))[known].any()]
        for name in usable:
            known &= np.isfinite(getattr(past, name))
        if not usable or not known.any():
            raise DataError("past contrasts need a human effect and a twin effect; none has both")
        here = past.take(known)
        variances = {name: true_effect_variances(here, name) for name in usable}
        logs: dict[str, list[Array]] = {name: [] for name in usable}
        for study in here.study_names:
            own = here.of_study(study)
            for name in usable:
                twins = regressors(own, name, variances[name])
                logs[name].append(study_likelihood(own.human, own.human_variance, twins))
        return cls(here, variances, logs)

    @property
    def studies(self) -> tuple[str, ...]:
        """Names of the past studies."""
        return self.past.study_names


def study_powers(n_contrasts: NDArray[np.intp]) -> Array:
    """Powers of the likelihoods of studies: one with more contrasts than the harmonic mean counts as much as that."""
    usual = len(n_contrasts) / (1.0 / n_contrasts).sum()
    return np.asarray(np.minimum(1.0, usual / n_contrasts), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class EffectCalibration:
    """How human effects follow from twin effects, learned from past studies. Make it with :meth:`fit`.

    Attributes
    ----------
    studies : tuple of str
        The past studies.
    past : PairedEffects
        Their contrasts.
    left_out : mapping of Candidate to ndarray of shape (studies,)
        Log densities of each past study's effects under a candidate that learned from the others.
    posteriors : mapping of Candidate to ndarray
        Probabilities of the grid's points under each candidate.
    variances : mapping of str to ndarray of shape (2,)
        Variances of true twin effects, for their shrinkage.
    """

    studies: tuple[str, ...]
    past: PairedEffects
    left_out: Mapping[Candidate, Array]
    posteriors: Mapping[Candidate, Array]
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
        power = study_powers(np.bincount(numbers)[at])
        candidates = [c for c in CANDIDATES if not c.standardiser or c.standardiser in found.logs]
        left_out = np.empty((len(at), len(candidates)))
        posteriors: dict[Candidate, Array] = {}
        for name, logs in found.logs.items():
            whole = _total([logs[k] for k in at], power)
            here = [k for k, c in enumerate(candidates) if c.standardiser in ("", name)]
            priors = {k: _prior(candidates[k]) for k in here}
            evidence = np.array([log_evidence(whole, priors[k]) for k in here])
            for row, study in enumerate(at):
                rest = whole - power[row] * logs[study]
                left_out[row, here] = evidence - [log_evidence(rest, priors[k]) for k in here]
            posteriors |= {candidates[k]: _posterior(whole, priors[k]) for k in here}
        kept = found.past.take(np.isin(numbers, at))
        return cls(
            tuple(found.studies[k] for k in at),
            kept,
            dict(zip(candidates, left_out.T, strict=True)),
            posteriors,
            found.variances,
        )

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
        parts = []
        for name in usable:
            of_name = [k for k, c in enumerate(chosen) if c.standardiser == name]
            if of_name:
                points = sum((weight[k] * self.posteriors[chosen[k]] for k in of_name), np.zeros(1))
                parts.append(self._components(new, name, points))
        parts += [
            self._no_effect(new, weight[k] * self.posteriors[c])
            for k, c in enumerate(chosen)
            if not c.standardiser
        ]
        return mixture(*(np.concatenate(list(column)) for column in zip(*parts, strict=True)))

    def usable_standardisers(self, new: PairedEffects) -> tuple[str, ...]:
        """Standardisers that past and new contrasts have."""
        usable = tuple(name for name in self.variances if np.isfinite(getattr(new, name)).all())
        if not usable:
            lacking = np.flatnonzero(~np.isfinite(new.own) & ~np.isfinite(new.twin))
            which = (
                f"contrast {new.contrasts[lacking[0]]!r}" if lacking.size else f"study {new.study_names[0]!r}"
            )
            raise DataError(
                f"a twin effect needs the twins' own sd (above 0) or a human sd; {which} has neither for all contrasts"
            )
        return usable

    def _components(self, new: PairedEffects, name: str, points: Array) -> tuple[Array, Array, Array, Array]:
        """Describe the law under one standardiser: a component for each pair of spreads and factor of the study."""
        share, mean, covariance = _slope_moments(points)
        twins = regressors(new, name, self.variances[name])
        factor = np.tile(STUDY_FACTORS, len(share))
        share, mean = np.outer(share, FACTOR_SHARES).ravel(), np.repeat(mean, len(STUDY_FACTORS), axis=0)
        covariance = np.repeat(covariance, len(STUDY_FACTORS), axis=0)
        slope_spread, error_spread = (
            np.repeat(grid.ravel(), len(STUDY_FACTORS))
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

    def _no_effect(self, new: PairedEffects, points: Array) -> tuple[Array, Array, Array, Array]:
        share = np.outer(points.sum(axis=(0, 1, 2)), FACTOR_SHARES).ravel()
        spreads = np.outer(ERROR_SPREADS**2, STUDY_FACTORS).ravel()
        n = len(new)
        return (
            share,
            np.zeros((len(share), n)),
            np.zeros((len(share), n, 2)),
            np.repeat(spreads[:, None], n, axis=1),
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
            points = sum((w * self.posteriors[c] for w, c in zip(weight, of_name, strict=True)), np.zeros(1))
            flat = points.sum(axis=(2, 3))
            for group, label in enumerate(GROUPS):
                share = flat.sum(axis=1 - group)
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
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray((shares / shares.sum(axis=1, keepdims=True)).mean(axis=0))


def _total(logs: Sequence[Array], power: Array) -> Array:
    """Add the log likelihoods of studies of unlike shapes, each to its power."""
    found = np.zeros((len(SLOPES), len(SLOPES), *SPREAD_SHARES.shape))
    for weight, log in zip(power, logs, strict=True):
        found += weight * log
    return found


def _prior(candidate: Candidate) -> Array:
    """Prior probabilities on the grid: of slopes, and for "no effect" a mass at slopes of 0."""
    if candidate.standardiser:
        return prior_of_slopes(candidate.centre, candidate.by_group)
    none = np.zeros((len(SLOPES), len(SLOPES)))
    none[0, 0] = 1.0
    return none


def _posterior(log_likelihood: Array, prior: Array) -> Array:
    logs = np.where(prior[:, :, None, None] > 0, log_likelihood, -np.inf)
    found = np.exp(logs - logs.max()) * prior[:, :, None, None] * SPREAD_SHARES
    return np.asarray(found / found.sum())


def _slope_moments(points: Array) -> tuple[Array, Array, Array]:
    """Return the probability of each pair of spreads, and mean and covariance of the slopes given it."""
    share = points.sum(axis=(0, 1)).ravel()
    safe = np.where(share > 0, share, 1.0)
    first, second = (points.sum(axis=axis).reshape(len(SLOPES), -1) for axis in (1, 0))
    mean = np.stack([SLOPES @ first, SLOPES @ second], axis=1) / safe[:, None]
    product = np.einsum("a,b,abte->te", SLOPES, SLOPES, points).ravel() / safe
    squares = np.stack([SLOPES**2 @ first, SLOPES**2 @ second], axis=1) / safe[:, None]
    off = product - mean[:, 0] * mean[:, 1]
    diagonal = np.maximum(squares - mean**2, 0.0)
    limit = np.sqrt(diagonal[:, 0] * diagonal[:, 1])
    off = np.clip(off, -limit, limit)
    covariance = np.stack([diagonal[:, 0], off, off, diagonal[:, 1]], axis=1).reshape(-1, 2, 2)
    return share, mean, covariance


def _grid_quantile(share: Array, level: float) -> float:
    """Quantile of a slope, between the points of the grid."""
    step = SLOPES[1] - SLOPES[0]
    edges = np.concatenate([[SLOPES[0]], SLOPES[:-1] + step / 2, [SLOPES[-1]]])
    return float(np.interp(level, np.concatenate([[0.0], np.cumsum(share) / share.sum()]), edges))

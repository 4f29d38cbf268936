"""Effects of an experiment as arrays for calibration: in both units, and with the errors that effects share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from truetwin.data.contrast import Contrast
from truetwin.errors import DataError, ParameterError
from truetwin.experiments.effects import HUMAN, Effects, Entry, SideEffects
from truetwin.experiments.experiment import Experiment
from truetwin.experiments.paired_effects import Array, PairedEffects

#: Share of a pilot effect's variance that it shares with no other effect, at least.
LEAST_ALONE = 0.02


@dataclass(frozen=True, eq=False)
class ContrastArrays:
    """Contrasts of an experiment with their effects as arrays.

    Attributes
    ----------
    contrasts : tuple of Contrast
    effects : PairedEffects
        Effects of the same contrasts, in sd.
    human_sd, twin_sd : ndarray of shape (C,)
        NaN where unknown.
    left_out : tuple of str
        Why contrasts of the experiment are not among them.
    groups : tuple of str
        Group of people of each effect; empty for everybody.
    """

    contrasts: tuple[Contrast, ...]
    effects: PairedEffects
    human_sd: Array
    twin_sd: Array
    left_out: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def of_studies(self, studies: Sequence[str]) -> ContrastArrays:
        """Return the contrasts of some studies."""
        at = [k for k, one in enumerate(self.contrasts) if one.study in set(studies)]
        return ContrastArrays(
            tuple(self.contrasts[k] for k in at), self.effects.take(at), self.human_sd[at], self.twin_sd[at]
        )


def contrast_arrays(
    effects: Effects,
    *,
    declared_sd: float | None = None,
    sources: Sequence[str] = (),
    family: str = "all",
) -> ContrastArrays:
    """Put effects into arrays, in the human sd and in the twins' own.

    Parameters
    ----------
    effects : Effects
    declared_sd : float, optional
        The human sd of all outcomes, where people have not answered.
    sources : sequence of str, optional
        Sources of twins to average; all by default.
    family : str, default="all"
        Which effects: of everybody (``all``) or in groups of people (``group``).

    Raises
    ------
    ParameterError
        If a source is unknown.
    DataError
        If there are no effects of twins.
    """
    twins = [name for name in effects.sides if name != HUMAN]
    unknown = [name for name in sources if name not in twins]
    if unknown:
        raise ParameterError(f"the sources of twins are {', '.join(twins)}; got {unknown[0]!r}")
    if not twins:
        raise DataError("calibrating effects needs answers of twins; there are none")
    n = len(effects.entries)
    human = effects.sides.get(HUMAN)
    sd = np.full(n, np.nan) if human is None else np.where(human.sd > 0, human.sd, np.nan)
    if declared_sd is not None:
        sd = np.where(np.isfinite(sd), sd, declared_sd)
    chosen = [effects.sides[name] for name in (sources or twins)]
    in_human = [_in_units(side, sd, None if human is None else human.sd_df) for side in chosen]
    in_own = [_in_units(side, np.where(side.sd > 0, side.sd, np.nan), side.sd_df) for side in chosen]
    own_human = (np.full(n, np.nan),) * 2 if human is None else _in_units(human, sd, human.sd_df)
    # an effect without a standard error cannot be weighed
    known = np.isfinite(own_human[0]) & np.isfinite(own_human[1])
    paired = PairedEffects.of(
        [_name(entry) for entry in effects.entries],
        [one.study for one in effects.contrasts],
        [one.kind for one in effects.contrasts],
        human=np.where(known, own_human[0], np.nan),
        human_variance=np.where(known, own_human[1], np.nan),
        **_averaged("twin", in_human),
        **_averaged("own", in_own),
    )
    twin_sd = np.mean([side.sd for side in chosen], axis=0)
    asked = np.array([entry.family == family for entry in effects.entries], dtype=bool)
    usable = np.isfinite(paired.twin) | np.isfinite(paired.own)
    left_out = [
        f"{effects.entries[k].contrast.contrast_id}: {_reason(chosen, int(k))}"
        for k in np.flatnonzero(asked & ~usable)
    ]
    at = np.flatnonzero(asked & usable)
    return ContrastArrays(
        tuple(effects.entries[k].contrast for k in at),
        paired.take(at),
        sd[at],
        twin_sd[at],
        tuple(left_out),
        tuple(f"{effects.entries[k].by}: {effects.entries[k].group}" for k in at)
        if family == "group"
        else (),
    )


def _name(entry: Entry) -> str:
    one = entry.contrast.contrast_id
    return f"{one} ({entry.by}: {entry.group_in_words})" if entry.by else one


def _in_units(side: SideEffects, sd: Array, sd_df: Array | None) -> tuple[Array, Array]:
    """Return effects in units of an sd and their variances; an sd that was itself estimated adds to these."""
    d = side.effect / sd
    spread = 0.0 if sd_df is None else np.divide(d**2, 2 * sd_df, out=np.zeros_like(d), where=sd_df > 0)
    return d, (side.se / sd) ** 2 + spread


def _averaged(name: str, sides: Sequence[tuple[Array, Array]]) -> dict[str, Array]:
    """Average sources; their errors are taken to go together, as they stand for the same people."""
    effect = np.mean([d for d, _ in sides], axis=0)
    variance = np.mean([np.sqrt(v) for _, v in sides], axis=0) ** 2
    known = np.isfinite(effect) & np.isfinite(variance)
    return {name: np.where(known, effect, np.nan), f"{name}_variance": np.where(known, variance, np.nan)}


def _reason(sides: Sequence[SideEffects], k: int) -> str:
    reasons = [side.reasons[k] for side in sides if side.reasons[k]]
    return reasons[0] if reasons else "all answers of twins are alike, and no human sd is known"


def person_parts(experiment: Experiment, study: str, contrasts: Sequence[Contrast], sd: Array) -> Array:
    """Return how much each person, or each cluster, moves each human effect of a study, in sd; shape (clusters, C)."""
    answers = experiment.studies[HUMAN][study]
    clusters, n = answers.design.clusters, answers.design.n_clusters
    parts = np.empty((n, len(contrasts)))
    for k, one in enumerate(contrasts):
        parts[:, k] = np.bincount(clusters, answers.effect(one).scores, minlength=n) / sd[k]
    return parts


def shared_errors(parts: Array, variance: Array) -> Array:
    """Errors that the effects of one pilot share, as the columns that :meth:`EffectLaw.updated` takes.

    Contrasts with one control arm, or of the same people, err together.

    Parameters
    ----------
    parts : ndarray of shape (n, C)
        How much each person moves each effect.
    variance : ndarray of shape (C,)
        Sampling variances of the effects; NaN where there is none.

    Returns
    -------
    ndarray of shape (C, q)
    """
    seen = np.isfinite(variance)
    covariance = parts.T @ parts
    size = np.sqrt(np.where(seen & (np.diag(covariance) > 0), np.diag(covariance), 1.0))
    correlation = np.where(np.outer(seen, seen), covariance / np.outer(size, size), 0.0)
    values, vectors = np.linalg.eigh((1 - LEAST_ALONE) * correlation)
    kept = values > 1e-9
    root = vectors[:, kept] * np.sqrt(values[kept])
    return np.asarray(root * np.sqrt(np.where(seen, variance, 0.0))[:, None])

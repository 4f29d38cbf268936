"""Calibrate the effects of an experiment: which studies are new, which are past, and in which units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from truetwin.data.frames import as_arrow
from truetwin.errors import DataError, ParameterError
from truetwin.experiments.calibrated_effects import CalibratedEffects, calibrate_effects, human_sds
from truetwin.experiments.contrast_arrays import ContrastArrays, contrast_arrays, person_parts, shared_errors
from truetwin.experiments.experiment import Experiment
from truetwin.experiments.paired_effects import Array, PairedEffects
from truetwin.experiments.past_tables import past_effects_of_table
from truetwin.registry import closest

#: What to do if no contrast says which study it belongs to.
NAMELESS = "The contrasts name no study: give their table a column 'study', which names it."


def calibrate_experiment(
    experiment: Experiment,
    studies: Sequence[str] = (),
    *,
    past: Any = None,
    published: bool | None = None,
    human_sd: float | None = None,
    sources: Sequence[str] = (),
    level: float = 0.9,
) -> CalibratedEffects:
    """Predict the human effects of new studies from their twin effects, as past studies teach.

    Parameters
    ----------
    experiment : Experiment
        Answers of twins to new studies; and, if there are any, answers of people.
    studies : sequence of str, optional
        The new studies. Human answers to them count as a pilot. By default, the studies without human effects. All
        other studies of the experiment are past studies.
    past : Experiment, PairedEffects or data frame, optional
        Further past studies: a table of effects, as :func:`~truetwin.experiments.past_tables.past_effects` reads it.
    published : bool, optional
        Whether to learn from published effects too. By default, if there are fewer than three past studies.
    human_sd : float, optional
        The sd of people's scores, where nobody has answered; in units of the answers. Without it, effects are measured
        in the twins' own sd.
    sources : sequence of str, optional
        Sources of twins to average; all by default.
    level : float, default=0.9
        Probability that an interval holds.

    Raises
    ------
    DataError
        If all studies have human effects, and none is named.
    """
    if human_sd is not None and not (np.isfinite(human_sd) and human_sd > 0):
        raise ParameterError(f"human_sd must be a number above 0; got {human_sd:g}")
    if not 0 < level < 1:
        raise ParameterError(f"level must lie between 0 and 1; got {level:g}")
    found = contrast_arrays(experiment.effects(), declared_sd=human_sd, sources=sources)
    names = new_studies(found, studies)
    new = found.of_studies(names)
    known = found.effects.without_studies(names)
    if past is not None:
        further = _past_of(past)
        known = known.and_also(further.without_studies(known.study_names))
    result = calibrate_effects(
        new.effects,
        known,
        published=published,
        shared=_shared(experiment, new),
        level=level,
    )
    source = "people's answers" if human_sd is None else "people's answers, or as declared"
    sds = human_sds(new.human_sd, new.twin_sd, result.learned, source)
    # an interaction is a difference of effects: no side of it beats the other
    labels = [
        ("", "") if one.kind == "interaction" else (one.treatment, one.control) for one in new.contrasts
    ]
    kind = next(iter(experiment.sides.values())).frame_kind
    notes = [f"left out: {text}" for text in found.left_out]
    return result.with_units(sds, labels, kind).with_notes(notes)


def _past_of(past: Any) -> PairedEffects:
    """Take past effects from an experiment or a table."""
    if isinstance(past, PairedEffects):
        return past
    if isinstance(past, Experiment):
        return contrast_arrays(past.effects()).effects
    return past_effects_of_table(as_arrow(past, None), "the table of past effects")


def new_studies(found: ContrastArrays, studies: Sequence[str]) -> tuple[str, ...]:
    """Return the studies to calibrate: those named, or those without human effects."""
    known = found.effects.study_names
    for name in studies:
        if name not in known:
            listed = "".join(
                (closest(name, list(known)), " The studies are ", ", ".join(map(repr, known)), ".")
                if any(known)
                else (" ", NAMELESS)
            )
            raise ParameterError(f"there is no study {name!r} with effects of twins.{listed}")
    if studies:
        return tuple(dict.fromkeys(studies))
    seen = np.isfinite(found.effects.human)
    numbers = found.effects.study_numbers
    new = tuple(name for k, name in enumerate(known) if not seen[numbers == k].any())
    if not new:
        raise DataError(
            "every study has human effects, so that none is new. Name the studies to calibrate (--studies); their "
            "human answers then count as a pilot. `truetwin experiment evaluate` leaves out each study in turn."
            + ("" if any(known) else f" {NAMELESS}")
        )
    return new


def _shared(experiment: Experiment, new: ContrastArrays) -> dict[str, Array]:
    """Collect the errors that the pilot effects of each new study share."""
    found: dict[str, Array] = {}
    for study in new.effects.study_names:
        here = new.of_studies([study])
        if np.isfinite(here.effects.human).any():
            sd = np.where(np.isfinite(here.human_sd), here.human_sd, 1.0)
            parts = person_parts(experiment, study, here.contrasts, sd)
            found[study] = shared_errors(parts, here.effects.human_variance)
    return found

"""Rank the options of an experiment: the arms that are compared with one control, on the same outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.contrast import Contrast
from truetwin.errors import DataError
from truetwin.experiments.calibrated_effects import CalibratedEffects
from truetwin.experiments.ranking import PilotMade, Ranking, rank_options


@dataclass(frozen=True)
class Choice:
    """Options of one choice, ranked.

    Attributes
    ----------
    study : str
    outcome : str
        What is compared, in words.
    ranking : Ranking
    contrasts : tuple of str
        The contrasts with the control.
    """

    study: str
    outcome: str
    ranking: Ranking
    contrasts: tuple[str, ...]

    def records(self) -> list[dict[str, Any]]:
        """List the options, the best first."""
        return [
            {"study": self.study, "outcome": self.outcome, "rank": k + 1, **asdict(option)}
            for k, option in enumerate(self.ranking.options)
        ]

    def losses(self) -> dict[str, Any]:
        """Return the expected losses of ways to choose, in sd."""
        found = asdict(self.ranking)
        del found["options"]
        return {"study": self.study, "outcome": self.outcome, **found}


def rank_experiment(
    calibrated: CalibratedEffects,
    contrasts: Sequence[Contrast],
    *,
    people: int = 50,
    lowest: bool = False,
    seed: int = 0,
) -> list[Choice]:
    """Rank the options of every choice that the contrasts make: treatments with one control and the same outcomes.

    Parameters
    ----------
    calibrated : CalibratedEffects
        Calibrated effects; with a pilot, its answers count.
    contrasts : sequence of Contrast
        The declared contrasts.
    people : int, default=50
        People per arm of a pilot yet to be made, for the expected losses.
    lowest : bool, default=False
        Whether the lowest answers are best.
    seed : int, default=0
        Seed of draws.

    Raises
    ------
    DataError
        If the effects could not be calibrated, or no contrast is between arms.
    """
    if not calibrated.calibrated:
        raise DataError(f"options can be ranked by calibrated effects only. {calibrated.notes[-1]}")
    place = {
        pair: k
        for k, pair in enumerate(zip(calibrated.effects.studies, calibrated.effects.contrasts, strict=True))
    }
    choices: dict[tuple[Any, ...], list[Contrast]] = {}
    for one in contrasts:
        if one.kind in ("between", "stacked") and (one.study, one.contrast_id) in place:
            key = (one.study, one.kind, one.condition, one.control, one.outcomes, one.minus_outcomes)
            choices.setdefault(key, []).append(one)
    if not choices:
        raise DataError("options are arms; none of the contrasts is between arms")
    return [_ranked(calibrated, own, place, people, lowest, seed) for own in choices.values()]


def _ranked(
    calibrated: CalibratedEffects,
    own: Sequence[Contrast],
    place: dict[tuple[str, str], int],
    people: int,
    lowest: bool,
    seed: int,
) -> Choice:
    first = own[0]
    of_study = np.flatnonzero(
        calibrated.effects.study_numbers == calibrated.effects.study_names.index(first.study)
    )
    at = [place[one.study, one.contrast_id] for one in own]
    twin = np.where(np.isfinite(calibrated.effects.twin), calibrated.effects.twin, calibrated.effects.own)
    ranking = rank_options(
        calibrated.laws[first.study],
        [int(np.searchsorted(of_study, k)) for k in at],
        [one.treatment for one in own],
        first.control,
        [float(twin[k]) for k in at],
        made=_made(calibrated, first.study, of_study, at),
        people=people,
        lowest=lowest,
        seed=seed,
    )
    return Choice(first.study, _outcome(first), ranking, tuple(one.contrast_id for one in own))


def _made(
    calibrated: CalibratedEffects, study: str, of_study: NDArray[np.intp], at: Sequence[int]
) -> PilotMade | None:
    """Return what twins and pilot say alone, if people have answered."""
    pilot = calibrated.effects.human[list(at)]
    if not np.isfinite(pilot).any():
        return None
    twins = calibrated.before_pilot[study].mean()[np.searchsorted(of_study, list(at))]
    return PilotMade(twins, pilot)


def _outcome(one: Contrast) -> str:
    """Name what is compared: outcomes and condition."""

    def some(items: tuple[str, ...]) -> str:
        return items[0] if len(items) == 1 else f"{items[0]} and {len(items) - 1} more"

    minus = f" minus {some(one.minus_outcomes)}" if one.minus_outcomes else ""
    return f"{some(one.outcomes)}{minus} ({some(one.condition)})"

"""Ranking: which of k options is best, and what is lost on average by choosing with twins, with a pilot, or with both.

An option is an arm: the control, or the treatment of a contrast with it. Effects are in the human sd, against the
control.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import DataError, ParameterError
from truetwin.experiments.effect_law import EffectLaw
from truetwin.experiments.paired_effects import Array

DRAWS = 10_000


@dataclass(frozen=True)
class RankedOption:
    """One option of a choice.

    Attributes
    ----------
    option : str
        Name of the arm.
    twin : float
        Twin effect against the control; 0 for the control.
    effect : float
        Calibrated effect against the control.
    best : float
        Probability that it is the best.
    loss : float
        What is lost on average, in sd, by choosing it in place of the best.
    """

    option: str
    twin: float
    effect: float
    best: float
    loss: float


@dataclass(frozen=True)
class Ranking:
    """Options from the best to the worst, and the expected loss of ways to choose.

    Attributes
    ----------
    options : tuple of RankedOption
        Sorted by calibrated effect, the best first.
    by_twin : float
        Expected loss of choosing the option with the best calibrated twin effect.
    at_random : float
        Expected loss of choosing blindly.
    by_pilot, by_both : float
        Expected loss of choosing with the pilot alone, and with pilot and twins together.
    people : int or None
        People per arm of a pilot yet to be made; None if one has been made, and these losses are given its answers.
    """

    options: tuple[RankedOption, ...]
    by_twin: float
    at_random: float
    by_pilot: float
    by_both: float
    people: int | None


@dataclass(frozen=True, eq=False)
class PilotMade:
    """Pilot that has been made: what it says alone, and what twins said before it: effects against the control.

    Attributes
    ----------
    twins, pilot : ndarray of shape (contrasts,)
    """

    twins: Array
    pilot: Array


def rank_options(
    law: EffectLaw,
    contrasts: Sequence[int],
    names: Sequence[str],
    control: str,
    twin: Sequence[float],
    *,
    made: PilotMade | None = None,
    people: int = 50,
    lowest: bool = False,
    seed: int = 0,
) -> Ranking:
    """Rank the treatments of contrasts with one control, and the control itself.

    Parameters
    ----------
    law : EffectLaw
        Law of a study's effects, given the pilot if one has been made.
    contrasts : sequence of int
        Positions of the contrasts in the law.
    names : sequence of str
        Treatment of each of these contrasts.
    control : str
        Name of their control.
    twin : sequence of float
        Twin effect of each of these contrasts.
    made : PilotMade, optional
        What twins alone and the pilot alone say, if a pilot has been made.
    people : int
        People per arm of a pilot yet to be made.
    lowest : bool
        Whether the lowest answers are best.
    seed : int
        Seed of the draws.

    Raises
    ------
    DataError
        If there is no contrast, or two have one treatment.
    """
    if people < 1:
        raise ParameterError(f"a pilot needs at least 1 person per arm; got {people}")
    if not contrasts or len({control, *names}) != len(names) + 1:
        raise DataError(
            f"a ranking needs contrasts of different treatments with one control; got {', '.join(names)} against "
            f"{control}"
        )
    sign, at = (-1.0 if lowest else 1.0), list(contrasts)
    true = _with_control(sign * law.draws(DRAWS, seed)[:, at])
    best = true.max(axis=1)
    expected = np.concatenate([[0.0], sign * law.mean()[at]])
    wins = np.bincount(true.argmax(axis=1), minlength=true.shape[1]) / len(true)
    losses = best.mean() - true.mean(axis=0)
    options = [
        RankedOption(name, float(t), float(sign * e), float(w), float(loss))
        for name, t, e, w, loss in zip([control, *names], [0.0, *twin], expected, wins, losses, strict=True)
    ]
    options.sort(key=lambda option: option.loss)
    if made is not None:
        ways = (made.twins, made.pilot, expected[1:] * sign)
        by_twin, by_pilot, by_both = (_chosen(losses, sign * np.asarray(effects)) for effects in ways)
        return Ranking(tuple(options), by_twin, float(losses.mean()), by_pilot, by_both, None)
    pilot = _pilot(true, people, seed + 1)
    both = _combined(pilot[:, 1:], expected[1:], law.covariance()[np.ix_(at, at)], people)
    return Ranking(
        tuple(options),
        _chosen(losses, expected[1:]),
        float(losses.mean()),
        _loss(true, best, pilot.argmax(axis=1)),
        _loss(true, best, _with_control(both).argmax(axis=1)),
        people,
    )


def _chosen(losses: Array, effects: Array) -> float:
    """Expected loss of choosing the option with the best effect against the control; unknown effects are not chosen."""
    known = np.where(np.isfinite(effects), effects, -np.inf)
    return float(losses[np.concatenate([[0.0], known]).argmax()])


def _with_control(effects: Array) -> Array:
    return np.concatenate([np.zeros((len(effects), 1)), effects], axis=1)


def _loss(true: Array, best: Array, chosen: NDArray[np.intp]) -> float:
    return float((best - true[np.arange(len(true)), chosen]).mean())


def _pilot(true: Array, people: int, seed: int) -> Array:
    """Draw what a pilot would show, against the control's mean in it."""
    noise = np.random.default_rng(seed).standard_normal(true.shape) / np.sqrt(people)
    seen = true + noise
    return np.asarray(seen - seen[:, :1])


def _combined(seen: Array, expected: Array, covariance: Array, people: int) -> Array:
    """Combine pilot effects, which share the error of the control, with the law's mean and covariance."""
    noise = (np.eye(len(expected)) + 1.0) / people
    gain = np.linalg.solve(covariance + noise, covariance)
    return np.asarray(expected + (seen - expected) @ gain)

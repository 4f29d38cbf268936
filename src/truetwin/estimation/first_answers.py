"""Describe the answers that some people have given to a new item before more of them are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.estimation.sample_posterior import PRIOR_SPREAD, SharePrior, posterior_mixture
from truetwin.estimation.statistics import CategoryFunction
from truetwin.estimation.survey_variance import hajek_mean, kish_n
from truetwin.estimation.topline import function_values
from truetwin.reweighting.share_law import ShareLaw

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FirstAnswers:
    """Answers of n people to an item, as means of S functions of the answer, and what the next people are worth.

    Attributes
    ----------
    n : int
        Number of people who have answered.
    size : float
        Number of people, all counted alike, who would tell as much (Kish).
    means, spread : ndarray of shape (S,) or None
        Weighted means of the functions, and their variances over those who have answered; None if nobody has.
    effect : float
        Design effect of the weights: how many further people are worth one who counts like everybody.
    by_chance : bool
        Whether those who answered were drawn simply at random among everybody.
    """

    n: int = 0
    size: float = 0.0
    means: Array | None = None
    spread: Array | None = None
    effect: float = 1.0
    by_chance: bool = True

    def people(self, n: int) -> float:
        """Return how many people counted alike n people are worth, those who have answered among them."""
        return self.size + (n - self.n) / self.effect

    def rest(self, n: int, population: float) -> float:
        """Return the share of the variance that is left because n of the whole population are asked."""
        return max(1 - n / population, 0.0) if self.by_chance else 1.0

    def centre(self, prior: SharePrior) -> Array:
        """Return the means so far, or those expected if nobody has answered."""
        return prior.means if self.means is None else self.means

    def variance(self, prior: SharePrior) -> Array:
        """Return the variance over people: the expected one, corrected by that of the answers so far."""
        if self.spread is None:
            return prior.variances
        more = max(self.n - 1.0, 0.0)
        return np.asarray((PRIOR_SPREAD * prior.variances + more * self.spread) / (PRIOR_SPREAD + more))

    def belief(self, prior: SharePrior, worth: float) -> tuple[Array, Array, Array]:
        """Return the mixture of what is known of the means now; see ``posterior_mixture``."""
        counted = np.full(len(prior.means), worth)
        spread = prior.variances if self.spread is None else self.spread
        return posterior_mixture(prior, self.centre(prior), counted, spread)


#: Nobody has answered, and everybody counts alike.
NOBODY = FirstAnswers()


def first_answers(
    answers: Array,
    weights: Array,
    own: Array | None,
    law: ShareLaw,
    functions: Sequence[CategoryFunction],
    effect: float,
) -> FirstAnswers:
    """Summarise the answers to an item by everybody, NaN where they are missing.

    Parameters
    ----------
    answers, weights : ndarray of shape (n_people,)
        Answers, and survey weights of everybody.
    own : ndarray of shape (n_people,) or None
        Weights of being asked, which take the place of the others, if the sample has any.
    law : ShareLaw
        Law of the item's shares, which has its categories.
    functions : sequence of CategoryFunction
        Functions whose means are estimated.
    effect : float
        Design effect of the weights of everybody.
    """
    base = weights if own is None else np.where(np.isfinite(own), own, 0.0)
    here = np.isfinite(answers) & (weights > 0) & (base > 0)
    if not here.any():
        return FirstAnswers(effect=effect)
    y, w = function_values(answers[here], law, functions), base[here]
    means = hajek_mean(y, w)
    size = kish_n(w)
    spread = hajek_mean((y - means) ** 2, w) * (size / (size - 1.0) if size > 1.0 + 1e-9 else 1.0)
    return FirstAnswers(int(here.sum()), size, means, spread, effect, own is None)

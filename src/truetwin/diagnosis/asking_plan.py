r"""Plan which items, or people, to ask next.

*People* are chosen to stand for those to be predicted (:mod:`truetwin.diagnosis.representatives`). *Items* are chosen
for what they tell about others; twins show how the answers hang together before anybody is asked. Take a Gaussian
model with the twins' correlations K and an answer's own noise :math:`\lambda`. Once the items S have been answered,
what is still unknown of target t is the conditional variance

.. math:: P_{tt}, \quad P = K - K_{\cdot S} (K_{SS} + \lambda I)^{-1} K_{S \cdot} .

It does not depend on the answers, so that fielding can be planned. Asking item c lowers the sum over the targets T by
:math:`\sum_{t \in T} P_{tc}^2 / (P_{cc} + \lambda)`, and each greedy step takes the largest reduction, then updates P
by the same rank-one term. A target that is asked itself needs no prediction. It counts only by what it tells about
the other targets. P is kept as :math:`F C F^T`, with F (targets and candidates) x (dimensions of the other side), so
that neither many items nor many people make it large. Survey weights enter K, as weighted correlations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truetwin.calibration.nominal.indicators import in_two
from truetwin.calibration.orientation import axis_ids, orient
from truetwin.data import Axis, Panel
from truetwin.data.person_design import PersonWeights, person_weights
from truetwin.diagnosis.representatives import places, representatives
from truetwin.diagnosis.standardised_panel import Array, Positions, standardised
from truetwin.errors import NotPredictableError, ParameterError
from truetwin.registry import closest

NOISE = 2.0  # as in `truetwin.diagnosis.track_record`
TOLD = 0.002  # a choice is said to help a target if it explains this share of its variance


@dataclass(frozen=True)
class Plan:
    """Items or people to ask next, best first.

    Attributes
    ----------
    axis : {"item", "respondent"}
        Whether items or people are chosen.
    chosen : tuple of str
        Ids of the chosen items or people.
    reduction : tuple of float
        Gain of each choice after those before it. Items: share of the unknown variance of the targets that it
        removes. People: share of the discrepancy between those asked and the targets that it removes.
    helps : tuple of tuple of str
        Items: the targets that each choice tells most about. People: the targets with the most similar twins.
    n_candidates, n_targets, n_known : int
        Number of candidates, of targets, and of items (people) that have human answers already.
    unknown : float
        Items: mean conditional variance of the targets at the start, between 0 and 1; 1 if nothing is known of them.
        People: squared discrepancy between those asked and the targets, between 0 (alike) and 2.
    """

    axis: Axis
    chosen: tuple[str, ...]
    reduction: tuple[float, ...]
    helps: tuple[tuple[str, ...], ...]
    n_candidates: int
    n_targets: int
    n_known: int
    unknown: float

    def records(self) -> list[dict[str, Any]]:
        """Return one row a choice."""
        total = np.cumsum(self.reduction)
        return [
            {
                "rank": k + 1,
                self.axis: self.chosen[k],
                "reduction": self.reduction[k],
                "cumulative_reduction": float(total[k]),
                "helps": list(self.helps[k]),
            }
            for k in range(len(self.chosen))
        ]


def plan(
    panel: Panel,
    budget: int,
    *,
    axis: Axis = "item",
    targets: Iterable[str] | None = None,
    candidates: Iterable[str] | None = None,
    weights: PersonWeights | None = None,
) -> Plan:
    """Choose whom or what to ask, so that predictions of the rest improve most.

    Parameters
    ----------
    panel : Panel
        Human and twin answers. Items (people) with human answers count as known.
    budget : int
        How many items (people) to choose; at least 1 and at most as many as there are candidates.
    axis : {"item", "respondent"}
        Choose items, or people.
    targets : iterable of str, optional
        What is to be predicted well; by default every item (person) without human answers. A target that is chosen
        is asked and needs no prediction.
    candidates : iterable of str, optional
        What can be asked; by default everything without human answers, apart from targets that are named.
    weights : str or array of shape (n,), optional
        Survey weights: a column of the people table, or one number for each respondent. Items are chosen by weighted
        correlations, and people so that they are spread as the weighted targets are.

    Returns
    -------
    Plan

    Raises
    ------
    ParameterError
        If the budget is out of range or an id is unknown, or already has human answers.
    NotPredictableError
        If there is nothing to choose from or nothing to predict.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> found = plan(generate_population(100, 30, n_new_items=20).panel, 2)
    >>> len(found.chosen), found.reduction[0] > found.reduction[1]
    (2, True)
    """
    if axis not in ("item", "respondent"):
        raise ParameterError(f"axis must be 'item' or 'respondent'; got {axis!r}")
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer) or budget < 1:
        raise ParameterError(f"the budget must be a whole number >= 1; got {budget!r}")
    ids = axis_ids(panel, axis)
    along = 0 if axis == "item" else 1
    twin = np.isfinite(panel.twin_values).any(axis=along)
    known = twin & np.isfinite(panel.human_values).any(axis=along)
    open_ids = [ids[k] for k in np.flatnonzero(twin & ~known)]
    if not open_ids:
        raise NotPredictableError(
            f"nothing to plan: every {axis} that twins have answered for has human answers already"
        )
    wanted = _checked(targets, open_ids, ids, axis, "target")
    pool = _checked(candidates, open_ids, ids, axis, "candidate")
    if candidates is None and targets is not None:
        pool = [i for i in open_ids if i not in set(wanted)]
    if budget > len(pool):
        raise ParameterError(
            f"the budget must be at most the {len(pool)} {axis}s to choose from; got {budget}"
        )
    position = {name: k for k, name in enumerate(ids)}
    weight = None if weights is None else person_weights(panel, weights)
    rows = [np.array([position[i] for i in part], dtype=np.intp) for part in (wanted, sorted(pool))]
    if axis == "respondent":
        return _people(panel, int(budget), rows[0], rows[1], np.flatnonzero(known), weight)
    F = factors(panel, axis, weight)
    return _greedy(ids, F, axis, int(budget), rows[0], rows[1], np.flatnonzero(known))


def _checked(
    given: Iterable[str] | None, open_ids: Sequence[str], ids: Sequence[str], axis: Axis, what: str
) -> list[str]:
    if given is None:
        return list(open_ids)
    named = list(dict.fromkeys([given] if isinstance(given, str) else given))
    free, everything = set(open_ids), set(ids)
    for name in named:
        if name not in everything:
            raise ParameterError(f"there is no {axis} {name!r} in the tables.{closest(name, list(open_ids))}")
        if name not in free:
            raise ParameterError(
                f"a {what} must be an {axis} without human answers that twins have answered; {axis} {name!r} is not"
                if axis == "item"
                else f"a {what} must be a respondent without human answers who has a twin; {name!r} is not"
            )
    if not named:
        raise ParameterError(f"at least one {what} must be named")
    return named


def factors(panel: Panel, axis: Axis, weights: Array | None = None) -> Array:
    """Compute F, for which F F' are the twins' correlations of items (respondents); gaps are at the items' means.

    For items, correlations are of standardised answers, weighted if there are weights. For respondents, answers are
    standardised item by item but not person by person, and scaled so that the mean of the diagonal is 1.
    """
    answers = standardised(in_two(panel)[0].twin_values)
    if weights is not None and axis == "item":
        answers = _weighted(answers, weights)
    Z = orient(np.nan_to_num(answers, nan=0.0), axis)  # (samples, donors)
    if axis == "item":
        size = np.sqrt(np.sum(Z**2, axis=0))
        Z = Z / np.where(size > 0, size, 1.0)
    else:
        Z = Z / max(float(np.sqrt(np.mean(np.sum(Z**2, axis=0)))), 1e-300)
    if Z.shape[0] <= Z.shape[1]:
        return np.asarray(Z.T)
    values, vectors = np.linalg.eigh(Z.T @ Z)
    kept = values > 1e-10 * max(values[-1], 1e-300)
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))


def _weighted(values: Array, weights: Array) -> Array:
    """Demean columns by weights and multiply rows by the roots of the weights, so that products are weighted."""
    seen = np.isfinite(values)
    total = np.sum(weights[:, None] * np.nan_to_num(values), axis=0)
    size = weights @ seen
    return np.asarray((values - total / np.where(size > 0, size, 1.0)) * np.sqrt(weights)[:, None])


def _people(
    panel: Panel,
    budget: int,
    targets: Positions,
    pool: Positions,
    known: Positions,
    weights: Array | None,
) -> Plan:
    place = places(factors(panel, "respondent"))
    counted = targets if weights is None else targets[weights[targets] > 0]
    if not counted.size:
        raise NotPredictableError("nothing to plan: all targets have a weight of 0")
    if float(np.ptp(place[counted], axis=0).max(initial=0.0)) <= 1e-12 and counted.size > 1:
        raise NotPredictableError("nothing to plan: the targets' twins all answer alike")
    part = None if weights is None else weights[counted]
    found = representatives(place, known, pool, counted, budget, part)
    ids = panel.respondent_ids
    helps = []
    for who in found.chosen:
        others = targets[targets != who]
        far = np.sum((place[others] - place[who]) ** 2, axis=1)
        helps.append(tuple(ids[others[k]] for k in np.argsort(far, kind="stable")[:3]))
    return Plan(
        "respondent",
        tuple(ids[k] for k in found.chosen),
        tuple(float(r) for r in found.reduction),
        tuple(helps),
        int(pool.size),
        int(targets.size),
        int(known.size),
        found.start,
    )


def _greedy(
    ids: Sequence[str],
    F: Array,
    axis: Axis,
    budget: int,
    targets: Positions,
    pool: Positions,
    known: Positions,
) -> Plan:
    # Conditioning on what is known, in the space of the factors: (I + F_S' F_S / lambda)^-1.
    C = np.linalg.inv(np.eye(F.shape[1]) + F[known].T @ F[known] / NOISE)
    active = F[targets]
    waiting = dict(zip(targets.tolist(), range(targets.size), strict=True))
    left = np.ones(targets.size, dtype=bool)
    start = float(np.einsum("ij,jk,ik->", active, C, active))
    if start <= 1e-9 * targets.size:
        raise NotPredictableError(
            "nothing to plan: twins' answers to the targets do not vary, so that nothing can be learned of them"
        )
    free = np.ones(pool.size, dtype=bool)
    chosen, reductions, helps = [], [], []
    for _ in range(budget):
        FC = F[pool] @ C
        M = active[left].T @ active[left]
        variance = np.einsum("ij,ij->i", FC, F[pool])
        gain = np.einsum("ij,jk,ik->i", FC, M, FC)
        own = np.array([left[waiting[p]] if p in waiting else False for p in pool.tolist()])
        # what a target tells about itself is not counted: asked, it needs no prediction
        gain = np.maximum(np.where(own, gain - variance**2, gain), 0.0) / (variance + NOISE)
        # rounding must not decide between equals: the first by id is taken
        best = int(np.flatnonzero(free & (gain >= np.max(gain[free]) * (1 - 1e-9)))[0])
        told = (active @ FC[best]) ** 2 / (variance[best] + NOISE)
        asked = waiting.get(int(pool[best]))
        if asked is not None:
            left[asked] = False
        most = [k for k in np.argsort(-told, kind="stable")[:4] if told[k] >= TOLD and left[k]][:3]
        chosen.append(ids[pool[best]])
        reductions.append(float(gain[best]) / start)
        helps.append(tuple(ids[targets[k]] for k in most))
        C = C - np.outer(FC[best], FC[best]) / (variance[best] + NOISE)
        free[best] = False
    return Plan(
        axis,
        tuple(chosen),
        tuple(reductions),
        tuple(helps),
        int(pool.size),
        int(targets.size),
        int(known.size),
        start / targets.size,
    )

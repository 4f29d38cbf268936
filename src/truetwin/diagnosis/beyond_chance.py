r"""Test whether the answered items show more than twins that know nothing of the people would show.

How well calibration did on the answered items cannot tell: items predict each other from the same answers, so that
chance in a pair of items counts in both, and weights that are learned on one fit what is chance in the other. What
can be tested without any prediction is where predictions come from.

*Own answers.* Twins that know nothing of their people agree with them as well as with anybody else. For each person,
the products of own and twin's standardised answers are summed; the sums are compared with 0 by a t-test, people as
units.

*Relations.* Donors tell something if pairs of items that are alike in the twins' answers are alike in people's, if
people answer all items in the same direction, or those of one battery. Each is a sum over pairs of items,

.. math:: \sum_{j \ne k} \omega_j \omega_k A_{jk} B_{jk},

with A the correlations of people's answers, and B the twins' correlations, or 1, or 1 within batteries. Where nothing
is known of an item, neither is the sign of its relations: the sums are compared with those after random items were
turned round. Up to ten items there are too few ways to turn them, and they are exchanged as well: batteries of one size
with each other, items within batteries. The largest of the three, each divided by its sd over draws, is compared with
the largest of each draw. For a new battery, whole batteries are turned round, and pairs within a battery do not count.

Batteries count alike: :math:`\omega` is one over the size of an item's battery. Each of the two tests has half of the
error, so that twins that know nothing pass with a chance of 5%, whatever relations people's answers have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from truetwin.diagnosis.standardised_panel import Array, Positions, Prepared

#: Chance with which twins that know nothing pass.
ERROR = 0.05
N_DRAWS = 1000
#: Up to so many units (items, or batteries), items are exchanged as well as turned round.
FEW_UNITS = 10


@dataclass(frozen=True)
class Chance:
    """Chances that twins that know nothing would do as well on the answered items.

    Attributes
    ----------
    own, relations : float
        p-values of the two tests.
    """

    own: float
    relations: float

    @property
    def explains(self) -> bool:
        """Whether chance explains what the answered items show."""
        return min(self.own, self.relations) > ERROR / 2

    def in_words(self) -> str:
        """Say what chance explains."""
        return (
            f"on the answered items, chance explains how twins' answers go with people's (p = {self.own:.2f}) and how "
            f"items go together (p = {self.relations:.2f})"
        )


def chance(prepared: Prepared, groups: Positions) -> Chance:
    """Test what the answered items show; items of one group are hidden together when they are predicted."""
    own, relations = _own(prepared), _relations(prepared, groups)
    return Chance(float(own[0]), float(relations[0]))


def chance_without_each(prepared: Prepared) -> list[Chance]:
    """Test what the answered items show without each donor item in turn, other items of its battery included."""
    everyone = np.arange(prepared.human.shape[1], dtype=np.intp)
    both = zip(_own(prepared)[1:], _relations(prepared, everyone)[1:], strict=True)
    return [Chance(float(own), float(relations)) for own, relations in both]


def _own(prepared: Prepared) -> Array:
    """Test own answers, with all donors and without each: p-values of shape (1 + n_donors,)."""
    donors = prepared.donors
    both = prepared.human[:, donors] * prepared.twin[:, donors]
    n = max(int(np.isfinite(both).any(axis=1).sum()), 2)
    products = np.nan_to_num(both) * _weights(prepared)
    total = products.sum(axis=1)
    means = np.append(0.0, products.mean(axis=0)) * (len(total) / n)
    mean = total.sum() / n - means
    squares = total @ total - np.append(0.0, 2 * total @ products - (products**2).sum(axis=0))
    variance = np.maximum(squares / n - mean**2, 0.0) / (n - 1)
    t = np.divide(np.abs(mean), np.sqrt(variance), out=np.zeros_like(mean), where=variance > 1e-15)
    return np.asarray(2 * stdtr(n - 1, -t))


def _relations(prepared: Prepared, groups: Positions) -> Array:
    """Test relations, with all donors and without each: p-values of shape (1 + n_donors,).

    Without one of several items of a group, the p-value is that with all.
    """
    unit, sizes = np.unique(groups[prepared.donors], return_inverse=True, return_counts=True)[1:]
    rng = np.random.default_rng(0)
    turns = rng.choice([-1.0, 1.0], size=(N_DRAWS, sizes.size))
    turns[0] = 1.0
    largest = np.full((N_DRAWS, 1 + sizes.size), -np.inf)
    for between in _relations_between(prepared, unit, rng):
        toward = turns @ between[0] if len(between) == 1 else np.einsum("dj,djk->dk", turns, between)
        total = (toward * turns).sum(axis=1, keepdims=True)
        sums = np.hstack([total, total - 2 * turns * toward])
        sd = sums.std(axis=0)
        largest = np.maximum(largest, np.divide(sums, sd, out=np.zeros_like(sums), where=sd > 1e-12))
    p = (largest >= largest[0] - 1e-9).mean(axis=0)
    return np.append(p[0], np.where(sizes[unit] > 1, p[0], p[1:][unit]))


def _relations_between(prepared: Prepared, unit: Positions, rng: np.random.Generator) -> list[Array]:
    """Sum each kind of relation between units, (1, n_units, n_units), or (N_DRAWS, ...) with exchanged items.

    Relations within a unit are 0. Nothing is exchanged in the first draw.
    """
    donors = prepared.donors
    answers, battery = prepared.human[:, donors], prepared.groups[donors]
    seen, filled, weights = np.isfinite(answers).astype(float), np.nan_to_num(answers), _weights(prepared)
    people = filled.T @ filled / np.maximum(seen.T @ seen, 1.0) * np.outer(weights, weights)
    people *= unit[:, None] != unit
    twins, member = prepared.twin_correlations[np.ix_(donors, donors)], np.eye(int(unit.max()) + 1)[unit]
    orders = [np.arange(donors.size)]
    if member.shape[1] <= FEW_UNITS:
        orders += [_exchanged(battery, rng) for _ in range(N_DRAWS - 1)]
    each = np.stack([member.T @ (people * twins[order[:, None], order]) @ member for order in orders])
    alike = [member.T @ (people * kind) @ member for kind in (1.0, battery[:, None] == battery)]
    return [each, *(kind[None] for kind in alike)]


def _exchanged(battery: Positions, rng: np.random.Generator) -> Positions:
    """Exchange batteries of one size at random, and the items within each."""
    order = np.arange(battery.size)
    names, sizes = np.unique(battery, return_counts=True)
    for size in np.unique(sizes):
        members = np.stack([np.flatnonzero(battery == name) for name in names[sizes == size]])
        order[members] = rng.permuted(rng.permutation(members), axis=1)
    return order


def _weights(prepared: Prepared) -> Array:
    place, sizes = np.unique(prepared.groups[prepared.donors], return_inverse=True, return_counts=True)[1:]
    return np.asarray(1.0 / sizes[place])

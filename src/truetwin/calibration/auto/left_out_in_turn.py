r"""Leave single items out in turn, beside a pseudo-target and its block, for many items and people at once.

Somebody's solution is a, and A the inverse (:mod:`truetwin.calibration.auto.conditional_expectations`). Without a group
G, :math:`a^{-G} = a - A_{:G} A_{GG}^{-1} a_G`. Leaving out j as well takes away
:math:`(A_{:j} - A_{:G} A_{GG}^{-1} A_{Gj}) \beta_j` with

.. math:: \beta_j = a^{-G}_j / (A_{jj} - A_{jG} A_{GG}^{-1} A_{Gj}).

A prediction :math:`W b` of expected answers :math:`b = M a` therefore changes by a multiple of :math:`\beta_j`, which
needs :math:`W M A`, and by what W gives to j itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.conditional_expectations import (
    LeftOut,
    People,
    System,
    few_gaps,
    gap_share,
    solve_each,
)
from truetwin.calibration.orientation import Array


@dataclass(frozen=True, eq=False)
class InTurn:
    """People of whose answers m items are left out in turn.

    Attributes
    ----------
    people : People
    links, toward : ndarray of shape (p, f, p)
        The f sets of links that are used, W, and :math:`W M`.
    each : ndarray of int of shape (m,)
        Items left out in turn.
    linked : ndarray of shape (p, f, m)
        :math:`W M A` at these items for somebody who has answered everything.
    less : ndarray of shape (n, p, f, m)
        What to subtract from it for each person.
    answers : ndarray of shape (n, m)
        Standardised answers to these items; for gaps, what is expected.
    follows : ndarray of shape (n, p, m)
        By how much the expected answer to a gap depends on each given answer; 0 where there is no gap.
    """

    people: People
    links: Array
    toward: Array
    each: NDArray[np.intp]
    linked: Array
    less: Array
    answers: Array
    follows: Array

    @classmethod
    def of(
        cls,
        people: People,
        z: Array,
        seen: NDArray[np.bool_],
        system: System,
        sets: Sequence[int],
        each: NDArray[np.intp],
        space: Array | None = None,
    ) -> Self:
        """Prepare people with answers z where ``seen``, both (n, p), for some of the system's sets of links.

        ``space`` is memory to use, of at least n p f m numbers. The result is lost when it is used again.
        """
        links, toward = (
            np.ascontiguousarray(x[list(sets)].swapaxes(0, 1)) for x in (system.links, system.toward)
        )
        (n, p), f, m = seen.shape, len(sets), each.size
        flat = toward.reshape(-1, p)
        linked = flat @ system.whole
        columns, at_each = np.ascontiguousarray(linked.T), np.ascontiguousarray(linked[:, each])
        less = (np.empty(n * p * f * m) if space is None else space[: n * p * f * m]).reshape(n, p * f, m)
        follows = np.zeros((n, p, m))
        for i, there in enumerate(seen):
            gaps = np.flatnonzero(~there)
            if few_gaps(there):
                share = gap_share(system.whole, gaps)
                np.matmul(columns[gaps].T, share[:, each], out=less[i])
                pull = -share
            else:
                np.subtract(at_each, flat @ people.inverse[i][:, each], out=less[i])
                pull = system.covariance[gaps] @ people.inverse[i]
            place = np.flatnonzero(~there[each])
            follows[i][:, place] = pull[np.searchsorted(gaps, each[place])].T
        answers = np.where(seen, z, people.filled)[:, each]
        at_each, changes = at_each.reshape(p, f, m), less.reshape(n, p, f, m)
        return cls(people, links, toward, each, at_each, changes, answers, follows)

    def targets(self) -> tuple[Array, Array]:
        """Predict each of the m items from all others: linked (n, f, m) and level (n, m), as in :class:`LeftOut`."""
        people, J = self.people, self.each
        alpha = people.solution[:, J] / self._diagonal
        turn = np.arange(J.size)
        inside = self.linked[J, :, turn] - self.less[:, J, :, turn].swapaxes(0, 1)  # (n, m, f)
        linked = self._expected[:, J] - inside * alpha[..., None]
        return linked.swapaxes(1, 2), people.sums[:, None] - people.column_sums[:, J] * alpha

    def leave_out(self, group: Sequence[int], who: NDArray[np.intp]) -> LeftOut:
        """Predict a group from everything else without one more item, for some of the people.

        Entries for items of ``group`` itself are meaningless.
        """
        people, G, J = self.people, np.asarray(group), self.each
        mine = np.ix_(who, G)
        rows = people.inverse[mine]  # (n, g, p)
        core = rows[:, :, G]
        alpha = solve_each(core, people.solution[mine][..., None])
        at_each = rows[:, :, J]
        share = solve_each(core, at_each)  # (n, g, m)
        pivot = self._diagonal[who] - _summed(at_each * share)
        pivot[:, (J[:, None] == G).any(axis=1)] = 1.0
        beta = (self._solution[who] - _summed(at_each * alpha)) / pivot
        left = self.answers[who] - _summed(self.follows[mine] * alpha) - beta
        inside = rows.reshape(-1, rows.shape[2]) @ self.toward[G].reshape(-1, rows.shape[2]).T
        inside = inside.reshape(*core.shape, -1)  # (n, g, g, f)
        change = self.less[mine]  # (n, g, f, m)
        np.subtract(self.linked[G], change, out=change)
        direct = self.links[G][:, :, J]
        for f in range(change.shape[2]):  # temporary arrays stay small
            part = change[:, :, f]
            part -= _crossed(inside[..., f], share)
            part *= beta[:, None]
            part += direct[:, f] * left[:, None]
        start = self._expected[mine] - _summed(inside * alpha[..., None])
        np.subtract(start[..., None], change, out=change)
        sums = people.column_sums[mine]
        level = (people.sums[who] - _summed(sums * alpha[..., 0]))[:, None]
        level = level - (self._sums[who] - _summed(sums[..., None] * share)) * beta
        return LeftOut(change, level)

    @cached_property
    def _expected(self) -> Array:
        """Expected answers through the links, :math:`W b`, (n, p, f)."""
        return np.tensordot(self.people.filled, self.links, (1, 2))

    @cached_property
    def _diagonal(self) -> Array:
        """Diagonals of A at the items left out, (n, m); the next two are a and 1'A there."""
        return np.ascontiguousarray(self.people.inverse[:, self.each, self.each])

    @cached_property
    def _solution(self) -> Array:
        return np.ascontiguousarray(self.people.solution[:, self.each])

    @cached_property
    def _sums(self) -> Array:
        return np.ascontiguousarray(self.people.column_sums[:, self.each])


def _crossed(inside: Array, share: Array) -> Array:
    """Sum (n, l, k) times (n, l, m) over the group's items l, to (n, k, m)."""
    if share.shape[1] == 1:
        return np.asarray(inside * share)
    return np.asarray(np.matmul(inside.swapaxes(1, 2), share))


def _summed(x: Array) -> Array:
    """Sum (n, g, ...) over the group."""
    return np.asarray(x[:, 0] if x.shape[1] == 1 else x.sum(axis=1))

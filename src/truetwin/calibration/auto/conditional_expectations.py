r"""Gaussian conditional expectations of one item given a person's other answers, leaving items out in closed form.

For person i with observed standardised answers :math:`z_o` and an item covariance K, every quantity here is linear in
:math:`a = A z_o`, :math:`A = (K_{oo} + \lambda I)^{-1}`. Leaving out items S as well changes the solution to

.. math:: a^{-S} = a - A_{\cdot S} A_{SS}^{-1} a_S,

so that predictions of every item without itself, or without its block, come from one inverse per person.
:mod:`truetwin.calibration.auto.left_out_in_turn` does all of that without one more item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv, dpotrf, dpotri

from truetwin.calibration.orientation import Array

NOISE = 1.0
FEW_GAPS = 0.4


@dataclass(frozen=True, eq=False)
class System:
    """Item covariance and links, and what the solutions of all people share.

    Attributes
    ----------
    covariance : ndarray of shape (p, p)
        M; M plus the identity must be positive definite.
    links : ndarray of shape (f, p, p)
        Sets of links W: row k holds the weights of target k on donors.
    """

    covariance: Array
    links: Array

    @cached_property
    def toward(self) -> Array:
        """:math:`W M` for each set of links, (f, p, p)."""
        return np.asarray(self.links @ self.covariance)

    @cached_property
    def noisy(self) -> Array:
        """Covariance with the noise of answers."""
        return np.asarray(self.covariance + NOISE * np.eye(len(self.covariance)))

    @cached_property
    def whole(self) -> Array:
        """Inverse for somebody who has answered everything, (p, p)."""
        return _inverse(self.noisy)


@dataclass(frozen=True, eq=False)
class People:
    """Solutions for some people at a time; some items may be left out already.

    Attributes
    ----------
    covariance : ndarray of shape (p, p)
        M.
    links : ndarray of shape (f, p, p)
        Sets of links W. Columns of left-out items are 0.
    toward : ndarray of shape (f, p, p)
        :math:`W M`.
    inverse : ndarray of shape (n, p, p)
        A; for unobserved and left-out items, rows and columns of the identity.
    solution : ndarray of shape (n, p)
        a; 0 for unobserved and left-out items.
    filled : ndarray of shape (n, p)
        Expected answers to all items, :math:`M a`.
    """

    covariance: Array
    links: Array
    toward: Array
    inverse: Array
    solution: Array
    filled: Array

    @cached_property
    def column_sums(self) -> Array:
        """Column sums of A, :math:`1'A`, (n, p)."""
        return np.asarray(self.inverse.sum(axis=1))

    @cached_property
    def sums(self) -> Array:
        """Sums of the solutions, :math:`1'a`, (n,)."""
        return np.asarray(self.solution.sum(axis=1))

    def without(self, items: Sequence[int]) -> People:
        """Return the same people without their answers to ``items``, and without links to them."""
        S = np.asarray(items)
        columns = self.inverse[:, :, S]
        core = columns[:, S]
        inverse = np.matmul(columns, np.linalg.solve(core, self.inverse[:, S]))
        np.subtract(self.inverse, inverse, out=inverse)  # in place: these are the largest arrays
        inverse[:, S] = 0.0
        inverse[:, :, S] = 0.0
        inverse[:, S, S] = 1.0
        beta = np.linalg.solve(core, self.solution[:, S, None])
        solution = self.solution - np.matmul(columns, beta)[..., 0]
        solution[:, S] = 0.0
        toward = self.toward - self.links[:, :, S] @ self.covariance[S]
        links = self.links.copy()
        links[:, :, S] = 0.0
        return People(self.covariance, links, toward, inverse, solution, solution @ self.covariance)

    def leave_out(self, sets: Sequence[int], group: Sequence[int]) -> LeftOut:
        """Predict a group of items from everything else.

        Parameters
        ----------
        sets : sequence of int
            Which sets of links to use. In these, no item of ``group`` links to another.
        group : sequence of int
            Items to predict.
        """
        G = np.asarray(group)
        columns = self.inverse[:, :, G]
        alpha = solve_each(columns[:, G], self.solution[:, G, None])
        pulled = np.matmul(columns, alpha)[..., 0]
        total = self.sums - np.einsum("ng,ng->n", self.column_sums[:, G], alpha[..., 0])
        linked = [self.filled @ self.links[f, G].T - pulled @ self.toward[f, G].T for f in sets]
        return LeftOut(np.stack(linked, axis=2)[..., None], total[:, None])


def solve_people(z: Array, seen: NDArray[np.bool_], system: System, space: Array | None = None) -> People:
    """Solve for every person, with one matrix inverse each.

    Parameters
    ----------
    z : ndarray of shape (n, p)
        Standardised answers, gaps at 0.
    seen : ndarray of bool of shape (n, p)
        Which answers are there.
    system : System
    space : ndarray of shape (>= n, p, p), optional
        Memory for the inverses. The result is lost when it is used again.
    """
    n, p = z.shape
    inverse = _inverses(seen, system, np.empty((n, p, p)) if space is None else space[:n])
    solution = np.matmul(inverse, np.where(seen, z, 0.0)[..., None])[..., 0]
    return People(
        system.covariance, system.links, system.toward, inverse, solution, solution @ system.covariance
    )


def solutions_of(z: Array, seen: NDArray[np.bool_], system: System) -> Array:
    r"""Compute only the solutions a, (n, p), where nothing needs to be left out.

    With B the inverse for somebody who has answered everything, gaps S and the rest R, :math:`a_R = B_{RR} z_R -
    B_{RS} B_{SS}^{-1} B_{SR} z_R`: a system as large as the gaps, or else one as large as the rest.
    """
    everything, noisy = system.whole, system.noisy
    result = z @ everything
    for i in range(len(z)):
        observed, gaps = np.flatnonzero(seen[i]), np.flatnonzero(~seen[i])
        if gaps.size <= observed.size:
            if gaps.size:
                part = _solved(everything[gaps[:, None], gaps], result[i, gaps])
                result[i] -= part @ everything[gaps]
                result[i, gaps] = 0.0
        else:
            result[i] = 0.0
            if observed.size:
                result[i, observed] = _solved(noisy[observed[:, None], observed], z[i, observed])
    return result


def _solved(matrix: Array, right: Array) -> Array:
    _, answer, failed = dposv(matrix, right)
    if failed:
        raise np.linalg.LinAlgError("the covariance plus the identity must be positive definite")
    return np.asarray(answer)


def gap_share(whole: Array, gaps: NDArray[np.intp]) -> Array:
    r"""Compute :math:`B_{SS}^{-1} B_{S:}`, (s, p), for gaps S in the answers of somebody.

    With B the inverse without gaps, the inverse with gaps is :math:`B - B_{:S} B_{SS}^{-1} B_{S:}`.
    """
    rows = whole[gaps]
    return _solved(rows[:, gaps], rows) if gaps.size else rows


def _inverses(seen: NDArray[np.bool_], system: System, inverse: Array) -> Array:
    """Invert for every person, into (n, p, p); rows and columns of gaps are those of the identity."""
    whole, noisy = system.whole, system.noisy
    for own, there in zip(inverse, seen, strict=True):
        observed, gaps = np.flatnonzero(there), np.flatnonzero(~there)
        if few_gaps(there):
            np.matmul(whole[gaps].T, gap_share(whole, gaps), out=own)
            np.subtract(whole, own, out=own)
            own[gaps] = 0.0
            own[:, gaps] = 0.0
        else:
            own[:] = 0.0
            if observed.size:
                own[observed[:, None], observed] = _inverse(noisy[observed[:, None], observed])
        own[gaps, gaps] = 1.0
    return inverse


def few_gaps(seen: NDArray[np.bool_]) -> bool:
    """Whether a change of low rank to what everybody shares is cheaper than to begin anew."""
    return bool(np.count_nonzero(~seen) <= FEW_GAPS * len(seen))


def _inverse(matrix: Array) -> Array:
    """Invert a positive definite matrix, in half the time of a general inverse."""
    factor, failed = dpotrf(matrix, lower=1)
    if failed:
        raise np.linalg.LinAlgError("the covariance plus the identity must be positive definite")
    lower = dpotri(factor, lower=1)[0]
    half = np.tril(lower, -1)
    return np.asarray(half + half.T + np.diag(np.diag(lower)))


@dataclass(frozen=True, eq=False)
class LeftOut:
    r"""Predictions of a group of g items, made without the group's own answers and, in turn, without one more item.

    Attributes
    ----------
    linked : ndarray of shape (n, g, f, m)
        :math:`\sum_{d \notin S} W_{kd} b^{-S}_d` for k in the group and each of f sets of links; m is 1 if no further
        item is left out.
    level : ndarray of shape (n, m)
        :math:`1' a^{-S}`, the person's general level.
    """

    linked: Array
    level: Array


def solve_each(core: Array, right: Array) -> Array:
    """Solve (n, g, g) systems for (n, g, m); one division where g is 1."""
    return np.asarray(right / core if core.shape[1] == 1 else np.linalg.solve(core, right))

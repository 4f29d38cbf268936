r"""Gaussian conditional expectations of one item given a person's other answers, leaving items out in closed form.

For person i with observed standardised answers :math:`z_o` and an item covariance K, every quantity here is linear in
:math:`a = A z_o`, :math:`A = (K_{oo} + \lambda I)^{-1}`. Leaving out items S as well changes the solution to

.. math:: a^{-S} = a - A_{\cdot S} A_{SS}^{-1} a_S,

so that predictions of every item without itself, or without its block, and all of that without one more item, come
from one inverse per person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv, dpotrf, dpotri, dtrtrs

from truetwin.calibration.orientation import Array

NOISE = 1.0
FEW_GAPS = 0.4


@dataclass(frozen=True, eq=False)
class People:
    """Solutions for some people at a time; some items may be left out already.

    Attributes
    ----------
    links : ndarray of shape (f, p, p)
        Sets of links W: row k holds the weights of target k on donors. Columns of left-out items are 0.
    inverse : ndarray of shape (n, p, p)
        A; for unobserved and left-out items, rows and columns of the identity.
    solution : ndarray of shape (n, p)
        a; 0 for unobserved and left-out items.
    filled : ndarray of shape (n, p)
        Expected answers to all items, :math:`b = M a` with M the item covariance.
    filling : ndarray of shape (n, p, p)
        :math:`P = M A`: how ``filled`` depends on each observed answer.
    expected : ndarray of shape (f, n, p)
        :math:`W b` for each set of links.
    links_filling : ndarray of shape (f, n, p, p)
        :math:`W P` for each set of links.
    """

    links: Array
    inverse: Array
    solution: Array
    filled: Array
    filling: Array
    expected: Array
    links_filling: Array

    @cached_property
    def column_sums(self) -> Array:
        """Column sums of A, :math:`1'A`, (n, p)."""
        sums: Array = self.inverse.sum(axis=1)
        return sums

    def each_left_out(self) -> tuple[Array, Array]:
        """Predict every item from all others: linked (f, n, p) and level (n, p), as in :class:`LeftOut`."""
        alpha = self.solution / self.diagonal
        linked = self.expected - np.einsum("fnpp->fnp", self.links_filling) * alpha
        return linked, self.sums[:, None] - self.column_sums * alpha

    @cached_property
    def sums(self) -> Array:
        """Sums of the solutions, :math:`1'a`, (n,)."""
        return np.asarray(self.solution.sum(axis=1))

    @cached_property
    def diagonal(self) -> Array:
        """Diagonals of A, (n, p)."""
        return np.array(np.einsum("npp->np", self.inverse))

    @cached_property
    def filling_diagonal(self) -> Array:
        """Diagonals of P, (n, p)."""
        return np.array(np.einsum("npp->np", self.filling))

    def without(self, items: Sequence[int]) -> People:
        """Return the same people without their answers to ``items``, and without links to them."""
        S = np.asarray(items)
        core = self.inverse[:, S[:, None], S]
        share = np.linalg.solve(core, self.inverse[:, S, :])  # (n, s, p)
        beta = np.linalg.solve(core, self.solution[:, S, None])[..., 0]
        inverse = np.matmul(self.inverse[:, :, S], share)
        np.subtract(
            self.inverse, inverse, out=inverse
        )  # in place here and below: these are the largest arrays
        inverse[:, S, :] = 0.0
        inverse[:, :, S] = 0.0
        inverse[:, S, S] = 1.0
        solution = self.solution - np.einsum("nps,ns->np", self.inverse[:, :, S], beta)
        solution[:, S] = 0.0
        filled = self.filled - np.einsum("nps,ns->np", self.filling[:, :, S], beta)
        filling = np.matmul(self.filling[:, :, S], share)
        np.subtract(self.filling, filling, out=filling)
        filling[:, :, S] = 0.0
        cut = self.links[:, :, S]  # (f, p, s)
        expected = self.expected - np.einsum("fnps,ns->fnp", self.links_filling[..., S], beta)
        expected -= np.einsum("fps,ns->fnp", cut, filled[:, S])
        links_filling = np.empty_like(self.links_filling)
        for before, W, after in zip(self.links_filling, cut, links_filling, strict=True):
            # (W P)_S share + W_S P, as one product
            left = np.concatenate([before[:, :, S], np.broadcast_to(W, (len(before), *W.shape))], axis=2)
            np.matmul(left, np.concatenate([share, filling[:, S, :]], axis=1), out=after)
            np.subtract(before, after, out=after)
        links_filling[..., S] = 0.0
        links = self.links.copy()
        links[:, :, S] = 0.0
        return People(links, inverse, solution, filled, filling, expected, links_filling)


@dataclass(frozen=True, eq=False)
class Workspace:
    """Memory for the largest arrays of :class:`People`, to be used again for the next people: new memory is slow.

    Attributes
    ----------
    inverse, filling : ndarray of shape (n, p, p)
    links_filling : ndarray of shape (n, f p, p)
    """

    inverse: Array
    filling: Array
    links_filling: Array

    @classmethod
    def of(cls, n: int, p: int, f: int) -> Workspace:
        """Reserve memory for ``n`` people, ``p`` items and ``f`` sets of links."""
        return cls(np.empty((n, p, p)), np.empty((n, p, p)), np.empty((n, f * p, p)))


def solve_people(
    z: Array, seen: NDArray[np.bool_], covariance: Array, links: Array, space: Workspace | None = None
) -> People:
    """Solve for every person, with one matrix inverse each.

    Parameters
    ----------
    z : ndarray of shape (n, p)
        Standardised answers, gaps at 0.
    seen : ndarray of bool of shape (n, p)
        Which answers are there.
    covariance : ndarray of shape (p, p)
        M; M plus the identity must be positive definite.
    links : ndarray of shape (f, p, p)
        Sets of links W.
    space : Workspace, optional
        Memory to use, for at least as many people. The result is lost when it is used again.
    """
    n, p = z.shape
    space = space or Workspace.of(n, p, len(links))
    inverse = _inverses(seen, covariance, space.inverse[:n])
    solution = np.einsum("nkl,nl->nk", inverse, np.where(seen, z, 0.0))
    filled = solution @ covariance
    filling, links_filling = _fillings(inverse, seen, covariance, links, space)
    expected = filled @ links.transpose(0, 2, 1)
    return People(links, inverse, solution, filled, filling, expected, links_filling)


def _fillings(
    inverse: Array, seen: NDArray[np.bool_], covariance: Array, links: Array, space: Workspace
) -> tuple[Array, Array]:
    r"""Compute :math:`P = M A`, (n, p, p), and :math:`W P`, (f, n, p, p).

    For somebody with gaps S they are those of somebody without, less a matrix of as low a rank as there are gaps:
    with B the inverse without gaps, :math:`A = B - B_{:S} B_{SS}^{-1} B_{S:}`.
    """
    n, p = seen.shape
    whole = _inverse(covariance + NOISE * np.eye(p))
    toward = links @ covariance
    turned, linked = whole @ covariance, (toward @ whole).reshape(-1, p)
    columns = np.ascontiguousarray(linked.T)
    filling_turned, links_filling = space.filling[:n], space.links_filling[:n]
    for i in range(n):
        gaps = np.flatnonzero(~seen[i])
        if gaps.size > FEW_GAPS * p:
            there = inverse[i].copy()
            there[gaps, gaps] = 0.0
            np.matmul(there, covariance, out=filling_turned[i])
            np.matmul(toward.reshape(-1, p), there, out=links_filling[i])
            continue
        share = _solved(whole[gaps[:, None], gaps], whole[gaps]) if gaps.size else whole[gaps]
        np.subtract(turned, share.T @ turned[gaps], out=filling_turned[i])
        np.matmul(columns[gaps].T, share, out=links_filling[i])
        np.subtract(linked, links_filling[i], out=links_filling[i])
        filling_turned[i, gaps] = 0.0
        links_filling[i][:, gaps] = 0.0
    return filling_turned.transpose(0, 2, 1), links_filling.reshape(n, -1, p, p).transpose(1, 0, 2, 3)


@dataclass(frozen=True, eq=False)
class Unhidden:
    """Solutions for some people, from whose answers only pseudo-targets are left out, one group at a time.

    Attributes
    ----------
    links : ndarray of shape (f, p, p)
        As in :class:`People`.
    toward : ndarray of shape (f, p, p)
        :math:`W M`.
    inverse : ndarray of shape (n, p, p)
    solution, filled : ndarray of shape (n, p)
    expected : ndarray of shape (f, n, p)
    """

    links: Array
    toward: Array
    inverse: Array
    solution: Array
    filled: Array
    expected: Array

    @cached_property
    def column_sums(self) -> Array:
        """Column sums of A, :math:`1'A`, (n, p)."""
        return np.asarray(self.inverse.sum(axis=1))

    def leave_out(self, sets: Sequence[int], group: Sequence[int]) -> LeftOut:
        """Predict a group of items from everything else; see :func:`leave_out`."""
        G = np.asarray(group)
        columns = self.inverse[:, :, G]
        alpha = _solve(columns[:, G], self.solution[:, G, None])[:, :, 0]
        pulled = np.einsum("npg,ng->np", columns, alpha)
        total = self.solution.sum(axis=1) - np.einsum("ng,ng->n", self.column_sums[:, G], alpha)
        linked = [self.expected[f][:, G] - pulled @ self.toward[f, G].transpose() for f in sets]
        return LeftOut(tuple(x[:, :, None] for x in linked), total[:, None])


def solve_unhidden(z: Array, seen: NDArray[np.bool_], covariance: Array, links: Array) -> Unhidden:
    """Solve for every person; much cheaper than :func:`solve_people`, whose arguments it takes."""
    inverse = _inverses(seen, covariance, np.empty((*z.shape, z.shape[1])))
    solution = np.einsum("nkl,nl->nk", inverse, z)
    filled = solution @ covariance
    return Unhidden(links, links @ covariance, inverse, solution, filled, filled @ links.transpose(0, 2, 1))


def solutions_of(z: Array, seen: NDArray[np.bool_], covariance: Array) -> Array:
    r"""Compute only the solutions a, (n, p), where nothing needs to be left out.

    With B the inverse for somebody who has answered everything, gaps S and the rest R, :math:`a_R = B_{RR} z_R -
    B_{RS} B_{SS}^{-1} B_{SR} z_R`: a system as large as the gaps, or else one as large as the rest.
    """
    system = covariance + NOISE * np.eye(z.shape[1])
    everything = _inverse(system)
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
                result[i, observed] = _solved(system[observed[:, None], observed], z[i, observed])
    return result


def _solved(matrix: Array, right: Array) -> Array:
    _, answer, failed = dposv(matrix, right)
    if failed:
        raise np.linalg.LinAlgError("the covariance plus the identity must be positive definite")
    return np.asarray(answer)


def _inverses(seen: NDArray[np.bool_], covariance: Array, inverse: Array) -> Array:
    """Invert for every person, into (n, p, p); rows and columns of gaps are those of the identity."""
    n, p = seen.shape
    system = covariance + NOISE * np.eye(p)
    everything = _inverse(system)
    for i in range(n):
        observed, gaps = np.flatnonzero(seen[i]), np.flatnonzero(~seen[i])
        if gaps.size <= FEW_GAPS * p:
            inverse[i] = _downdated(everything, gaps)
        else:
            inverse[i] = 0.0
            if observed.size:
                cells = np.ix_(observed, observed)
                inverse[i][cells] = _inverse(system[cells])
        inverse[i, gaps, gaps] = 1.0
    return inverse


def _downdated(everything: Array, gaps: NDArray[np.intp]) -> Array:
    """Take gaps S out of an inverse B: :math:`B - B_{:S} B_{SS}^{-1} B_{S:}`, whose rows and columns S are 0."""
    if not gaps.size:
        return everything
    rows = everything[gaps]
    factor, failed = dpotrf(rows[:, gaps], lower=1)
    if failed:
        raise np.linalg.LinAlgError("the covariance plus the identity must be positive definite")
    half, _ = dtrtrs(factor, rows, lower=1)
    result = everything - half.T @ half
    result[gaps] = 0.0
    result[:, gaps] = 0.0
    return np.asarray(result)


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
    linked : tuple of f ndarrays of shape (n, g, m)
        :math:`\sum_{d \notin S} W_{kd} b^{-S}_d` for k in the group; m is 1 if no further item is left out.
    level : ndarray of shape (n, m)
        :math:`1' a^{-S}`, the person's general level.
    """

    linked: tuple[Array, ...]
    level: Array


def leave_out(
    people: People, sets: Sequence[int], group: Sequence[int], each: NDArray[np.intp] | None = None
) -> LeftOut:
    """Predict a group from everything else and, in turn, from everything else without one more item.

    Parameters
    ----------
    people : People
        Solved with links in which no item of ``group`` links to another.
    sets : sequence of int
        Which sets of links to use.
    group : sequence of int
        Items to predict.
    each : ndarray of int of shape (m,), optional
        Items left out in turn. Entries for items of ``group`` itself are meaningless.
    """
    G = np.asarray(group)
    single = len(G) == 1
    rows = people.inverse[:, G, :]  # (n, g, p)
    core = rows[:, :, G]
    alpha = _solve(core, people.solution[:, G, None])[:, :, 0]
    sums = people.column_sums
    total = people.sums - np.einsum("ng,ng->n", sums[:, G], alpha)
    if each is None:
        linked = [
            people.expected[f][:, G]
            - np.einsum("nkg,ng->nk", people.links_filling[f][:, G[:, None], G], alpha)
            for f in sets
        ]
        return LeftOut(tuple(x[:, :, None] for x in linked), total[:, None])
    J = each
    rows_J = rows[:, :, J]
    share = _solve(core, rows_J)  # (n, g, m)
    pivot = people.inverse[:, J, J] - _dot(rows_J, share)
    pivot[:, np.isin(J, G)] = 1.0
    beta = (people.solution[:, J] - _dot(rows_J, alpha[:, :, None])) / pivot
    filling = people.filling[:, J[:, None], G].transpose(0, 2, 1)  # (n, g, m)
    filled = people.filled[:, J] - _dot(filling, alpha[:, :, None])
    filled -= (people.filling[:, J, J] - _dot(filling, share)) * beta
    linked = []
    for f in sets:
        toward = people.links_filling[f][:, G, :]  # (n, g, p)
        inside = toward[:, :, G]
        start = people.expected[f][:, G] - np.einsum("nkg,ng->nk", inside, alpha)
        slope = toward[:, :, J] - (inside * share if single else np.matmul(inside, share))
        to_J = people.links[f][G[:, None], J]
        linked.append(start[:, :, None] - slope * beta[:, None, :] - to_J * filled[:, None, :])
    level = total[:, None] - (sums[:, J] - _dot(sums[:, G, None], share)) * beta
    return LeftOut(tuple(linked), level)


def leave_out_one(
    people: People, sets: Sequence[int], item: int, each: NDArray[np.intp], who: NDArray[np.intp]
) -> LeftOut:
    """Do as :func:`leave_out` does for a group of one item, at a third of its cost, and for some of the people.

    Entries for the item itself, if it is in ``each``, are meaningless.
    """
    p = people.inverse.shape[1]
    J: slice | NDArray[np.intp] = slice(None) if each.size == p else each
    row = people.inverse[who, item]
    core = row[:, item, None]
    alpha = people.solution[who, item, None] / core
    row = row[:, J]
    share = row / core
    pivot = people.diagonal[who][:, J] - row * share
    pivot[:, each == item] = 1.0
    beta = people.solution[who][:, J] - row * alpha
    beta /= pivot
    filling = people.filling[who, :, item][:, J]
    filled = people.filled[who][:, J] - filling * alpha
    filling *= share
    filled -= (people.filling_diagonal[who][:, J] - filling) * beta
    shared = np.multiply(share, beta, out=share)
    linked = []
    for f in sets:
        toward = people.links_filling[f][who, item]
        inside = toward[:, item, None].copy()
        toward = toward[:, J]
        toward *= beta
        found = inside * shared
        found -= toward
        found -= np.multiply(filled, people.links[f][item, J], out=toward)
        found += people.expected[f][who, item, None] - inside * alpha
        linked.append(found[:, None])
    sums = people.column_sums[who]
    total = people.sums[who, None] - sums[:, item, None] * alpha
    level = sums[:, item, None] * shared - sums[:, J] * beta
    return LeftOut(tuple(linked), total + level)


def _solve(core: Array, right: Array) -> Array:
    return np.asarray(right / core if core.shape[1] == 1 else np.linalg.solve(core, right))


def _dot(x: Array, y: Array) -> Array:
    """Multiply (n, g, m) by (n, g, m or 1) and sum over the middle axis, to (n, m)."""
    sums: Array = (x * y).sum(axis=1)
    return sums

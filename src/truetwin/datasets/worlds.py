r"""Generate worlds with known truth: people, twins of a known quality, and what everybody would have answered.

People have d = 4 traits :math:`U`, items have directions :math:`L` of unit length. What a person thinks of an item is

.. math:: Z = .75\, U L^T + \sqrt{1 - .75^2}\, E,

with unit variance. A twin thinks :math:`T`, which depends on its kind (:data:`TWINS`); it is then drawn closer together
and shifted by item, :math:`T \leftarrow .6 T + b_j` with :math:`b_j \sim N(0, .4^2)`. Answers are both cut at the same
thresholds. These are not real people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.errors import ParameterError

Array = NDArray[np.float64]
Kind = Literal["five-point", "binary", "rare", "slider", "price", "nominal"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MIXED: tuple[Kind, ...] = KINDS
N_TRAITS = 4
LOADING = 0.75


@dataclass(frozen=True, eq=False)
class World:
    """Generated panel, and the truth that is hidden in it.

    Attributes
    ----------
    panel : Panel
        Human and twin answers; the new items and new respondents have no human answers in it.
    truth : ResponseMatrix
        What everybody would answer to every item.
    traits : ndarray of shape (n, 4)
        Traits of the people, for designs that sample people by what they are like.
    opinions : ndarray of shape (n, p)
        What people think on a continuous scale, before it is cut into answers.
    """

    panel: Panel
    truth: ResponseMatrix
    traits: Array
    opinions: Array


@dataclass(frozen=True, eq=False)
class _People:
    """People and items before anybody answers: U (n, d), L (p, d) and Z (n, p)."""

    U: Array
    L: Array
    Z: Array


def _unit_rows(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    rows = rng.standard_normal(shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _noise(people: _People, rng: np.random.Generator) -> Array:
    return rng.standard_normal(people.Z.shape)


def _perfect(people: _People, rng: np.random.Generator) -> Array:
    return people.Z


def _good(people: _People, rng: np.random.Generator) -> Array:
    return 0.8 * people.Z + 0.6 * rng.standard_normal(people.Z.shape)


def _base(people: _People, rng: np.random.Generator) -> Array:
    own = 0.6 * people.U + 0.8 * rng.standard_normal(people.U.shape)
    return 0.8 * own @ people.L.T + 0.6 * rng.standard_normal(people.Z.shape)


def _inverted(people: _People, rng: np.random.Generator) -> Array:
    return _base(people, rng) * np.where(rng.random(people.Z.shape[1]) < 0.3, -1.0, 1.0)


def _unrelated(people: _People, rng: np.random.Generator) -> Array:
    """Structure of the twins' own, which has nothing to do with the people's."""
    R = _unit_rows(people.L.shape, rng)
    traits = rng.standard_normal(people.U.shape)
    return 0.85 * (0.9 * traits @ R.T + 0.43 * rng.standard_normal(people.Z.shape))


def _misaligned(people: _People, rng: np.random.Generator) -> Array:
    return 0.5 * people.Z + _unrelated(people, rng)


def _nostruct(people: _People, rng: np.random.Generator) -> Array:
    return 0.35 * people.Z + _unrelated(people, rng) * (0.9 / 0.85)


#: Kinds of twins: what they think, before they are drawn together and shifted by item.
TWINS: Mapping[str, Callable[[_People, np.random.Generator], Array]] = {
    "noise": _noise,  # nothing to do with the people
    "perfect": _perfect,  # the people themselves
    "good": _good,  # each answer is the person's with some error
    "base": _base,  # the person's traits with error, the people's structure
    "misaligned": _misaligned,  # half right, but items hang together as they do for nobody
    "inverted": _inverted,  # as base, with three items in ten turned round
    "nostruct": _nostruct,  # people's answers have nothing in common; the twins' have
}


def generate_world(
    twins: str = "base",
    n_respondents: int = 300,
    n_items: int = 40,
    *,
    n_new_items: int = 10,
    n_new_respondents: int = 0,
    kinds: Sequence[Kind] = ("five-point",),
    missing: float | Literal["informative"] = 0.1,
    random_state: int = 0,
) -> World:
    """Generate people, their twins, and the answers of both.

    Parameters
    ----------
    twins : str
        Kind of twins, one of :data:`TWINS`.
    n_respondents, n_items : int
        Size of the whole world, new ones included.
    n_new_items, n_new_respondents : int
        Number of items and of respondents without human answers: the last ones.
    kinds : sequence of str
        Kinds of items, of :data:`KINDS`, taken in turn, so that new items are of all kinds too.
    missing : float in [0, 1) or "informative"
        Share of human answers missing at random, or "informative": people answer the items they agree with, with
        probability logistic(-.5 + 1.8 Z).
    random_state : int
        Seed.

    Examples
    --------
    >>> world = generate_world("good", 50, 12, n_new_items=2)
    >>> world.panel.new_items
    ('Q11', 'Q12')
    >>> world.truth.shape
    (50, 12)
    """
    _check(twins, n_respondents, n_items, n_new_items, n_new_respondents, kinds, missing)
    # separate streams: one seed has the same people, items and gaps whatever the twins
    people_rng, item_rng, twin_rng, gap_rng = np.random.default_rng(random_state).spawn(4)
    people = _people(n_respondents, n_items, nostruct=twins == "nostruct", rng=people_rng)
    T = TWINS[twins](people, twin_rng)
    if twins != "perfect":
        T = 0.6 * T + twin_rng.normal(0, 0.4, n_items)
    width = len(str(n_items))
    items, columns = [], []
    for j in range(n_items):
        kind = kinds[j % len(kinds)]
        scale, cut = _CUTS[kind](item_rng)
        items.append(Item(f"Q{j + 1:0{width}d}", f"Generated {kind} item", scale))
        columns.append((cut(people.Z[:, j]), cut(T[:, j])))
    human, twin = (np.stack(each, axis=1) for each in zip(*columns, strict=True))
    seen = gap_rng.random(human.shape) < (
        1 / (1 + np.exp(0.5 - 1.8 * people.Z)) if missing == "informative" else 1 - missing
    )
    rows = [f"R{i + 1:0{len(str(n_respondents))}d}" for i in range(n_respondents)]
    asked, answered = n_respondents - n_new_respondents, n_items - n_new_items
    shown = ResponseMatrix(
        np.where(seen, human, np.nan)[:asked, :answered],
        rows[:asked],
        items[:answered],
        source="generated humans",
    )
    panel = Panel(shown, ResponseMatrix(twin, rows, items, source="generated twins"))
    return World(panel, ResponseMatrix(human, rows, items, source="generated truth"), people.U, people.Z)


def _people(n: int, p: int, *, nostruct: bool, rng: np.random.Generator) -> _People:
    L = _unit_rows((p, N_TRAITS), rng)
    U = rng.standard_normal((n, N_TRAITS))
    E = rng.standard_normal((n, p))
    return _People(U, L, E if nostruct else LOADING * U @ L.T + np.sqrt(1 - LOADING**2) * E)


Cut = Callable[[Array], Array]


def _five_point(rng: np.random.Generator) -> tuple[Scale, Cut]:
    thresholds = np.sort(rng.normal(0, 0.9, 4))
    return Scale.ordinal(1, 5), lambda z: (np.searchsorted(thresholds, z) + 1).astype(np.float64)


def _binary(rng: np.random.Generator) -> tuple[Scale, Cut]:
    threshold = rng.uniform(-1, 1)
    return Scale.ordinal(0, 1), lambda z: (z > threshold).astype(np.float64)


def _rare(rng: np.random.Generator) -> tuple[Scale, Cut]:
    return Scale.ordinal(0, 1), lambda z: (z > 1.6).astype(np.float64)


def _slider(rng: np.random.Generator) -> tuple[Scale, Cut]:
    shift = rng.uniform(-15, 15)
    return Scale.numeric(0, 100, 1.0), lambda z: np.asarray(
        np.clip(np.round(50 + 22 * z + shift), 0, 100), dtype=np.float64
    )


def _price(rng: np.random.Generator) -> tuple[Scale, Cut]:
    return Scale.numeric(0), lambda z: np.asarray(np.exp(3 + 1.2 * z))


def _nominal(rng: np.random.Generator) -> tuple[Scale, Cut]:
    thresholds, codes = np.sort(rng.normal(0, 0.9, 3)), rng.permutation(4) + 1.0
    return Scale.nominal([1, 2, 3, 4]), lambda z: codes[np.searchsorted(thresholds, z)]


_CUTS: Mapping[Kind, Callable[[np.random.Generator], tuple[Scale, Cut]]] = {
    "five-point": _five_point,
    "binary": _binary,
    "rare": _rare,
    "slider": _slider,
    "price": _price,
    "nominal": _nominal,
}


def _check(
    twins: str,
    n: int,
    p: int,
    new_items: int,
    new_people: int,
    kinds: Sequence[Kind],
    missing: float | Literal["informative"],
) -> None:
    if twins not in TWINS:
        raise ParameterError(f"twins must be one of {', '.join(TWINS)}; got {twins!r}")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise ParameterError(f"kinds must be some of {', '.join(KINDS)}; got {unknown or kinds!r}")
    if missing != "informative" and not 0 <= missing < 1:
        raise ParameterError(f"missing must be a share >= 0 and < 1, or 'informative'; got {missing!r}")
    if not 0 <= new_items < p or not 0 <= new_people < n or n < 2 or p < 2:
        raise ParameterError(
            f"a world needs >= 2 respondents and items, some of each with human answers; got {n} respondents "
            f"({new_people} new) and {p} items ({new_items} new)"
        )

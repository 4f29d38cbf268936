r"""Generate twins with one known fault each, and faithful twins with none, to try an audit on.

People have four traits, which differ by region, and think :math:`Z = .75 U L^T + \sqrt{1 - .75^2} E` of items.
*Faithful* twins are other people of the same kind who resemble the person: their traits correlate by :math:`\rho` with
the person's, and everything else is drawn anew. Their answers are distributed as people's are, so that no check of an
audit may find a fault. Each fault changes one thing. These are not real people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Item, Panel, People, ResponseMatrix, Scale
from truetwin.data.marginals import ItemMarginal, Marginals
from truetwin.errors import ParameterError

Array = NDArray[np.float64]
N_TRAITS = 4
LOADING = 0.75
#: Correlation of the traits of a faithful twin with the person's.
CLOSENESS = 0.7
#: Correlation of what somebody thinks of a variant with what the person thinks of the item.
ASKED_TWICE = 0.9
REGIONS = ("north", "south", "west")
REGION = "region"
TRAINED_UNTIL = "2024-06"
_LABELS = {1.0: "strongly disagree", 2.0: "disagree", 3.0: "neither", 4.0: "agree", 5.0: "strongly agree"}


@dataclass(frozen=True, eq=False)
class AuditWorld:
    """Generated panel, and what else an audit can be told of it.

    Attributes
    ----------
    panel : Panel
        People, in regions, and twins; one item in ten has a variant that both were asked.
    retest : ResponseMatrix
        Answers of the same people when asked again.
    published : Marginals
        Published toplines of every second item.
    trained_until : str
        Every second item was fielded before, the others after.
    """

    panel: Panel
    retest: ResponseMatrix
    published: Marginals
    trained_until: str


@dataclass(frozen=True, eq=False)
class _Draft:
    """What twins think before it is cut into answers, and everything that a fault may need."""

    human: Array  # what people think, (n, m)
    twin: Array  # what twins think, (n, m)
    traits: Array  # traits of the twins, (n, 4)
    L: Array  # directions of the items, (m, 4)
    shift: Array  # shift of each person's traits by region, (n, 4)
    region: NDArray[np.intp]  # (n,)
    rng: np.random.Generator

    @property
    def odd(self) -> NDArray[np.bool_]:
        """Every second item: published, and fielded before the end of training."""
        return np.asarray(np.arange(self.L.shape[0]) % 2 == 0)

    def thinking(self, traits: Array, loading: float = LOADING, L: Array | None = None) -> Array:
        """What twins with these traits think, with unit variance."""
        L = self.L if L is None else L
        noise = self.rng.standard_normal(self.twin.shape)
        return np.asarray(loading * traits @ L.T + np.sqrt(1 - loading**2) * noise)


def _unit_rows(m: int, rng: np.random.Generator) -> Array:
    rows = rng.standard_normal((m, N_TRAITS))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _shown_items(d: _Draft) -> Array:
    return np.where(np.arange(d.L.shape[0]) % 3 == 0, d.human, d.twin)


def _shown_persons(d: _Draft) -> Array:
    return np.asarray(0.95 * d.human + np.sqrt(1 - 0.95**2) * d.rng.standard_normal(d.twin.shape))


def _reversed_items(d: _Draft) -> Array:
    return d.twin * np.where(d.rng.random(d.L.shape[0]) < 0.3, -1.0, 1.0)


def _careless_for_west(d: _Draft) -> Array:
    noise = d.thinking(d.shift + d.rng.standard_normal(d.traits.shape))
    return np.where(d.region[:, None] == 2, noise, 0.9 * d.human + 0.44 * d.rng.standard_normal(d.twin.shape))


def _other_levels_for_west(d: _Draft) -> Array:
    return d.twin + np.where(d.region[:, None] == 2, d.rng.choice([-0.7, 0.7], d.L.shape[0]), 0.0)


def _remembered(d: _Draft) -> Array:
    return d.twin + np.where(d.odd, 0.0, d.rng.choice([-0.6, 0.6], d.L.shape[0]))


#: Faults of what twins think, by name, and the checks that must find each.
FAULTS: Mapping[str, tuple[Callable[[_Draft], Array], tuple[str, ...]]] = {
    "faithful": (lambda d: d.twin, ()),
    "identical": (lambda d: d.human, ("near_copies", "new_people")),
    "shown-items": (_shown_items, ("near_copies",)),
    "shown-persons": (_shown_persons, ("new_people",)),
    "shrunk": (lambda d: 0.6 * d.twin, ("spread", "distinct_answers", "extreme_options", "group_figures")),
    "too-spread": (lambda d: 1.8 * d.twin, ("spread", "extreme_options")),
    "all-alike": (
        lambda d: np.where(np.arange(d.L.shape[0]) % 8 == 0, 0.0, d.twin),
        ("all_alike_items",),
    ),
    "shifted": (lambda d: d.twin + d.rng.normal(0, 0.5, d.L.shape[0]), ("levels", "group_figures")),
    "ghosts": (lambda d: d.thinking(d.traits, 0.95), ("correlation_strength", "ghost_correlations")),
    "loose": (lambda d: d.thinking(d.traits, 0.45), ("correlation_strength", "correlation_pattern")),
    "other-factors": (
        lambda d: d.thinking(d.traits, L=_unit_rows(d.L.shape[0], d.rng)),
        ("factor_structure", "correlation_pattern", "regression_coefficients"),
    ),
    "reversed-items": (_reversed_items, ("sign_flips", "factor_structure", "regression_coefficients")),
    "groups-alike": (lambda d: d.thinking(d.traits - d.shift), ("group_gaps",)),
    "stereotypes": (lambda d: d.thinking(d.traits + 1.5 * d.shift), ("group_gaps",)),
    "agreeing": (lambda d: d.twin + 0.5, ("agreeableness", "levels")),
    "middling": (lambda d: 0.4 * d.twin, ("middle_options", "extreme_options")),
    "careless-for-west": (_careless_for_west, ("equity_accuracy",)),
    "high-for-west": (lambda d: d.twin + 0.4 * (d.region[:, None] == 2), ("equity_bias",)),
    "other-levels-for-west": (_other_levels_for_west, ("equity_coverage",)),
    "strangers": (
        lambda d: d.thinking(d.rng.standard_normal(d.traits.shape)),
        ("knows_the_person", "beats_a_guess"),
    ),
    "wording": (lambda d: d.twin, ("wording_variants",)),
    "remembered": (_remembered, ("published_toplines", "fielded_before_training")),
}


def generate_audit_world(
    fault: str = "faithful",
    n_respondents: int = 400,
    n_items: int = 40,
    *,
    missing: float = 0.1,
    random_state: int = 0,
) -> AuditWorld:
    """Generate people and twins with one fault.

    Parameters
    ----------
    fault : str
        One of :data:`FAULTS`.
    n_respondents, n_items : int
        Size; one item in ten gets a variant beside it.
    missing : float, default=0.1
        Share of human answers missing at random.
    random_state : int
        Seed.

    Examples
    --------
    >>> world = generate_audit_world("shrunk", 60, 20)
    >>> world.panel.human_values.shape, world.panel.people.ids[:2]
    ((60, 22), ('R001', 'R002'))
    """
    if fault not in FAULTS:
        raise ParameterError(f"the fault must be one of {', '.join(FAULTS)}; got {fault!r}")
    if n_items < 10 or n_respondents < 30:
        raise ParameterError(
            f"an audit world needs at least 10 items and 30 people; got {n_items} and {n_respondents}"
        )
    people_rng, item_rng, twin_rng, gap_rng = np.random.default_rng(random_state).spawn(4)
    draft = _draft(n_respondents, n_items, people_rng, twin_rng)
    thought = FAULTS[fault][0](draft)
    thresholds = np.sort(item_rng.normal(0, 0.9, (n_items, 4)), axis=1)
    again = 0.85 * draft.human + np.sqrt(1 - 0.85**2) * people_rng.standard_normal(draft.human.shape)
    variants = np.arange(0, n_items, 10)
    asked_twice = [
        ASKED_TWICE * x[:, variants]
        + np.sqrt(1 - ASKED_TWICE**2) * rng.standard_normal((len(x), variants.size))
        for x, rng in ((draft.human, people_rng), (thought, twin_rng))
    ]
    if fault == "wording":
        asked_twice[1] = asked_twice[1] + 0.5
    human, twin, retest = (
        np.column_stack([_cut(x, thresholds), _cut(extra, thresholds[variants])])
        for x, extra in ((draft.human, asked_twice[0]), (thought, asked_twice[1]), (again, asked_twice[0]))
    )
    items = _items(n_items, variants)
    rows = [f"R{i + 1:03d}" for i in range(n_respondents)]
    answered = np.where(gap_rng.random(human.shape) < missing, np.nan, human)
    panel = Panel(
        ResponseMatrix(answered, rows, items, source="generated humans"),
        ResponseMatrix(twin, rows, items, source="generated twins"),
        people=People(rows, {REGION: tuple(REGIONS[r] for r in draft.region)}),
    )
    return AuditWorld(
        panel,
        ResponseMatrix(retest, rows, items, source="generated retest"),
        _published(items, n_items, thresholds, people_rng, draft),
        TRAINED_UNTIL,
    )


def _draft(n: int, m: int, people_rng: np.random.Generator, twin_rng: np.random.Generator) -> _Draft:
    L = _unit_rows(m, people_rng)
    region = people_rng.integers(0, len(REGIONS), n)
    shift = 0.6 * _unit_rows(len(REGIONS), people_rng)[region]
    own = people_rng.standard_normal((n, N_TRAITS))
    human = LOADING * (shift + own) @ L.T + np.sqrt(1 - LOADING**2) * people_rng.standard_normal((n, m))
    traits = shift + CLOSENESS * own + np.sqrt(1 - CLOSENESS**2) * twin_rng.standard_normal((n, N_TRAITS))
    draft = _Draft(human, human, traits, L, shift, region, twin_rng)
    return replace(draft, twin=draft.thinking(traits))


def _cut(thought: Array, thresholds: Array) -> Array:
    return np.asarray((thought[:, :, None] > thresholds[None]).sum(axis=2) + 1.0)


def _items(n_items: int, variants: NDArray[np.intp]) -> list[Item]:
    scale = Scale.ordinal(1, 5, labels=_LABELS)
    width = len(str(n_items))
    named = [
        Item(
            f"Q{j + 1:0{width}d}",
            f"Generated item {j + 1}",
            scale,
            fielded="2023-05" if j % 2 == 0 else "2025-02",
        )
        for j in range(n_items)
    ]
    return [
        *named,
        *(
            Item(f"V{j + 1:0{width}d}", f"Variant of item {j + 1}", scale, None, named[j].id)
            for j in variants
        ),
    ]


def _published(
    items: list[Item], n_items: int, thresholds: Array, rng: np.random.Generator, draft: _Draft
) -> Marginals:
    """Make the toplines of every second item from a large sample of people of the same kind."""
    n = 4000
    region = rng.integers(0, len(REGIONS), n)
    shifts = np.array([draft.shift[draft.region == r][0] for r in range(len(REGIONS))])
    traits = shifts[region] + rng.standard_normal((n, N_TRAITS))
    odd = np.arange(0, n_items, 2)
    thought = LOADING * traits @ draft.L[odd].T + np.sqrt(1 - LOADING**2) * rng.standard_normal((n, odd.size))
    answers = _cut(thought, thresholds[odd])
    return Marginals.of(
        ItemMarginal(items[j], np.array([(answers[:, k] == code).mean() for code in range(1, 6)]), float(n))
        for k, j in enumerate(odd)
    )

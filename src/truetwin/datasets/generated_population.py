"""Generate a population with known truth (paper A, assumptions of section 4.1). These are not real people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.data.people import People
from truetwin.errors import ParameterError

AGE_GROUPS = ("18-34", "35-54", "55+")


@dataclass(frozen=True)
class GeneratedPopulation:
    """Generated panel, and the truth that is hidden in it.

    Attributes
    ----------
    panel : Panel
        Human and twin answers, and a people table with ``age_group``, ``sex`` and ``weight``; the new items and new
        respondents have no human answers in it.
    truth : ResponseMatrix
        Human answers of all respondents to all items, without missing ones.
    respondent_factors, twin_factors : ndarray of shape (n_respondents, rank)
        U and its twin counterpart in paper A, eq. (4.1).
    item_factors, twin_item_factors : ndarray of shape (n_items, rank)
        V and its twin counterpart.
    """

    panel: Panel
    truth: ResponseMatrix
    respondent_factors: NDArray[np.float64]
    twin_factors: NDArray[np.float64]
    item_factors: NDArray[np.float64]
    twin_item_factors: NDArray[np.float64]


def generate_population(
    n_respondents: int = 400,
    n_items: int = 40,
    *,
    n_new_items: int = 8,
    n_new_respondents: int = 0,
    rank: int = 4,
    noise: float = 0.6,
    misalignment: float = 0.3,
    person_fidelity: float = 0.4,
    bias: float = 0.6,
    concentration: float = 0.5,
    missing: float = 0.15,
    n_categories: int = 7,
    random_state: int = 0,
) -> GeneratedPopulation:
    r"""Generate people, their twins, and the answers of both.

    Humans answer :math:`Y = U V^T + \epsilon` and twins :math:`\tilde Y = \tilde U \tilde V^T + \tilde\epsilon`
    (paper A, eq. 4.1), put on an ordinal scale of ``n_categories`` points.

    Parameters
    ----------
    n_respondents, n_items : int
        Size of the whole population and questionnaire, new ones included.
    n_new_items, n_new_respondents : int
        Number of items and of respondents without human answers.
    rank : int
        Number of latent factors, d in paper A.
    noise : float
        Standard deviation of the idiosyncratic part of an answer, in units of the systematic part.
    misalignment : float in [0, 1]
        Share of the twins' item factors that is unrelated to the humans' (0: row spaces coincide).
    person_fidelity : float in [0, 1]
        Share of the twins' person factors that is the person's own.
    bias : float
        Spread of the twins' item-level shift, in scale points.
    concentration : float in [0, 1)
        How much closer together twins' answers are than humans' (0: same spread).
    missing : float in [0, 1)
        Share of human answers missing at random among those asked.
    n_categories : int
        Points on the scale, 1 to ``n_categories``.
    random_state : int
        Seed.

    Examples
    --------
    >>> population = generate_population(50, 12, n_new_items=2)
    >>> population.panel.new_items
    ('Q11', 'Q12')
    """
    _check(n_respondents, n_items, n_new_items, n_new_respondents, rank, n_categories)
    for name, share in (
        ("misalignment", misalignment),
        ("person_fidelity", person_fidelity),
        ("concentration", concentration),
        ("missing", missing),
    ):
        if not 0 <= share <= 1 or (share == 1 and name in ("concentration", "missing")):
            raise ParameterError(f"{name} must be a share between 0 and 1; got {share}")
    rng = np.random.default_rng(random_state)
    people = rng.standard_normal((n_respondents, rank))
    items = rng.standard_normal((n_items, rank)) * np.linspace(1.2, 0.6, rank)
    twin_people = _mix(people, rng.standard_normal(people.shape), person_fidelity)
    twin_items = _mix(items, rng.standard_normal(items.shape) * items.std(), 1 - misalignment)

    middle = (n_categories + 1) / 2
    spread = n_categories / 5
    levels = middle + rng.normal(0, spread / 2, n_items)
    twin_levels = levels + rng.normal(0, bias, n_items) if bias else levels
    human = _answers(people @ items.T, noise, levels, spread, n_categories, rng)
    twin = _answers(
        twin_people @ twin_items.T, noise / 2, twin_levels, spread * (1 - concentration), n_categories, rng
    )

    width = len(str(n_items))
    scale = Scale.ordinal(1, n_categories)
    columns = [
        Item(f"Q{j + 1:0{width}d}", text=f"Generated item {j + 1}", scale=scale) for j in range(n_items)
    ]
    rows = [f"R{i + 1:0{len(str(n_respondents))}d}" for i in range(n_respondents)]
    observed = human.copy()
    observed[rng.random(human.shape) < missing] = np.nan
    asked_rows, asked_columns = n_respondents - n_new_respondents, n_items - n_new_items
    shown = ResponseMatrix(
        observed[:asked_rows, :asked_columns],
        rows[:asked_rows],
        columns[:asked_columns],
        source="generated humans",
    )
    panel = Panel(
        shown,
        ResponseMatrix(twin, rows, columns, source="generated twins"),
        people=_people_table(rows, people, random_state),
    )
    truth = ResponseMatrix(human, rows, columns, source="generated truth")
    return GeneratedPopulation(panel, truth, people, twin_people, items, twin_items)


def _people_table(ids: list[str], factors: NDArray[np.float64], seed: int) -> People:
    """Make up what is known of people: an age group that goes with the first factor, a sex, and a survey weight."""
    rng = np.random.default_rng([seed, 1])  # of its own, so that answers do not depend on this table
    age = 0.8 * factors[:, 0] + 0.6 * rng.standard_normal(len(ids))
    groups = np.array(AGE_GROUPS, dtype=object)[np.searchsorted([-0.5, 0.5], age)]
    sex = np.array(["men", "women"], dtype=object)[rng.integers(0, 2, len(ids))]
    weights = np.exp(0.3 * rng.standard_normal(len(ids))).round(3)
    return People(ids, {"age_group": groups, "sex": sex, "weight": weights}, "generated people")


def _check(
    n_respondents: int, n_items: int, n_new_items: int, n_new_respondents: int, rank: int, n_categories: int
) -> None:
    if n_respondents < 2 or n_items < 2 or rank < 1 or n_categories < 2:
        raise ParameterError("a population needs >= 2 respondents, >= 2 items, rank >= 1 and >= 2 categories")
    if not 0 <= n_new_items < n_items or not 0 <= n_new_respondents < n_respondents:
        raise ParameterError("at least one item and one respondent must have human answers")


def _mix(own: NDArray[np.float64], other: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(share) * own + np.sqrt(1 - share) * other)


def _answers(
    systematic: NDArray[np.float64],
    noise: float,
    levels: NDArray[np.float64],
    spread: float,
    n_categories: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    scale = systematic.std()
    latent = systematic / scale + noise * rng.standard_normal(systematic.shape)
    return np.asarray(np.clip(np.round(levels + spread * latent / np.hypot(1, noise)), 1, n_categories))

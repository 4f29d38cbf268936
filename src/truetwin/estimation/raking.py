"""Rake a sample of people to population margins, and report what the weights cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.margins import Margins
from truetwin.data.panel import Panel
from truetwin.data.people import People, no_such_column, shown
from truetwin.data.person_design import PersonWeights, answering, person_weights
from truetwin.errors import DataError
from truetwin.estimation.survey_variance import checked_weights, kish_n
from truetwin.registry import closest
from truetwin.solvers.proportional_fitting import MOST_SWEEPS, TOLERANCE, rake_weights

Array = NDArray[np.float64]
Amounts = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Raking:
    """Weights of people whose shares are those of a population.

    Attributes
    ----------
    ids : tuple of str
        The people: those of the people table, or the respondents of the panel.
    weights : ndarray of shape (n,)
        Their weights, in this order. The mean is 1 over the people who were raked; others have 0.
    rows : tuple of dict
        One row a category: ``column``, ``category``, ``population`` (its share there), ``before`` and ``after`` (its
        share in the sample).
    n_people : int
        Number of people who were raked.
    design_effect, base_design_effect : float
        Kish's design effect of the weights, and of the base weights: how many times as many people this sample needs as
        one with equal weights, for an answer that has nothing to do with the weights.
    largest : float
        Largest weight. Weights are not trimmed.
    n_sweeps : int
        Rounds of fitting.
    """

    ids: tuple[str, ...]
    weights: Array
    rows: tuple[dict[str, Any], ...]
    n_people: int
    design_effect: float
    base_design_effect: float
    largest: float
    n_sweeps: int

    @property
    def effective_n(self) -> float:
        """Kish's effective number of people."""
        return self.n_people / self.design_effect

    def summary(self) -> str:
        """Say in a sentence what was raked and what it costs."""
        columns = ", ".join(dict.fromkeys(row["column"] for row in self.rows))
        return (
            f"{self.n_people} people raked to the population by {columns}: design effect {self.design_effect:.2f} "
            f"(they count like {self.effective_n:.0f} people with equal weights), weights up to {self.largest:.2f} "
            "times the mean, none trimmed"
        )

    def to_frame(self) -> Any:
        """Return the shares of every category, as a pyarrow table."""
        import pyarrow as pa

        return pa.Table.from_pylist(list(self.rows))


def rake(
    people: People | Panel, margins: Margins | Amounts, base_weights: PersonWeights | None = None
) -> Raking:
    """Rake people to population margins: weight them so that each column is divided as in the population.

    The weights are as close to the base weights as the margins allow (least relative entropy).

    Parameters
    ----------
    people : People or Panel
        People with the columns that the margins name. Of a panel, the people who have answered something are
        raked; all others get the weight 0.
    margins : Margins, or mapping from column to mapping from category to share or count
        The population.
    base_weights : str or array of shape (n,), optional
        Weights to start from, such as design weights: a column of the people table, or numbers. People with the weight
        0 are left out.

    Raises
    ------
    DataError
        If the margins do not sum, nobody is in a category of theirs, somebody is in none, or no weights meet them.
    UnknownNameError
        If there is no column that the margins name.

    Examples
    --------
    >>> people = People(["a", "b", "c", "d"], {"sex": ["f", "f", "f", "m"]})
    >>> raking = rake(people, {"sex": {"f": 0.5, "m": 0.5}})
    >>> raking.weights.round(3).tolist(), round(raking.design_effect, 3)
    ([0.667, 0.667, 0.667, 2.0], 1.333)
    """
    population = margins if isinstance(margins, Margins) else Margins.of(margins)
    ids, table, base = _sample(people, base_weights)
    counted = base > 0
    categories, shares = [], []
    for column, part in population.shares.items():
        if column not in table.columns:
            raise no_such_column(column, tuple(table.columns), table.source)
        cells = table.on_ids(table.groups(column), ids)[counted]
        _check_categories(column, part, cells, np.asarray(ids, dtype=object)[counted], population.source)
        position = {category: k for k, category in enumerate(part)}
        categories.append(np.array([position[cell] for cell in cells], dtype=np.intp))
        shares.append(np.array(list(part.values())))
    raked = rake_weights(categories, shares, base[counted])
    if not raked.converged:
        _raise_not_met(population, raked.gaps)
    weights = np.zeros(len(ids))
    weights[counted] = raked.weights
    n = int(counted.sum())
    return Raking(
        ids,
        weights,
        tuple(_rows(population, categories, base[counted], raked.weights)),
        n,
        n / kish_n(weights),
        n / kish_n(base),
        float(raked.weights.max()),
        raked.n_sweeps,
    )


def _sample(
    people: People | Panel, base_weights: PersonWeights | None
) -> tuple[tuple[str, ...], People, Array]:
    """Return ids, the people table and base weights, 0 for those who are not raked."""
    if isinstance(people, Panel):
        if people.people is None:
            raise DataError(
                "a panel must have a people table to be raked, with the columns that the margins name; it has none"
            )
        base = (
            np.ones(len(people.respondent_ids))
            if base_weights is None
            else person_weights(people, base_weights)
        )
        return people.respondent_ids, people.people, np.where(answering(people), base, 0.0)
    if isinstance(base_weights, str):
        base_weights = people.numbers(base_weights)
    return people.ids, people, checked_weights(base_weights, len(people.ids))


def _check_categories(
    column: str,
    part: Mapping[str, float],
    cells: NDArray[np.object_],
    ids: NDArray[np.object_],
    source: str,
) -> None:
    """Check that everybody is in a category of the margins, and somebody in each of them."""
    without = [k for k, cell in enumerate(cells) if cell is None]
    if without:
        raise DataError(
            f"everybody who is raked must have a value in column {column!r}; {len(without)} of {len(cells)} have none, "
            f"such as respondent {ids[without[0]]!r}. Fill them in, give them a category of their own in the margins, "
            "or give them the weight 0."
        )
    known, here = set(part), set(cells.tolist())
    strange = sorted(here - known)
    if strange:
        count = sum(cell in set(strange) for cell in cells)
        raise DataError(
            f"{source} must have every category of column {column!r}; it lacks {shown(strange[0])}"
            + (f" and {len(strange) - 1} more" if len(strange) > 1 else "")
            + f", which {count} people have.{closest(strange[0], list(part))}"
        )
    empty = [category for category, share in part.items() if share > 0 and category not in here]
    if empty:
        raise DataError(
            f"{source}: somebody must be in every category; nobody has {shown(empty[0])} in column {column!r}, which "
            f"{part[empty[0]]:.1%} of the population have. Merge it with another category, in both files."
            f"{closest(empty[0], sorted(here))}"
        )


def _raise_not_met(population: Margins, gaps: Sequence[Array]) -> None:
    worst = max(range(len(gaps)), key=lambda v: float(np.abs(gaps[v]).max()))
    column = list(population.shares)[worst]
    k = int(np.argmax(np.abs(gaps[worst])))
    category = list(population.shares[column])[k]
    raise DataError(
        f"{population.source}: no weights meet all margins within {TOLERANCE:g} ({MOST_SWEEPS} rounds); the share of "
        f"{shown(category)} in column {column!r} stays {abs(float(gaps[worst][k])):.2g} off. Categories of two columns "
        "may exclude each other in this sample: merge small ones, or leave a column out."
    )


def _rows(
    population: Margins, categories: Sequence[NDArray[np.intp]], base: Array, weights: Array
) -> Iterator[dict[str, Any]]:
    for (column, part), category in zip(population.shares.items(), categories, strict=True):
        before, after = (np.bincount(category, w, len(part)) / w.sum() for w in (base, weights))
        for k, (name, share) in enumerate(part.items()):
            yield {
                "column": column,
                "category": name,
                "population": share,
                "before": float(before[k]),
                "after": float(after[k]),
            }

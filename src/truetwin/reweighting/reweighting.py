"""Reweight: predict marginals of new items, with bands, from twins' answers and known human marginals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item
from truetwin.data.marginals import EVERYBODY, ItemMarginal, Marginals
from truetwin.data.plots import Plots
from truetwin.data.responses import ResponseMatrix
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.data.twin_sources import StackedSources
from truetwin.errors import AlignmentError, DataError, NotPredictableError
from truetwin.results.disclosure import PREDICTED_SHARES
from truetwin.reweighting.bands import Bands, ConformalBands, bands_around, fewest_items
from truetwin.reweighting.discrepancies import discrepancy as discrepancy_named
from truetwin.reweighting.ensemble import Variant, refuse_nominal
from truetwin.reweighting.marginal_inputs import (
    Aligned,
    align,
    codes_of,
    complete_item,
    inferred_note,
    table_of,
)
from truetwin.reweighting.marginal_method import CrossValidated, FittedMarginals, MarginalMethod
from truetwin.reweighting.marginal_methods import marginal_method
from truetwin.reweighting.novelty import Novelty, novelty
from truetwin.reweighting.share_law import ShareLaw
from truetwin.reweighting.situations import Situation, situations
from truetwin.reweighting.splits import item_folds
from truetwin.reweighting.twin_table import TwinTable
from truetwin.settings.reweight_settings import Reweight
from truetwin.solvers.one_thread import one_thread

Floats = NDArray[np.float64]

#: Main columns of a summary.
SHOWN = (
    Shown("population", "population"),
    Shown("item_id", "item"),
    Shown("category", "answer"),
    Shown("share", "share", ".1%"),
    Shown("lower", "from", ".1%"),
    Shown("upper", "to", ".1%"),
)


@dataclass(frozen=True, eq=False)
class FittedPopulation:
    """Fit of one population, and its predictions for the new items.

    Attributes
    ----------
    population : str
        Name of the population.
    aligned : Aligned
        Twins' answers and human marginals on the same categories.
    chosen : CrossValidated
        Method, setting, and out-of-fold predictions of the training items.
    fitted : FittedMarginals
        The method, fitted to all training items.
    bands : ConformalBands or None
        Bound of the discrepancy, and simultaneous bands; None if there are too few training items for the level.
    shares : ndarray of shape (n_new, width)
        Predicted shares of the new items.
    laws : tuple of ShareLaw
        How far off these shares, and means of functions of the category, may be; empty without bands.
    ends : Bands or None
        Bands of the shares.
    unusual : Novelty or None
        How unlike the training items the new items are.
    notes : tuple of str
        Sentences for the user.
    """

    population: str
    aligned: Aligned
    chosen: CrossValidated
    fitted: FittedMarginals
    bands: ConformalBands | None
    shares: Floats
    laws: tuple[ShareLaw, ...]
    ends: Bands | None
    unusual: Novelty | None
    notes: tuple[str, ...]

    @property
    def new_items(self) -> tuple[Item, ...]:
        """Items that were predicted."""
        return tuple(self.aligned.items[j] for j in self.aligned.new)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for every category of every new item."""
        out = []
        for r, item in enumerate(self.new_items):
            assert item.scale is not None
            for k, code in enumerate(item.scale.categories):
                row: dict[str, Any] = {
                    "population": self.population,
                    "item_id": item.id,
                    "category": item.scale.labels.get(code, f"{code:g}"),
                    "share": float(self.shares[r, k]),
                }
                for name in ("lower", "upper", "simultaneous_lower", "simultaneous_upper"):
                    end = None if self.ends is None else float(getattr(self.ends, name)[r, k])
                    row[name] = None if end is None or np.isnan(end) else end
                out.append(row)
        return out

    def weight_rows(self) -> list[dict[str, Any]]:
        """Return one row for every twin, and for every base category twin if there are any."""
        if self.fitted.weights is None or not self.aligned.table.joint:
            return []
        sources = [{"source": name} for name in self.aligned.twin_sources]
        out: list[dict[str, Any]] = [
            {"population": self.population, "kind": "twin", "id": i, **source, "weight": float(w)}
            for i, w, source in zip(
                self.aligned.twin_ids,
                self.fitted.weights,
                sources or [{}] * len(self.aligned.twin_ids),
                strict=True,
            )
        ]
        for k, weight in enumerate(getattr(self.fitted, "base_weights", ())):
            row = {
                "population": self.population,
                "kind": "base category",
                "id": str(k + 1),
                **({"source": ""} if sources else {}),
                "weight": float(weight),
            }
            out.append(row)
        return out

    def describe(self) -> dict[str, Any]:
        """Return figures about the fit, for sidecars and reports."""
        setting = self.chosen.setting
        method = setting.get("used", self.chosen.method.name)
        return {
            "population": self.population,
            "method": method,
            "n_twins": self.aligned.table.n_twins if self.aligned.table.joint else None,
            **(
                {"sources": list(dict.fromkeys(self.aligned.twin_sources))}
                if self.aligned.twin_sources
                else {}
            ),
            "n_training_items": int(self.aligned.training.size),
            "n_predicted": int(self.aligned.new.size),
            "cross_validated_loss": None if np.isnan(self.chosen.losses).any() else self.chosen.loss,
            "tried": setting.get("tried"),
            "discrepancy_bound": None if self.bands is None else self.bands.discrepancy_bound,
            "fit": self.fitted.describe(),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, eq=False)
class Reweighting:
    """Predicted marginals of new items, for every population.

    Attributes
    ----------
    populations : tuple of FittedPopulation
        One fit for each population; two if some of its new items belong to known groups and others to new ones, and the
        method predicts these in another way.
    method : str
        Name of the method that was asked for.
    level : float
        Probability that the bands hold.
    """

    populations: tuple[FittedPopulation, ...]
    method: str
    discrepancy: str
    level: float | None

    plot = Plots("shares")

    def __repr__(self) -> str:
        items = {row["item_id"] for row in self.predictions}
        names = ", ".join(dict.fromkeys(each.population for each in self.populations))
        return f"Reweighting({len(items)} items predicted of {names}, method {self.method})"

    def summary(self) -> SummaryTable:
        """List the predicted share of each answer with the ends of its band."""
        return SummaryTable(self.predictions, SHOWN, title=repr(self))

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    @cached_property
    def predictions(self) -> list[dict[str, Any]]:
        """Predicted shares as rows: population, item, category, share, ends of the bands."""
        return [row for each in self.populations for row in each.rows()]

    @property
    def laws(self) -> dict[str, dict[str, ShareLaw]]:
        """Laws of the predicted shares, by population and item: intervals of shares, means and other scores."""
        out: dict[str, dict[str, ShareLaw]] = {}
        for each in self.populations:
            out.setdefault(each.population, {}).update({law.item: law for law in each.laws})
        return out

    @property
    def weights(self) -> list[dict[str, Any]]:
        """Weights as rows: population, kind, id, weight; empty if the method has no weights of twins."""
        return [row for each in self.populations for row in each.weight_rows()]

    @property
    def notes(self) -> tuple[str, ...]:
        """Everything that a user should know, without repetitions."""
        return tuple(dict.fromkeys(note for each in self.populations for note in each.notes))

    def predict(self, twins: ResponseMatrix | Mapping[str, ResponseMatrix]) -> Marginals:
        """Predict the marginals of further items, from answers of the same twins (all of them, in any order).

        ``twins`` has the sources that were trained on. Items keep their declared scales; an item without one gets the
        scale of training items that its answers fit.
        """
        out: dict[str, dict[str, ItemMarginal]] = {}
        notes: dict[str, None] = {}
        stacked = StackedSources.of(twins)
        for each in self.populations:
            table, items, guessed = _further_items(each.aligned, stacked)
            notes.update(dict.fromkeys(guessed))
            shares = each.fitted.predict(table)
            out[each.population] = {
                item.id: ItemMarginal(item, shares[r, : item.scale.n_categories])
                for r, item in enumerate(items)
                if item.scale is not None
            }
        return Marginals(out, "predictions", (PREDICTED_SHARES, *notes))


def reweight(
    twins: ResponseMatrix | Mapping[str, ResponseMatrix] | Marginals,
    marginals: Marginals,
    *,
    method: str | MarginalMethod = "auto",
    discrepancy: str = "kl",
    variant: Variant = "both",
    items: Sequence[str] | None = None,
    groups: Mapping[str, str] | None = None,
    level: float | None = 0.9,
    n_folds: int = 5,
    seed: int = 0,
) -> Reweighting:
    """Learn from items with known human marginals, and predict the marginals of the others.

    Parameters
    ----------
    twins : ResponseMatrix, mapping from name to ResponseMatrix, or Marginals
        Twins' answers to items with and without marginals, of one source or of several; their weights are the twins'
        design weights. Each source counts alike, and is a distribution of its own. Or the shares that twins state for a
        whole population: then no method can weight twins, and ``auto`` pools the others.
    marginals : Marginals
        Human marginals; every population is fitted by itself.
    method : str or MarginalMethod, default="auto"
        Name of a method (``truetwin methods``), or a method.
    discrepancy : str, default="kl"
        Discrepancy that the ensemble minimises, and by which settings and methods are chosen.
    variant : {"both", "personas-only", "base-only"}
        For the ensemble: which answerers take part.
    items : sequence of str, optional
        Predict only these; default every item that twins have answered and the marginals lack.
    groups : mapping from item id to str, optional
        Group of each item (wave, battery, year ...); new items without one belong to a new group. Cross-validation then
        holds out whole groups. Only ``auto`` predicts a new item of a known group from items at random.
    level : float or None, default=0.9
        Probability that the bands hold. With None there are no bands, and a method without settings needs no
        cross-validation.
    n_folds, seed : int
        Number of folds of the cross-validation, and seed of their random choice.

    Returns
    -------
    Reweighting

    Examples
    --------
    >>> import numpy as np
    >>> from truetwin.data import Item, ResponseMatrix, Scale
    >>> from truetwin.data.marginals import ItemMarginal, Marginals
    >>> yes_no = Scale.ordinal(1, 2)
    >>> human = Marginals.of(ItemMarginal(Item(f"Q{j}", scale=yes_no), np.array([0.7, 0.3])) for j in range(3))
    >>> answers = np.random.default_rng(0).integers(1, 3, size=(50, 4))
    >>> twins = ResponseMatrix(answers, map(str, range(50)), [f"Q{j}" for j in range(4)])
    >>> result = reweight(twins, human, method="mean")
    >>> [(row["item_id"], row["category"], round(row["share"], 2)) for row in result.predictions]
    [('Q3', '1', 0.7), ('Q3', '2', 0.3)]
    """
    level = Reweight(discrepancy=discrepancy, variant=variant, level=level).level
    discrepancy_named(discrepancy)
    model = marginal_method(method).minimising(discrepancy, variant)
    _check_wanted(items, twins, marginals)
    fits = []
    for name in marginals.populations:
        one = marginals.population(name)
        aligned = align(twins, one, predict=items)
        if not aligned.new.size:
            raise NotPredictableError(
                f"nothing to predict: {one.source} has the marginal of every item that twins have answered"
                + (f" (population {name!r})" if name != EVERYBODY else "")
                + ". Give twins' answers to further items, or evaluate on known ones (evaluate-marginals)."
            )
        aligned = _with_groups(aligned, groups)
        with one_thread():  # the matrices are small
            for part in _situations(aligned, model, n_folds, seed):
                fits.append(_fit(name, aligned, one, model, discrepancy, level, part))
    return Reweighting(tuple(fits), model.name, discrepancy, level)


def _check_wanted(
    items: Sequence[str] | None,
    twins: ResponseMatrix | Mapping[str, ResponseMatrix] | Marginals,
    marginals: Marginals,
) -> None:
    sources = list(twins.values()) if isinstance(twins, Mapping) else [twins]
    for item in items or ():
        if not any(item in source.item_ids for source in sources):
            raise AlignmentError(
                f"item {item!r} must have been answered by twins; {sources[0].source} has no such item"
            )
        if item in marginals.items:
            raise AlignmentError(f"item {item!r} has a human marginal already, in {marginals.source}")


def _with_groups(aligned: Aligned, groups: Mapping[str, str] | None) -> Aligned:
    """Note the group of each item in the table; new items without one are groups of their own."""
    if groups is None:
        return aligned
    ids = aligned.table.item_ids
    groups_of([ids[j] for j in aligned.training], groups)
    named = [groups.get(i, f"{i} (new)") for i in ids]
    return replace(aligned, table=replace(aligned.table, batteries=tuple(named)))


def _situations(aligned: Aligned, model: MarginalMethod, n_folds: int, seed: int) -> list[Situation]:
    """Sort the new items by whether their groups are known, if the method makes a difference."""
    training, new = (aligned.table.take(rows) for rows in (aligned.training, aligned.new))
    if model.knows_batteries:
        return situations(training.batteries, new.batteries, training.n_items, new.n_items, n_folds, seed)
    folds = item_folds(training.n_items, training.batteries, n_folds, seed=seed)
    return [Situation(np.arange(new.n_items), training.batteries is None, folds)]


def _fit(
    name: str,
    aligned: Aligned,
    marginals: Marginals,
    model: MarginalMethod,
    loss: str,
    level: float | None,
    part: Situation,
) -> FittedPopulation:
    aligned = replace(aligned, new=aligned.new[part.rows])
    train = aligned.table.take(aligned.training)
    new = aligned.table.take(aligned.new)
    human = marginals.shares(train.item_ids, width=train.width)
    measure = discrepancy_named(loss)
    refuse_nominal(measure, aligned.table)
    model.check_table(aligned.table)
    if level is None and len(model.settings()) == 1 and not model.needs_folds:
        unknown = np.full(train.n_items, np.nan)
        chosen = CrossValidated(model, model.settings()[0], np.full(human.shape, np.nan), unknown)
    else:
        chosen = model.cross_validate(train, human, part.folds, loss)
    fitted = model.fit(train, human, chosen.setting)
    shares = fitted.predict(new)
    notes = [*aligned.notes, *part.notes, *fitted.notes]
    bands, ends = None, None
    laws: tuple[ShareLaw, ...] = ()
    if level is not None:
        if train.n_items >= fewest_items(level):
            bands = ConformalBands.learn(train, human, chosen.predictions, measure, level)
        else:
            notes.append(
                f"no {level:.0%} bands for all shares of an item at once: they need at least {fewest_items(level)} "
                f"training items; there are {train.n_items}"
            )
        precision = part.precision(train, human, chosen, marginals.base_sizes(train.item_ids))
        laws = precision.laws(new, shares, [_codes(aligned.items[j]) for j in aligned.new])
        ends = bands_around(new, shares, laws, bands, level, by_law=model.follows_share_law)
    unusual = novelty(train, new) if train.n_items >= 20 else None
    warning = unusual.note() if unusual else None
    if warning:
        notes.append(warning)
    return FittedPopulation(name, aligned, chosen, fitted, bands, shares, laws, ends, unusual, tuple(notes))


def _codes(item: Item) -> tuple[float, ...]:
    assert item.scale is not None
    return item.scale.categories


def groups_of(item_ids: Sequence[str], groups: Mapping[str, str] | None) -> list[str] | None:
    """Return the group of every item, or None without groups."""
    if groups is None:
        return None
    lacking = [i for i in item_ids if i not in groups]
    if lacking:
        raise DataError(
            f"every training item must have a group; {lacking[0]!r} has none ({len(lacking)} such "
            "items). Add it to the "
            "groups, or leave the groups out."
        )
    return [groups[i] for i in item_ids]


def _further_items(
    aligned: Aligned, stacked: StackedSources
) -> tuple[TwinTable, tuple[Item, ...], tuple[str, ...]]:
    twins = stacked.answers
    given = {who: k for k, who in enumerate(zip_longest(stacked.people, stacked.sources))}
    wanted = list(zip_longest(aligned.twin_ids, aligned.twin_sources))
    lacking = sorted(who for who, source in wanted if (who, source) not in given)
    if lacking:
        raise AlignmentError(
            f"{twins.source} must have answers of every twin that was trained on; {lacking[0]!r} is not there "
            f"({len(lacking)} twins in all)"
        )
    rows = [given[twin] for twin in wanted]
    known = {item.id: item for item in aligned.items}
    items, columns, guessed = [], [], []
    for j, item in enumerate(twins.items):
        values = twins.values[rows, j]
        complete = complete_item(item, known.get(item.id), values, aligned.examples)
        items.append(complete)
        if item.id not in known and complete is not item:
            guessed.append(complete)
        columns.append(codes_of(values, complete, twins, None))
    old = aligned.table
    table = table_of(
        items, columns, old.prior, with_texts=old.texts is not None, sources=aligned.twin_sources
    )
    return table, tuple(items), inferred_note(guessed)

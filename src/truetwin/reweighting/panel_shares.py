"""Shares of new items of a panel, with how far off they may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from truetwin.data.panel import Panel
from truetwin.data.person_design import PersonWeights, person_weights
from truetwin.data.responses import ResponseMatrix
from truetwin.errors import AlignmentError, ParameterError
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.reweighting.panel_table import PanelTable
from truetwin.reweighting.pool import Pool, unlearned_pool
from truetwin.reweighting.share_errors import Precision
from truetwin.reweighting.share_law import ShareLaw
from truetwin.reweighting.situations import Situation, situations
from truetwin.reweighting.splits import group_folds, random_folds
from truetwin.solvers.one_thread import one_thread

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Blocks = Mapping[str, str] | Literal["auto"] | None
Protocol = Literal["known", "new"]

#: What a panel was asked for last, with the laws: predictions and estimates of one panel need the same.
_LATEST: WeakKeyDictionary[Panel, tuple[object, dict[str, ShareLaw]]] = WeakKeyDictionary()
FEWEST_PEOPLE = 5.0  # effective number of people who answered an item, for the item to be learned from


def pool_shares(
    panel: Panel,
    blocks: Blocks = None,
    items: Sequence[str] | None = None,
    weights: PersonWeights | None = None,
    *,
    n_folds: int = 5,
    seed: int = 0,
) -> dict[str, ShareLaw]:
    """Predict the shares of new items in the population that the panel's people stand for.

    Everything is learned from the items that people have answered: see :class:`~truetwin.reweighting.pool.Pool`. Items
    whose battery is new are predicted by what did well in whole batteries that were hidden. No answer of a person to a
    predicted item is used.

    Parameters
    ----------
    panel : Panel
        Answers of people and of their twins.
    blocks : mapping from item id to battery, "auto" or None
        As for :func:`truetwin.calibrate`.
    items : sequence of str, optional
        Items to predict; default all that no human has answered. People's answers to those named are hidden first.
    weights : str or array of shape (n,), optional
        Survey weights of people: a column of the people table, or one number for each respondent.
    n_folds, seed : int
        Number of folds of the cross-validation, and seed of their random choice.

    Returns
    -------
    dict from item id to ShareLaw

    Raises
    ------
    AlignmentError
        If an item is not in the panel, or twins have not answered it.

    Examples
    --------
    >>> from truetwin.datasets.generated_population import generate_population
    >>> panel = generate_population(200, 12, n_new_items=2).panel
    >>> law = pool_shares(panel)[panel.new_items[0]]
    >>> low, high = law.interval(law.codes, 0.9)
    >>> bool(low < law.mean_of(law.codes) < high)
    True
    """
    wanted = list(panel.new_items if items is None else items)
    _check_wanted(wanted, panel)
    weight = None if weights is None else person_weights(panel, weights)
    hidden = _without_answers(panel, wanted)
    members = resolve_blocks(hidden, blocks)[0]
    asked = (
        tuple(wanted), tuple(sorted(members.items())), None if weight is None else weight.tobytes(), n_folds, seed
    )  # fmt: skip
    latest = _LATEST.get(panel)
    if latest is None or latest[0] != asked:
        table = PanelTable.of(hidden, members, weight)
        _check_answered(wanted, table, panel)
        place = {item: r for r, item in enumerate(table.table.item_ids)}
        targets = np.array([place[item] for item in wanted], dtype=np.int64)
        with one_thread():  # the matrices are small
            latest = asked, _laws(table, _training(table, targets), targets, n_folds, seed)
        _LATEST[panel] = latest
    return {item: latest[1][item] for item in wanted}


def left_out_shares(
    panel: Panel,
    protocol: Protocol = "new",
    blocks: Blocks = None,
    items: Sequence[str] | None = None,
    weights: PersonWeights | None = None,
    *,
    n_splits: int = 10,
    n_folds: int = 5,
    seed: int = 0,
) -> dict[str, ShareLaw]:
    """Predict the shares of answered items as if they were new, for an evaluation.

    Parameters
    ----------
    panel, blocks, weights, n_folds, seed
        As for :func:`pool_shares`.
    protocol : {"new", "known"}
        Hide whole batteries together, or items at random.
    items : sequence of str, optional
        Items to hide and predict; default all that people have answered.
    n_splits : int, default=10
        Number of parts that are hidden in turn.
    """
    if protocol not in ("known", "new"):
        raise ParameterError(f"the protocol must be 'known' or 'new'; got {protocol!r}")
    wanted = [i for i in panel.item_ids if i not in set(panel.new_items)] if items is None else list(items)
    _check_wanted(wanted, panel)
    weight = None if weights is None else person_weights(panel, weights)
    table = PanelTable.of(panel, resolve_blocks(panel, blocks)[0], weight)
    _check_answered(wanted, table, panel)
    place = {item: r for r, item in enumerate(table.table.item_ids)}
    rows = np.array([place[item] for item in wanted], dtype=np.int64)
    batteries = np.array([(table.table.batteries or ())[r] for r in rows])
    parts = _parts(batteries, protocol, n_splits, seed)
    laws: dict[str, ShareLaw] = {}
    with one_thread():
        for part in parts:
            hidden = rows[part]
            gone = (
                np.flatnonzero(np.isin(np.array(table.table.batteries), batteries[part]))
                if protocol == "new"
                else hidden
            )
            laws |= _laws(table, _training(table, gone), hidden, n_folds, seed)
    return {item: laws[item] for item in wanted}


def _parts(batteries: NDArray[np.str_], protocol: Protocol, n_splits: int, seed: int) -> list[Rows]:
    """Divide items into parts that are hidden in turn: whole batteries, or items at random."""
    if protocol == "new" and len(set(batteries.tolist())) > 1:
        return group_folds(batteries.tolist(), n_splits, seed=seed)
    if protocol == "known" and batteries.size > 1:
        return random_folds(batteries.size, n_splits, seed=seed)
    return [np.arange(batteries.size)]


def _training(table: PanelTable, hidden: Rows) -> Rows:
    """Rows of the items that are learned from."""
    return np.setdiff1d(np.flatnonzero(table.bases >= FEWEST_PEOPLE), hidden)


def _laws(table: PanelTable, training: Rows, targets: Rows, n_folds: int, seed: int) -> dict[str, ShareLaw]:
    """Predict some items from others."""
    known, new = table.table.take(training), table.table.take(targets)
    human = table.human[training]
    model = Pool()
    laws: dict[str, ShareLaw] = {}
    if training.size < 2:
        setting = unlearned_pool(training.size)
        fitted = model.fit(known, human, setting)
        return _as_laws(table, targets, fitted.predict(new), Precision.unknown(), fitted.notes)
    for part in situations(known.batteries, new.batteries, training.size, targets.size, n_folds, seed):
        chosen = model.cross_validate(known, human, part.folds)
        fitted = model.fit(known, human, chosen.setting)
        precision = part.precision(known, human, chosen, table.bases[training])
        shares = fitted.predict(new.take(part.rows))
        laws |= _as_laws(
            table, targets[part.rows], shares, precision, (*part.notes, *fitted.notes, *_said(part))
        )
    return laws


def _said(part: Situation) -> tuple[str, ...]:
    return () if part.known_batteries else ("no item of the battery is known",)


def _as_laws(
    table: PanelTable, rows: Rows, shares: Floats, precision: Precision, notes: tuple[str, ...]
) -> dict[str, ShareLaw]:
    kinds = [table.categories[row] for row in rows]
    found = precision.laws(table.table.take(rows), shares, [kind.codes.tolist() for kind in kinds])
    return {
        law.item: replace(law, base=table.people, edges=kind.edges, notes=(*law.notes, *notes))
        for law, kind in zip(found, kinds, strict=True)
    }


def _without_answers(panel: Panel, items: Sequence[str]) -> Panel:
    """Hide people's answers to some items. The scales that their answers have shown are kept."""
    gone = [i for i in items if i in set(panel.human.item_ids)]
    if not gone:
        return panel
    answers = panel.human
    values = answers.values.copy()
    values[:, [answers.item_ids.index(i) for i in gone]] = np.nan
    declared = {i: replace(panel.items[i], scale=panel.scales[i]) for i in gone}
    hidden = ResponseMatrix(
        values, answers.respondent_ids, answers.items, answers.weights, answers.source, answers.id_name
    )
    return replace(panel, human=hidden.with_items(declared))


def _check_wanted(items: Sequence[str], panel: Panel) -> None:
    unknown = [i for i in items if i not in set(panel.item_ids)]
    if unknown:
        raise AlignmentError(f"item {unknown[0]!r} must be in the panel to be predicted; it is not")


def _check_answered(items: Sequence[str], table: PanelTable, panel: Panel) -> None:
    lacking = [i for i in items if i not in set(table.table.item_ids)]
    if lacking:
        raise AlignmentError(
            f"twins must have answered every item whose shares are predicted; {panel.twin.source} has no answer to "
            f"{lacking[0]!r} ({len(lacking)} such items)"
        )

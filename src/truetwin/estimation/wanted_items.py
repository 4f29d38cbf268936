"""Find the items to estimate, and hide what some people have answered to them already from everything that learns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel, ResponseMatrix
from truetwin.errors import AlignmentError, NotPredictableError, ParameterError
from truetwin.registry import closest

Floats = NDArray[np.float64]
#: An item that fewer of the people have answered than this counts as sampled, and is estimated without being named.
FEW = 0.1


@dataclass(frozen=True, eq=False)
class Wanted:
    """Items to estimate.

    Attributes
    ----------
    panel : Panel
        The panel without any answer to them.
    items : tuple of str
        Their ids.
    answers : mapping of item id to ndarray of shape (n_respondents,)
        What some people have answered to them, NaN where they have not; only items that somebody has answered.
    weights : ndarray of shape (n_respondents,) or None
        Weights of those who were asked, if the sample has weights of its own.
    notes : tuple of str
        Sentences about items that are not estimated though nobody has answered them.
    """

    panel: Panel
    items: tuple[str, ...]
    answers: dict[str, Floats]
    weights: Floats | None = None
    notes: tuple[str, ...] = ()


def wanted_items(
    panel: Panel, items: Iterable[str] | None = None, sample: ResponseMatrix | None = None
) -> Wanted:
    """Choose the items to estimate.

    By default these are the items that nobody has answered, those of the sample, and those that fewer than one in ten
    of the people have answered. Any other item must be named; its answers then count as a sample of the panel's people.

    Parameters
    ----------
    panel : Panel
    items : iterable of str, optional
        Estimate only these.
    sample : ResponseMatrix, optional
        Answers of some of the panel's people to new items.

    Raises
    ------
    AlignmentError
        If the sample has people or items that the panel lacks.
    ParameterError
        If there is no such item.
    NotPredictableError
        If there is nothing to estimate, or nothing to learn from.
    """
    whole = panel if sample is None else with_sample(panel, sample)
    answered = np.isfinite(whole.human_values)
    n_people = int(answered.any(axis=1).sum())
    counts = dict(zip(whole.item_ids, answered.sum(axis=0).tolist(), strict=True))
    asked = set(np.array(whole.item_ids)[np.isfinite(whole.twin_values).any(axis=0)].tolist())
    if items is None:
        sampled = set() if sample is None else set(sample.item_ids)
        wanted = [i for i in whole.item_ids if i in asked and (counts[i] < FEW * n_people or i in sampled)]
    else:
        wanted = list(dict.fromkeys(items))
        for item in wanted:
            if item not in counts:
                raise ParameterError(f"there is no item {item!r} in the tables.{closest(item, list(counts))}")
            if item not in asked:
                raise NotPredictableError(
                    f"an item is estimated from its twins' answers and others; no twin has answered {item!r}"
                )
    if not answered.any():
        raise NotPredictableError(
            "estimates are learned from other items that people and twins have answered; the human table has no answers"
        )
    if not wanted:
        raise NotPredictableError(
            "nothing to estimate: people have answered every item. The twin table must have items that the human table "
            "lacks, or name items with --items (items) to estimate them from twins and the people who have answered. "
            "If the two tables are swapped, give the human table first."
        )
    answers = {i: np.array(whole.human_values[:, whole.item_ids.index(i)]) for i in wanted if counts[i]}
    hidden = without_answers(whole, list(answers)) if answers else whole
    if not (np.isfinite(hidden.human_values) & np.isfinite(hidden.twin_values).any(axis=0)).any():
        raise NotPredictableError(
            "estimates are learned from other items that people and twins have answered; none is left. Name fewer "
            "items, or add answers to others."
        )
    own = weights_of_being_asked(sample, whole.respondent_ids)
    silent = (
        [i for i in whole.item_ids if i not in asked and counts[i] < FEW * n_people] if items is None else []
    )
    return Wanted(hidden, tuple(wanted), answers, own, _silent_note(silent))


def _silent_note(items: Sequence[str]) -> tuple[str, ...]:
    """Say which new items are left out because no twin has answered them."""
    if not items:
        return ()
    shown = ", ".join(repr(item) for item in items[:5]) + (
        f" and {len(items) - 5} more" if len(items) > 5 else ""
    )
    what = "item is" if len(items) == 1 else "items are"
    return (f"{len(items)} new {what} not estimated, because no twin has answered: {shown}",)


def with_sample(panel: Panel, sample: ResponseMatrix) -> Panel:
    """Add the answers of a sample to the human side of a panel.

    Raises
    ------
    AlignmentError
        If the sample has people or items that the panel lacks, or an answer that the human table has as well.
    """
    for what, theirs, ours in (
        ("person", sample.respondent_ids, panel.respondent_ids),
        ("item", sample.item_ids, panel.item_ids),
    ):
        strange = [i for i in theirs if i not in set(ours)]
        if strange:
            more = f" ({len(strange) - 1} more)" if len(strange) > 1 else ""
            raise AlignmentError(
                f"{sample.source}: every {what} of the sample must be in the tables of people or twins; {strange[0]!r} "
                f"is not{more}.{closest(strange[0], list(ours))} Check that ids are written the same way."
            )
    new = sample.on_grid(panel.respondent_ids, panel.item_ids)
    old = panel.human_values
    twice = np.argwhere(np.isfinite(new) & np.isfinite(old))
    if twice.size:
        person, item = panel.respondent_ids[twice[0][0]], panel.item_ids[twice[0][1]]
        raise AlignmentError(
            f"{sample.source}: an answer must be in one table; that of {person!r} to {item!r} is in "
            f"{panel.human.source} as well ({len(twice) - 1} more). Leave it out of one of them."
        )
    return _with_human(panel, np.where(np.isfinite(new), new, old))


def weights_of_being_asked(sample: ResponseMatrix | None, people: Sequence[str]) -> Floats | None:
    """Return the sample's own weights for everybody, NaN for those not asked; None if it has none."""
    if sample is None or sample.weights is None:
        return None
    own = np.full(len(people), np.nan)
    place = {r: k for k, r in enumerate(people)}
    own[[place[r] for r in sample.respondent_ids]] = sample.weights
    return own


def without_answers(panel: Panel, items: Sequence[str]) -> Panel:
    """Hide all human answers to some items; their scales stay as they are."""
    values = np.array(panel.human_values)
    values[:, [panel.item_ids.index(i) for i in items]] = np.nan
    return _with_human(panel, values, keep=items)


def with_answers(panel: Panel, answers: Mapping[str, Floats]) -> Panel:
    """Put human answers to some items into a panel, each (n_respondents,); their scales stay as they are."""
    values = np.array(panel.human_values)
    for item, given in answers.items():
        values[:, panel.item_ids.index(item)] = given
    return _with_human(panel, values, keep=tuple(answers))


def _with_human(panel: Panel, values: Floats, keep: Sequence[str] = ()) -> Panel:
    """Replace the human answers of a panel by a whole grid. Items to ``keep`` get the scale that they have now."""
    known, human = panel.items, panel.human
    items = [replace(known[i], scale=panel.scales[i]) if i in set(keep) else known[i] for i in panel.item_ids]
    changed = ResponseMatrix(
        values,
        panel.respondent_ids,
        items,
        None,
        human.source,
        human.id_name,
        human.frame_kind,
        human.id_type,
    )
    return replace(panel, human=changed)

"""Laws of hidden answers, laid out for scoring: one law for every target that a method predicts."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from truetwin.calibration.base import Calibrator, Prediction, make_fold
from truetwin.calibration.decoding import Decoder
from truetwin.calibration.design import Fold, make_designs
from truetwin.calibration.item_laws import fold_laws
from truetwin.calibration.laws.category_law import CategoryLaw
from truetwin.calibration.laws.law import Law
from truetwin.data import Panel, Target
from truetwin.evaluation.target_metrics import PairLaws

Array = NDArray[np.float64]
#: Respondents are hidden in this many groups for their laws, so that nothing is learned from members of the same group.
GROUPS_OF_PEOPLE = 10
LEVEL = 0.9


def laws_of_folds(
    model: Calibrator, decoder: Decoder, folds: Sequence[Fold], parts: Sequence[Prediction]
) -> list[dict[str, PairLaws]]:
    """Return the laws of the hidden items of each fold, by item; none of a fold without any prediction.

    The items' scales count as known.

    Parameters
    ----------
    model : Calibrator
        The method that made the predictions.
    decoder : Decoder
        Its encoded panel, preprocessing and blocks.
    folds : sequence of Fold
        Folds of the encoded panel that hide items.
    parts : sequence of Prediction
        What the model predicts for these folds, not decoded.
    """
    predicted = [k for k, part in enumerate(parts) if np.isfinite(part.values).any()]
    laws = fold_laws(
        model,
        decoder.encoding,
        [folds[k] for k in predicted],
        [parts[k] for k in predicted],
        decoder.preprocessing,
        decoder.blocks,
        decoder.encoding.encoded.scales,
    )
    found = dict(zip(predicted, ({i: of_item(law) for i, law in each.items()} for each in laws), strict=True))
    return [found.get(k, {}) for k in range(len(folds))]


def of_item(law: Law) -> PairLaws:
    """Lay out the law of one item, a row a respondent."""
    n = len(law.respondent_ids)
    nothing = np.full(n, np.nan)
    if not isinstance(law, CategoryLaw):
        low, high = law.interval(LEVEL)
        return PairLaws(np.empty((n, 0)), np.empty((n, 0)), low, high, LEVEL)
    low, high = law.interval(LEVEL) if law.ordered else (nothing, nothing)
    return PairLaws(np.tile(law.codes, (n, 1)), law.probabilities(), low, high, LEVEL)


def laws_of_people(model: Calibrator, decoder: Decoder) -> dict[str, PairLaws]:
    """Return the laws of every respondent's answers, a row an item of the panel; people are hidden in ten groups."""
    panel, answers = decoder.encoding.panel, decoder.encoding.encoded
    at = {item: j for j, item in enumerate(panel.item_ids)}
    found: dict[str, PairLaws] = {}
    for group in groups_of_people(panel):
        fold = make_fold(answers, [Target("respondent", panel.respondent_ids[k]) for k in group])
        parts = clone(model).predict_designs(make_designs(answers, [fold], decoder.preprocessing))
        if np.isfinite(parts[0].values).any():
            (laws,) = fold_laws(model, decoder.encoding, [fold], parts, decoder.preprocessing, decoder.blocks)
            found |= _by_person({at[item]: law for item, law in laws.items()}, len(at))
    return found


def groups_of_people(panel: Panel) -> Iterator[list[int]]:
    """Divide the respondents who have answered something into ten groups."""
    order = by_hash(panel)
    for start in range(min(GROUPS_OF_PEOPLE, len(order))):
        yield order[start::GROUPS_OF_PEOPLE]


def by_hash(panel: Panel) -> list[int]:
    """Return the positions of the respondents who have answered something, in the order of a hash of their ids."""
    answered = [int(k) for k in np.flatnonzero(np.isfinite(panel.human_values).any(axis=1))]
    return sorted(answered, key=lambda k: zlib.crc32(panel.respondent_ids[k].encode()))


def _by_person(laws: Mapping[int, Law], n_items: int) -> dict[str, PairLaws]:
    """Turn laws of items, over some people, into laws of these people, over all items."""
    ids = next(iter(laws.values())).respondent_ids
    each = {j: of_item(law) for j, law in laws.items()}
    most = max(one.codes.shape[1] for one in each.values())
    codes, chances = np.full((2, len(ids), n_items, most), np.nan)
    low, high = np.full((2, len(ids), n_items), np.nan)
    for j, one in each.items():
        k = one.codes.shape[1]
        codes[:, j, :k], chances[:, j, :k] = one.codes, one.chances
        low[:, j], high[:, j] = one.low, one.high
    return {person: PairLaws(codes[r], chances[r], low[r], high[r], LEVEL) for r, person in enumerate(ids)}

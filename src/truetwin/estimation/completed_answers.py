"""Complete the answers to the wanted items, draw by draw: what people answered stays, the rest is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration import Calibration, calibrate
from truetwin.errors import NotPredictableError
from truetwin.estimation.estimate_work import METHOD, EstimateWork
from truetwin.estimation.wanted_items import with_answers

Floats = NDArray[np.float64]


def completed_answers(work: EstimateWork, items: Sequence[str], m: int) -> Iterator[Floats]:
    """Yield the answers of all people to some wanted items, (n_people, n_items), once a draw.

    An item that more than half of the people have answered is not drawn: its answers help to draw the others, so that
    their relation to it is kept, and who did not answer it stays missing. Of other items, answers that were given stay.

    Raises
    ------
    NotPredictableError
        If the answers to an item cannot be drawn.
    """
    given = np.full((len(work.panel.respondent_ids), len(items)), np.nan)
    for k, item in enumerate(items):
        if item in work.wanted.answers:
            given[:, k] = work.wanted.answers[item]
    seen = np.isfinite(given)
    people = np.isfinite(work.panel.human_values).any(axis=1) | seen.any(axis=1)
    most = 2 * seen.sum(axis=0) > people.sum()
    known = {item: given[:, k] for k, item in enumerate(items) if most[k]}
    others = [item for item in items if item not in known]
    if not others:
        yield from (given for _ in range(m))
        return
    drawn = (_with_sight_of(work, known, others) if known else work.calibration).draws(m, work.seed)
    for item in others:
        if item in drawn.left_out or item not in drawn.item_ids:
            why = drawn.left_out.get(item, "its answers cannot be predicted")
            raise NotPredictableError(f"no correlations of item {item!r}: {why}")
    columns = [drawn.item_ids.index(i) for i in others]
    places = np.ix_(drawn.rows, np.flatnonzero(~most))
    for k in range(m):
        grid = np.full(given.shape, np.nan)
        grid[places] = drawn.values_of(k)[:, columns]
        yield np.where(np.isfinite(given), given, grid)


def _with_sight_of(work: EstimateWork, known: dict[str, Floats], items: Sequence[str]) -> Calibration:
    """Predict items with the answers to others in sight."""
    return calibrate(
        with_answers(work.panel, known),
        METHOD,
        items=items,
        blocks=work.blocks,
        weights=work.design.weights,
        n_jobs=work.n_jobs,
    )

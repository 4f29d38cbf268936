"""The rank at which gaps are filled, chosen on hidden answers of twins."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.imputation_rank import choose_imputation_rank, prepared_at
from truetwin.data import Panel
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError

RNG = np.random.default_rng(3)
TWINS = RNG.standard_normal((120, 3)) @ RNG.standard_normal((3, 18)) + 0.05 * RNG.standard_normal((120, 18))


def panel_of(human: np.ndarray, order: np.ndarray | None = None) -> Panel:
    rows = np.arange(len(human)) if order is None else order
    names = [f"p{k:03d}" for k in rows]
    columns = [f"q{j:02d}" for j in range(human.shape[1])]
    frames = [
        {"id": names, **{c: values[rows, j].tolist() for j, c in enumerate(columns)}}
        for values in (human, TWINS)
    ]
    import pyarrow as pa

    return Panel.from_frames(*(pa.table(f) for f in frames))


def test_the_rank_of_the_twins_is_found_whatever_people_answered_and_however_rows_are_ordered() -> None:
    human = RNG.standard_normal(TWINS.shape)
    first = choose_imputation_rank(panel_of(human), (1, 3, 6))
    assert first == 3
    assert choose_imputation_rank(panel_of(np.round(human * 9)), (1, 3, 6)) == first
    assert choose_imputation_rank(panel_of(human, np.arange(120)[::-1]), (1, 3, 6)) == first


def test_one_rank_is_taken_as_it_is() -> None:
    panel = generate_population(30, 6, n_new_items=1).panel
    assert prepared_at((4,), panel).imputation_rank == 4
    assert prepared_at((4, 4), panel).imputation_rank == 4
    with pytest.raises(ParameterError, match="at least 1"):
        choose_imputation_rank(panel, (0, 2))

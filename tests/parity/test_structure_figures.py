"""Figures 3, 4, 6, 7 and 10 of paper A on the public data: ranks, cosines and distances."""

from __future__ import annotations

import pytest

from truetwin.reproduction.structure import reproduce_structure

pytestmark = pytest.mark.usefixtures("needs_data")


def test_twin_2k_500_has_the_published_ranks_and_angles() -> None:
    found = reproduce_structure("twin-2k-500")
    row, column = (found.alignments[space] for space in ("row", "column"))
    assert found.spectra["human"].effective_rank == 3
    assert row.cosines["twin"] == pytest.approx([0.913, 0.826, 0.558, 0.357, 0.098], abs=0.001)
    assert row.distances["twin"][0] == pytest.approx(0.706, abs=0.001)
    assert column.cosines["twin"][0] == pytest.approx(0.742, abs=0.001)
    for found_alignment in (row, column):
        assert found_alignment.distances["twin"][0] < 0.8 * found_alignment.distances["shuffled"][0]


def test_movielens_has_rank_seven_and_nine_directions() -> None:
    found = reproduce_structure("movielens")
    assert found.spectra["human"].effective_rank == 7
    assert found.alignments["row"].n_ranks == 9
    assert found.alignments["row"].cosines["twin"][0] == pytest.approx(0.99, abs=0.001)

"""Spectra and alignments of paper A's figures, on small generated data."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from truetwin.datasets import generate_population
from truetwin.reproduction import structure
from truetwin.reproduction.structure import RANKS, Structure, reproduce_structure


def structure_of(monkeypatch: pytest.MonkeyPatch, **settings: float) -> Structure:
    panel = generate_population(120, 15, n_new_items=0, rank=2, noise=0.2, random_state=0, **settings).panel
    monkeypatch.setattr(structure, "datasets", {"ours": SimpleNamespace(load=lambda: panel)})
    return reproduce_structure("ours")


def test_rows_name_the_dataset_source_and_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    found = structure_of(monkeypatch)
    spectra = found.spectrum_rows()
    assert {row["dataset"] for row in spectra} == {"ours"}
    assert {row["source"] for row in spectra} == {"human", "twin"}
    of_humans = [row for row in spectra if row["source"] == "human"]
    assert [row["rank"] for row in of_humans] == list(range(1, len(of_humans) + 1))
    for space in ("row", "column"):
        assert {row["dataset"] for row in found.alignment_rows(space)} == {"ours"}


def test_two_traits_carry_most_of_what_was_generated_from_two(monkeypatch: pytest.MonkeyPatch) -> None:
    values = structure_of(monkeypatch).spectra["human"].singular_values
    assert (np.diff(values) <= 0).all()
    assert (values[:2] ** 2).sum() > 0.7 * (values**2).sum()


def test_twins_who_see_other_items_together_lie_further_from_people(monkeypatch: pytest.MonkeyPatch) -> None:
    def distance(share: float) -> float:
        rows = structure_of(monkeypatch, misalignment=share).alignment_rows("row")
        return next(row["distance"] for row in rows if (row["compared"], row["rank"]) == ("twin", 2))

    assert distance(0.0) < 0.5 * distance(0.9)


def test_rows_have_errors_at_the_ranks_that_were_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [r for r in structure_of(monkeypatch).spectrum_rows() if r["source"] == "human"]
    assert tuple(r["rank"] for r in rows if r["validation_error"] is not None) == RANKS

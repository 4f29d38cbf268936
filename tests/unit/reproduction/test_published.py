"""Figures that the papers printed."""

from __future__ import annotations

import pytest

from truetwin.calibration.calibrators import PAPER_METHODS, methods
from truetwin.reproduction.individual_tables import TABLES
from truetwin.reproduction.published import published, published_mean


@pytest.mark.parametrize(
    ("table", "part", "method", "printed"),
    [
        ("table-2", "movielens", "ridge", 0.511),
        ("table-2", "movielens", "twin", 0.349),  # the paper calls the twin as it is the baseline
        ("table-2", "movielens", "synthetic-control-paper", 0.457),  # whose computation stopped early
        ("table-4", "Text Persona - GPT4.1-mini", "als", 0.201),
        ("table-5", "movielens", "twin", 0.246),
    ],
)
def test_a_printed_mean_is_found_under_our_name(table: str, part: str, method: str, printed: float) -> None:
    assert published_mean(table, part, method) == printed


def test_what_was_not_printed_is_none_and_never_a_number() -> None:
    assert published_mean("table-2", "movielens", "auto") is None
    assert published_mean("table-2", "a dataset of ours", "ridge") is None
    assert published_mean("table-5", "movielens", "human-item-mean") is None


def test_every_part_of_a_table_has_printed_figures_of_all_ten_methods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TRUETWIN_DATA_MIRROR", raising=False)
    for name, table in TABLES.items():
        for part in table.parts():
            for method in ("twin", *PAPER_METHODS):
                mean = published_mean(name, part.published_under, method)
                assert mean is not None, (name, part, method)
                assert -1 < mean < 1


def test_every_printed_method_is_one_of_ours() -> None:
    printed = {
        method
        for table in ("table-2", "table-4", "table-5")
        for part in published()[table].values()
        for method in part["mean"]
    }
    assert printed - {"baseline"} <= set(methods)


def test_every_printed_mean_has_its_standard_error() -> None:
    for table in ("table-2", "table-4", "table-5"):
        for part in published()[table].values():
            assert set(part["mean"]) == set(part["standard_error"])

"""Crosstabs: letters, corrections for the number of comparisons, and cells as market research prints them."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.estimation.crosstab import CrosstabRow, compare, letter
from truetwin.io.excel_files import Shown
from truetwin.solvers.adjusted_p_values import adjusted

COUNTS, EFFECTIVE = np.array([50, 60, 70]), np.array([48.0, 55.0, 61.0])


def row(p: dict[tuple[int, int], float], estimates: tuple[float, ...] = (0.2, 0.5, 0.4)) -> CrosstabRow:
    p_values = np.ones((3, 3))
    for (a, b), value in p.items():
        p_values[a, b] = p_values[b, a] = value
    here = np.array(estimates)
    return CrosstabRow("Q1", "share", "yes", here, here - 0.1, here + 0.1, p_values)


def test_a_cell_carries_the_letters_of_the_groups_that_it_exceeds() -> None:
    (table,) = compare([("age", ("a", "b", "c"), COUNTS, EFFECTIVE, [row({(0, 1): 1e-4, (0, 2): 1e-3})])])
    assert table.letters == (("", "A", "A"),)
    assert table.columns == ["A: a", "B: b", "C: c"]


def test_bases_come_first_and_cells_are_percentages() -> None:
    (table,) = compare([("age", ("a", "b", "c"), COUNTS, EFFECTIVE, [row({(0, 1): 1e-4})])])
    people, effective, cells = table.records()
    assert people["A: a"] == "50"
    assert effective["B: b"] == "55"
    assert cells["B: b"] == "50% A"


def test_cells_of_a_sheet_are_numbers_that_look_like_the_texts() -> None:
    (table,) = compare([("age", ("a", "b", "c"), COUNTS, EFFECTIVE, [row({(0, 1): 1e-4})])])
    sheet = table.sheet()
    *_, cells = sheet.rows
    assert cells[3] == Shown(0.5, '0%" A"')
    assert list(sheet.columns[5:7]) == ["A from", "A to"]
    assert cells[5].value == pytest.approx(0.1)


def test_comparisons_of_all_columns_are_corrected_together() -> None:
    lonely = row({(0, 1): 0.02})
    (alone,) = compare([("age", ("a", "b", "c"), COUNTS, EFFECTIVE, [lonely])], correction="none")
    assert alone.letters[0][1] == "A"
    many = [("age", ("a", "b", "c"), COUNTS, EFFECTIVE, [lonely, row({}), row({})])] * 2
    for table in compare(many, correction="benjamini-hochberg"):
        assert all(not any(letters) for letters in table.letters)
        assert "18 comparisons" in table.footer
        assert "Benjamini and Hochberg" in table.footer


@pytest.mark.parametrize("correction", ["holm", "benjamini-hochberg"])
def test_corrections_reject_what_statsmodels_rejects(correction: str) -> None:
    p = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216])
    found = adjusted(p, correction) <= 0.05  # type: ignore[arg-type]
    assert found.sum() == {"holm": 1, "benjamini-hochberg": 2}[correction]


def test_null_comparisons_get_hardly_any_letter() -> None:
    rng = np.random.default_rng(0)
    wrong = [(adjusted(rng.uniform(size=200), "benjamini-hochberg") <= 0.05).any() for _ in range(400)]
    assert np.mean(wrong) < 0.08


def test_letters_go_on_after_z() -> None:
    assert [letter(k) for k in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]


def test_the_footer_says_whether_there_are_letters() -> None:
    (found,) = compare([("age", ("a", "b", "c"), COUNTS, EFFECTIVE, [row({(0, 1): 1e-4})])])
    assert found.footer.startswith("A letter marks a group")
    (none,) = compare([("age", ("a", "b", "c"), COUNTS, EFFECTIVE, [row({})])])
    assert none.footer.startswith("No cell exceeds that of another group significantly")
    assert "letter" not in none.footer

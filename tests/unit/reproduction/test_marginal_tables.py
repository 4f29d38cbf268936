from __future__ import annotations

from pathlib import Path

from marginal_examples import made_up
from truetwin.reproduction.marginal_tables import reproduce_marginals


def test_the_tables_rows_are_made_for_any_data_of_this_layout(tmp_path: Path) -> None:
    rows = list(reproduce_marginals("appendix-marginals", "opinionqa", data=made_up(tmp_path), coarser=5000))
    assert len({(r["trained_on"], r["variant"]) for r in rows}) == 1 + 7 * 6
    assert all(r["paper"] is None for r in rows)  # made-up data have no published figures

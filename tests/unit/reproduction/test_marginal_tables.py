"""Table 6 of paper A and its appendix table, on made-up data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marginal_examples import made_up
from truetwin.data.marginals import ItemMarginal, Marginals
from truetwin.datasets.movielens_marginals import MarginalData
from truetwin.errors import UnknownNameError
from truetwin.reproduction import marginal_tables
from truetwin.reproduction.marginal_tables import load_marginal_dataset, reproduce_marginals
from truetwin.reweighting import DISCREPANCIES
from truetwin.reweighting.marginal_inputs import align
from truetwin.reweighting.splits import train_test_splits


@pytest.fixture
def data(tmp_path: Path) -> MarginalData:
    return made_up(tmp_path)


def test_the_tables_rows_are_made_for_any_data_of_this_layout(tmp_path: Path) -> None:
    rows = list(reproduce_marginals("appendix-marginals", "opinionqa", data=made_up(tmp_path), coarser=5000))
    assert len({(r["trained_on"], r["variant"]) for r in rows}) == 1 + 7 * 6
    assert all(r["paper"] is None for r in rows)  # made-up data have no published figures


def test_table_6_has_one_objective_and_the_uncalibrated_row_first(data: MarginalData) -> None:
    rows = list(reproduce_marginals("table-6", "opinionqa", data=data, coarser=5000))
    assert [row["variant"] for row in rows[:: len(DISCREPANCIES)]] == [
        "uncalibrated",
        "both",
        "both, converged",
    ]
    assert {row["trained_on"] for row in rows} == {None, "cdf-l1"}
    assert [row["metric"] for row in rows[: len(DISCREPANCIES)]] == list(DISCREPANCIES)


def test_the_uncalibrated_row_is_the_distance_of_the_twins_shares_to_the_humans(data: MarginalData) -> None:
    rows = list(reproduce_marginals("table-6", "opinionqa", data=data, coarser=5000))
    ids = data.twins.item_ids
    _, test = train_test_splits(len(ids), 1)[0]
    human = data.marginals.shares(ids)
    distances = []
    for j in test:
        answers = data.twins.values[:, j]
        shares = (
            np.array([(answers == code).sum() for code in (1, 2, 3, 4)])
            / np.isin(answers, (1, 2, 3, 4)).sum()
        )
        distances.append(0.5 * np.abs(shares - human[j]).sum())
    tv = next(row for row in rows if row["metric"] == "tv")
    assert tv["mean"] == pytest.approx(np.mean(distances))
    assert tv["standard_error"] == pytest.approx(np.std(distances, ddof=1) / np.sqrt(len(test)))
    assert tv["n_scored"] == len(test)


def test_humans_who_answer_as_the_twins_do_are_met_without_calibration(data: MarginalData) -> None:
    """Shares counted from the twins themselves: no distance is left but rounding."""
    table = align(data.twins, data.marginals, predict=()).table
    known = {
        item_id: ItemMarginal(data.marginals.items[item_id], shares[:4])
        for item_id, shares in zip(table.item_ids, table.histogram, strict=True)
    }
    same = MarginalData(Marginals.of(list(known.values())), data.twins, {})
    rows = list(reproduce_marginals("table-6", data=same, trained_on=["tv"], coarser=5000))
    means = {row["metric"]: row["mean"] for row in rows if row["variant"] == "uncalibrated"}
    assert means == {metric: pytest.approx(0.0, abs=1e-9) for metric in DISCREPANCIES}


def test_figures_are_printed_beside_published_data_only(
    data: MarginalData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(marginal_tables.DATASETS, "movielens", lambda: data)
    rows = list(reproduce_marginals("table-6", coarser=5000))
    printed = {(r["variant"], r["metric"]): r["paper"] for r in rows}
    assert printed["uncalibrated", "kl"] == 2.438
    assert printed["both", "kl"] == 0.212
    assert {paper for (variant, _), paper in printed.items() if variant == "both, converged"} == {None}
    for row in rows:
        assert row["difference"] == (None if row["paper"] is None else row["mean"] - row["paper"])


def test_an_objective_that_the_paper_did_not_print_has_no_figure(
    data: MarginalData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(marginal_tables.DATASETS, "movielens", lambda: data)
    rows = list(reproduce_marginals("table-6", trained_on=["tv"], coarser=5000))
    assert {row["paper"] for row in rows if row["variant"] == "both"} == {None}


def test_progress_counts_fits(data: MarginalData) -> None:
    seen: list[tuple[int, int]] = []
    list(
        reproduce_marginals(
            "table-6", data=data, trained_on=["kl"], coarser=5000, progress=lambda k, n: seen.append((k, n))
        )
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_names_that_do_not_exist_are_refused_with_a_guess() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'table-6'"):
        next(reproduce_marginals("table6"))
    with pytest.raises(UnknownNameError, match=r"Did you mean 'movielens'\?.*movielens, opinionqa"):
        load_marginal_dataset("movielenz")

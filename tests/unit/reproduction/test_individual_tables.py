"""Tables 2, 4 and 5 of paper A, built on small generated data in place of the published ones."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from truetwin.data import Panel
from truetwin.datasets import generate_population
from truetwin.errors import DatasetError, ParameterError, UnknownNameError
from truetwin.evaluation import evaluate
from truetwin.reproduction import individual_tables
from truetwin.reproduction.gains import with_gains
from truetwin.reproduction.individual_tables import reproduce_table

CONSTRUCTION = "Text Persona - GPT4.1-mini"
OTHER = "JSON Persona - GPT4.1"


class Datasets(dict[str, SimpleNamespace]):
    """Stands in for the registry of datasets; ``loaded`` says what was asked for."""

    def __init__(self, panel: Panel) -> None:
        self.loaded: list[tuple[str, tuple[str, ...]]] = []

        def loader(name: str) -> SimpleNamespace:
            return SimpleNamespace(load=lambda *given: (self.loaded.append((name, given)), panel)[1])

        super().__init__({name: loader(name) for name in ("movielens", "twin-2k-500")})

    def resolve(self, name: str) -> str:
        if name not in self:
            raise UnknownNameError(f"no dataset named {name!r}")
        return name


@pytest.fixture(scope="module")
def panel() -> Panel:
    return generate_population(40, 8, n_new_items=0, random_state=0).panel


@pytest.fixture
def data(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> Datasets:
    monkeypatch.delenv("TRUETWIN_DATA_MIRROR", raising=False)
    found = Datasets(panel)
    monkeypatch.setattr(individual_tables, "datasets", found)
    return found


def test_a_cell_is_what_evaluation_finds_beside_what_the_paper_prints(data: Datasets, panel: Panel) -> None:
    (twin, ridge) = reproduce_table("table-2", chosen=["twin", "ridge"])
    expected = {
        row["method"]: row
        for row in evaluate(
            panel,
            ["twin", "ridge"],
            "leave-one-item-out",
            metric="pearson-paper",
            preset="movielens",
            preprocessing=individual_tables.PAPER_PREPROCESSING,
        ).summary()
    }
    for row, printed in ((twin, 0.349), (ridge, 0.511)):
        assert row["mean"] == expected[row["method"]]["mean"]
        assert row["standard_error"] == expected[row["method"]]["standard_error"]
        assert (row["dataset"], row["construction"]) == ("movielens", None)
        assert row["paper"] == printed
        assert row["difference"] == row["mean"] - printed
        assert (row["n_scored"], row["n_unscored"]) == (8, 0)


def test_a_method_that_the_paper_has_not_stands_without_a_figure(data: Datasets) -> None:
    (twin, trivial) = reproduce_table("table-2", chosen=["twin", "human-respondent-mean"])
    assert twin["paper"] is not None
    assert (trivial["paper"], trivial["difference"]) == (None, None)
    assert -1 <= trivial["mean"] <= 1  # a score all the same


def test_gains_are_over_both_baselines_and_the_best_methods_are_marked(data: Datasets) -> None:
    chosen = ["twin", "human-respondent-mean", "ridge", "lasso", "elastic-net"]
    rows = {row["method"]: row for row in reproduce_table("table-2", chosen=chosen)}
    twin, ridge = rows["twin"], rows["ridge"]
    assert ridge["gain_over_twin"] == pytest.approx(100 * (ridge["mean"] / twin["mean"] - 1))
    assert ridge["paper_gain_over_twin"] == pytest.approx(46.418, abs=0.001)  # .511 over .349, printed as +46
    assert ridge["gain_over_in_context"] is None  # not computed here
    assert (twin["gain_over_twin"], twin["best"]) == (None, False)
    assert [m for m, row in rows.items() if row["paper_best"]] == ["elastic-net"]
    (best,) = (row for row in rows.values() if row["best"])
    assert best["mean"] == max(rows[m]["mean"] for m in chosen[2:])


def test_the_exact_synthetic_control_is_not_the_papers_best() -> None:
    cell = {"dataset": "x", "construction": None}
    rows = with_gains(
        [
            {**cell, "method": "synthetic-control", "mean": 0.5, "paper": 0.3},
            {**cell, "method": "synthetic-control-paper", "mean": 0.3, "paper": 0.3},
            {**cell, "method": "ridge", "mean": 0.4, "paper": 0.2},
        ]
    )
    assert [(row["best"], row["paper_best"]) for row in rows] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_a_baseline_is_never_the_best_method() -> None:
    figures = {"twin": 0.4, "in-context": 0.6, "ridge": 0.5}
    rows = with_gains([{"method": name, "mean": mean, "paper": mean} for name, mean in figures.items()])
    assert [(row["best"], row["paper_best"]) for row in rows] == [
        (False, False),
        (False, False),
        (True, True),
    ]
    assert rows[2]["gain_over_in_context"] == pytest.approx(-100 / 6)


def test_aliases_and_full_names_are_one_method(data: Datasets) -> None:
    assert [row["method"] for row in reproduce_table("table-2", chosen=["twin", "en"])] == [
        "twin",
        "elastic-net",
    ]


def test_each_construction_is_loaded_for_itself_and_compared_with_its_own_figures(data: Datasets) -> None:
    rows = {row["construction"]: row for row in reproduce_table("table-4", chosen=["twin"])}
    assert data.loaded == [("twin-2k-500", (name,)) for name in rows]
    assert rows[CONSTRUCTION]["paper"] == 0.168
    assert rows[OTHER]["paper"] != rows[CONSTRUCTION]["paper"]
    (only,) = reproduce_table("table-4", construction=OTHER, chosen=["twin"])
    assert only["construction"] == OTHER


def test_respondents_are_left_out_in_table_5_and_one_dataset_can_be_asked_for(data: Datasets) -> None:
    rows = list(reproduce_table("table-5", dataset="movielens", chosen=["human-item-mean", "ridge"]))
    assert {row["dataset"] for row in rows} == {"movielens"}
    assert {row["n_scored"] + row["n_unscored"] for row in rows} == {40}


def test_progress_counts_the_folds_of_a_part(data: Datasets) -> None:
    seen: list[tuple[int, int]] = []
    list(reproduce_table("table-2", chosen=["twin"], progress=lambda k, n: seen.append((k, n))))
    assert seen[-1] == (8, 8)


def test_names_that_do_not_exist_are_refused_with_a_guess(data: Datasets) -> None:
    with pytest.raises(UnknownNameError, match="no dataset named 'netflix'"):
        next(reproduce_table("table-2", dataset="netflix"))
    with pytest.raises(UnknownNameError, match=f"Did you mean '{CONSTRUCTION}'"):
        next(reproduce_table("table-4", construction="Text Persona - GPT4.1-mni"))


def test_a_part_that_a_table_has_not_is_said(data: Datasets) -> None:
    with pytest.raises(
        ParameterError, match="has no part with dataset 'twin-2k-500'; its datasets are movielens"
    ):
        next(reproduce_table("table-2", dataset="twin-2k-500"))


def test_a_construction_that_is_not_on_this_machine_is_said_and_not_skipped(
    data: Datasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUETWIN_DATA_MIRROR", "/nowhere")
    monkeypatch.setattr(individual_tables.twin_2k_500, "available_constructions", lambda: [CONSTRUCTION])
    assert [row["construction"] for row in reproduce_table("table-4", chosen=["twin"])] == [CONSTRUCTION]
    with pytest.raises(DatasetError, match=f"construction '{OTHER}' are not in the mirror"):
        next(reproduce_table("table-4", construction=OTHER))

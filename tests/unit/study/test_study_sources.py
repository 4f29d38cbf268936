"""Studies with several sources of twin answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from truetwin.errors import DataError, TruetwinError
from truetwin.io import read_table, write_table
from truetwin.io.twin_files import read_twins
from truetwin.study import read_study, run_study
from truetwin.study.example_study import write_example
from truetwin.study.study_check import check_study

pytestmark = pytest.mark.usefixtures("shares_learned_once")
SOURCES = """
inputs: {human: human.csv, twin: {gpt: twins/gpt.csv, gemini: twins/gemini.csv}}
calibrate: {method: ridge, preset: twin-2k-500}
reweight: {method: mix}
"""
SIMULATED = """
inputs: {human: human.csv, items: items.json, personas: personas.jsonl}
simulate: {model: "generated:generated.csv", replicates: 2, only: [Q33, Q34]}
calibrate: {method: ridge, preset: twin-2k-500}
"""


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """An example study with two sources, which differ in one answer."""
    path = write_example(tmp_path / "study", n_respondents=60)
    folder = path.parent
    (folder / "twins").mkdir()
    given = read_table(folder / "generated.csv")
    write_table(given, folder / "twins" / "gpt.csv")
    write_table(given.slice(1), folder / "twins" / "gemini.csv")
    path.write_text(SOURCES, encoding="utf-8")
    return path


def test_a_study_names_its_sources_and_is_done_again_when_one_changes(study_file: Path) -> None:
    run, folder = study_file.parent / "run", study_file.parent
    assert check_study(read_study(study_file))
    result = run_study(read_study(study_file), run)
    record = json.loads((run / "predictions.json").read_text())
    assert list(record["inputs"]) == ["human", "twin.gpt", "twin.gemini"]
    assert list(record["panel"]["sources"]) == ["gpt", "gemini"]
    assert json.loads((run / "shares.json").read_text())["inputs"].keys() >= {"twin.gpt", "twin.gemini"}
    assert "2 sources" in result.report.read_text()
    assert all(s.skipped for s in run_study(read_study(study_file), run).steps)
    write_table(read_table(folder / "twins" / "gemini.csv").slice(1), folder / "twins" / "gemini.csv")
    assert not any(s.skipped for s in run_study(read_study(study_file), run).steps)


@pytest.mark.usefixtures("figures_left_out")
def test_a_folder_of_sources_is_an_input_too(study_file: Path) -> None:
    study_file.write_text(
        SOURCES.replace("{gpt: twins/gpt.csv, gemini: twins/gemini.csv}", "twins"), encoding="utf-8"
    )
    result = run_study(read_study(study_file), study_file.parent / "run")
    record = json.loads((result.folder / "predictions.json").read_text())
    assert list(record["panel"]["sources"]) == ["gemini", "gpt"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SOURCES.replace("twins/gemini.csv", "twins/lost.csv"), r"there is no file .*lost\.csv"),
        (SOURCES.replace("gemini:", "gpt:"), "occurs twice"),
        (SOURCES.replace("{gpt: twins/gpt.csv, gemini: twins/gemini.csv}", "3"), "inputs.twin"),
    ],
)
def test_wrong_sources_of_a_study_are_named(study_file: Path, text: str, words: str) -> None:
    study_file.write_text(text, encoding="utf-8")
    with pytest.raises(TruetwinError, match=words):
        check_study(read_study(study_file))


@pytest.mark.usefixtures("figures_left_out")
def test_replicates_of_a_simulation_are_sources(study_file: Path) -> None:
    study_file.write_text(SIMULATED.replace(", only: [Q33, Q34]", ""), encoding="utf-8")
    result = run_study(read_study(study_file), study_file.parent / "run")
    assert list(read_twins(result.folder / "twin.csv")) == ["twin/0", "twin/1"]
    assert list(read_twins(result.folder / "simulated.csv")) == ["twin/0", "twin/1"]
    record = json.loads((result.folder / "predictions.json").read_text())
    assert list(record["panel"]["sources"]) == ["twin/0", "twin/1"]


@pytest.mark.usefixtures("figures_left_out")
def test_replicates_fill_the_gaps_of_a_given_source(study_file: Path) -> None:
    folder = study_file.parent
    given = read_table(folder / "generated.csv")
    write_table(given.select(given.column_names[:33]), folder / "given.csv")
    study_file.write_text(SIMULATED.replace("human.csv,", "human.csv, twin: given.csv,"), encoding="utf-8")
    run_study(read_study(study_file), folder / "run")
    lone = read_twins(folder / "run" / "twin.csv")
    assert list(lone) == ["twin/0", "twin/1"]
    first, second = (source.on_grid(source.respondent_ids, ["Q01", "Q32"]) for source in lone.values())
    np.testing.assert_array_equal(first, second)
    assert lone["twin/0"].item_ids[-2:] == ("Q33", "Q34")


def test_a_simulation_does_not_guess_which_source_it_goes_on_with(study_file: Path) -> None:
    study_file.write_text(SIMULATED.replace("human.csv,", "human.csv, twin: twins,"), encoding="utf-8")
    with pytest.raises(DataError, match=r"one source; inputs\.twin has 2: gemini, gpt"):
        check_study(read_study(study_file))

"""Experiments in studies: steps, checks, and a report whose numbers are those of the files."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from truetwin.datasets import generate_experiments
from truetwin.errors import TruetwinError
from truetwin.report.page import Table
from truetwin.study import read_study, run_study
from truetwin.study.step_work import Work
from truetwin.study.study_check import check_study
from truetwin.study.study_report import study_page

WHOLE = """
inputs: {human: human.csv, twin: twin.csv, conditions: conditions.csv, contrasts: contrasts.csv}
experiment: {effects: {}, calibrate: {}, evaluate: {}, rank: {pilot_n: 40}}
"""
STEPS = ["experiment.effects", "experiment.calibrate", "experiment.evaluate", "experiment.rank", "report"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generate_experiments(5, 90, random_state=3).write(tmp_path)
    return tmp_path


def study_of(folder: Path, text: str = WHOLE) -> Any:
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return read_study(folder / "study.yaml")


def record(folder: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((folder / "run" / f"experiment-{name}.json").read_text(encoding="utf-8")))


def test_an_experiment_is_estimated_calibrated_judged_and_ranked(folder: Path) -> None:
    study = study_of(folder)
    assert "experiment: 17 contrasts of 6 studies; answers of human, twin" in check_study(study)
    result = run_study(study, folder / "run")
    assert [step.name for step in result.steps] == STEPS
    page = result.report.read_text(encoding="utf-8")
    sentence = record(folder, "calibrated")["sentences"][0]
    assert re.match(
        r"[AB] (beats|is expected ahead of) [AB] by [\d.]+ points(, not sure)? \(90%: -?[\d.]+ to -?[\d.]+\)",
        sentence,
    )
    assert sentence in page
    assert page.index(sentence) < page.index("Effects among people and twins")
    assert all(step.skipped for step in run_study(study, folder / "run").steps)


@pytest.mark.usefixtures("figures_left_out")
def test_every_number_of_the_report_is_that_of_the_files(folder: Path) -> None:
    study = study_of(folder)
    run_study(study, folder / "run")
    sections = study_page(Work(study, folder / "run")).sections
    tables = {b.title: b.rows for s in sections for b in s.blocks if isinstance(b, Table)}
    files = {
        "Calibrated effects": "calibrated",
        "Options": "options",
        "What choosing loses on average, in sd": "options.losses",
        "Effects": "effects",
        "Scores": "scores",
        "Squared errors, paired by study": "scores.differences",
    }
    for title, name in files.items():
        with (folder / "run" / f"experiment-{name}.csv").open(encoding="utf-8", newline="") as stream:
            written = list(csv.DictReader(stream))
        assert len(written) == len(tables[title])
        for shown, row in zip(tables[title], written, strict=True):
            for field, value in shown.items():
                if isinstance(value, float) and field in row:
                    assert row[field] == "" or value == pytest.approx(float(row[field]), rel=1e-9), field
    calibrated, ranked = (
        {r["contrast"]: r["effect"] for r in tables["Calibrated effects"]},
        tables["Options"],
    )
    for row in ranked:
        outcome = row["outcome"].removeprefix("new_messages_").removesuffix(" (message)")
        if row["option"] != "A":
            assert row["effect"] == pytest.approx(
                calibrated[f"new_messages:{row['option']}:{outcome}"], abs=0.02
            )
    left_out = {r["contrast"]: r["calibrated"] for r in record(folder, "scores")["predictions"]}
    (picture,) = [b for s in sections for b in s.blocks if getattr(b, "name", "") == "experiment-scatter"]
    assert {r["contrast"]: r["calibrated"] for r in picture.data} == left_out


@pytest.mark.usefixtures("figures_left_out")
def test_the_headline_effect_comes_first(folder: Path) -> None:
    path = folder / "contrasts.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    headlines = [f"{line},{int('C:trusts' in line)}" for line in lines[1:]]
    path.write_text("\n".join([f"{lines[0]},headline", *headlines]) + "\n", encoding="utf-8")
    study = study_of(folder)
    run_study(study, folder / "run")
    answer = study_page(Work(study, folder / "run")).answer
    calibrated = record(folder, "calibrated")
    names = [row["contrast"] for row in calibrated["effects"]]
    sentence = calibrated["sentences"][names.index("new_messages:C:trusts")]
    assert answer == f"{sentence} (new_messages:C:trusts); 3 more effects are below."


@pytest.mark.usefixtures("figures_left_out")
def test_a_changed_input_is_noticed(folder: Path) -> None:
    study = study_of(folder, WHOLE.replace(", evaluate: {}, rank: {pilot_n: 40}", ""))
    run_study(study, folder / "run")
    path = folder / "contrasts.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("new_messages:C:buys", "c"), encoding="utf-8")
    assert not any(step.skipped for step in run_study(study, folder / "run").steps)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (", contrasts: contrasts.csv", "", r"experiment.effects needs inputs.contrasts"),
        ("calibrate: {}", "calibrate: {studies: [new_message]}", r"no study 'new_message'.*'new_messages'"),
        ("conditions: conditions.csv, ", "", "condition"),
        ("human: human.csv, twin: twin.csv, ", "", "answers must be given"),
        ("pilot_n: 40", "pilot_m: 40", "pilot_n"),
        ("evaluate: {}", "evaluate: {by: region}", "by"),
    ],
)
def test_a_faulty_study_is_found_before_anything_is_computed(
    folder: Path, old: str, new: str, message: str
) -> None:
    assert old in WHOLE
    with pytest.raises(TruetwinError, match=message):
        check_study(study_of(folder, WHOLE.replace(old, new)))


ITEMS = "item_id,text,low,high\nbuys,{{message}} Would you buy it?,0,100\n"
ARMS = "condition,arm,text\nmessage,A,Tea.\nmessage,B,Buy tea.\n"
CONTRASTS = "contrast_id,study,kind,condition,treatment,control,outcomes\nB,tea,between,message,B,A,buys\n"
ASKED = """
inputs: {personas: personas.csv, items: items.csv, arms: arms.csv, contrasts: contrasts.csv}
simulate: {model: generated, every_arm: true}
experiment: {effects: {}, calibrate: {human_sd: 20}}
"""


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Personas, items under arms, and a contrast; no answers."""
    for name, text in (("items", ITEMS), ("arms", ARMS), ("contrasts", CONTRASTS)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    people = "".join(f"p{k},Person {k}.\n" for k in range(60))
    (tmp_path / "personas.csv").write_text(f"id,text\n{people}", encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("figures_left_out")
@pytest.mark.parametrize("every", [True, False])
def test_twins_are_asked_under_arms_and_their_effect_calibrated(asked: Path, every: bool) -> None:
    study = study_of(asked, ASKED.replace("every_arm: true", f"every_arm: {str(every).lower()}"))
    said = " ".join(check_study(study))
    assert f"at most {120 if every else 60} calls" in said
    assert "1 contrasts; answers of twins to be asked" in said
    run_study(study, asked / "run")
    (row,) = record(asked, "effects")["effects"]
    (calibrated,) = record(asked, "calibrated")["effects"]
    assert (row["side"], row["n_people"]) == ("twin", 60)
    if every:
        with (asked / "run" / "twin.csv").open(encoding="utf-8") as stream:
            answers = list(csv.DictReader(stream))
        differences = [float(r["buys@message=B"]) - float(r["buys@message=A"]) for r in answers]
        assert row["effect"] == pytest.approx(sum(differences) / 60)
    assert abs(calibrated["raw"]) < abs(row["effect"])
    assert all(step.skipped for step in run_study(study, asked / "run").steps)


def test_ids_written_otherwise_than_those_of_personas_are_found_before_a_call(asked: Path) -> None:
    personas = (asked / "personas.csv").read_text(encoding="utf-8").replace("\np", "\n0")
    (asked / "personas.csv").write_text(personas, encoding="utf-8")
    rows = "".join(f"{k},f\n" for k in range(60))
    (asked / "people.csv").write_text(f"id,sex\n{rows}", encoding="utf-8")
    text = ASKED.replace("inputs: {", "inputs: {people: people.csv, ")
    with pytest.raises(TruetwinError, match=r"people\.csv must write respondent ids as the file of personas"):
        check_study(study_of(asked, text))
    check_study(study_of(asked, text.replace("inputs: {", "inputs: {match: true, ")))


def test_settings_of_arms_name_the_files_that_they_need(asked: Path) -> None:
    for old, new, message in (
        (" arms: arms.csv,", "", r"simulate.every_arm needs inputs.arms"),
        ("every_arm: true", "assign_within: [region]", r"simulate.assign_within needs inputs.people"),
    ):
        with pytest.raises(TruetwinError, match=message):
            check_study(study_of(asked, ASKED.replace(old, new)))


def test_a_contrast_of_arms_that_will_not_be_asked_is_found_before_a_call(asked: Path) -> None:
    for old, new, message in (
        ("message,B", "massage,B", "needs the condition 'massage'"),
        ("buys\n", "sells\n", "'sells' is none of them"),
    ):
        (asked / "contrasts.csv").write_text(CONTRASTS.replace(old, new), encoding="utf-8")
        with pytest.raises(TruetwinError, match=message):
            check_study(study_of(asked, ASKED))

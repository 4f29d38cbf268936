"""What a study file can say beyond files and methods: personas, distributions, hyperparameters, what to ask next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truetwin.cli import _run
from truetwin.errors import DataError, ParameterError, ScaleError, TruetwinError
from truetwin.io import read_items, read_personas, read_responses, read_table
from truetwin.study import read_study, run_study
from truetwin.study.example_study import write_example
from truetwin.study.study_check import check_study

pytestmark = pytest.mark.usefixtures("shares_learned_once")
MADE = """
inputs: {human: human.csv, items: items.json}
personas: {builder: text, targets: [Q25, Q26, Q27]}
simulate: {model: "scripted:script.yaml", only: [Q25, Q26, Q27]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_example(tmp_path / "study", n_respondents=30).parent


def study(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def run(folder: Path, text: str) -> Path:
    run_study(read_study(study(folder, text)), folder / "run")
    return folder / "run"


@pytest.mark.usefixtures("figures_left_out")
def test_personas_are_made_of_own_answers_and_asked(folder: Path) -> None:
    items = [item["item_id"] for item in json.loads((folder / "items.json").read_text())]
    asked = items[-3:]
    (folder / "script.yaml").write_text("default: '3'\n")
    text = MADE.replace("[Q25, Q26, Q27]", json.dumps(asked))
    assert "30 personas, 3 items" in check_study(read_study(study(folder, text)))[-1]
    done = run(folder, text)
    personas = read_personas(done / "personas.jsonl")
    assert len(personas) == 30
    assert not any(item in persona.text for persona in personas for item in asked)
    assert read_table(done / "twin.csv").column_names == ["respondent_id", *asked]


@pytest.mark.usefixtures("figures_left_out")
def test_distributions_and_effort_can_be_asked_for(folder: Path) -> None:
    text = """
inputs: {human: human.csv, items: items.json, personas: personas.jsonl}
simulate:
  {model: generated, elicit: distribution, reasoning_effort: low, validity_floor: 0, only: [I01]}
""".replace("I01", json.loads((folder / "items.json").read_text())[0]["item_id"])
    done = run(folder, text)
    sidecar = json.loads((done / "simulated.json").read_text())
    assert sidecar["settings"]["elicit"] == "distribution"
    assert sidecar["settings"]["reasoning_effort"] == "low"
    assert (done / "simulated.distributions.csv").exists()


@pytest.mark.usefixtures("figures_left_out")
def test_distributions_are_calibrated_though_their_expectations_lie_between_answers(folder: Path) -> None:
    done = run(
        folder,
        """
inputs: {human: human.csv, items: items.json, personas: personas.jsonl}
simulate: {model: "generated:generated.csv", elicit: distribution}
evaluate: {methods: [twin, ridge], protocols: [leave-one-item-out], parameters: {ridge: {alpha: 10}}, examples: 1}
calibrate: {method: ridge}
diagnose:
""",
    )
    twins = read_responses(done / "twin.csv")
    assert (twins.values % 1 != 0).any()
    assert read_responses(done / "predictions.csv").shape[1] > 0
    items = read_items(folder / "items.json")
    with pytest.raises(
        ScaleError, match="is not on the scale"
    ):  # people's answers are never between the categories
        read_responses(done / "twin.csv", items=items)


def test_hyperparameters_are_set_by_hand_and_what_to_ask_next_is_planned(folder: Path) -> None:
    done = run(
        folder,
        """
inputs: {human: human.csv, twin: generated.csv, blocks: auto}
evaluate:
  {methods: [twin, ridge], protocols: [leave-one-item-out], metric: mae, baseline: ridge,
   parameters: {ridge: {alpha: 10}}}
calibrate: {method: ridge, parameters: {ridge: {alpha: 10}}, long: true}
plan: {budget: 2}
""",
    )
    sidecar = json.loads((done / "predictions.json").read_text())
    assert sidecar["parameters"]["item"]["alpha"] == 10
    assert read_table(done / "predictions.csv").column_names[:3] == ["respondent_id", "item_id", "value"]
    assert len(json.loads((done / "plan.json").read_text())["rows"]) == 2
    report = (done / "report.html").read_text(encoding="utf-8")
    assert "What to ask next" in report
    record = json.loads((done / "evaluation-leave-one-item-out.json").read_text())
    assert {row["metric"] for row in record["scores"]} == {"pearson", "mae"}


@pytest.mark.usefixtures("figures_left_out")
def test_a_study_writes_draws_with_its_seed(folder: Path) -> None:
    text = """
seed: 3
inputs: {human: human.csv, twin: generated.csv}
calibrate: {draws: 2}
"""
    done = run(folder, text)
    table = read_table(done / "draws.parquet")
    assert table.column_names == ["draw", "respondent_id", "item_id", "value"]
    assert set(table["draw"].to_pylist()) == {1, 2}
    assert json.loads((done / "draws.json").read_text())["draws"]["seed"] == 3


def test_the_report_of_a_study_without_evaluation_begins_with_its_estimates(folder: Path) -> None:
    text = (
        "inputs: {human: human.csv, twin: generated.csv}\nestimate: {items: [Q33, Q34], statistics: [mean]}\n"
    )
    report = (run(folder, text) / "report.html").read_text(encoding="utf-8")
    assert "gave no evaluation" not in report
    assert "The mean answer should lie between" in report


def test_draws_come_with_any_method(folder: Path) -> None:
    text = "inputs: {human: human.csv, twin: generated.csv}\ncalibrate: {method: ridge, draws: 2}\n"
    check_study(read_study(study(folder, text)))


def test_marginals_are_reweighted_and_evaluated(folder: Path) -> None:
    human = read_table(folder / "human.csv")
    rows = ["item_id,category,share_or_count"]
    for item in [name for name in human.column_names if name != "respondent_id"][:12]:
        answers = [value for value in human[item].to_pylist() if value not in (None, "")]
        rows += [f"{item},{code},{sum(float(a) == code for a in answers)}" for code in range(1, 6)]
    (folder / "shares.csv").write_text("\n".join(rows) + "\n")
    done = run(
        folder,
        """
inputs: {marginals: shares.csv, twin: generated.csv, items: items.json}
reweight: {method: ensemble, variant: both, level: 0}
evaluate_marginals: {methods: [ksoft], splits: 1, metrics: [tv]}
""",
    )
    assert read_table(done / "weights.csv").num_rows > 0
    scores = json.loads((done / "marginal-scores.json").read_text())
    assert {row["metric"] for row in scores["rows"]} >= {"tv"}
    assert "How well populations are predicted" in (done / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("inputs: {human: human.csv}\npersonas: {builder: summary}\n", r"give personas\.model"),
        ("inputs: {human: human.csv}\npersonas: {prompts: nowhere}\n", "there is no file|nowhere"),
        ("inputs: {human: human.csv, items: items.json}\nsimulate: {model: m}\n", "inputs.personas"),
        ("inputs: {human: human.csv, twin: generated.csv}\nplan: {}\n", "plan.budget is missing"),
        (
            "inputs: {human: human.csv, twin: generated.csv}\n"
            "calibrate: {method: ridge, parameters: {lasso: {a: 1}}}\n",
            "name method 'lasso', but the method is 'ridge'",
        ),
        ("inputs: {human: human.csv, twin: generated.csv}\nevaluate: {metric: [speed]}\n", "'speed'"),
        ("inputs: {human: human.csv, twin: generated.csv}\nevaluate: {baseline: guess}\n", "'guess'"),
        (
            "inputs: {human: human.csv, twin: generated.csv}\nevaluate: {parameters: {guess: {a: 1}}}\n",
            "'guess'",
        ),
        (
            "inputs: {marginals: m.csv, twin: generated.csv}\nevaluate_marginals: {methods: [guess]}\n",
            "'guess'",
        ),
        (
            "inputs: {marginals: m.csv, twin: generated.csv}\nevaluate_marginals: {metrics: [guess]}\n",
            "'guess'",
        ),
        ("inputs: {}\nvoice: []\n", "at least one of the sections"),
        ("inputs: {}\nvoice: {leaderboard: }\n", "at least one of the sections"),
    ],
)
def test_what_is_wrong_with_a_section_is_said_at_once(folder: Path, text: str, words: str) -> None:
    with pytest.raises(TruetwinError, match=words):
        check_study(read_study(study(folder, text)))


def test_the_error_of_a_study_file_is_one_of_data(folder: Path) -> None:
    with pytest.raises(
        DataError, match=r"study\.yaml: calibrate\.rounded must be true or false; got 'perhaps'"
    ):
        read_study(study(folder, "inputs: {}\ncalibrate: {rounded: perhaps}\n"))


def test_the_schema_knows_every_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["study", "schema"], debug=True) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"simulate", "personas", "plan", "voice"} <= set(schema["properties"])
    assert "interval" in schema["$defs"]["Calibrate"]["properties"]
    assert schema["$defs"]["Evaluate"]["properties"]["metric"]["default"] == [
        "pearson",
        "bias",
        "variance-ratio",
    ]


def test_an_empty_section_has_its_defaults_and_an_empty_value_is_an_error(folder: Path) -> None:
    empty = read_study(study(folder, "inputs:\ndiagnose:\nvoice: {leaderboard: }"))
    assert empty.diagnose is not None
    assert empty.voice.leaderboard is not None
    with pytest.raises(DataError, match="seed must be a whole number; got None"):
        read_study(study(folder, "inputs:\nseed:"))


@pytest.mark.usefixtures("figures_left_out")
def test_a_step_is_done_again_when_batteries_are_to_be_found(folder: Path) -> None:
    inputs = "{human: human.csv, twin: generated.csv%s}"
    text = f"inputs: {inputs}\ndiagnose:\n"
    run(folder, text % "")
    same = run_study(read_study(study(folder, text % "")), folder / "run")
    found = run_study(read_study(study(folder, text % ", blocks: auto")), folder / "run")
    assert [each.steps[0].skipped for each in (same, found)] == [True, False]


def test_a_plan_with_a_precision_says_how_many_people_to_ask(folder: Path) -> None:
    done = run(folder, "inputs: {human: human.csv, twin: generated.csv}\nplan: {precision: 0.1}\n")
    record = json.loads((done / "plan.json").read_text(encoding="utf-8"))
    assert record["precision"] == 0.1
    assert all(0 < row["people"] <= row["people_without_twins"] for row in record["rows"])
    assert "How many people to ask" in (done / "report.html").read_text(encoding="utf-8")


def test_groups_weights_and_second_answers_enter_the_evaluation_and_its_report(folder: Path) -> None:
    human = read_responses(folder / "human.csv")
    ids = human.respondent_ids
    (folder / "people.csv").write_text(
        "respondent_id,age,w\n"
        + "".join(f"{r},{'old' if k % 2 else 'young'},{1 + k % 3}\n" for k, r in enumerate(ids))
    )
    text = """
inputs: {human: human.csv, twin: generated.csv, people: people.csv, by: [age], weights: w, retest: human.csv}
evaluate: {methods: [twin, ridge], protocols: [leave-one-item-out, leave-one-respondent-out], preset: twin-2k-500,
           metric: [normalised-accuracy, accuracy], min_cell: 4}
"""
    done = run(folder, text)
    record = json.loads((done / "evaluation-leave-one-item-out.json").read_text())
    assert {(row["by"], row["group"], row["n_people"]) for row in record["groups"]} == {
        ("age", "old", 15),
        ("age", "young", 15),
    }
    scores = {(row["method"], row["metric"]): row["values"] for row in record["scores"]}
    # People who answer the same again: the normalised accuracy is the accuracy.
    assert scores["twin", "normalised-accuracy"] == scores["twin", "accuracy"]
    people = json.loads((done / "evaluation-leave-one-respondent-out.json").read_text())
    assert people["group_scores"] == []
    assert set(people["weights"]) == {1, 2, 3}
    report = (done / "report.html").read_text(encoding="utf-8")
    assert "Spread between groups: age" in report
    assert "Other scores (leave-one-item-out)" in report


def test_a_study_says_before_it_runs_that_a_score_needs_groups(folder: Path) -> None:
    text = "inputs: {human: human.csv, twin: generated.csv}\nevaluate: {metric: [gap-error]}\n"
    with pytest.raises(ParameterError, match="--by"):
        check_study(read_study(study(folder, text)))

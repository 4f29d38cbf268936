from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from browser import chromium, opened
from truetwin.cli import _run
from truetwin.errors import DataError, FileFormatError, RunError, TruetwinError
from truetwin.io import read_table, write_table
from truetwin.results.step_cache import locked
from truetwin.study import read_study, run_study
from truetwin.study.example_study import write_example
from truetwin.study.study_check import check_study

pytestmark = pytest.mark.usefixtures("shares_learned_once")
QUICK = """
title: "A <b>study</b>"
inputs: {human: human.csv, twin: generated.csv}
evaluate: {methods: [twin, ridge], protocols: [leave-one-item-out], preset: twin-2k-500}
calibrate: {method: ridge, preset: twin-2k-500}
diagnose:
"""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_example(tmp_path_factory.mktemp("example") / "study", n_respondents=80)
    path.write_text(QUICK, encoding="utf-8")
    return path


@pytest.fixture
def study_file(example: Path, tmp_path: Path) -> Path:
    return shutil.copytree(example.parent, tmp_path / "study") / example.name


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose steps are done."""
    path = write_example(tmp_path_factory.mktemp("finished") / "study", n_respondents=80)
    path.write_text(QUICK, encoding="utf-8")
    done = run_study(read_study(path), path.parent / "run")
    assert [(s.name, s.skipped) for s in done.steps] == [
        ("evaluate", False), ("calibrate", False), ("diagnose", False), ("report", False),
    ]  # fmt: skip
    return path


@pytest.fixture
def finished_file(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished.parent, tmp_path / "finished") / finished.name


@pytest.mark.usefixtures("figures_left_out")
def test_a_step_is_done_again_only_if_its_inputs_have_changed(finished_file: Path) -> None:
    study_file, run = finished_file, finished_file.parent / "run"
    assert [s.skipped for s in run_study(read_study(study_file), run).steps] == [True] * 4
    study_file.write_text(QUICK.replace("diagnose:", "diagnose: {scaled: false}"), encoding="utf-8")
    assert [s.skipped for s in run_study(read_study(study_file), run).steps] == [True, True, False, False]
    (run / "predictions.csv").write_text("spoiled", encoding="utf-8")
    assert [s.skipped for s in run_study(read_study(study_file), run).steps] == [True, False, True, True]
    lines = (study_file.parent / "human.csv").read_text().splitlines(keepends=True)
    (study_file.parent / "human.csv").write_text("".join(lines[:-1]), encoding="utf-8")
    assert [s.skipped for s in run_study(read_study(study_file), run).steps] == [False] * 4


@pytest.mark.extra("dev")
def test_a_run_holds_its_study_and_says_that_predictions_are_predictions(finished_file: Path) -> None:
    result = run_study(read_study(finished_file), finished_file.parent / "run")
    assert all(step.skipped for step in result.steps)
    resolved = json.loads((result.folder / "study.json").read_text())
    assert resolved["study"]["evaluate"]["max_folds"] is None
    assert set(resolved["inputs"]) == {"human", "twin"}
    assert "predictions of a statistical model" in (result.folder / "predictions.json").read_text()
    assert read_table(result.folder / "scores.parquet").num_rows == 2 * 3 * 32
    with chromium() as browser, opened(browser, result.report, width=360) as page:
        assert page.locator("h1").inner_text() == "A <b>study</b>"
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert "Calibration raises" in page.locator(".lead").inner_text()
        assert "Verdicts on 8 new items" in page.locator(".verdict").inner_text()


@pytest.mark.extra("dev")
def test_every_number_of_a_table_is_the_one_in_its_file(study_file: Path) -> None:
    study_file.write_text(f"{QUICK}estimate: {{statistics: [share, mean]}}\n", encoding="utf-8")
    result = run_study(read_study(study_file), study_file.parent / "run")
    with chromium() as browser, opened(browser, result.report) as page:
        cells = page.eval_on_selector_all(
            "[data-cell]",
            "all => all.map(e => [e.closest('[data-from]').dataset.from, e.dataset.cell, e.dataset.value])",
        )
    files = {name: json.loads((result.folder / name).read_text(encoding="utf-8")) for name, _, _ in cells}
    evaluation = "evaluation-leave-one-item-out.json"
    assert set(files) == {"estimates.json", "predictions.json", "diagnosis.json", evaluation}
    assert len(cells) > 300
    for name, cell, shown in cells:
        found = files[name]
        for step in cell.split("/")[1:]:
            found = found[
                int(step) if isinstance(found, list) else step.replace("~1", "/").replace("~0", "~")
            ]
        assert math.isnan(float(shown)) if found is None else float(shown) == pytest.approx(found), (
            name,
            cell,
        )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (QUICK.replace("method: ridge", "methd: ridge"), "'calibrate.methd'.*'method'"),
        (QUICK.replace("method: ridge", "method: rigde"), "'ridge'"),
        (QUICK.replace("generated.csv", "twins.csv"), "there is no file"),
        (
            QUICK.replace("method: ridge", "method: ridge, parameters: {ridge: {alhpa: 1}}"),
            "no setting 'alhpa'",
        ),
        (
            QUICK.replace("evaluate: {", "evaluate: {parameters: {ridge: {alpha: ten}}, "),
            "must be a number; got 'ten'",
        ),
        (
            QUICK.replace("evaluate: {", "evaluate: {parameters: {lasso: {alpha: 1}}, "),
            "'lasso'.*not among",
        ),
        (QUICK + "calibrate:\n", "occurs twice"),
        (QUICK.replace("leave-one-item-out", "leave-it"), "leave-one-item-out"),
        ("inputs: {human: human.csv}\ncalibrate:\n", "needs twins' answers"),
        ("inputs: {twin: generated.csv}\ncalibrate:\n", "inputs.human"),
        ("inputs: {human: human.csv, twin: generated.csv}\n", "at least one of the sections"),
        ("- a\n- list\n", "keys and values"),
        ("inputs: {human: [}", "YAML"),
        ("inputs: !!python/object/apply:os.system [ls]\n", "YAML"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_computed(study_file: Path, text: str, words: str) -> None:
    study_file.write_text(text, encoding="utf-8")
    with pytest.raises(TruetwinError, match=words):
        check_study(read_study(study_file))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("estimate: {statistics: [median, mode]}", "no statistic named 'mode'"),
        ("estimate: {statistics: [nps]}", "nps"),
        ("estimate: {items: [Q999]}", "estimate.items: there is no item 'Q999'"),
        ("estimate: {statistics: [gap]}", "gaps between groups need.*inputs.by"),
        ("estimate: {cross: true}", "at least two columns of groups in inputs.by"),
        ("estimate: {by: [region]}", "there is no setting 'estimate.by'. In a study it is 'inputs.by'"),
        ("plan: {precision: 3}", "plan.precision must be below 0.5.*written 0.03"),
    ],
)
def test_what_an_estimate_or_a_plan_would_refuse_is_said_by_the_check(
    study_file: Path, text: str, words: str
) -> None:
    study_file.write_text(f"inputs: {{human: human.csv, twin: generated.csv}}\n{text}\n", encoding="utf-8")
    with pytest.raises(TruetwinError, match=words):
        check_study(read_study(study_file))


def test_a_study_without_anything_to_predict_is_refused(study_file: Path) -> None:
    (study_file.parent / "generated.csv").write_bytes((study_file.parent / "human.csv").read_bytes())
    with pytest.raises(DataError, match="nothing to predict"):
        check_study(read_study(study_file))


SIMULATED = """
inputs: {human: human.csv, items: items.json, personas: personas.jsonl}
simulate: {model: "generated:generated.csv"}
calibrate: {method: ridge, preset: twin-2k-500}
"""


@pytest.mark.usefixtures("figures_left_out")
def test_missing_answers_of_twins_are_simulated_and_given_ones_are_kept(study_file: Path) -> None:
    folder = study_file.parent
    study_file.write_text(SIMULATED, encoding="utf-8")
    result = run_study(read_study(study_file), folder / "all")
    assert [s.name for s in result.steps] == ["simulate", "calibrate", "report"]
    assert json.loads((folder / "all" / "simulated.json").read_text())["states"]["valid"] == 80 * 40
    given = read_table(folder / "generated.csv")
    kept = given.select(given.column_names[:31])
    write_table(kept, folder / "given.csv")
    study_file.write_text(
        SIMULATED.replace("{human: human.csv,", "{human: human.csv, twin: given.csv,"), encoding="utf-8"
    )
    result = run_study(read_study(study_file), folder / "rest")
    assert json.loads((folder / "rest" / "simulated.json").read_text())["usage"]["requests"] == 80 * 10
    assert (folder / "rest" / "twin.csv").read_bytes() == (folder / "all" / "twin.csv").read_bytes()
    assert [s.skipped for s in run_study(read_study(study_file), folder / "rest").steps] == [True] * 3


def test_a_simulation_with_too_few_valid_answers_stops_the_study(study_file: Path) -> None:
    script = {"rules": [], "default": {"reply": "I would rather not say."}}
    (study_file.parent / "mute.json").write_text(json.dumps(script), encoding="utf-8")
    study_file.write_text(
        SIMULATED.replace("generated:generated.csv", "scripted:mute.json"), encoding="utf-8"
    )
    with pytest.raises(RunError, match=r"90% of the simulated answers must be valid; 0\.0% are"):
        run_study(read_study(study_file), study_file.parent / "run")


def test_two_processes_do_not_share_a_run_folder(study_file: Path) -> None:
    run = study_file.parent / "run"
    run.mkdir()
    with locked(run), pytest.raises(RunError, match="another process"):
        run_study(read_study(study_file), run)


def test_a_spoiled_record_is_named(study_file: Path) -> None:
    run = study_file.parent / "run"
    run.mkdir()
    (run / "steps.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=r"steps\.json"):
        run_study(read_study(study_file), run)


def test_the_example_is_not_written_over_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["study", "init", str(tmp_path / "s")], debug=False) == 0
    assert _run(["study", "init", str(tmp_path / "s")], debug=False) == 2
    assert "not overwritten" in capsys.readouterr().err
    assert _run(["study", "check", str(tmp_path / "s" / "study.yaml")], debug=False) == 0
    assert "simulate, evaluate, calibrate, estimate, diagnose, report" in capsys.readouterr().out
    with pytest.raises(FileFormatError):
        read_study(tmp_path / "s" / "nothing.yaml")


BATTERIES = """
inputs: {human: human.csv, twin: generated.csv, blocks: blocks.csv}
calibrate: {}
"""


@pytest.mark.usefixtures("figures_left_out")
def test_the_batteries_of_a_study_reach_its_calibration(study_file: Path) -> None:
    ids = read_table(study_file.parent / "generated.csv").column_names[1:]
    rows = "".join(f"{item},b{k % 8}\n" for k, item in enumerate(ids))
    (study_file.parent / "blocks.csv").write_text(f"item_id,block\n{rows}", encoding="utf-8")
    study_file.write_text(BATTERIES, encoding="utf-8")
    result = run_study(read_study(study_file), study_file.parent / "run")
    sidecar = json.loads((result.folder / "predictions.json").read_text())
    assert all(t["situation"].startswith("new item of a known battery: 4") for t in sidecar["targets"])


@pytest.mark.usefixtures("figures_left_out")
def test_a_diagnosis_is_made_again_for_another_method(finished_file: Path) -> None:
    study_file, run = finished_file, finished_file.parent / "run"
    study_file.write_text(
        QUICK.replace("calibrate: {method: ridge", "calibrate: {method: twin"), encoding="utf-8"
    )
    steps = {s.name: s.skipped for s in run_study(read_study(study_file), run).steps}
    assert steps == {"evaluate": True, "calibrate": False, "diagnose": False, "report": False}


@pytest.mark.usefixtures("figures_left_out")
def test_another_id_column_is_another_study(finished_file: Path) -> None:
    study_file, run = finished_file, finished_file.parent / "run"
    study_file.write_text(
        QUICK.replace("twin: generated.csv", "twin: generated.csv, id_column: respondent_id"),
        encoding="utf-8",
    )
    assert not any(s.skipped for s in run_study(read_study(study_file), run).steps)


@pytest.mark.usefixtures("figures_left_out")
def test_another_way_of_reading_the_tables_is_another_study(finished_file: Path) -> None:
    study_file, run = finished_file, finished_file.parent / "run"
    study_file.write_text(
        QUICK.replace("twin: generated.csv", "twin: generated.csv, missing_codes: [7]"), encoding="utf-8"
    )
    assert not any(s.skipped for s in run_study(read_study(study_file), run).steps)


WITH_MODEL = """
inputs: {human: human.csv, items: items.json, personas: personas.jsonl}
simulate: {model: "generated:generated.csv"}
calibrate: {method: ridge, preset: twin-2k-500}
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("human: human.csv", "human: absent.csv", "there is no file"),
        ("items: items", "in_context: absent.csv, items: items", "there is no file"),
        ("items: items", "blocks: absent.csv, items: items", "there is no file"),
        ("items: items", "annotations: absent.json, items: items", "there is no file"),
        ("personas: personas", "personas: others", "respondent ids in common"),
        ("items: items", "blocks: strange.csv, items: items", "must name items of the panel"),
        ("calibrate:", "reweight: {}\ncalibrate:", "items in common"),
    ],
)
def test_what_a_simulation_would_run_into_is_said_before_it_is_paid_for(
    study_file: Path, old: str, new: str, words: str
) -> None:
    folder = study_file.parent
    others = [f'{{"id": "x{k}", "text": "Somebody."}}\n' for k in range(3)]
    (folder / "others.jsonl").write_text("".join(others), encoding="utf-8")
    (folder / "strange.csv").write_text("item_id,block\nX,b\n", encoding="utf-8")
    (folder / "shares.csv").write_text("item_id,category,share\nX,1,1\n", encoding="utf-8")
    text = WITH_MODEL.replace(old, new)
    if "reweight" in new:
        text = text.replace("items: items", "marginals: shares.csv, items: items")
    study_file.write_text(text, encoding="utf-8")
    with pytest.raises(TruetwinError, match=words):
        run_study(read_study(study_file), folder / "run")
    assert not (folder / "run").exists()


FIGURES = """
inputs: {human: human.csv, twin: generated.csv}
evaluate:
  methods: [twin, ridge]
  protocols: [leave-one-item-out]
  preset: twin-2k-500
  thresholds: [ridge]
  examples: 2
"""


def test_a_report_shows_thresholds_and_shares_of_hidden_items(study_file: Path) -> None:
    study_file.write_text(FIGURES, encoding="utf-8")
    result = run_study(read_study(study_file), study_file.parent / "run")
    rows = json.loads((result.folder / "examples.json").read_text())["rows"]
    human = read_table(study_file.parent / "human.csv")
    first = [row for row in rows if row["item"] == rows[0]["item"]]
    answers = [a for a in human.column(first[0]["item"]).to_pylist() if a]
    assert {r["category"]: r["human"] for r in first} == pytest.approx(
        {r["category"]: answers.count(r["category"]) / len(answers) for r in first}
    )
    assert sum(row["calibrated"] for row in first) == pytest.approx(1, abs=1e-6)
    page = result.report.read_text(encoding="utf-8")
    for words in ("Example items", "best in hindsight", "chosen on other blocks", "thresholds-ridge.csv"):
        assert words in page


def test_example_items_do_not_see_the_answers_that_they_are_compared_with(study_file: Path) -> None:
    import numpy as np

    from truetwin.data import Panel, ResponseMatrix
    from truetwin.study.hidden_examples import example_shares
    from truetwin.study.step_work import Work

    work = Work(read_study(study_file), study_file.parent)
    before = example_shares(work, 1)
    human = work.panel.human
    values = human.values.copy()
    place = human.item_ids.index(before[0]["item"])
    seen = np.isfinite(values[:, place])
    values[seen, place] = np.random.default_rng(0).permutation(values[seen, place])[::-1]
    work.panel = Panel(ResponseMatrix(values, human.respondent_ids, human.items), work.panel.twin)
    after = example_shares(work, 1)
    assert [row["calibrated"] for row in after] == pytest.approx(
        [row["calibrated"] for row in before], abs=1e-12
    )


def test_example_items_are_weighted_and_predicted_as_the_study_predicts_new_items(study_file: Path) -> None:
    import numpy as np

    from truetwin.estimation.reconciliation import calibrate
    from truetwin.study.hidden_examples import _without, example_shares
    from truetwin.study.step_work import Work

    work = Work(read_study(study_file), study_file.parent)
    panel, weights = work.panel, np.linspace(0, 2, len(work.panel.respondent_ids))
    work.weights = weights
    rows = example_shares(work, 1)
    item = rows[0]["item"]
    human = panel.human_values[:, panel.item_ids.index(item)]
    who = np.isfinite(human) & (weights > 0)
    chances = calibrate(_without(panel, item), items=[item], weights=weights).probabilities(item)
    for k, row in enumerate(rows):
        said = human == panel.scales[item].categories[k]
        assert row["human"] == pytest.approx(np.average(said[who], weights=weights[who]))
        assert row["calibrated"] == pytest.approx(np.average(chances[who, k], weights=weights[who]))
        assert row["n"] == who.sum()

"""Verb `truetwin demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.program_settings import DemoCommand

if TYPE_CHECKING:
    from truetwin.data import Panel, ResponseMatrix
    from truetwin.evaluation import Evaluation

MARK = ".truetwin-demo"
DEMO_FILES = (
    "human.csv",
    "twin.csv",
    "truth.csv",
    "predictions.csv",
    "predictions.intervals.csv",
    "predictions.json",
    "estimates.csv",
    "estimates.json",
    "report.html",
)


@verb(DemoCommand)
def demo_command(settings: DemoCommand) -> None:
    """Do the whole job on a generated population: evaluate methods, predict new items, compare with the truth."""
    from truetwin.calibration.calibrators import PAPER_METHODS
    from truetwin.cli.demo_results import (
        METHOD,
        estimates_against_truth,
        predictions_against_truth,
        print_results,
    )
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.datasets import generate_population
    from truetwin.estimation.estimation import estimate
    from truetwin.estimation.reconciliation import calibrate
    from truetwin.evaluation import evaluate
    from truetwin.report.files.estimate_files import write_estimates
    from truetwin.report.files.prediction_files import write_predictions

    output, n_jobs = settings.output, settings.n_jobs
    _prepare(output)
    population = generate_population(random_state=settings.seed)
    panel = population.panel
    tables = {
        "human": _write(panel.human, output / "human.csv"),
        "twin": _write(panel.twin, output / "twin.csv"),
    }
    _write(population.truth, output / "truth.csv")
    with progress_bar("evaluating methods") as progress:
        evaluation = evaluate(
            panel,
            ["twin", "human-respondent-mean", *PAPER_METHODS, METHOD],
            "leave-one-item-out",
            preset="twin-2k-500",
            n_jobs=n_jobs,
            progress=progress,
        )
    result = calibrate(panel, METHOD, preset="twin-2k-500", n_jobs=n_jobs)
    predictions = output / "predictions.csv"
    how = {"preset": "twin-2k-500", "generated_population_seed": settings.seed}
    write_predictions(
        result,
        predictions,
        id_column="respondent_id",
        rounded=False,
        inputs=tables,
        settings=how,
        interval=0.9,
    )
    found = estimate(panel, n_jobs=n_jobs)
    write_estimates(found, output / "estimates.csv", inputs=tables, settings=how)
    estimates = estimates_against_truth(found, result, population.truth)
    new_items = predictions_against_truth(result, population.truth)
    rows = evaluation.summary()
    report = output / "report.html"
    _write_report(report, evaluation, (estimates, new_items), panel, predictions)
    if settings.as_json:
        print_json(
            "demo",
            {"seed": settings.seed, "output": str(output), "report": str(report), "new_items": new_items},
            rows,
            estimates=estimates,
        )
        return
    print_results(estimates, new_items, rows)
    note(f"{', '.join(DEMO_FILES[:-1])} are in {output}")
    note("settings: the paper's for Twin-2K-500; the same job on these files:")
    note(f"  truetwin evaluate {tables['human']} {tables['twin']} --preset twin-2k-500")
    note(f"  truetwin estimate {tables['human']} {tables['twin']} --output SHARES.csv")
    note(f"  truetwin calibrate {tables['human']} {tables['twin']} --output OUT.csv")
    print_line(f"report: {report}")


def _prepare(output: Path) -> None:
    """Make the folder, and refuse it if it holds files of these names that no earlier demo has written."""
    from truetwin.errors import OutputError
    from truetwin.io import check_writable, make_folder

    make_folder(output, "the output")
    taken = [output / name for name in DEMO_FILES if (output / name).exists()]
    if taken and not (output / MARK).exists():
        raise OutputError(
            f"{taken[0]} exists and was not written by an earlier demo; choose another folder with --output"
        )
    check_writable(output / "report.html")
    (output / MARK).touch()


def _write(matrix: ResponseMatrix, path: Path) -> Path:
    from truetwin.data.frames import to_frame
    from truetwin.io import write_table

    write_table(to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids), path)
    return path


def _write_report(
    path: Path,
    evaluation: Evaluation,
    against_truth: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    panel: Panel,
    predictions: Path,
) -> None:
    from json import loads

    from truetwin.cli.demo_results import METHOD, shares_in_words
    from truetwin.diagnosis import diagnose
    from truetwin.evaluation.calibration_gain import gain_in_words
    from truetwin.report.files.prediction_files import expected_correlations
    from truetwin.report.page import Field, Page, Section, Table, write_page
    from truetwin.report.sections.calibration_section import calibration_section, new_item_shares
    from truetwin.report.sections.diagnosis_section import diagnosis_section, verdict_in_words
    from truetwin.report.sections.estimates_section import estimates_section
    from truetwin.report.sections.evaluation_section import PROTOCOLS, evaluation_section
    from truetwin.report.sections.item_headlines import estimate_headlines, headlines_in_words
    from truetwin.results.sidecars import sidecar_path

    share_fields = (
        Field("item", "item"),
        Field("statistic", "statistic"),
        Field("category", "answer"),
        *(Field(name, name, ".3f") for name in ("twins", "estimate", "lower", "upper", "truth")),
    )
    person_fields = (
        Field("item", "item"),
        Field("twin", "twin", ".3f"),
        Field("calibrated", "calibrated", ".3f"),
        Field("n", "n", "d"),
    )
    best = next(row for row in evaluation.summary() if row["method"] == METHOD)
    estimates, new_items = against_truth
    shares = Table("Shares and means, compared with the generated truth", share_fields, estimates)
    persons = Table("Single persons, compared with the generated truth", person_fields, new_items)
    sidecar = loads(sidecar_path(predictions).read_text(encoding="utf-8"))
    diagnosis = diagnose(panel, expected=expected_correlations(sidecar))
    shape = panel.human_values.shape
    record = loads(sidecar_path(path.with_name("estimates.csv")).read_text(encoding="utf-8"))
    items = {item: panel.items[item] for item in panel.item_ids}
    headlines = estimate_headlines(record, "share", items, panel.scales, "estimates.csv")
    page = Page(
        "Calibrating digital twins: a generated example",
        "What would people answer to new questions, and does correcting twins bring them closer to it?",
        f"{shares_in_words(estimates)}.",
        headlines_in_words(headlines, record)[1],
        headlines=headlines,
        evidence=f"{gain_in_words(best)} {verdict_in_words(diagnosis)}",
        facts=(
            ("population", f"{shape[0]} generated respondents, {shape[1]} items; not real people"),
            ("method", METHOD),
            ("protocol", PROTOCOLS["leave-one-item-out"]),
        ),
        sections=(
            estimates_section(record),
            Section(
                "New items and the truth",
                ("Only a generated population has a truth that new items can be compared with.",),
                (shares, persons),
            ),
            evaluation_section(evaluation, METHOD),
            calibration_section(sidecar, new_item_shares(sidecar, panel), None),
            diagnosis_section(diagnosis),
        ),
    )
    write_page(page, path)

"""Verb `truetwin demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.cli.verbs import verb
from truetwin.settings.program_settings import DemoCommand

if TYPE_CHECKING:
    from truetwin.calibration import Calibration
    from truetwin.data import Panel, ResponseMatrix
    from truetwin.evaluation import Evaluation

METHOD = "auto"
MARK = ".truetwin-demo"
DEMO_FILES = (
    "human.csv",
    "twin.csv",
    "truth.csv",
    "predictions.csv",
    "predictions.intervals.csv",
    "predictions.json",
    "report.html",
)


@verb(DemoCommand)
def demo_command(settings: DemoCommand) -> None:
    """Do the whole job on a generated population: evaluate methods, predict new items, compare with the truth."""
    from truetwin.calibration.calibrators import PAPER_METHODS
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.datasets import generate_population
    from truetwin.estimation.reconciliation import calibrate
    from truetwin.evaluation import evaluate
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
    means = _estimates(panel, population.truth)
    new_items = _against_truth(result, population.truth)
    rows = evaluation.summary()
    report = output / "report.html"
    _write_report(report, evaluation, new_items, panel, predictions)
    if settings.as_json:
        print_json(
            "demo",
            {"seed": settings.seed, "output": str(output), "report": str(report), "new_items": new_items},
            rows,
            estimates=means,
        )
        return
    _print(means, rows, new_items)
    note(f"{', '.join(DEMO_FILES[:-1])} are in {output}")
    note("settings: the paper's for Twin-2K-500; the same job on these files:")
    note(f"  truetwin evaluate {tables['human']} {tables['twin']} --preset twin-2k-500")
    note(f"  truetwin calibrate {tables['human']} {tables['twin']} --output OUT.csv")
    note(f"  truetwin estimate {tables['human']} {tables['twin']} --statistics share,mean")
    print(f"report: {report}")


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


def _estimates(panel: Panel, truth: ResponseMatrix) -> list[dict[str, Any]]:
    """Estimate the mean answer to each new item, beside that of the twins and the truth."""
    import numpy as np

    from truetwin.estimation.estimation import estimate

    known = truth.on_grid(panel.respondent_ids, panel.item_ids)
    rows = []
    for row in estimate(panel, statistics=["mean"]).rows:
        j = panel.item_ids.index(row["item"])
        twin, people = (float(np.nanmean(values[:, j])) for values in (panel.twin_values, known))
        kept = {name: row[name] for name in ("item", "estimate", "lower", "upper", "worth")}
        rows.append({**kept, "twin": twin, "people": people})
    return rows


def _against_truth(result: Calibration, truth: ResponseMatrix) -> list[dict[str, Any]]:
    """Compute correlation and error of the new items' predictions and of the twins, against the generated truth."""
    import numpy as np

    panel = result.panel
    known = truth.on_grid(panel.respondent_ids, panel.item_ids)
    rows = []
    for item in panel.new_items:
        j = panel.item_ids.index(item)
        row: dict[str, Any] = {"item": item}
        for source, values in (("twin", panel.twin_values[:, j]), ("calibrated", result.grid[:, j])):
            both = np.isfinite(values) & np.isfinite(known[:, j])
            row[source] = float(np.corrcoef(values[both], known[both, j])[0, 1])
            row["n"] = int(both.sum())
        rows.append(row)
    return rows


def _print(means: list[dict[str, Any]], rows: list[dict[str, Any]], new_items: list[dict[str, Any]]) -> None:
    import numpy as np

    from truetwin.cli.output import Column, note, print_table
    from truetwin.cli.score_tables import gain_columns, gain_title

    note(
        "a generated population with known truth: 400 people, 32 answered items, 8 new items, and their twins\n"
    )
    mean_columns = [
        Column("item", "new item"),
        Column("twin", "twins", ".2f"),
        Column("estimate", "estimate", ".2f"),
        Column("lower", "from", ".2f"),
        Column("upper", "to", ".2f"),
        Column("people", "truth", ".2f"),
        Column("worth", "worth (people)", ".0f", optional=True),
    ]
    print_table(
        means, mean_columns, title="means of the new items: estimates with 90% intervals, and the truth"
    )
    columns = [*gain_columns(rows), Column("seconds", "seconds", ".1f", optional=True)]
    title = gain_title(rows, "answered items, each hidden in turn: correlation with people's answers")
    print_table(rows, columns, title=title)
    new_columns = [
        Column("item", "new item"),
        Column("twin", "twin", ".3f"),
        Column("calibrated", "calibrated", ".3f"),
        Column("n", "n", "d"),
    ]
    print_table(new_items, new_columns, title=f"new items: correlation with the generated truth ({METHOD})")
    before, after = (np.mean([row[k] for row in new_items]) for k in ("twin", "calibrated"))
    print(f"mean over {len(new_items)} new items: twin {before:.3f}, calibrated {after:.3f}\n")


def _write_report(
    path: Path, evaluation: Evaluation, new_items: list[dict[str, Any]], panel: Panel, predictions: Path
) -> None:
    from json import loads

    from truetwin.diagnosis import diagnose
    from truetwin.evaluation.calibration_gain import gain_in_words
    from truetwin.report.files.prediction_files import expected_correlations
    from truetwin.report.page import Field, Page, Section, Table, write_page
    from truetwin.report.sections.calibration_section import calibration_section, new_item_shares
    from truetwin.report.sections.diagnosis_section import diagnosis_section, verdict_in_words
    from truetwin.report.sections.evaluation_section import PROTOCOLS, evaluation_section
    from truetwin.results.sidecars import sidecar_path

    best = next(row for row in evaluation.summary() if row["method"] == METHOD)
    fields = (
        Field("item", "item"),
        Field("twin", "twin", ".3f"),
        Field("calibrated", "calibrated", ".3f"),
        Field("n", "n", "d"),
    )
    truth = Table("New items, compared with the generated truth", fields, new_items)
    sidecar = loads(sidecar_path(predictions).read_text(encoding="utf-8"))
    diagnosis = diagnose(panel, expected=expected_correlations(sidecar))
    shape = panel.human_values.shape
    page = Page(
        "Calibrating digital twins: a generated example",
        "Does correcting the twins with human answers to other items bring them closer to people?",
        gain_in_words(best),
        verdict_in_words(diagnosis),
        facts=(
            ("population", f"{shape[0]} generated respondents, {shape[1]} items; not real people"),
            ("method", METHOD),
            ("protocol", PROTOCOLS["leave-one-item-out"]),
        ),
        sections=(
            evaluation_section(evaluation, METHOD),
            Section(
                "New items",
                ("Only a generated population has a truth that new items can be compared with.",),
                (truth,),
            ),
            calibration_section(sidecar, new_item_shares(sidecar, panel), None),
            diagnosis_section(diagnosis),
        ),
    )
    write_page(page, path)

"""Do the steps `calibrate` and `estimate` of a study: answers of persons, and shares and means of items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.settings.calibrate_settings import Calibrate
from truetwin.settings.declaration import study_record
from truetwin.settings.value_kinds import ids_among
from truetwin.study.step_work import (
    ESTIMATES,
    Work,
)

if TYPE_CHECKING:
    from truetwin.calibration import Calibration


def calibrate_answers(work: Work) -> list[Path]:
    """Predict the answers of persons, with the draws asked for. Returns the files."""
    from truetwin.calibration.calibrators import parameters_for
    from truetwin.calibration.imputation_rank import prepared_at
    from truetwin.estimation.reconciliation import calibrate
    from truetwin.report.files.prediction_files import intervals_path, write_predictions

    part = work.study.calibrate
    assert part is not None
    panel = work.panel
    result = calibrate(
        panel,
        part.method,
        items=ids_among(part.items, panel.item_ids),
        respondents=ids_among(part.respondents, panel.respondent_ids),
        preset=part.preset,
        parameters=parameters_for(part.method, part.parameters),
        preprocessing=prepared_at(part.imputation_rank, panel),
        blocks=work.blocks,
        point=part.point,
        shares=part.shares,
        weights=work.weights,
        n_jobs=work.n_jobs,
        progress=work.progress,
    )
    output = work.folder / f"predictions.{part.format}"
    interval = part.intervals
    sidecar = write_predictions(
        result,
        output,
        id_column=panel.human.id_name,
        rounded=part.rounded,
        layout="long" if part.long else "wide",
        inputs=work.tables(),
        settings=study_record(part),
        interval=interval,
        disclosure_column=True,
    )
    files = dict.fromkeys([output, sidecar, *([intervals_path(output)] if interval else [])])
    return [*files, *_draws(work, part, result)]


def estimate_items(work: Work) -> list[Path]:
    """Estimate shares, means and gaps. Returns the files."""
    from truetwin.estimation.estimation import estimate
    from truetwin.io.margin_files import read_margins
    from truetwin.report.files.estimate_files import write_estimates

    part, inputs = work.study.estimate, work.study.inputs
    assert part is not None
    result = estimate(
        work.panel,
        ids_among(part.items, work.panel.item_ids),
        part.statistics,
        by=inputs.by,
        cross=part.cross,
        weights=inputs.weights,
        margins=None if inputs.margins is None else read_margins(inputs.margins),
        clusters=inputs.clusters,
        strata=inputs.strata,
        replicate_weights=inputs.replicate_weights,
        replicate_kind=part.replicate_kind,
        sample=work.sample,
        population=part.population,
        change=part.change,
        level=part.level,
        min_cell=part.min_cell,
        significance=part.significance,
        correction=part.correction,
        blocks=work.blocks,
        seed=work.study.seed,
        n_jobs=work.n_jobs,
        progress=work.progress,
    )
    return write_estimates(
        result,
        work.folder / f"{ESTIMATES}.{part.format}",
        inputs=work.tables(),
        settings=study_record(part),
        disclosure_column=True,
    )


def _draws(work: Work, part: Calibrate, result: Calibration) -> list[Path]:
    """Write the draws that a study asks for. Returns the files."""
    from truetwin.report.files.draw_files import STUDY_DRAWS, write_draws

    if part.draws is None:
        return []
    output, drawn = work.folder / STUDY_DRAWS, result.draws(part.draws, work.study.seed)
    record = {**study_record(part), "seed": work.study.seed}
    return [output, write_draws(result, drawn, output, inputs=work.tables(), settings=record)]

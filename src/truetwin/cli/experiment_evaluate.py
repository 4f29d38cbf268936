"""Verb `truetwin experiment evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.experiment_settings import ExperimentEvaluateCommand

if TYPE_CHECKING:
    from truetwin.experiments.experiment_judging import EffectJudgement

SHORT = {"calibrated, sd unknown": "same, by own sd"}


@verb(ExperimentEvaluateCommand)
def experiment_evaluate_command(settings: ExperimentEvaluateCommand) -> None:
    """Leave out each study, predict its human effects from twin effects, and score the predictions.

    At least four studies need answers of people and of twins. Every study counts the same; intervals are over studies.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.experiments.asked_experiment import experiment_of, moderators_of
    from truetwin.experiments.experiment_judging import judge_experiment

    _check_outputs(settings)
    experiment = experiment_of(settings, note)
    found = judge_experiment(
        experiment, by=moderators_of(settings.by, experiment), level=settings.level, seed=settings.seed
    )
    written = _write(settings, found)
    if settings.as_json:
        files = {"files": [str(path) for path in written]} if written else {}
        print_json(
            "experiment evaluate",
            {**settings.chosen, **files, "notes": list(found.notes)},
            found.rows(),
            differences=found.scores.differences,
            ceiling=found.ceiling_record(),
            predictions=found.predictions.records(),
        )
        return
    _print(found)
    for text in found.notes:
        note(f"note: {text}")
    if written:
        note("\n".join(["written:", *(f"  {path}" for path in written)]))


def _check_outputs(settings: ExperimentEvaluateCommand) -> None:
    from truetwin.io.atomic import check_folder
    from truetwin.report.files.effect_files import check_effect_output

    if settings.figures is not None:
        check_folder(settings.figures, "the folder of figures")
    if settings.output is not None:
        check_effect_output(settings.output, list(settings.files.values()), ["predictions", "differences"])


def _write(settings: ExperimentEvaluateCommand, found: EffectJudgement) -> list[Path]:
    from truetwin.cli.experiment_calibrate import draw
    from truetwin.report.files.effect_files import Origin, write_judgement

    written: list[Path] = []
    if settings.output is not None:
        origin = Origin(settings.files, settings.chosen, settings.disclosure_column)
        written = write_judgement(settings.output, found, origin)
    if settings.figures is not None:
        from truetwin.report.figures.effect_figures import effect_scatter_figure, forest_figure

        rows = found.predictions.records()
        cosines = {row["method"]: row["cosine"] for row in found.scores.rows}
        figures = {
            "effects": forest_figure(rows, found.predictions.level),
            "effect-scatter": effect_scatter_figure(rows, ceiling=found.ceiling.half, cosines=cosines),
        }
        written += draw(settings.figures, figures, settings.figure_format)
    return written


def _print(found: EffectJudgement) -> None:
    from truetwin.cli.output import Column, note, print_table

    scores, level = found.scores, found.scores.level
    percent = f"{level:.0%}"
    errors = [
        Column("method", "method", foldable=True),
        Column("rmse", "RMSE", ".3f"),
        Column("gain", "gain", ".2f"),
        Column("interval", percent),
    ]
    quality = [
        Column("method", "method", foldable=True),
        Column("cosine", "r", ".2f"),
        Column("sign", "signs", ".2f"),
        Column("sign_significant", "clear", ".2f"),
        Column("coverage", "holds", ".2f"),
        Column("width", "width", ".2f", optional=True),
    ]
    paired = [
        Column("other", "calibrated minus", foldable=True),
        Column("difference", "", ".3f"),
        Column("interval", percent),
    ]
    shown = _shown(scores.rows)
    print_table(
        shown, errors, title=f"{scores.n_contrasts} effects of {scores.n_studies} studies, each left out"
    )
    print_table(shown, quality, title="correlation, right signs, intervals")
    print_table(_differences(scores.differences), paired, title="squared error, paired by study")
    for name, part in found.parts.items():
        title = f"{name}: {part.n_contrasts} effects, {part.n_studies} {'study' if part.n_studies == 1 else 'studies'}"
        print_table(_shown(part.rows), errors, title=title)
    print_line(f"people against people: r {found.ceiling.half:.2f}")
    note(
        f"RMSE in the human sd, every study counts the same; gain over 'no effect'; {percent} intervals over studies; "
        f"r: cosine; clear: signs of the {scores.n_significant} significant human effects; holds: share of human "
        "effects in their intervals; people against people: effects of random halves"
    )


def _shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "method": _short(row["method"]),
            "rmse": row["rmse"],
            "gain": None if row["method"] == "no effect" else row["gain_over_zero"],
            "interval": None
            if row["method"] == "no effect"
            else f"{row['gain_over_zero_low']:.2f} to {row['gain_over_zero_high']:.2f}",
            **{
                name: _known(row[name])
                for name in ("cosine", "sign", "sign_significant", "coverage", "width")
            },
        }
        for row in rows
    ]


def _differences(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "interval": f"{row['low']:.3f} to {row['high']:.3f}"} for row in rows]


def _short(method: str) -> str:
    return SHORT.get(method, method)


def _known(value: float) -> float | None:
    return value if value == value else None

"""Verb `truetwin experiment calibrate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.experiment_settings import ExperimentCalibrateCommand

if TYPE_CHECKING:
    from truetwin.experiments.calibrated_effects import CalibratedEffects

FOREST = "effects"


@verb(ExperimentCalibrateCommand)
def experiment_calibrate_command(settings: ExperimentCalibrateCommand) -> None:
    """Predict the human effects of new studies from twin effects, as past studies teach.

    New studies are those without human answers; --studies names others, whose human answers then count as a pilot.
    All other studies of the tables are past studies; --past adds a table of effects. With fewer than three past
    studies, published effects of other twins are used. "No effect" and the twin effect times one slope compete, and
    stand beside the result.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.experiments.asked_experiment import calibrated_by, experiment_of

    _check_outputs(settings)
    result = calibrated_by(settings, experiment_of(settings, note))
    written = _write(settings, result)
    if settings.as_json:
        files = {"files": [str(path) for path in written]} if written else {}
        print_json(
            "experiment calibrate",
            {**settings.chosen, **files, "notes": list(result.notes)},
            result.rows,
            sentences=result.sentences(),
            learned=result.learned_record(),
        )
        return
    _print(result)
    for text in result.notes:
        note(f"note: {text}")
    if written:
        note("\n".join(["written:", *(f"  {path}" for path in written)]))


def _check_outputs(settings: ExperimentCalibrateCommand) -> None:
    from truetwin.io.atomic import check_folder
    from truetwin.report.files.effect_files import check_effect_output

    if settings.figures is not None:
        check_folder(settings.figures, "the folder of figures")
    if settings.output is not None:
        check_effect_output(settings.output, list(settings.files.values()), ["slopes"])


def _write(settings: ExperimentCalibrateCommand, result: CalibratedEffects) -> list[Path]:
    from truetwin.report.files.effect_files import Origin, write_calibrated

    written: list[Path] = []
    if settings.output is not None:
        origin = Origin(settings.files, settings.chosen, settings.disclosure_column)
        written = write_calibrated(settings.output, result, origin)
    if settings.figures is not None:
        from truetwin.report.figures.effect_figures import forest_figure, forest_rows

        written += draw(
            settings.figures,
            {FOREST: forest_figure(forest_rows(result.rows), result.level)},
            settings.figure_format,
        )
    return written


def draw(folder: Path, figures: Mapping[str, Any], ending: str) -> list[Path]:
    """Write figures to a folder and return their paths."""
    from truetwin.io.atomic import make_folder
    from truetwin.report.figures.theme import save_figures

    make_folder(folder, "the folder of figures")
    drawn = {folder / f"{name}.{ending}": figure for name, figure in figures.items()}
    save_figures(drawn)
    return list(drawn)


def _print(result: CalibratedEffects) -> None:
    from truetwin.cli.output import Column, print_table

    rows = [
        {
            **row,
            "twin_shown": row["twin"] if row["twin"] is not None else row["twin_own"],
            "interval": _interval(row),
        }
        for row in result.rows
    ]
    columns = [
        Column("contrast", "contrast", foldable=True),
        Column("twin_shown", "twin", ".2f"),
        Column("shrunken", "shrunk", ".2f", optional=True),
        Column("pilot", "pilot", ".2f"),
        Column("effect", "effect", ".2f"),
        Column("interval", f"{result.level:.0%}"),
        Column("worth", "worth", ".0f", optional=True),
    ]
    print_table(
        rows, columns, title="effects in sd" if result.calibrated else "effects in sd, not calibrated"
    )
    for study in result.effects.study_names:
        print_sentences(result, study)
    if result.learned is not None:
        _print_learned(result)


def _print_learned(result: CalibratedEffects) -> None:
    """Print the slopes that past studies teach."""
    from truetwin.cli.output import Column, print_table

    learned = result.learned_record()
    units = {"twin": "human sd", "own": "own sd"}
    rows = [
        {**row, "unit": units[row["standardiser"]], "interval": f"{row['low']:.2f} to {row['high']:.2f}"}
        for row in learned["slopes"]
    ]
    columns = [
        Column("unit", "twins in", foldable=True),
        Column("kind", "kind", foldable=True),
        Column("slope", "slope", ".2f"),
        Column("interval", f"{result.level:.0%}"),
        Column("studies", "studies", "d", optional=True),
    ]
    none = learned["weights"]["no effect"]
    print_table(
        rows,
        columns,
        title=f"learned from {len(learned['past_studies'])} studies; weight of 'no effect' {none:.0%}",
    )


def print_sentences(result: CalibratedEffects, study: str) -> None:
    """Print the effects of a study in words."""

    print_line(f"{study}:" if study else "")
    for row, sentence in zip(result.rows, result.sentences(), strict=True):
        if row["study"] == study:
            name, told = (
                row["contrast"].removeprefix(f"{study}:"),
                sentence.removeprefix(f"{row['contrast']}: "),
            )
            print_line(f"  {name}: {told}")


def _interval(row: Mapping[str, Any]) -> str:
    low, high = row.get("low"), row.get("high")
    return "" if low is None or high is None else f"{low:.2f} to {high:.2f}"

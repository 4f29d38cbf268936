"""Verb `truetwin experiment rank`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.cli.verbs import verb
from truetwin.settings.experiment_settings import ExperimentRankCommand

if TYPE_CHECKING:
    from truetwin.experiments.experiment_ranking import Choice


@verb(ExperimentRankCommand)
def experiment_rank_command(settings: ExperimentRankCommand) -> None:
    """Say which arm is probably best, and what choosing by twins, by a pilot, or by both loses on average.

    The options of a choice are a control and the treatments that are compared with it on the same outcomes.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.experiments.asked_experiment import calibrated_by, experiment_of
    from truetwin.experiments.experiment_ranking import rank_experiment
    from truetwin.report.files.effect_files import Origin, check_effect_output, write_choices

    if settings.output is not None:
        check_effect_output(settings.output, list(settings.files.values()), ["losses"])
    experiment = experiment_of(settings, note)
    result = calibrated_by(settings, experiment)
    choices = rank_experiment(
        result, experiment.contrasts, people=settings.pilot_n, lowest=settings.lowest, seed=settings.seed
    )
    rows = [row for choice in choices for row in choice.records()]
    losses = [choice.losses() for choice in choices]
    written = []
    if settings.output is not None:
        origin = Origin(settings.files, settings.chosen, settings.disclosure_column)
        written = write_choices(settings.output, choices, result, origin)
    if settings.as_json:
        files = {"files": [str(path) for path in written]} if written else {}
        print_json(
            "experiment rank", {**settings.chosen, **files, "notes": list(result.notes)}, rows, losses=losses
        )
        return
    for choice in choices:
        _print(choice)
    for text in result.notes:
        note(f"note: {text}")
    if written:
        note("\n".join(["written:", *(f"  {path}" for path in written)]))


def _print(choice: Choice) -> None:
    from truetwin.cli.output import Column, print_table

    columns = [
        Column("rank", "", "d"),
        Column("option", "option", foldable=True),
        Column("twin", "twin", ".2f"),
        Column("effect", "effect", ".2f"),
        Column("best", "best", "s"),
        Column("loss", "loss", ".2f"),
    ]
    rows: list[dict[str, Any]] = [{**row, "best": f"{row['best']:.0%}"} for row in choice.records()]
    print_table(rows, columns, title=f"{choice.study}: {choice.outcome}" if choice.study else choice.outcome)
    found = choice.ranking
    pilot = "the pilot" if found.people is None else f"a pilot of {found.people} per arm"
    ways = {
        "twins": found.by_twin,
        pilot: found.by_pilot,
        "both": found.by_both,
        "chance": found.at_random,
    }
    losses = [{"way": way, "loss": loss} for way, loss in ways.items()]
    print_table(losses, [Column("way", "choosing by"), Column("loss", "loss in sd", ".2f")])

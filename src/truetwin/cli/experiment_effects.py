"""Verb `truetwin experiment effects`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.cli.verbs import verb
from truetwin.settings.experiment_settings import ExperimentEffectsCommand
from truetwin.settings.value_kinds import ids_among

if TYPE_CHECKING:
    from truetwin.experiments.effects import Effects
    from truetwin.experiments.experiment import Experiment

MOST_ROWS = 60


@verb(ExperimentEffectsCommand)
def experiment_effects_command(settings: ExperimentEffectsCommand) -> None:
    """Estimate the effects of an experiment among people and among their twins.

    Effects are in the units of the outcomes and in standard deviations (d). The standard deviation is that of people
    within arms (between), of the two composites (within), or of single answers within arms (stacked); that of twins,
    where people have not answered. Twin effects are raw: `truetwin experiment calibrate` says what they tell of people.
    Never compare arms on the predictions of `truetwin calibrate`: they shrink differences between arms.
    """
    from truetwin.cli.experiment_inputs import experiment_of
    from truetwin.cli.output import note, print_json
    from truetwin.report.files.effect_files import check_effect_output, write_effect_tables

    if settings.output is not None:
        check_effect_output(settings.output, list(settings.files.values()))
    experiment = experiment_of(settings)
    effects = experiment.effects(
        _moderators(settings, experiment), level=settings.level, correction=settings.correction
    )
    written: list[Path] = []
    if settings.output is not None:
        written = write_effect_tables(
            settings.output,
            {"effects": effects.to_frame("pyarrow").to_pylist()},
            found={"notes": list(effects.notes), "summary": effects.summary()},
            inputs=settings.files,
            settings=settings.chosen,
            disclosure_column=settings.disclosure_column,
        )
    if settings.as_json:
        files = {"files": [str(path) for path in written]} if written else {}
        described = {**settings.chosen, **files, "notes": list(effects.notes)}
        print_json("experiment effects", described, effects.rows, summary=effects.summary())
        return
    _print(effects)
    for text in effects.notes:
        note(f"note: {text}")
    if written:
        note("\n".join(["written:", *(f"  {path}" for path in written)]))


def _moderators(settings: ExperimentEffectsCommand, experiment: Experiment) -> Sequence[str]:
    """Read the names of moderators; a text may hold several."""
    known = [*(experiment.people.columns if experiment.people else ()), *experiment.conditions.columns]
    return ids_among(settings.by, known) or []


def _print(effects: Effects) -> None:
    from truetwin.cli.output import Column, note, print_table

    rows = _in_words(effects)
    columns = [
        Column("contrast", "contrast", foldable=True),
        Column("side", "", foldable=True),
        Column("effect", "effect", "s"),
        Column("interval", f"{effects.level:.0%} interval", "s"),
        Column("d", "d", "s"),
        Column("d_own", "d (own sd)", "s", optional=True),
        Column("n", "people", "s", optional=True),
        Column("p", "p", "s", optional=True),
    ]
    for family, title in (("all", ""), ("group", "in groups"), ("difference", "differences between groups")):
        shown = [row for row in rows if row["family"] == family]
        if not shown:
            continue
        group = [Column("group", "group", foldable=True)] if family != "all" else []
        print_table(shown[:MOST_ROWS], [columns[0], *group, *columns[1:]], title=title)
        if len(shown) > MOST_ROWS:
            note(f"... and {len(shown) - MOST_ROWS} more rows; --output FILE writes all of them")
    print(effects.summary())
    corrected = (
        "" if effects.correction == "none" else f"; p is corrected for their number ({effects.correction})"
    )
    note(f"d: effect in {_standardisers(effects)}{corrected}")
    for text in dict.fromkeys(
        f"{row['contrast_id']}, {row['side']}: {row['note']}" for row in effects.rows if row["note"]
    ):
        note(f"note: {text}")


def _standardisers(effects: Effects) -> str:
    names = dict.fromkeys(row["standardiser"] for row in effects.rows)
    return ", ".join(names)


def _in_words(effects: Effects) -> list[dict[str, Any]]:
    """Write effects as texts; a contrast is named in its first row."""
    found, before = [], None
    n_sides = len(effects.sides)
    for k, row in enumerate(effects.rows):
        entry = effects.entries[k // n_sides]
        label = (row["contrast_id"], row["group"])
        low, high = row["lower"], row["upper"]
        found.append(
            {
                "family": entry.family,
                "contrast": "" if label == before else row["contrast_id"],
                "group": "" if label == before or not row["by"] else f"{row['by']}: {row['group']}",
                "side": row["side"],
                "effect": _text(row["effect"]),
                "interval": "" if low is None or high is None else f"{_text(low)} to {_text(high)}",
                "d": _text(row["d"], ".2f"),
                "d_own": _text(row["d_own"], ".2f"),
                "n": f"{row['n_people']:,d}",
                "p": _text(row["p_adjusted"], ".3f"),
            }
        )
        before = label
    return found


def _text(value: float | None, style: str = ".3g") -> str:
    """Write a number; a dash where it is missing."""
    return "-" if value is None else format(value, style)

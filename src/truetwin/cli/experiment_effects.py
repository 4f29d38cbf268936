"""Verb `truetwin experiment effects`."""

from __future__ import annotations

from math import floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.experiment_settings import ExperimentEffectsCommand

if TYPE_CHECKING:
    from truetwin.experiments.effects import Effects

MOST_ROWS = 60


@verb(ExperimentEffectsCommand)
def experiment_effects_command(settings: ExperimentEffectsCommand) -> None:
    """Estimate the effects of an experiment among people and among their twins.

    Effects are in the units of the outcomes and in standard deviations (d). The standard deviation is that of people
    within arms (between), of the two composites (within), or of single answers within arms (stacked); that of twins,
    where people have not answered. Twin effects are raw: `truetwin experiment calibrate` says what they tell of people.
    Never compare arms on the predictions of `truetwin calibrate`: they shrink differences between arms.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.experiments.asked_experiment import experiment_of, moderators_of
    from truetwin.report.files.effect_files import Origin, check_effect_output, write_effects

    if settings.output is not None:
        check_effect_output(settings.output, list(settings.files.values()))
    experiment = experiment_of(settings, note)
    effects = experiment.effects(
        moderators_of(settings.by, experiment), level=settings.level, correction=settings.correction
    )
    written: list[Path] = []
    if settings.output is not None:
        origin = Origin(settings.files, settings.chosen, settings.disclosure_column)
        written = write_effects(settings.output, effects, origin)
    if settings.as_json:
        files = {"files": [str(path) for path in written]} if written else {}
        described = {**settings.chosen, **files, "notes": list(effects.notes)}
        print_json("experiment effects", described, effects.rows, summary=effects.in_words())
        return
    _print(effects)
    for text in effects.notes:
        note(f"note: {text}")
    if written:
        note("\n".join(["written:", *(f"  {path}" for path in written)]))


def _print(effects: Effects) -> None:
    from truetwin.cli.output import Column, note, print_table

    rows = _in_words(effects)
    columns = [
        Column("contrast", "contrast", foldable=True),
        Column("side", "", foldable=True),
        Column("effect", "effect", "s"),
        Column("half", f"± {effects.level:.0%}", "s"),
        Column("d", "d", "s"),
        Column("d_own", "d (own sd)", "s", optional=True),
        Column("n", "people", "s", optional=True),
        Column("p", "p", "s", optional=True),
    ]
    for family, title in (("all", ""), ("group", "in groups"), ("difference", "differences between groups")):
        shown = [row for row in rows if row["family"] == family]
        if not shown:
            continue
        print_table(shown[:MOST_ROWS], columns, title=title)
        if len(shown) > MOST_ROWS:
            note(f"... and {len(shown) - MOST_ROWS} more rows; --output FILE writes all of them")
    print_line(effects.in_words())
    corrected = (
        "" if effects.correction == "none" else f"; p is corrected for their number ({effects.correction})"
    )
    note(f"±: half of the {effects.level:.0%} interval; d: effect in {_standardisers(effects)}{corrected}")
    for text in dict.fromkeys(
        f"{', '.join(filter(None, (row['contrast_id'], row['group'], row['side'])))}: {row['note']}"
        for row in effects.rows
        if row["note"]
    ):
        note(f"note: {text}")


def _standardisers(effects: Effects) -> str:
    names = dict.fromkeys(row["standardiser"] for row in effects.rows)
    return ", ".join(names)


def _in_words(effects: Effects) -> list[dict[str, Any]]:
    """Write effects as texts; a contrast is named in its first row."""
    from truetwin.experiments.effects import HUMAN

    found, before = [], None
    n_sides = len(effects.sides)
    for k, row in enumerate(effects.rows):
        entry = effects.entries[k // n_sides]
        label = (row["contrast_id"], row["group"])
        half = None if row["upper"] is None else row["upper"] - row["effect"]
        name = f"{row['contrast_id']}, {row['by']} {row['group']}" if row["by"] else row["contrast_id"]
        found.append(
            {
                "family": entry.family,
                "contrast": "" if label == before else name,
                "side": row["side"],
                "effect": _text(row["effect"], _digits(half)),
                "half": _text(half, _digits(half)),
                "d": _text(row["d"], ".2f"),
                "d_own": _text(row["d_own"], ".2f") if HUMAN in effects.sides else None,
                "n": f"{row['n_people']:,d}",
                "p": _p_in_words(row["p_adjusted"]),
            }
        )
        before = label
    return found


def _digits(half: float | None) -> str:
    """Return the number format that shows two digits of an interval's half width."""
    if not half:
        return ".3g"
    return f".{min(max(1 - floor(log10(half)), 0), 6)}f"


def _p_in_words(value: float | None) -> str:
    return "< .001" if value is not None and value < 0.001 else _text(value, ".3f")


def _text(value: float | None, style: str = ".3g") -> str:
    """Write a number, a zero without a sign; a dash where it is missing."""
    if value is None:
        return "-"
    text = format(value, style)
    return text if text.strip("-0.") else text.removeprefix("-")

"""Verb `truetwin plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.cli.panel_inputs import blocks_given, panel_of, sample_of, weights_of, weights_record
from truetwin.cli.verbs import verb
from truetwin.settings.plan_settings import PlanCommand
from truetwin.settings.value_kinds import ids_among

if TYPE_CHECKING:
    from truetwin.data import Axis
    from truetwin.diagnosis import Plan


@verb(PlanCommand)
def plan_command(settings: PlanCommand) -> None:
    """Choose the new items (or people) to ask next so that predictions of the rest improve most.

    With --sources: say what another source of twins would add. With --precision: say how many people each new item
    needs, with and without twins; how many more, if --sample gives the answers so far. With --experiment: say how many
    people per arm an experiment needs.
    """
    if settings.experiment is not None:
        _plan_pilot(settings, settings.experiment)
        return
    if settings.precision is not None:
        _plan_sample(settings, settings.precision)
        return
    if settings.worth_of_sources:
        from truetwin.cli.source_worth_tables import plan_sources

        plan_sources(settings)
        return
    from truetwin.calibration.orientation import axis_ids
    from truetwin.cli.output import print_json
    from truetwin.diagnosis import plan
    from truetwin.estimation.wanted_items import with_sample

    assert settings.budget is not None
    panel = panel_of(settings)
    weights, sample = weights_of(settings, panel), sample_of(settings, panel)
    if sample is not None:
        panel = with_sample(panel, sample)
    axis: Axis = "item" if settings.axis == "items" else "respondent"
    known = axis_ids(panel, axis)
    found = plan(
        panel,
        settings.budget,
        axis=axis,
        targets=ids_among(settings.targets, known),
        candidates=ids_among(settings.candidates, known),
        weights=weights,
    )
    if settings.as_json:
        described = {
            "axis": settings.axis,
            "budget": settings.budget,
            "n_candidates": found.n_candidates,
            "n_targets": found.n_targets,
            "n_known": found.n_known,
            "unknown": found.unknown,
            **_where_from(settings),
        }
        print_json("plan", described, found.records())
    else:
        _print(found)


def _plan_pilot(settings: PlanCommand, table: Path) -> None:
    """Say how many people per arm an experiment needs."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.experiments.experiment_plan import check_plan_rows, effect_beyond_scales, plan_experiment
    from truetwin.io import read_table

    records = read_table(table).to_pylist()
    check_plan_rows(records, str(table))
    asked = {"effect": settings.effect, "power": settings.power, "significance": settings.significance}
    rows = plan_experiment(records, **asked)
    strange = effect_beyond_scales(records, settings.effect)
    if strange:
        note(f"note: {strange}")
    if settings.as_json:
        print_json("plan", {"experiment": str(table), **asked}, rows)
        return
    columns = [
        Column("contrast", "contrast", foldable=True),
        Column("calibrated", "effect", ".2f"),
        Column("people_without_twins", "without twins", "d"),
        Column("people", "with twins", "d"),
        Column("conclusive", "conclusive", ".2f", optional=True),
    ]
    print_table(
        rows,
        columns,
        title=f"people per arm to find {settings.effect:g} sd with probability {settings.power:.0%}",
    )
    told = "conclusive: probability that the combined interval excludes 0, if the effect is what twins let expect"
    note(
        "with twins: combined with the calibrated twin effect, as precise as the larger sample alone"
        + (f"; {told}" if any("conclusive" in row for row in rows) else "")
    )


def _plan_sample(settings: PlanCommand, precision: float) -> None:
    """Say how many people new items need."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.estimation.sample_size import plan_sample

    panel = panel_of(settings)
    found = plan_sample(
        panel,
        precision,
        items=ids_among(settings.targets, panel.item_ids),
        statistic=settings.statistic,
        level=settings.level,
        weights=weights_of(settings, panel),
        sample=sample_of(settings, panel),
        blocks=blocks_given(settings.blocks),
    )
    if settings.as_json:
        described = {
            "precision": found.precision,
            "statistic": settings.statistic,
            "level": found.level,
            "n_people": found.n_people,
            "design_effect": found.effect,
            **_where_from(settings),
        }
        print_json("plan", described, found.rows)
        return
    asked = any(row["asked"] for row in found.rows)
    table = found.summary()
    print_table(table, [Column(s.field, s.heading, s.format) for s in table.shown], title=table.title)
    note(
        f"a random sample of the {found.n_people} people in the tables{', those asked among them' if asked else ''}, "
        f"looked at once. Looking after every batch (truetwin update) needs about twice as many"
    )
    if found.effect > 1.005:
        note(
            f"the weights differ between people, so that {found.effect:.2f} of them tell as much as one who counts "
            f"like everybody; the numbers allow for it"
        )


def _where_from(settings: PlanCommand) -> dict[str, str]:
    """Return where weights and answers so far come from, for records."""
    return {
        **weights_record(settings),
        **({} if settings.sample is None else {"sample": str(settings.sample)}),
    }


def _print(found: Plan) -> None:
    from truetwin.cli.output import Column, note, print_table

    people = found.axis == "respondent"
    rows = [{**row, "told": ", ".join(row["helps"])} for row in found.records()]
    columns = [
        Column("rank", "order", "d"),
        Column(found.axis, f"ask {'this person' if people else 'this item'}"),
        Column("reduction", "gap closed" if people else "share learned", ".4f"),
        Column("cumulative_reduction", "in all", ".4f"),
        Column("told", "stands for (nearest twins)" if people else "tells most about", foldable=True),
    ]
    what = f"{len(rows)} of {found.n_candidates} {found.axis}s, for {found.n_targets} targets"
    print_table(rows, columns, title=f"what to ask next: {what}")
    for text in _people_notes(found) if people else _item_notes(found):
        note(text)


def _item_notes(found: Plan) -> list[str]:
    if found.n_known:
        texts = [
            f"with the {found.n_known} items that have human answers, {found.unknown:.0%} of how the targets vary is "
            f"unknown, going by the twins; 'share learned' is of that"
        ]
    else:
        texts = [
            "no item has human answers yet: the plan goes by the twins alone, which may vary together where people do "
            "not; plan again when the first answers have come"
        ]
    if sum(found.reduction) < 0.01:
        texts.append(
            "note: going by the twins, none of this tells much about the rest: what is asked already tells it, or "
            "nothing does"
        )
    return texts


def _people_notes(found: Plan) -> list[str]:
    who = f"the {found.n_known} people asked so far" if found.n_known else "one person drawn at random"
    return [
        f"people are chosen so that the twins of those asked are spread as the targets' twins are; 'gap' is the "
        f"discrepancy between {who} and the targets (a single step may widen it)",
        "note: what this brings is small: on public data, item means from 5 to 50 people planned like this are 0 to "
        "7% closer to the targets' than from people drawn at random; how single people deviate is predicted no better",
    ]

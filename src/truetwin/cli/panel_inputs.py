"""Read the tables of a panel for a verb, and warn of suspicious answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from truetwin.data import Axis, Panel, ResponseMatrix
    from truetwin.data.marginals import Marginals
    from truetwin.data.person_design import Array
    from truetwin.data.reading_choices import ReadingChoices
    from truetwin.io.twin_files import TwinTables
    from truetwin.settings.audit_settings import AuditTwinsCommand
    from truetwin.settings.estimate_settings import EstimateCommand
    from truetwin.settings.evaluate_marginals_settings import EvaluateMarginalsCommand
    from truetwin.settings.evaluate_settings import EvaluateCommand
    from truetwin.settings.plan_settings import PlanCommand
    from truetwin.settings.reweight_settings import ReweightCommand
    from truetwin.settings.shared_settings import PanelTables, PeopleTable, Weights


def panel_of(settings: PanelTables) -> Panel:
    """Read the tables of a job and align them. Columns of the sample design are checked."""
    from truetwin.settings.shared_settings import InContext

    third = settings.in_context if isinstance(settings, InContext) else None
    return _panel(
        settings,
        settings.human,
        settings.twin_tables,
        settings.id_column,
        settings.item_file,
        third,
        choices=settings.reading,
    )


def _panel(
    settings: PeopleTable,
    human: Path,
    twin: TwinTables,
    id_column: str | None,
    item_file: Path | None,
    in_context: Path | None = None,
    *,
    choices: ReadingChoices,
) -> Panel:
    from truetwin.cli.output import note
    from truetwin.data.person_design import check_design
    from truetwin.io.margin_files import columns_to_rake
    from truetwin.io.panel_files import read_panel
    from truetwin.settings.shared_settings import Weights

    margins = settings.margins if isinstance(settings, Weights) else None
    columns = replace(settings.columns_of_people, margins=columns_to_rake(margins))
    panel = read_panel(
        human,
        twin,
        id_column=id_column,
        item_file=item_file,
        in_context=in_context,
        people=settings.people,
        people_columns=columns,
        named=_named(settings),
        choices=choices,
        say=note,
    )
    check_design(panel, columns)
    note_suspicious(panel)
    return panel


def _named(settings: PeopleTable) -> tuple[str, ...]:
    """Return the items that the settings ask for by name; a text may hold several."""
    from truetwin.settings.estimate_settings import EstimateCommand
    from truetwin.settings.shared_settings import OnlyItems
    from truetwin.settings.update_settings import UpdateCommand

    texts: Iterable[str] = ()
    if isinstance(settings, OnlyItems | EstimateCommand):
        texts = settings.items
    elif isinstance(settings, UpdateCommand):
        texts = (settings.item,)
    return tuple(dict.fromkeys(part.strip() for text in texts for part in (text, *text.split(","))))


def weights_of(settings: Weights, panel: Panel) -> Array | None:
    """Return one weight for each respondent, raked if there are margins; None if all count alike."""
    from truetwin.cli.output import note
    from truetwin.data.person_design import person_weights
    from truetwin.estimation.raking import rake
    from truetwin.io.margin_files import read_margins

    if settings.margins is None:
        return None if settings.weights is None else person_weights(panel, settings.weights)
    raking = rake(panel, read_margins(settings.margins), settings.weights)
    note(raking.summary())
    return raking.weights


def sample_of(settings: EstimateCommand | PlanCommand, panel: Panel) -> ResponseMatrix | None:
    """Read the answers of some people to new items, and say how they were read; None if none are given."""
    from truetwin.cli.output import note
    from truetwin.io.sample_files import read_sample
    from truetwin.settings.estimate_settings import EstimateCommand
    from truetwin.settings.value_kinds import ids_among

    if settings.sample is None:
        return None
    named = settings.items if isinstance(settings, EstimateCommand) else settings.targets
    sample = read_sample(
        settings.sample,
        panel,
        items=ids_among(named, panel.item_ids) or (),
        id_column=settings.id_column,
        choices=settings.reading,
    )
    for text in sample.notes:
        note(text)
    return sample


def marginals_of(
    settings: ReweightCommand | EvaluateMarginalsCommand,
) -> tuple[Marginals, dict[str, ResponseMatrix] | Marginals]:
    """Read human marginals, or count them from people's answers, and read the answers of twins."""
    from truetwin.cli.output import note
    from truetwin.data.human_marginals import beside_twins
    from truetwin.io.item_files import read_items
    from truetwin.io.marginal_data import read_marginal_data, read_stated_shares, states_shares, with_weights

    assert settings.marginals is not None
    if not settings.from_answers:
        return read_marginal_data(
            settings.marginals,
            settings.twin_tables,
            item_file=settings.item_file,
            id_column=settings.id_column,
            keep_off_scale=settings.keep_off_scale,
            twin_weights=settings.twin_weights,
            choices=settings.reading,
            say=note,
        )
    twin, stated = settings.twin_tables, states_shares(settings.twin_tables, settings.reading)
    panel = _panel(
        settings,
        settings.marginals,
        settings.marginals if stated else twin,  # without twins, people stand in for them
        settings.id_column,
        settings.item_file,
        choices=settings.reading,
    )
    human, twins = beside_twins(panel, weights_of(settings, panel))
    if stated and isinstance(twin, Path):
        declared = read_items(settings.item_file) if settings.item_file else {}
        items = {**declared, **human.items}
        return human, read_stated_shares(
            twin, items, settings.twin_weights, choices=settings.reading, say=note
        )
    return human, with_weights(twins, settings.twin_weights)


def weights_record(settings: Weights) -> dict[str, str]:
    """Return where the weights come from, for records; empty if all people count alike."""
    named = {"weights": settings.weights, "margins": settings.margins}
    return {name: str(value) for name, value in named.items() if value is not None}


def blocks_given(text: str | None) -> Mapping[str, str] | Literal["auto"] | None:
    """Read the blocks (batteries) from a table. "auto" and None are returned as they are."""
    from truetwin.io import read_blocks

    if text is None:
        return None
    return "auto" if text == "auto" else read_blocks(Path(text))


def blocks_of(panel: Panel, given: str | None) -> tuple[dict[str, str], str]:
    """Find the blocks (batteries) of a panel. Returns them by item, and their source in words.

    The source is a table, "auto", the item file, or the item ids.
    """
    from truetwin.instrument.battery_evidence import resolve_blocks

    return resolve_blocks(panel, blocks_given(given))


def note_suspicious(panel: Panel) -> None:
    """Warn of answers that look like undeclared codes."""
    from truetwin.cli.output import note
    from truetwin.instrument.suspicious_answers import (
        odd_scales,
        other_codes,
        suspicious_codes,
        unused_scales,
    )

    for text in (*odd_scales(panel), *unused_scales(panel), *other_codes(panel)):
        note(f"note: {text}")
    texts = suspicious_codes(panel)
    for text in texts[:5]:
        note(f"note: {text} It is used as an answer; --missing-codes or an --item-file make it missing")
    if len(texts) > 5:
        note(f"... and {len(texts) - 5} more items with such answers")


def shown_items(
    settings: AuditTwinsCommand | EvaluateCommand, panel: Panel, axis: Axis = "item"
) -> tuple[str, ...] | None:
    """Return the items whose answers personas showed; None if nothing is known of them.

    They are those that are named, and those that the file of personas says. Otherwise, twins of a run of `simulate`
    were shown none of the answers that they were asked for, because a run refuses that.
    """
    from truetwin.io import read_personas
    from truetwin.settings.value_kinds import ids_among

    if settings.persona_items or settings.personas is not None:
        named = ids_among(settings.persona_items, panel.item_ids) or []
        personas = read_personas(settings.personas) if settings.personas else []
        return tuple(dict.fromkeys([*named, *(item for p in personas for item in p.shown_items(axis))]))
    runs = [_asked_by_run(path) for path in settings.twin_files.values()]
    known = axis == "item" and all(asked is not None and asked >= set(panel.twin.item_ids) for asked in runs)
    return () if known else None


def _asked_by_run(table: Path) -> set[str] | None:
    """Return the items that a run of `simulate` asked for a table, as its sidecar says; None if no run made it."""
    from truetwin.results.sidecars import sidecar_path

    try:
        record = json.loads(sidecar_path(table).read_text(encoding="utf-8"))
        survey = record["survey"]
        return set(survey["items"]) if survey["task"] == "survey" else None
    except (OSError, ValueError, KeyError, TypeError):
        return None

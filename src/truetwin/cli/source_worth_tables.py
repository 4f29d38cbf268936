"""Print what sources of twin answers are worth: `evaluate --by-source` and `plan --sources`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.cli.output import Column, note, print_json, print_table, progress_bar
from truetwin.cli.panel_inputs import blocks_given, panel_of, shown_items, weights_of, weights_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truetwin.data import Panel
    from truetwin.evaluation.source_worth import SourceWorth
    from truetwin.settings.evaluate_settings import EvaluateCommand
    from truetwin.settings.plan_settings import PlanCommand
    from truetwin.settings.shared_settings import Blocks

SMALL = ".3f"


def evaluate_by_source(settings: EvaluateCommand) -> None:
    """Print each source alone, what it adds to the others, and what a further one would add."""
    from truetwin.evaluation.hiding_protocols import protocols

    panel = panel_of(settings)
    (method,) = settings.methods or ("auto",)
    found = _worth(
        settings,
        panel,
        method,
        settings.protocol,
        preset=settings.preset,
        parameters=settings.parameters,
        max_folds=settings.max_folds,
        weights=weights_of(settings, panel),
        persona_items=shown_items(settings, panel, protocols[settings.protocol].axis) or (),
        n_jobs=settings.n_jobs,
    )
    _show("evaluate", found, settings.as_json, weights_record(settings))


def plan_sources(settings: PlanCommand) -> None:
    """Print what another model or another replicate would add, first in words."""
    panel = panel_of(settings)
    found = _worth(
        settings,
        panel,
        "auto",
        "leave-one-item-out",
        costs=settings.costs,
        weights=weights_of(settings, panel),
    )
    _show("plan", found, settings.as_json, weights_record(settings))


def _worth(settings: Blocks, panel: Panel, method: str, protocol: str, **options: Any) -> SourceWorth:
    from truetwin.evaluation.source_worth import source_worth
    from truetwin.instrument.battery_evidence import resolve_blocks

    blocks = blocks_given(settings.blocks)
    if blocks == "auto" and protocol != "leave-block-out":
        blocks = resolve_blocks(panel, "auto")[0]
    with progress_bar("comparing sources") as progress:
        return source_worth(panel, method, protocol, blocks=blocks, progress=progress, **options)


def _show(command: str, found: SourceWorth, as_json: bool, weights: Mapping[str, str] | None = None) -> None:
    from truetwin.diagnosis.audit.protocol_leaks import leak_in_words

    rows, steps = found.rows(), found.steps()
    for leak in found.leaks:
        note(f"warning: {leak_in_words(leak, found.protocol)}")
    if as_json:
        described = {
            "method": found.method,
            "protocol": found.protocol,
            "in_words": found.in_words(),
            **(weights or {}),
            **({"leaks": list(found.leaks)} if found.leaks else {}),
        }
        print_json(command, described, rows, steps=steps)
        return
    for line in found.in_words():
        note(line)
    print_table(
        rows,
        [
            Column("source", "source", foldable=True),
            Column("twin", "as it is", SMALL),
            Column("alone", f"{found.method} on it", SMALL),
            Column("alone_standard_error", "SE", SMALL, optional=True),
            Column("gain", "adds to others", "+.3f"),
            Column("gain_standard_error", "SE", SMALL),
            Column("gain_per_cost", "per cost", "+.3f", optional=True),
        ],
        title=f"correlation with hidden answers, {found.protocol}; undefined counts as 0",
    )
    print_table(
        steps,
        [
            Column("kind", "one more", foldable=True),
            Column("from", "sources before", "d"),
            Column("gain", "adds", "+.3f"),
            Column("standard_error", "SE", SMALL),
            Column("n_choices", "choices tried", "d", optional=True),
        ],
        title="what one more adds (mean over choices, paired by item)",
    )

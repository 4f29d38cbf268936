"""Read the tables of a panel for a verb, and warn of suspicious answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from truetwin.data import Panel
    from truetwin.data.person_design import Array
    from truetwin.settings.shared_settings import PanelFiles, Weights


def panel_of(settings: PanelFiles) -> Panel:
    """Read the tables of a job and align them. Columns of the sample design are checked."""
    from truetwin.cli.output import note
    from truetwin.data.person_design import check_design
    from truetwin.io.margin_files import columns_to_rake
    from truetwin.io.panel_files import read_panel
    from truetwin.settings.shared_settings import InContext, Weights

    margins = settings.margins if isinstance(settings, Weights) else None
    columns = replace(settings.columns_of_people, margins=columns_to_rake(margins))
    panel = read_panel(
        settings.human,
        settings.twin,
        id_column=settings.id_column,
        item_file=settings.item_file,
        in_context=settings.in_context if isinstance(settings, InContext) else None,
        people=settings.people,
        people_columns=columns,
        say=note,
    )
    check_design(panel, columns)
    return panel


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
    from truetwin.instrument.suspicious_answers import odd_scales, suspicious_codes

    for text in odd_scales(panel):
        note(f"note: {text}")
    texts = suspicious_codes(panel)
    for text in texts[:5]:
        note(f"note: {text} Declare it in an --item-file")
    if len(texts) > 5:
        note(f"... and {len(texts) - 5} more items with such answers")

"""Options that several verbs share, and how their texts are read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.errors import ParameterError

if TYPE_CHECKING:
    from truetwin.data import Panel

Human = Annotated[
    Path, typer.Argument(help="What people answered: CSV, Parquet, SPSS or Stata; wide or long.")
]
Twin = Annotated[Path, typer.Argument(help="What their twins answered; may have more items and respondents.")]
IdColumn = Annotated[
    str | None,
    typer.Option("--id-column", help="Column of respondent ids. [default: respondent_id, or the first]"),
]
ItemFile = Annotated[
    Path | None,
    typer.Option(
        "--item-file", help="CSV or JSON that declares texts, scales, off-scale codes and blocks of items."
    ),
]
InContext = Annotated[
    Path | None,
    typer.Option("--in-context", help="Answers of twins that were shown the person's other answers."),
]
Preset = Annotated[
    str,
    typer.Option(
        help="Where hyperparameters come from: 'cv' (cross-validation among the twins' own answers) or a dataset's "
        "published settings ('movielens', 'twin-2k-500')."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A hyperparameter by hand, as METHOD.NAME=VALUE; may be repeated."),
]
Jobs = Annotated[
    int, typer.Option("--n-jobs", help="Parallel workers; -1 for all cores. Results do not depend on it.")
]
DisclosureColumn = Annotated[
    bool,
    typer.Option(
        "--disclosure-column",
        help="Say in every row of a CSV or TSV file that it is model-based; other formats always carry it.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def read_panel(
    human: Path, twin: Path, id_column: str | None, item_file: Path | None, in_context: Path | None
) -> Panel:
    """Read the tables of a job and align them."""
    from truetwin.cli.output import note
    from truetwin.io.panel_files import read_panel

    return read_panel(human, twin, id_column=id_column, item_file=item_file, in_context=in_context, say=note)


def blocks_of(panel: Panel, given: str | None) -> tuple[dict[str, str], str]:
    """Blocks from a table, "auto", or what is declared or shows in the ids; and in words where they come from."""
    from truetwin.instrument.battery_evidence import resolve_blocks
    from truetwin.io import read_blocks

    if given is None or given == "auto":
        return resolve_blocks(panel, "auto" if given else None)
    return resolve_blocks(panel, read_blocks(Path(given)))


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


def names_of(text: str, what: str) -> list[str]:
    """Names from a comma-separated list, each once."""
    names = list(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))
    if not names:
        raise ParameterError(f"at least one {what} must be named")
    return names


def ids_of(texts: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """Ids from repeated options, each one id or a comma-separated list of ids; ids themselves may hold commas."""
    if not texts:
        return None
    found: list[str] = []
    for text in texts:
        found.extend([text] if text in known else [part.strip() for part in text.split(",") if part.strip()])
    return list(dict.fromkeys(found))


def parameters_of(settings: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    """``METHOD.NAME=VALUE`` texts as method -> name -> value."""
    parsed: dict[str, dict[str, Any]] = {}
    for text in settings or ():
        left, equals, value = text.partition("=")
        method, dot, name = left.strip().rpartition(".")
        if not (equals and dot and method and name):
            raise ParameterError(
                f"--set must look like METHOD.NAME=VALUE, for example ridge.alpha=10; got {text!r}"
            )
        try:
            parsed.setdefault(method, {})[name] = json.loads(value)
        except json.JSONDecodeError:
            parsed.setdefault(method, {})[name] = value
    return parsed

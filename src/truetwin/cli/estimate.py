"""Verb `truetwin estimate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from truetwin.cli.panel_inputs import blocks_given, panel_of, sample_of
from truetwin.cli.verbs import verb
from truetwin.settings.estimate_settings import EstimateCommand
from truetwin.settings.value_kinds import ids_among

if TYPE_CHECKING:
    from truetwin.estimation.crosstab import Crosstab
    from truetwin.estimation.estimates import Estimates

MOST_ROWS = 40
MOST_CROSSTAB_ROWS = 60
PLOT = "estimates"


@verb(EstimateCommand)
def estimate_command(settings: EstimateCommand) -> None:
    """Estimate shares, means and gaps of new items, over everybody and by group, with intervals.

    New items are those that nobody, or fewer than one person in ten, has answered; --items names others. Estimates
    are about the people of the tables, or with --population about those they stand for. Beside OUTPUT, a file of
    the same name ending in .json records settings, versions, hashes of the inputs and notes.
    """
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.estimation.estimation import estimate
    from truetwin.io.margin_files import read_margins
    from truetwin.report.files.estimate_files import write_estimates

    _check_outputs(settings)
    panel = panel_of(settings)
    with progress_bar("estimating") as progress:
        result = estimate(
            panel,
            ids_among(settings.items, panel.item_ids),
            settings.statistics,
            by=settings.by,
            cross=settings.cross,
            weights=settings.weights,
            margins=None if settings.margins is None else read_margins(settings.margins),
            clusters=settings.clusters,
            strata=settings.strata,
            replicate_weights=settings.replicate_weights,
            replicate_kind=settings.replicate_kind,
            sample=sample_of(settings, panel),
            population=settings.population,
            change=settings.change,
            level=settings.level,
            min_cell=settings.min_cell,
            significance=settings.significance,
            correction=settings.correction,
            blocks=blocks_given(settings.blocks),
            seed=settings.seed,
            n_jobs=settings.n_jobs,
            progress=progress,
        )
    asked = _described(settings)
    written: list[Path] = []
    if settings.output is not None:
        written = write_estimates(
            result,
            settings.output,
            inputs=settings.files,
            settings=asked,
            disclosure_column=settings.disclosure_column,
        )
    written += _draw(settings, result)
    if settings.as_json:
        files = {"files": [str(path) for path in written]} if written else {}
        described = {**asked, **result.settings, **files, "notes": list(result.notes)}
        print_json("estimate", described, result.rows, items=result.summary(), crosstabs=_crosstabs(result))
        return
    _print(result)
    for text in result.notes:
        note(text)
    if settings.sample is None and any(told.word == "indicative only" for told in result.verdicts.values()):
        note("answers of some people make estimates better: give them with --sample FILE")
    if written:
        note("\n".join(["written:", *(f"  {path}" for path in written)]))
    elif len(result.rows) > MOST_ROWS:
        note("--output FILE writes all of them (.csv, .parquet, .xlsx)")


def _check_outputs(settings: EstimateCommand) -> None:
    """Check before any work that all outputs can be written."""
    from truetwin.io import check_outputs
    from truetwin.io.atomic import check_folder
    from truetwin.report.files.estimate_files import check_estimate_ending, crosstab_paths
    from truetwin.results.sidecars import check_sidecar, sidecar_path

    if settings.figures is not None:
        check_folder(settings.figures, "the folder of figures")
    if settings.output is None:
        return
    check_estimate_ending(settings.output)
    tables = crosstab_paths(settings.output, list(settings.by))
    check_outputs([settings.output, sidecar_path(settings.output), *tables.values()], settings.files.values())
    check_sidecar(settings.output)


def _draw(settings: EstimateCommand, result: Estimates) -> list[Path]:
    """Draw the shares to the folder of figures, if there is one."""
    if settings.figures is None:
        return []
    from truetwin.io.atomic import make_folder
    from truetwin.plot import shares
    from truetwin.report.figures.theme import save_figures

    make_folder(settings.figures, "the folder of figures")
    columns: list[str | None] = [table.by for table in result.crosstabs] or [None]
    statistic = next((row["statistic"] for row in result.rows if row["statistic"] == "share"), None)
    statistic = statistic or result.rows[0]["statistic"]
    drawn = {}
    for k, column in enumerate(columns):
        name = f"{PLOT}.{settings.figure_format}" if k == 0 else f"{PLOT}-{k + 1}.{settings.figure_format}"
        drawn[settings.figures / name] = shares(result, by=column, statistic=statistic)
    save_figures(drawn)
    return list(drawn)


def _described(settings: EstimateCommand) -> dict[str, Any]:
    """Collect the settings that the user chose, for records."""
    names = (
        "items",
        "statistics",
        "by",
        "cross",
        "weights",
        "margins",
        "clusters",
        "strata",
        "replicate_weights",
        "replicate_kind",
        "population",
        "change",
        "level",
        "min_cell",
        "significance",
        "correction",
        "blocks",
        "seed",
    )
    found = {name: getattr(settings, name) for name in names}
    texts = {k: str(v) if isinstance(v, Path) else v for k, v in found.items()}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in texts.items() if v not in (None, (), {})}


def _crosstabs(result: Estimates) -> list[dict[str, Any]]:
    return [
        {"by": t.by, "columns": t.columns, "rows": t.records(), "footer": t.footer} for t in result.crosstabs
    ]


def _print(result: Estimates) -> None:
    from truetwin.cli.output import Column, note, print_table
    from truetwin.estimation.estimates import in_people

    everybody = [row for row in result.rows if not row["by"]]
    columns = [
        Column("item", "item", foldable=True),
        Column("what", "", foldable=True),
        Column("value", "estimate"),
        Column("interval", f"{result.level:.0%} interval"),
    ]
    if any(row["worth"] is not None for row in everybody):
        columns.append(Column("people", "worth about", optional=True))
    print_table(_in_words(everybody[:MOST_ROWS]), columns, title="everybody")
    if len(everybody) > MOST_ROWS:
        note(f"... and {len(everybody) - MOST_ROWS} more rows")
    for table in result.crosstabs:
        _print_crosstab(table)
    if result.crosstabs:
        note(f"{result.crosstabs[0].footer}\n")
    gaps = [row for row in result.rows if row["statistic"] == "gap"]
    if gaps:
        gap_columns = [
            Column("item", "item", foldable=True),
            Column("group", "gap", foldable=True),
            *columns[1:4],
        ]
        print_table(_in_words(gaps[:MOST_ROWS]), gap_columns, title="gaps between groups")
        if len(gaps) > MOST_ROWS:
            note(f"... and {len(gaps) - MOST_ROWS} more gaps")
    words: dict[str, list[str]] = {}
    if any(row["statistic"] != "correlation" for row in result.rows):  # verdicts are about shares
        for item, told in result.verdicts.items():
            words.setdefault(told.word, []).append(item)
    for word, items in words.items():
        shown = ", ".join(items[:6]) + (f" and {len(items) - 6} more" if len(items) > 6 else "")
        usual = median(result.verdicts[item].worth for item in items)
        note(f"{word}: {shown} (shares worth about {in_people(usual)}{' each' if len(items) > 1 else ''})")
    for text in dict.fromkeys(
        row["note"] for row in everybody if row["note"] and "heavy tail" in row["note"]
    ):
        note(f"note: {text}")


def _in_words(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write estimates as texts; an item is named in its first row."""
    from truetwin.estimation.crosstab import number
    from truetwin.estimation.estimates import in_people, interval_in_words

    found, before = [], None
    for row in rows:
        kind = _kind(row)
        found.append(
            {
                "item": "" if row["item"] == before else row["item"],
                "group": row["group"],
                "what": row["category"] or (row["statistic"] if row["statistic"] != "gap" else ""),
                "value": number(kind, row["estimate"]),
                "interval": interval_in_words({**row, "statistic": kind}),
                "people": in_people(row["worth"]),
            }
        )
        before = row["item"]
    return found


def _kind(row: Mapping[str, Any]) -> str:
    """Return the statistic whose numbers the row's look like."""
    return "share" if row["statistic"] == "gap" and row["category"] else str(row["statistic"])


def _print_crosstab(table: Crosstab) -> None:
    from truetwin.cli.output import Column, note, print_table

    records, before, rows = table.records(), None, []
    for record in records[:MOST_CROSSTAB_ROWS]:
        rows.append({**record, "item": "" if record["item"] == before else record["item"]})
        before = record["item"]
    columns = [Column("item", "item", foldable=True), Column("row", "", foldable=True)]
    columns += [Column(name, name, "s", foldable=True) for name in table.columns]
    print_table(rows, columns, title=f"by {table.by}")
    if len(records) > MOST_CROSSTAB_ROWS:
        note(f"... and {len(records) - MOST_CROSSTAB_ROWS} more rows")

"""Verb `truetwin evaluate-marginals`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.cli.verbs import verb
from truetwin.settings.evaluate_marginals_settings import EvaluateMarginalsCommand

if TYPE_CHECKING:
    from truetwin.data import ResponseMatrix
    from truetwin.data.marginals import Marginals


@verb(EvaluateMarginalsCommand)
def evaluate_marginals_command(settings: EvaluateMarginalsCommand) -> None:
    """Hide known marginals (shares of each answer), predict them, and compare methods on what was hidden."""
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.evaluation.marginal_evaluation import evaluate_marginals
    from truetwin.reweighting import DISCREPANCIES, MARGINAL_METHODS

    wanted = [MARGINAL_METHODS.resolve(name) for name in settings.methods]
    trained = [DISCREPANCIES.resolve(name) for name in settings.discrepancy]
    scored = [DISCREPANCIES.resolve(name) for name in settings.metrics or ()] or None
    human, twins, known = _data(settings)
    with progress_bar("evaluating") as progress:
        result = evaluate_marginals(
            twins,
            human,
            wanted,
            n_splits=settings.splits,
            groups=_groups(settings.groups, known),
            metrics=scored,
            discrepancies=trained,
            level=settings.level,
            progress=progress,
        )
    rows = result.summary()
    if settings.as_json:
        asked = {
            **result.settings,
            "dataset": settings.dataset,
            "groups": settings.groups,
            "notes": list(result.notes),
        }
        print_json("evaluate-marginals", {k: v for k, v in asked.items() if v is not None}, rows)
        return
    for text in result.notes:
        note(f"note: {text}")
    # A terminal has room for four discrepancies. --metrics chooses them; --json has all.
    shown = scored or list(dict.fromkeys([*trained, "tv", "ks", "cdf-l1"]))[:4]
    count = "1 split" if settings.splits == 1 else f"{settings.splits} splits"
    unit = result.settings["clustered_by"]
    title = f"{count}; hidden: {result.settings['held_out']}\nmean (standard error, clustered by {unit})"
    bands = f"band, whole band, bound: share of items inside, nominal {settings.level:g}"
    _print(rows, shown, f"{title}; {bands}")
    _print_differences(rows, shown)


def _data(
    settings: EvaluateMarginalsCommand,
) -> tuple[Marginals, ResponseMatrix, dict[str, dict[str, str]]]:
    """Read human marginals, answers of twins, and the groupings that come with a public dataset."""
    from truetwin.datasets.marginal_sources import load_marginal_dataset
    from truetwin.io.marginal_data import read_marginal_data, with_weights

    if settings.dataset is None:
        assert settings.marginals is not None
        assert settings.twin is not None
        human, twins = read_marginal_data(
            settings.marginals,
            settings.twin,
            item_file=settings.item_file,
            id_column=settings.id_column,
            keep_off_scale=settings.keep_off_scale,
            twin_weights=settings.twin_weights,
        )
        return human, twins, {}
    loaded = load_marginal_dataset(settings.dataset, settings.folder, keep_off_scale=settings.keep_off_scale)
    twins = with_weights(loaded.twins, settings.twin_weights) if settings.twin_weights else loaded.twins
    return loaded.marginals, twins, loaded.groups


def _groups(asked: str | None, known: dict[str, dict[str, str]]) -> dict[str, str] | None:
    from truetwin.errors import ParameterError
    from truetwin.io.marginal_data import read_groups

    if asked is None:
        return None
    if asked in known:
        return known[asked]
    if asked in ("wave", "year") and not Path(asked).exists():
        here = (
            f"it has {', '.join(map(repr, known))}"
            if known
            else "files of your own need a table item_id,group"
        )
        raise ParameterError(f"--groups {asked} is a grouping of another dataset; {here}")
    return read_groups(Path(asked))


def _print(rows: list[dict[str, Any]], asked: list[str], title: str) -> None:
    from truetwin.cli.output import Column, print_table

    table: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["method"], row["trained_on"] or "")
        line = table.setdefault(
            key,
            {"method": key[0], "trained": key[1] or None, "n": row["n_scored"], "seconds": row["seconds"]},
        )
        error = "" if row["standard_error"] is None else f" ({row['standard_error']:.2g})"
        line[row["metric"]] = "undefined" if row["mean"] is None else f"{row['mean']:.4g}{error}"
        line["n"] = min(line["n"], row["n_scored"])
    metrics = dict.fromkeys(row["metric"] for row in rows)
    headings = {"coverage": "band", "coverage-simultaneous": "whole band", "coverage-discrepancy": "bound"}
    shown = [m for m in metrics if m in asked] + [m for m in metrics if m in headings]
    columns = [
        Column("method", "method"),
        Column("trained", "trained on", optional=True),
        *(Column(m, headings.get(m, m)) for m in shown),
        Column("n", "n", "d", optional=True),
        Column("seconds", "seconds", ".1f", optional=True),
    ]
    print_table(list(table.values()), columns, title=title)


def _print_differences(rows: list[dict[str, Any]], asked: list[str]) -> None:
    """Print each method's paired difference from the best null, which may be another one for another metric."""
    from truetwin.cli.output import Column, print_table

    table: dict[tuple[str, str], dict[str, Any]] = {}
    nulls: dict[str, str] = {}
    for row in rows:
        difference, error = row.get("null_difference"), row.get("null_difference_standard_error")
        if row["metric"] not in asked or difference is None:
            continue
        nulls[row["metric"]] = row["null"]
        key = (row["method"], row["trained_on"] or "")
        line = table.setdefault(key, {"method": key[0], "trained": key[1] or None})
        if error is None:
            line[row["metric"]] = f"{difference:+.3g}"
        else:
            clear = row["null_difference_low"] > 0 or row["null_difference_high"] < 0
            line[row["metric"]] = f"{difference:+.3g} ({error:.2g}){'*' if clear else ' '}"
    if not table:
        return
    columns = [
        Column("method", "method"),
        Column("trained", "trained on", optional=True),
        *(Column(m, f"{m} - {null}", optional=k > 0) for k, (m, null) in enumerate(nulls.items())),
    ]
    print_table(
        list(table.values()),
        columns,
        title="paired difference from the best null (standard error); negative is better\n"
        "* the 95% interval leaves out zero",
    )

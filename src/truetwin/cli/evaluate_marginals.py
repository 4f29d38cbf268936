"""`truetwin evaluate-marginals`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.cli.reweight import KeepOffScale, TwinWeights
from truetwin.cli.shared_options import IdColumn, ItemFile, Json, names_of

if TYPE_CHECKING:
    from truetwin.data import ResponseMatrix
    from truetwin.data.marginals import Marginals


def evaluate_marginals_command(
    marginals: Annotated[
        Path | None, typer.Argument(help="Human marginals; see `truetwin reweight`.")
    ] = None,
    twin: Annotated[Path | None, typer.Argument(help="Answers of twins, wide or long.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="A public dataset instead of files: movielens or opinionqa.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Read the dataset's files from this folder, for example an excerpt.")
    ] = None,
    methods: Annotated[
        str,
        typer.Option(help="Methods, separated by commas; twins, mean and mix are always shown beside them."),
    ] = "ensemble,ksoft,auto",
    discrepancy: Annotated[
        str, typer.Option(help="What the ensemble is trained on, separated by commas.")
    ] = "kl",
    metrics: Annotated[
        str | None,
        typer.Option(help="Discrepancies to score by, separated by commas. [default: all that apply]"),
    ] = None,
    splits: Annotated[int, typer.Option(help="Number of 80/20 splits.", min=1)] = 5,
    groups: Annotated[
        str | None,
        typer.Option(
            help="Hide whole groups: a table item_id,group; 'wave' (OpinionQA) or 'year' (MovieLens)."
        ),
    ] = None,
    level: Annotated[float, typer.Option(help="Of the bands whose coverage is reported.")] = 0.9,
    item_file: ItemFile = None,
    id_column: IdColumn = None,
    twin_weights: TwinWeights = None,
    keep_off_scale: KeepOffScale = False,
    json: Json = False,
) -> None:
    """Hide marginals that are known, predict them, and compare methods on what was hidden."""
    from truetwin.cli.marginal_options import check_level
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.evaluation.marginal_evaluation import evaluate_marginals
    from truetwin.reweighting import DISCREPANCIES, MARGINAL_METHODS

    check_level(level)
    wanted = [MARGINAL_METHODS.resolve(name) for name in names_of(methods, "method")]
    trained = [DISCREPANCIES.resolve(name) for name in names_of(discrepancy, "discrepancy")]
    scored = [DISCREPANCIES.resolve(name) for name in names_of(metrics, "metric")] if metrics else None
    human, twins, known = _data(
        marginals, twin, dataset, folder, item_file, id_column, keep_off_scale, twin_weights
    )
    with progress_bar("evaluating") as progress:
        result = evaluate_marginals(
            twins,
            human,
            wanted,
            n_splits=splits,
            groups=_groups(groups, known),
            metrics=scored,
            discrepancies=trained,
            level=level,
            progress=progress,
        )
    rows = result.summary()
    settings = {**result.settings, "dataset": dataset, "groups": groups, "notes": list(result.notes)}
    if json:
        print_json("evaluate-marginals", {k: v for k, v in settings.items() if v is not None}, rows)
        return
    for text in result.notes:
        note(f"note: {text}")
    # A terminal holds four discrepancies; --metrics chooses them, --json has all.
    shown = scored or list(dict.fromkeys([*trained, "tv", "ks", "cdf-l1"]))[:4]
    count = "1 split" if splits == 1 else f"{splits} splits"
    title = f"{count}, {result.settings['held_out']} hidden; mean (standard error over items)"
    _print(rows, shown, f"{title}; band, whole band, bound: share of items inside, nominal {level:g}")


def _data(
    marginals: Path | None,
    twin: Path | None,
    dataset: str | None,
    folder: Path | None,
    item_file: Path | None,
    id_column: str | None,
    keep_off_scale: bool,
    twin_weights: Path | None,
) -> tuple[Marginals, ResponseMatrix, dict[str, dict[str, str]]]:
    from truetwin.cli.marginal_options import load_dataset, read_marginal_data, with_weights
    from truetwin.errors import ParameterError

    if (dataset is None) == (marginals is None or twin is None) or (dataset and marginals):
        raise ParameterError(
            "give either the two files MARGINALS and TWIN, or --dataset; not both and not neither"
        )
    if dataset is None and folder is not None:
        raise ParameterError("--folder goes with --dataset")
    if dataset is not None:
        loaded = load_dataset(dataset, folder, keep_off_scale=keep_off_scale)
        twins = with_weights(loaded.twins, twin_weights) if twin_weights else loaded.twins
        return loaded.marginals, twins, loaded.groups
    assert marginals is not None
    assert twin is not None
    human, twins = read_marginal_data(
        marginals,
        twin,
        item_file=item_file,
        id_column=id_column,
        keep_off_scale=keep_off_scale,
        twin_weights=twin_weights,
    )
    return human, twins, {}


def _groups(asked: str | None, known: dict[str, dict[str, str]]) -> dict[str, str] | None:
    from truetwin.cli.marginal_options import read_groups
    from truetwin.errors import ParameterError

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

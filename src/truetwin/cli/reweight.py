"""`truetwin reweight`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.cli.shared_options import DisclosureColumn, IdColumn, ItemFile, Json, ids_of

if TYPE_CHECKING:
    from truetwin.reweighting import Reweighting

MarginalsFile = Annotated[
    Path,
    typer.Argument(
        help="Human marginals: item_id, category, share_or_count[, base_size][, population]; or one column a category."
    ),
]
TwinFile = Annotated[
    Path, typer.Argument(help="Answers of twins, wide or long, to these items and to new ones.")
]
TwinWeights = Annotated[
    Path | None,
    typer.Option("--twin-weights", help="Design weights of the twins: a table of ids and 'weight'."),
]
KeepOffScale = Annotated[
    bool, typer.Option("--keep-off-scale", help="Count 'refused' and the like as ordinary categories.")
]


def reweight_command(
    marginals: MarginalsFile,
    twin: TwinFile,
    output: Annotated[
        Path, typer.Option(help="Where to write the predicted marginals: CSV, TSV or Parquet.")
    ],
    method: Annotated[
        str,
        typer.Option(
            help="auto, ensemble, transition, weights+transition, ksoft, ksoft+text, geometric-mean, mix, mean "
            "or twins."
        ),
    ] = "auto",
    discrepancy: Annotated[
        str,
        typer.Option(help="tv, chi2, kl, hellinger, ks, cdf-l1 or cdf-l2: what is minimised and chosen by."),
    ] = "kl",
    variant: Annotated[
        str, typer.Option(help="For the ensemble: both, personas-only or base-only (no twins).")
    ] = "both",
    groups: Annotated[
        Path | None,
        typer.Option(
            help="Table item_id,group (waves, batteries, years): choose the method by whole groups."
        ),
    ] = None,
    weights_output: Annotated[
        Path | None,
        typer.Option("--weights-output", help="Also write the weights of the twins to this file."),
    ] = None,
    items: Annotated[
        list[str] | None, typer.Option(help="Predict only these items, separated by commas; may be repeated.")
    ] = None,
    level: Annotated[float, typer.Option(help="Of the bands; 0 for no bands (faster).")] = 0.9,
    item_file: ItemFile = None,
    id_column: IdColumn = None,
    twin_weights: TwinWeights = None,
    keep_off_scale: KeepOffScale = False,
    disclosure_column: DisclosureColumn = False,
    json: Json = False,
) -> None:
    """Predict how a population answers items that only its twins have answered.

    Learns from the items that have human marginals. Beside OUTPUT, a file of the same name ending in .json records
    method, figures of the fit, versions, hashes of the inputs and notes.
    """
    from truetwin.cli.marginal_options import check_level, read_groups, read_marginal_data
    from truetwin.cli.output import note, print_json
    from truetwin.errors import ParameterError
    from truetwin.io import check_output_ending, check_outputs
    from truetwin.report.files.predicted_marginals import write_marginals
    from truetwin.results.sidecars import check_sidecar, sidecar_path
    from truetwin.reweighting import MARGINAL_METHODS, reweight
    from truetwin.reweighting import discrepancy as discrepancy_named

    check_level(level, none_allowed=True)
    name = MARGINAL_METHODS.resolve(method)
    discrepancy_named(discrepancy)
    if weights_output and name in ("mean", "mix", "twins", "ksoft", "ksoft+text"):
        raise ParameterError(
            "--weights-output needs a method that weights twins (ensemble, weights+transition, ...); "
            f"{name!r} has no weights"
        )
    outputs = [output, sidecar_path(output), *([weights_output] if weights_output else [])]
    inputs = {
        "marginals": marginals,
        "twin": twin,
        "groups": groups,
        "item_file": item_file,
        "twin_weights": twin_weights,
    }
    check_outputs(outputs, inputs.values())
    for path in (output, weights_output):
        if path:
            check_output_ending(path)
    check_sidecar(output)
    members = read_groups(groups) if groups else None
    human, twins = read_marginal_data(
        marginals,
        twin,
        item_file=item_file,
        id_column=id_column,
        keep_off_scale=keep_off_scale,
        twin_weights=twin_weights,
    )
    result = reweight(
        twins,
        human,
        method=name,
        discrepancy=discrepancy,
        variant=_variant(variant),
        items=ids_of(items, twins.item_ids),
        groups=members,
        level=level or None,
    )
    if weights_output and not result.weights:
        raise ParameterError(
            "--weights-output needs a method that weights twins; auto chose "
            f"{result.populations[0].describe()['method']!r}, "
            "which does not. Choose --method ensemble or weights+transition."
        )
    asked = {"method": name, "discrepancy": discrepancy, "variant": variant, "level": level, "items": items}
    sidecar = write_marginals(
        result,
        output,
        weights_output,
        inputs={k: v for k, v in inputs.items() if v},
        settings=asked,
        disclosure_column=disclosure_column,
    )
    if json:
        settings = {**asked, "output": str(output), "sidecar": str(sidecar), "notes": list(result.notes)}
        print_json("reweight", settings, [each.describe() for each in result.populations])
    else:
        _print(result)
        note(f"predictions: {output}\nhow they were made: {sidecar}")
        if weights_output:
            note(f"weights of the twins: {weights_output}")


def _variant(name: str) -> Any:
    from truetwin.errors import ParameterError
    from truetwin.registry import closest
    from truetwin.reweighting.ensemble import VARIANTS

    if name not in VARIANTS:
        raise ParameterError(
            f"--variant must be one of {', '.join(VARIANTS)}; got {name!r}.{closest(name, list(VARIANTS))}"
        )
    return name


def _print(result: Reweighting) -> None:
    from truetwin.cli.output import Column, note, print_table

    for text in result.notes:
        note(f"note: {text}")
    rows = []
    for each in result.populations:
        figures = each.describe()
        fit = figures["fit"]
        rows.append(
            {
                **figures,
                "gap": fit.get("optimality_gap"),
                "effective": fit.get("effective_sample_size"),
                "tried": ", ".join(f"{k} {v:.4f}" for k, v in (figures["tried"] or {}).items()) or None,
            }
        )
    columns = [
        Column("population", "population"),
        Column("method", "method"),
        Column("n_training_items", "training items", "d"),
        Column("n_predicted", "predicted", "d"),
        Column("cross_validated_loss", f"{result.discrepancy} (cross-validated)", ".4f"),
        Column("discrepancy_bound", "bound", ".4f", optional=True),
        Column("gap", "optimality gap", ".1e", optional=True),
        Column("effective", "effective twins", ".1f", optional=True),
        Column("tried", "tried", optional=True, foldable=True),
    ]
    print_table(rows, columns, title=f"predicted marginals ({result.method})")
    print_table(_wide(result)[:20], _wide_columns(result), title="shares (the first items)")


def _wide(result: Reweighting) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in result.predictions:
        key = (row["population"], row["item_id"])
        rows.setdefault(key, {"item": row["item_id"], "population": row["population"]})[
            f"c {row['category']}"
        ] = row["share"]
    return list(rows.values())


def _wide_columns(result: Reweighting) -> list[Any]:
    from truetwin.cli.output import Column

    names = dict.fromkeys(str(row["category"]) for row in result.predictions)
    shown = list(names)[:12]
    return [
        Column("population", "population"),
        Column("item", "item"),
        *(Column(f"c {n}", n, ".3f") for n in shown),
    ]

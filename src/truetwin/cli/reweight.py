"""Verb `truetwin reweight`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.cli.panel_inputs import marginals_of, weights_record
from truetwin.cli.verbs import verb
from truetwin.settings.declaration import RuleBrokenError
from truetwin.settings.reweight_settings import ReweightCommand
from truetwin.settings.value_kinds import ids_among

if TYPE_CHECKING:
    from truetwin.reweighting import Reweighting


@verb(ReweightCommand)
def reweight_command(settings: ReweightCommand) -> None:
    """Predict how a population answers items that only its twins have answered.

    It learns from the items that have human marginals (the share of each answer). Beside OUTPUT, a file of the same
    name ending in .json records method, figures of the fit, versions, hashes of the inputs and notes.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.data.twin_sources import items_of
    from truetwin.io.marginal_data import read_groups
    from truetwin.report.files.predicted_marginals import write_marginals
    from truetwin.reweighting import MARGINAL_METHODS, reweight
    from truetwin.reweighting import discrepancy as discrepancy_named

    name = MARGINAL_METHODS.resolve(settings.method)
    discrepancy_named(settings.discrepancy)
    _check_outputs(settings)
    human, twins = marginals_of(settings)
    result = reweight(
        twins,
        human,
        method=name,
        discrepancy=settings.discrepancy,
        variant=settings.variant,
        items=ids_among(settings.items, items_of(twins)),
        groups=read_groups(settings.groups) if settings.groups else None,
        level=settings.level,
    )
    if settings.weights_output and not result.weights:
        _refuse_weights(result)
    asked = {
        "method": name,
        "discrepancy": settings.discrepancy,
        "variant": settings.variant,
        "level": settings.level or 0.0,
        "items": list(settings.items) or None,
        **weights_record(settings),
    }
    sidecar = write_marginals(
        result,
        settings.output,
        settings.weights_output,
        inputs=settings.files,
        settings=asked,
        disclosure_column=settings.disclosure_column,
    )
    if settings.as_json:
        described = {
            **asked,
            "output": str(settings.output),
            "sidecar": str(sidecar),
            "notes": list(result.notes),
        }
        print_json("reweight", described, [each.describe() for each in result.populations])
        return
    _print(result)
    note(f"predictions: {settings.output}\nhow they were made: {sidecar}")
    if settings.weights_output:
        note(f"weights of the twins: {settings.weights_output}")


def _check_outputs(settings: ReweightCommand) -> None:
    """Check before any work that all outputs can be written."""
    from truetwin.io import check_output_ending, check_outputs
    from truetwin.results.sidecars import check_sidecar, sidecar_path

    named = [path for path in (settings.output, settings.weights_output) if path]
    check_outputs([settings.output, sidecar_path(settings.output), *named[1:]], settings.files.values())
    for path in named:
        check_output_ending(path)
    check_sidecar(settings.output)


def _refuse_weights(result: Reweighting) -> None:
    raise RuleBrokenError(
        f"{{weights_output}} needs a method that weights twins; {result.method!r} does not. Choose {{method}} ensemble "
        "or weights+transition."
    )


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

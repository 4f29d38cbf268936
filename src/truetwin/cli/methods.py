"""Verb `truetwin methods`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.cli.verbs import verb
from truetwin.settings.program_settings import MethodsCommand

if TYPE_CHECKING:
    from truetwin.calibration.calibrators import Method


@verb(MethodsCommand)
def methods_command(settings: MethodsCommand) -> None:
    """List the methods, their settings and what they are for."""
    from truetwin.calibration.calibrators import methods
    from truetwin.cli.output import Column, print_json, print_table
    from truetwin.reweighting.marginal_methods import MARGINAL_METHODS, summaries

    rows = [_row(name, method) for name, method in methods.items()]
    rows += [
        {"method": name, "kind": "distribution", "predicts": "marginals", "summary": summary}
        for name, summary in summaries().items()
    ]
    rows += [
        {"method": name, "kind": "cannot be used", "predicts": None, "settings": None, "summary": why}
        for name, why in [*methods.faults().items(), *MARGINAL_METHODS.faults().items()]
    ]
    if settings.as_json:
        print_json("methods", {}, rows)
        return
    columns = ("method", "kind", "predicts", "settings", "summary")
    print_table(
        rows, [Column(c, c, optional=c in ("predicts", "settings"), foldable=c == "summary") for c in columns]
    )


def _row(name: str, method: Method) -> dict[str, Any]:
    return {
        "method": name,
        "kind": method.kind,
        "predicts": " and ".join(f"{a}s" for a in method.make.axes),
        "settings": ", ".join(f"{k}={v}" for k, v in method.make().get_params().items()) or None,
        "summary": method.summary,
    }

"""The verbs, and what is common to all of them."""

from __future__ import annotations

from typing import Annotated

import typer

from truetwin import __version__
from truetwin.cli import (
    calibrate,
    datasets,
    demo,
    diagnose,
    evaluate,
    evaluate_marginals,
    methods,
    personas,
    plan,
    reproduce,
    reweight,
    runs,
    simulate,
    voice,
)

app = typer.Typer(
    name="truetwin",
    help="Trustworthy answers from LLM digital twins: calibrate them with human data, and measure the gain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"truetwin {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
) -> None:
    """Options of every verb."""


app.command("calibrate")(calibrate.calibrate_command)
app.command("evaluate")(evaluate.evaluate_command)
app.command("reweight")(reweight.reweight_command)
app.command("evaluate-marginals")(evaluate_marginals.evaluate_marginals_command)
app.command("diagnose")(diagnose.diagnose_command)
app.command("plan")(plan.plan_command)
app.command("reproduce")(reproduce.reproduce_command)
app.command("demo")(demo.demo_command)
app.command("methods")(methods.methods_command)
app.add_typer(datasets.app, name="datasets")
app.add_typer(personas.app, name="personas")
app.command("simulate")(simulate.simulate_command)
app.add_typer(runs.app, name="runs")
app.add_typer(voice.app, name="voice")

"""`truetwin voice`: one thin module a verb."""

from __future__ import annotations

import typer

from truetwin.cli.voice import audit, build, score

app = typer.Typer(
    help="Measure how well a model speaks as one given person, and audit such benchmarks.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def voice() -> None:
    """Measure how well a model speaks as one given person, and audit such benchmarks."""


# One line a verb, in the order of a benchmark's life.
app.command("score")(score.score_command)
app.command("audit")(audit.audit_command)
app.add_typer(build.app, name="build")

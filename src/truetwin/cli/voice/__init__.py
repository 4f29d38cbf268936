"""`truetwin voice`: one thin module a verb."""

from __future__ import annotations

import typer

from truetwin.cli.voice import agree, annotate, audit, build, generate, judge, leaderboard, run, sample, score

app = typer.Typer(
    help="Measure how well a model speaks as one given person, and audit such benchmarks.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def voice() -> None:
    """Measure how well a model speaks as one given person, and audit such benchmarks."""


# One line a verb, in the order of a benchmark's life.
app.command("run")(run.run_command)
app.command("generate")(generate.generate_command)
app.command("judge")(judge.judge_command)
app.command("annotate")(annotate.annotate_command)
app.command("score")(score.score_command)
app.command("audit")(audit.audit_command)
app.command("sample")(sample.sample_command)
app.command("agree")(agree.agree_command)
app.command("leaderboard")(leaderboard.leaderboard_command)
app.add_typer(build.app, name="build")

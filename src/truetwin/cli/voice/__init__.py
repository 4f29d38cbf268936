"""`truetwin voice`: one thin module a verb."""

from __future__ import annotations

import typer

from truetwin.cli.voice import (
    voice_agree,
    voice_annotate,
    voice_audit,
    voice_build,
    voice_generate,
    voice_judge,
    voice_leaderboard,
    voice_run,
    voice_sample,
    voice_score,
)

app = typer.Typer(
    help="Measure how well a model speaks as one given person, and audit such benchmarks.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def voice() -> None:
    """Measure how well a model speaks as one given person, and audit such benchmarks."""


# One line a verb, in the order of a benchmark's life.
app.command("run")(voice_run.run_command)
app.command("generate")(voice_generate.generate_command)
app.command("judge")(voice_judge.judge_command)
app.command("annotate")(voice_annotate.annotate_command)
app.command("score")(voice_score.score_command)
app.command("audit")(voice_audit.audit_command)
app.command("sample")(voice_sample.sample_command)
app.command("agree")(voice_agree.agree_command)
app.command("leaderboard")(voice_leaderboard.leaderboard_command)
app.add_typer(voice_build.app, name="build")

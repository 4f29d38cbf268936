"""Verb `truetwin voice judge`."""

from __future__ import annotations

from truetwin.cli.verbs import verb
from truetwin.cli.voice.voice_playing import show_outcomes, step_lines
from truetwin.settings.voice_settings import VoiceJudgeCommand


@verb(VoiceJudgeCommand)
def judge_command(settings: VoiceJudgeCommand) -> int:
    """Have a model judge written replies, whoever wrote them: two rankings and marks; then score."""
    from truetwin.voice.jobs.asked_judging import judge_asked

    with step_lines() as heard:
        done = judge_asked(settings, settings.run, seed=settings.seed, heard=heard)
    described = {
        "replies": str(settings.replies),
        "items": dict(done.about),
        "judge": settings.judge_model,
        "seed": settings.seed,
        "prompts": dict(done.prompts),
    }
    show_outcomes("voice judge", done, described, json=settings.as_json)
    return 0 if done.played.complete else 1

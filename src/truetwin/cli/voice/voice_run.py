"""Verb `truetwin voice run`."""

from __future__ import annotations

from truetwin.cli.preflight import is_wanted, look_ahead
from truetwin.cli.verbs import verb
from truetwin.cli.voice.voice_playing import show_outcomes, show_prompts, step_lines
from truetwin.settings.voice_settings import VoiceGenerateCommand, VoiceRunCommand


@verb(VoiceRunCommand)
def run_command(settings: VoiceRunCommand) -> int:
    """Have a model play the persons of a benchmark: it chooses replies, or writes them for a judge; then score."""
    from truetwin.voice.jobs.asked_playing import check_judge

    if not settings.dry_run:
        check_judge(settings)
    return play_and_show(settings)


def play_and_show(settings: VoiceRunCommand | VoiceGenerateCommand) -> int:
    """Carry out a run and show its scores, or show what it would send. Returns 1 if an item has no outcome."""
    from truetwin.cli.output import note
    from truetwin.voice.jobs.asked_playing import asked_run, open_player, play_asked

    run = asked_run(settings, seed=settings.seed)
    for text in run.remarks:
        note(text)
    if settings.dry_run:
        show_prompts(run.first_tasks(), json=settings.as_json)
        if is_wanted(settings):
            look_ahead(open_player(run.settings, run.settings.model).model)
        return 0
    with step_lines() as heard:
        done = play_asked(run, settings.run, heard=heard)
    described = {
        "items": dict(done.about),
        "model": settings.model,
        "control": settings.control,
        "judge": run.settings.judge_model,
        "history": settings.history,
        "rotations": run.setup.rotations,
        "seed": settings.seed,
        "prompts": dict(done.prompts),
        "stopped": done.played.stopped,
    }
    show_outcomes("voice run", done, described, json=settings.as_json)
    return 0 if done.played.complete else 1

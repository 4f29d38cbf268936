"""Verb `truetwin voice generate`."""

from __future__ import annotations

from truetwin.cli.verbs import verb
from truetwin.cli.voice.voice_run import play_and_show
from truetwin.settings.voice_settings import VoiceGenerateCommand


@verb(VoiceGenerateCommand)
def generate_command(settings: VoiceGenerateCommand) -> int:
    """Have a model write the replies of the personas, to be judged later."""
    return play_and_show(settings)

"""Verb `truetwin voice items convert`."""

from __future__ import annotations

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.voice_settings import VoiceConvertCommand


@verb(VoiceConvertCommand)
def convert_command(settings: VoiceConvertCommand) -> None:
    """Convert your own multiple-choice questions to benchmark items.

    Read are JSON lines, a JSON list, CSV and TSV, with question, options (choices) and answer (target) in any of the
    common layouts: options as a list, by letters, or one column each; answers as letters, numbers or texts.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.io import check_outputs
    from truetwin.voice.items.voice_items import write_voice_items
    from truetwin.voice.jobs.asked_conversion import convert_asked

    check_outputs([settings.output], [settings.questions])
    found = convert_asked(settings)
    write_voice_items(settings.output, found.items)
    facts, faults = found.facts(), found.faults()
    if settings.as_json:
        row = {**facts, "faults": faults}
        print_json(
            "voice items convert", {"file": str(settings.questions), "output": str(settings.output)}, [row]
        )
        return
    sizes = ", ".join(f"{n} with {size}" for size, n in facts["options"].items())
    print_line(f"{facts['n']} items ({', '.join(facts['dimensions'])}) of {facts['n_personas']} persons")
    print_line(f"options: {sizes}; guessing is right in {facts['chance']:.1f}%")
    if found.first_index is not None:
        print_line(f"answers that are numbers count options from {found.first_index}")
    print_line(f"with a history: {facts['n_with_history']} of {facts['n']}")
    for name, n in faults.items():
        note(f"{name}: {n} items; `truetwin voice audit {settings.output}` names them")
    note(f"items: {settings.output}")

"""Verb `truetwin voice sample`."""

from __future__ import annotations

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.declaration import RuleBrokenError
from truetwin.settings.voice_settings import VoiceSampleCommand


@verb(VoiceSampleCommand)
def sample_command(settings: VoiceSampleCommand) -> None:
    """Draw a stratified, blinded sample for people to annotate.

    Give annotators form.html (works offline, saves JSON) or tasks.csv (fill in the column 'label'). Keep key.json to
    yourself: it tells which options are right. Compare their answers with `truetwin voice agree`.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.io import check_folder
    from truetwin.voice.items.item_sources import load_source
    from truetwin.voice.people.annotation_forms import write_sample
    from truetwin.voice.people.blinded_samples import draw_sample, protocol_for_people
    from truetwin.voice.protocols.outcomes import Protocol
    from truetwin.voice.scoring.stored_answers import read_outcomes

    protocol, n = protocol_for_people(settings.protocol), settings.n
    if (protocol is Protocol.CHOICE) == bool(settings.answers):
        raise RuleBrokenError(
            "{answers} must be given exactly if replies are to be judged; people who choose see no model's reply"
        )
    check_folder(settings.folder, "--folder")
    sample = draw_sample(
        load_source(settings.items, remove_leaks=True).items,  # people must see the same as models
        protocol,
        n,
        outcomes=read_outcomes(settings.answers),
        strata=settings.strata,
        seed=settings.seed,
    )
    settings.folder.mkdir(exist_ok=True)
    paths = write_sample(settings.folder, sample)
    without = sum(not task.history for task in sample.tasks) if protocol is Protocol.CHOICE else 0
    if without:
        note(
            f"note: {without} of {n} tasks show nothing that the person replied before: there it can only be guessed"
        )
    if settings.as_json:
        described = {
            "sample": sample.key.sample, "protocol": protocol.value, "strata": ",".join(settings.strata),
            "seed": settings.seed, "n_population": sample.key.n_population, "n_without_history": without,
            **{name: str(path) for name, path in paths.items()},
        }  # fmt: skip
        print_json("voice sample", described, [{"task_id": task.task_id} for task in sample.tasks])
        return
    print_line(f"{n} tasks of {sample.key.n_population}, sample {sample.key.sample}")
    print_line(f"for annotators:  {paths['form']}  or  {paths['table']}")
    print_line(f"for you alone:   {paths['key']}")
    if protocol is not Protocol.CHOICE:
        note(
            "note: to correct a judge's score by people, draw the sample from all replies that the judge scored"
        )

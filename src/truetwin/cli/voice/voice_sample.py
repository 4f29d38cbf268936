"""`truetwin voice sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truetwin.cli.shared_options import Json, names_of

if TYPE_CHECKING:
    from truetwin.voice.protocols.outcomes import Outcome, Protocol


def sample_command(
    items: Annotated[str, typer.Argument(help="Benchmark items: JSONL, or 'narrative' or 'social'.")],
    folder: Annotated[
        Path,
        typer.Option("--folder", help="Where to write tasks.csv, form.html and key.json; made if missing."),
    ],
    protocol: Annotated[
        str,
        typer.Option(
            help="What people do: choice (which reply is the person's?), reply-vs-distractors or map-to-options (what "
            "is closest to a reference?), scoring (marks from 1 to 5)."
        ),
    ] = "choice",
    n: Annotated[int, typer.Option("--n", help="Number of tasks.", min=1)] = 50,
    answers: Annotated[
        list[Path] | None,
        typer.Option("--answers", help="Stored replies to judge, for all but choice; may be repeated."),
    ] = None,
    strata: Annotated[
        str,
        typer.Option(
            help="What the sample mirrors, most important first: dimension, group, language, persona, model."
        ),
    ] = "dimension,group",
    seed: Annotated[int, typer.Option(help="Seed of the draw, the order and the letters.", min=0)] = 0,
    json: Json = False,
) -> None:
    """Draw a stratified, blinded sample for people to annotate.

    Give annotators form.html (works offline, saves JSON) or tasks.csv (fill in the column 'label'). Keep key.json to
    yourself: it tells what is right. Compare with `truetwin voice agree`.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.errors import ParameterError
    from truetwin.io import check_folder
    from truetwin.voice.items.item_sources import load_source
    from truetwin.voice.people.annotation_forms import write_sample
    from truetwin.voice.people.blinded_samples import draw_sample
    from truetwin.voice.protocols.outcomes import Protocol

    chosen = protocol_of(protocol)
    if (chosen is Protocol.CHOICE) == bool(answers):
        raise ParameterError(
            "--answers must be given exactly if replies are to be judged; people who choose see no model's reply"
        )
    check_folder(folder, "--folder")
    sample = draw_sample(
        load_source(items, remove_leaks=True).items,  # people see what models see
        chosen,
        n,
        outcomes=read_outcomes(answers or []),
        strata=names_of(strata, "stratum"),  # type: ignore[arg-type]
        seed=seed,
    )
    folder.mkdir(exist_ok=True)
    paths = write_sample(folder, sample)
    without = sum(not task.history for task in sample.tasks) if chosen is Protocol.CHOICE else 0
    if without:
        note(
            f"note: {without} of {n} tasks show nothing that the person replied before: there it can only be guessed"
        )
    if json:
        settings = {
            "sample": sample.key.sample, "protocol": chosen.value, "strata": strata, "seed": seed,
            "n_population": sample.key.n_population, "n_without_history": without,
            **{name: str(path) for name, path in paths.items()},
        }  # fmt: skip
        print_json("voice sample", settings, [{"task_id": task.task_id} for task in sample.tasks])
        return
    print(f"{n} tasks of {sample.key.n_population}, sample {sample.key.sample}")
    print(f"for annotators:  {paths['form']}  or  {paths['table']}")
    print(f"for you alone:   {paths['key']}")
    if chosen is not Protocol.CHOICE:
        note(
            "note: to correct a judge's score by people, draw the sample from all replies that the judge scored"
        )


def protocol_of(name: str) -> Protocol:
    """The protocol of that name, if people can do it."""
    from truetwin.errors import UnknownNameError
    from truetwin.registry import closest
    from truetwin.voice.protocols.outcomes import Protocol

    known = [p.value for p in Protocol if p is not Protocol.REPLY]
    if name not in known:
        raise UnknownNameError(
            f"no protocol named {name!r} for people.{closest(name, known)} Known are {', '.join(known)}."
        )
    return Protocol(name)


def read_outcomes(paths: list[Path]) -> list[Outcome]:
    """Outcomes of several files of stored answers."""
    from truetwin.voice.scoring.stored_answers import read_answers

    return [outcome for path in paths for outcome in read_answers(path).outcomes]

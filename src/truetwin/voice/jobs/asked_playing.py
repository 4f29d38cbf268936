"""Playing, judging and annotating as the settings of a job say: from items to outcomes, with everything kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from truetwin.errors import AlignmentError, ParameterError, UnknownNameError
from truetwin.io import file_hash
from truetwin.llm import Progress, RunSummary, Store, open_model
from truetwin.llm.running.requested_run import connection_of, run_options_of, sampling_of
from truetwin.registry import closest
from truetwin.settings.declaration import RuleBrokenError
from truetwin.settings.shared_settings import Asking
from truetwin.settings.voice_settings import VoiceAnnotate, VoiceGenerate, VoiceJudge, VoiceRun
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.capability_annotation import write_annotations
from truetwin.voice.protocols.item_selection import Selected, select_items
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status, write_outcomes
from truetwin.voice.protocols.playing import (
    JUDGED,
    Played,
    Player,
    annotate,
    blocking,
    judge_replies,
    play_async,
    replies_of,
)
from truetwin.voice.protocols.voice_task import Setup
from truetwin.voice.scoring.capability_results import Annotation, read_annotations
from truetwin.voice.scoring.stored_answers import read_answers

Heard = Callable[[str, Progress], None]


@dataclass(frozen=True)
class PlayedItems:
    """What was played: the items, by which record a run knows them, and what came of it."""

    items: Sequence[VoiceItem]
    about: Mapping[str, Any]
    played: Played


@dataclass(frozen=True)
class Annotated:
    """Capabilities by item, which items lack them, and what asking used."""

    items: Sequence[VoiceItem]
    about: Mapping[str, Any]
    known: Mapping[str, Annotation]
    summary: RunSummary | None = None

    @property
    def n_missing(self) -> int:
        """Items without a readable annotation."""
        return len(self.items) - len(self.known)


def protocols_of(names: Iterable[str]) -> list[Protocol]:
    """Protocols by name; ``judged`` stands for a free reply and all protocols that judge it."""
    found: list[Protocol] = []
    for name in names:
        if name == "judged":
            found += [Protocol.REPLY, *JUDGED]
        elif name in set(Protocol):
            found.append(Protocol(name))
        else:
            known = [*(p.value for p in Protocol), "judged"]
            raise UnknownNameError(
                f"a protocol must be one of {', '.join(known)}; got {name!r}.{closest(name, known)}"
            )
    return list(dict.fromkeys(found))


def player_of(settings: Asking, model: str, heard: Heard | None = None) -> Player:
    """A model, ready to be asked."""
    if model.partition(":")[0] == "generated":
        raise ParameterError(
            "the statistical stand-in 'generated' answers survey items only; without a key, voices can be played by "
            "scripted:FILE"
        )
    opened = open_model(model, **connection_of(settings))
    return Player(opened, run_options_of(settings, model), heard)


def check_playing(settings: VoiceRun | VoiceGenerate) -> list[Protocol]:
    """The protocols to play.

    Raises
    ------
    ParameterError
        If one of them needs a judge, and none is named.
    """
    if isinstance(settings, VoiceGenerate):
        return [Protocol.REPLY]
    protocols = protocols_of(settings.protocol)
    judged = [protocol for protocol in protocols if protocol in JUDGED]
    if judged and settings.judge_model is None:
        raise RuleBrokenError(
            f"the protocol {judged[0].value} needs a judge; name the judging model with {{judge_model}}"
        )
    return protocols


def setup_of(settings: VoiceRun | VoiceGenerate, selected: Selected, *, seed: int) -> Setup:
    """How items are put to the model that plays."""
    rotations, structured = 1, True
    if isinstance(settings, VoiceGenerate):
        rotations = settings.repetitions
    else:
        rotations, structured = settings.rotations, settings.structured
    return Setup(settings.history, rotations, seed, structured, sampling_of(settings), selected.about)


def select_asked(settings: VoiceRun | VoiceGenerate, *, seed: int) -> Selected:
    """The items to play, as they are or as a control."""
    return select_items(
        settings.items,
        control=settings.control,
        seed=seed,
        limit=settings.limit,
        profiles=settings.profiles,
    )


def play_asked(
    settings: VoiceRun | VoiceGenerate, store: Store, *, seed: int = 0, heard: Heard | None = None
) -> PlayedItems:
    """Put items to a model under the protocols that the settings name, and have replies judged where they say so.

    Parameters
    ----------
    settings : VoiceRun or VoiceGenerate
        What is played, by whom, and how.
    store : Store
        Where every reply is kept; what it holds is not asked for again.
    seed : int
        Seed of the order of options, and of swapped histories.
    heard : callable, optional
        Called with the name of a step and its progress.
    """
    protocols = check_playing(settings)
    selected = select_asked(settings, seed=seed)
    setup = setup_of(settings, selected, seed=seed)
    player = player_of(settings, settings.model, heard)
    judge = None
    if isinstance(settings, VoiceRun) and settings.judge_model and set(protocols) & set(JUDGED):
        judge = player_of(judge_settings(settings), settings.judge_model, heard)
    judging = setup
    if isinstance(settings, VoiceRun):
        judging = replace(setup, sampling=replace(setup.sampling, temperature=settings.judge_temperature))
    work = play_async(selected.items, protocols, player, store, setup=setup, judge=judge, judge_setup=judging)
    return PlayedItems(selected.items, selected.about, blocking(work, player, judge))


def judge_settings(settings: VoiceRun) -> VoiceRun:
    """The settings by which the judge is reached: its own where they are given, else those of the player."""
    own: dict[str, Any] = {
        "base_url": settings.judge_base_url or settings.base_url,
        "engine": settings.judge_engine or settings.engine,
        "key_variable": settings.judge_key_variable or settings.key_variable,
    }
    if settings.judge_model != settings.model:  # prices by hand are the player's
        own |= {"price_in": None, "price_out": None, "price_cached": None}
    return settings.model_copy(update=own)


def judge_asked(
    settings: VoiceJudge, store: Store, *, seed: int = 0, heard: Heard | None = None
) -> PlayedItems:
    """Have a model judge free replies, whoever wrote them.

    Raises
    ------
    AlignmentError
        If the file does not hold replies of one model to these items.
    """
    protocols = protocols_of(settings.protocol)
    wrong = [protocol.value for protocol in protocols if protocol not in JUDGED]
    if wrong:
        raise ParameterError(
            f"judging protocols are {', '.join(p.value for p in JUDGED)}; {wrong[0]!r} is none"
        )
    written = [o for o in read_answers(settings.replies).outcomes if o.protocol is Protocol.REPLY]
    selected = select_items(settings.items, seed=seed, limit=settings.limit, profiles=settings.profiles)
    known, models = {o.item_id for o in written}, {o.model for o in written}
    chosen = [item for item in selected.items if item.item_id in known]
    if not chosen or len(models) != 1:
        raise AlignmentError(
            f"{settings.replies} must hold free replies of one model to items of {settings.items}; it has "
            f"{len(written)} replies of {len(models)} models, {len(chosen)} of them to those items"
        )
    about = {**selected.about, "replies": file_hash(settings.replies)}
    rotations = 1 + max(o.run for o in written)
    setup = Setup(settings.history, rotations, seed, settings.structured, sampling_of(settings), about)
    judge = player_of(settings, settings.judge_model, heard)
    summaries: dict[str, RunSummary] = {}
    work = judge_replies(
        chosen,
        replies_of(written),
        protocols,
        judge,
        store,
        setup=setup,
        model=next(iter(models)),
        summaries=summaries,
    )
    return PlayedItems(chosen, selected.about, Played(blocking(work, judge), summaries))


def annotate_asked(settings: VoiceAnnotate, store: Store | None, *, heard: Heard | None = None) -> Annotated:
    """Say which capabilities items test: by a model, or as a file of annotations says."""
    selected = select_items(settings.items, limit=settings.limit, profiles=settings.profiles)
    if settings.annotations is not None:
        return Annotated(selected.items, selected.about, read_annotations(settings.annotations))
    if settings.model is None or store is None:
        raise RuleBrokenError("annotations must come from a model ({model}) or a file ({annotations})")
    setup = Setup(
        settings.history, structured=settings.structured, sampling=sampling_of(settings), items=selected.about
    )
    player = player_of(settings, settings.model, heard)
    records, summary = blocking(annotate(selected.items, player, store, setup), player)
    known = {record["item_id"]: Annotation.from_record(record) for record in records}
    return Annotated(selected.items, selected.about, known, summary)


def write_annotated(path: Path, annotated: Annotated) -> None:
    """Write annotations as JSON lines."""
    write_annotations(path, [asdict(annotation) for annotation in annotated.known.values()])


def write_played(folder: Path, outcomes: Sequence[Outcome]) -> list[Path]:
    """Write one file of outcomes a protocol."""
    by_protocol: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_protocol.setdefault(outcome.protocol.value, []).append(outcome)
    written = []
    for name, found in by_protocol.items():
        written.append(folder / f"{name}.jsonl")
        write_outcomes(written[-1], found)
    return written


def is_complete(outcomes: Sequence[Outcome]) -> bool:
    """Whether none failed and none went unscored."""
    return not any(outcome.status in (Status.FAILED, Status.UNSCORED) for outcome in outcomes)

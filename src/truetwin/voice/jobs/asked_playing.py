"""Play a benchmark as the settings of a job say: from items to outcomes, with every reply kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from truetwin.errors import ParameterError, UnknownNameError
from truetwin.llm import Progress, open_model
from truetwin.llm.running.requested_run import connection_of, run_options_of, sampling_of
from truetwin.llm.store.run_folder import folder_of, run_store
from truetwin.registry import closest
from truetwin.settings.declaration import RuleBrokenError, values_of
from truetwin.settings.shared_settings import Asking
from truetwin.settings.voice_settings import Playing, VoiceGenerate, VoiceRun
from truetwin.voice.items.voice_items import PLAYED_ITEMS, VoiceItem, write_voice_items
from truetwin.voice.protocols.choosing import ChoiceTask
from truetwin.voice.protocols.free_replies import ReplyTask
from truetwin.voice.protocols.item_selection import Selected, select_items
from truetwin.voice.protocols.outcomes import Outcome, Protocol, write_outcomes
from truetwin.voice.protocols.playing import (
    JUDGED,
    Played,
    Player,
    blocking,
    play_async,
    stored_prompts,
)
from truetwin.voice.protocols.voice_prompts import VoicePrompts
from truetwin.voice.protocols.voice_task import Setup, VoiceTask

Heard = Callable[[str, Progress], None]


@dataclass(frozen=True)
class PlayedItems:
    """Items that were played or judged, and their outcomes.

    Attributes
    ----------
    items : sequence of VoiceItem
        The items.
    about : mapping
        Record by which a stored run recognises the items.
    played : Played
        Outcomes and summaries.
    files : tuple of Path
        Files of outcomes beside the stored replies, one for each protocol.
    prompts : mapping
        Prompts of each step of the run: name, version and hash.
    """

    items: Sequence[VoiceItem]
    about: Mapping[str, Any]
    played: Played
    files: tuple[Path, ...]
    prompts: Mapping[str, Any]


@dataclass(frozen=True)
class AskedRun:
    """A benchmark run as its settings ask for it; nothing has been sent yet.

    Attributes
    ----------
    settings : VoiceRun
        Settings of the run.
    protocols : tuple of Protocol
        Protocols to play.
    selected : Selected
        Items to play.
    setup : Setup
        Settings of the questions.
    """

    settings: VoiceRun
    protocols: tuple[Protocol, ...]
    selected: Selected
    setup: Setup

    @property
    def is_judged(self) -> bool:
        """Whether a protocol needs a judge."""
        return any(protocol in JUDGED for protocol in self.protocols)

    @property
    def remarks(self) -> list[str]:
        """Warnings about the run, in sentences."""
        found = list(self.selected.remarks)
        if self.is_judged and self.settings.judge_model == self.settings.model:
            found.append("the judge is the model that is judged; judges favour their own words")
        return found

    def first_tasks(self) -> list[VoiceTask]:
        """Make the tasks whose prompts are known before any reply: all but the judge's."""
        tasks: list[VoiceTask] = []
        if Protocol.CHOICE in self.protocols:
            tasks.append(ChoiceTask(self.selected.items, self.setup))
        if self.protocols != (Protocol.CHOICE,):
            tasks.append(ReplyTask(self.selected.items, self.setup))
        return tasks


def protocols_of(names: Iterable[str]) -> tuple[Protocol, ...]:
    """Look up protocols by name; ``judged`` stands for a free reply and all protocols that judge it.

    Raises
    ------
    UnknownNameError
        If there is no protocol of that name.

    Examples
    --------
    >>> [protocol.value for protocol in protocols_of(["judged", "scoring"])]
    ['reply', 'reply-vs-distractors', 'map-to-options', 'scoring']
    """
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
    return tuple(dict.fromkeys(found))


def asked_run(settings: VoiceRun | VoiceGenerate, *, seed: int = 0) -> AskedRun:
    """Select items, protocols and questions of a run.

    Parameters
    ----------
    settings : VoiceRun or VoiceGenerate
        Settings of the run; to generate is to run the protocol ``reply`` alone.
    seed : int
        Seed of the order of options, and of swapped histories.

    Raises
    ------
    UnknownNameError
        If there is no such protocol, or no such source of items.
    """
    how = settings if isinstance(settings, VoiceRun) else _as_run(settings)
    protocols = protocols_of(how.protocol)
    selected = select_items(how.items, control=how.control, seed=seed, limit=how.limit, profiles=how.profiles)
    setup = Setup(
        how.history,
        how.rotations,
        seed,
        how.structured,
        sampling_of(how),
        selected.about,
        VoicePrompts(how.prompts),
    )
    return AskedRun(how, protocols, selected, setup)


def _as_run(settings: VoiceGenerate) -> VoiceRun:
    shared = values_of(settings, Playing)
    return VoiceRun(**shared, protocol=(Protocol.REPLY.value,), rotations=settings.repetitions)


def check_judge(settings: VoiceRun) -> None:
    """Make sure that a run has the judge that its protocols need.

    Raises
    ------
    ParameterError
        If a protocol needs a judge, and none is named.
    """
    judged = [protocol for protocol in protocols_of(settings.protocol) if protocol in JUDGED]
    if judged and settings.judge_model is None:
        raise RuleBrokenError(
            f"the protocol {judged[0].value} needs a judge; name the judging model with {{judge_model}}"
        )


def play_asked(run: AskedRun, folder: Path, *, heard: Heard | None = None) -> PlayedItems:
    """Play a run, have replies judged where its protocols say so, and write the outcomes.

    Parameters
    ----------
    run : AskedRun
        What is played; see :func:`asked_run`.
    folder : Path
        Folder (or ``.sqlite`` file) that keeps every reply; what it holds is not asked for again.
    heard : callable, optional
        Called with the name of a step and its progress.

    Raises
    ------
    ParameterError
        If a protocol needs a judge, and none is named.
    """
    check_judge(run.settings)
    how, setup = run.settings, run.setup
    player, judge = open_player(how, how.model, heard, seed=setup.seed), None
    if run.is_judged and how.judge_model is not None:
        judge = open_player(_as_judge(how), how.judge_model, heard, seed=setup.seed)
    judging = replace(setup, sampling=replace(setup.sampling, temperature=how.judge_temperature))
    items, protocols = run.selected.items, run.protocols
    with run_store(folder) as store:
        work = play_async(items, protocols, player, store, setup=setup, judge=judge, judge_setup=judging)
        played = blocking(work, player, judge)
        prompts = stored_prompts(store)
    outcomes = [replace(outcome, model=run.selected.labelled(outcome.model)) for outcome in played.outcomes]
    played = replace(played, outcomes=outcomes)
    files = write_played(folder_of(folder), played.outcomes, items)
    return PlayedItems(items, run.selected.about, played, files, prompts)


def open_player(
    settings: Asking, model: str, heard: Heard | None = None, *, seed: int | None = None
) -> Player:
    """Open a model, ready to be asked as the settings say. Decoding seeds are derived from ``seed``, if it is given.

    Raises
    ------
    ParameterError
        If the model is the statistical stand-in, which cannot write.
    """
    if model.partition(":")[0] == "generated":
        raise ParameterError(
            "the statistical stand-in 'generated' answers survey items only; without a key, voices can be played by "
            "scripted:FILE"
        )
    options = run_options_of(settings, model, seed=seed)
    return Player(open_model(model, **connection_of(settings)), options, heard)


def _as_judge(settings: VoiceRun) -> VoiceRun:
    """Settings by which the judge is reached: its own where they are given, else those of the player."""
    own: dict[str, Any] = {
        "base_url": settings.judge_base_url or settings.base_url,
        "engine": settings.judge_engine or settings.engine,
        "key_variable": settings.judge_key_variable or settings.key_variable,
    }
    if settings.judge_model != settings.model:  # prices by hand are the player's
        own |= {"price_in": None, "price_out": None, "price_cached": None}
    return settings.model_copy(update=own)


def write_played(folder: Path, outcomes: Sequence[Outcome], items: Sequence[VoiceItem]) -> tuple[Path, ...]:
    """Write one file of outcomes for each protocol, and the items beside them; returns the files of outcomes."""
    write_voice_items(folder / PLAYED_ITEMS, items)
    by_protocol: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_protocol.setdefault(outcome.protocol.value, []).append(outcome)
    written = []
    for name, found in by_protocol.items():
        written.append(folder / f"{name}.jsonl")
        write_outcomes(written[-1], found)
    return tuple(written)

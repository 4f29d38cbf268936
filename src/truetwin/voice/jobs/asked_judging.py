"""Judge free replies as the settings of a job say, whoever wrote them."""

from __future__ import annotations

from pathlib import Path

from truetwin.errors import AlignmentError, ParameterError
from truetwin.io import file_hash
from truetwin.llm import RunSummary
from truetwin.llm.running.requested_run import sampling_of
from truetwin.llm.store.run_folder import folder_of, run_store
from truetwin.settings.voice_settings import VoiceJudge
from truetwin.voice.jobs.asked_playing import Heard, PlayedItems, open_player, protocols_of, write_played
from truetwin.voice.protocols.item_selection import Selected, select_items
from truetwin.voice.protocols.outcomes import Outcome, Protocol
from truetwin.voice.protocols.playing import (
    JUDGED,
    Played,
    blocking,
    judge_replies,
    replies_of,
    stored_prompts,
)
from truetwin.voice.protocols.voice_prompts import VoicePrompts
from truetwin.voice.protocols.voice_task import Setup
from truetwin.voice.scoring.stored_answers import read_answers


def judging_protocols(settings: VoiceJudge) -> tuple[Protocol, ...]:
    """Look up the protocols by which replies are judged.

    Raises
    ------
    ParameterError
        If one of them is no judging protocol.
    """
    protocols = protocols_of(settings.protocol)
    wrong = [protocol.value for protocol in protocols if protocol not in JUDGED]
    if wrong:
        raise ParameterError(
            f"judging protocols are {', '.join(p.value for p in JUDGED)}; {wrong[0]!r} is none"
        )
    return protocols


def judge_asked(
    settings: VoiceJudge, folder: Path, *, seed: int = 0, heard: Heard | None = None
) -> PlayedItems:
    """Have a model judge free replies, and write the outcomes.

    Parameters
    ----------
    settings : VoiceJudge
        Replies, items, judge and protocols.
    folder : Path
        Folder (or ``.sqlite`` file) that keeps every judgement; what it holds is not asked for again.
    seed : int
        Seed of the order of options.
    heard : callable, optional
        Called with the name of a step and its progress.

    Raises
    ------
    AlignmentError
        If the file does not hold replies of one model to these items.
    """
    protocols = judging_protocols(settings)
    written = [o for o in read_answers(settings.replies).outcomes if o.protocol is Protocol.REPLY]
    selected = _replied_items(settings, written, seed)
    about = {**selected.about, "replies": file_hash(settings.replies)}
    rotations = 1 + max(outcome.run for outcome in written)
    setup = Setup(
        settings.history,
        rotations,
        seed,
        settings.structured,
        sampling_of(settings),
        about,
        VoicePrompts(settings.prompts),
    )
    judge = open_player(settings, settings.judge_model, heard, seed=seed)
    summaries: dict[str, RunSummary] = {}
    with run_store(folder) as store:
        work = judge_replies(
            selected.items,
            replies_of(written),
            protocols,
            judge,
            store,
            setup=setup,
            model=written[0].model,
            summaries=summaries,
        )
        played = Played(blocking(work, judge), summaries)
        prompts = stored_prompts(store)
    files = write_played(folder_of(folder), played.outcomes, selected.items)
    return PlayedItems(selected.items, selected.about, played, files, prompts)


def _replied_items(settings: VoiceJudge, written: list[Outcome], seed: int) -> Selected:
    """Select the items that the replies are to."""
    selected = select_items(settings.items, seed=seed, limit=settings.limit, profiles=settings.profiles)
    known, models = {o.item_id for o in written}, {o.model for o in written}
    chosen = [item for item in selected.items if item.item_id in known]
    if not chosen or len(models) != 1:
        raise AlignmentError(
            f"{settings.replies} must hold free replies of one model to items of {settings.items}; it has "
            f"{len(written)} replies of {len(models)} models, {len(chosen)} of them to those items"
        )
    return Selected(chosen, selected.about)

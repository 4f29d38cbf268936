"""Play protocols with the project's own runner and store: nothing is asked twice, and any run can be continued."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from truetwin.errors import ParameterError
from truetwin.llm import Cell, ChatModel, Parsed, Progress, RunOptions, RunSummary, State, Store, run_async
from truetwin.llm.running.waiting import wait_for
from truetwin.llm.store.run_file import RunFile
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.capability_annotation import AnnotationTask, annotation_record
from truetwin.voice.protocols.choosing import ChoiceTask, outcome_of_choice
from truetwin.voice.protocols.free_replies import ReplyTask, outcome_of_reply
from truetwin.voice.protocols.judgement_reading import usable
from truetwin.voice.protocols.judging import judge_task, outcome_of_judgement
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status
from truetwin.voice.protocols.voice_task import Setup, VoiceTask

#: Protocols in which a judge reads a free reply.
JUDGED = (Protocol.REPLY_VS_DISTRACTORS, Protocol.MAP_TO_OPTIONS, Protocol.SCORING)

Replies = Mapping[tuple[str, int], Parsed]
T = TypeVar("T")
_NOT_ASKED = Parsed(State.SKIPPED, reason="not asked")


@dataclass(frozen=True)
class Player:
    """Model in a run, with its options and a listener to its progress.

    Parameters
    ----------
    model : ChatModel
        Model that is asked.
    options : RunOptions
        Concurrency, retries, caps.
    progress : callable, optional
        Called with the name of the step and its :class:`truetwin.llm.Progress`.
    """

    model: ChatModel
    options: RunOptions = field(default_factory=RunOptions)
    progress: Callable[[str, Progress], None] | None = None

    async def ask(self, task: VoiceTask, store: Store) -> RunSummary:
        """Ask everything of a task to which the store has no answer."""
        heard = self.progress
        return await run_async(
            task,
            self.model,
            store,
            self.options,
            progress=None if heard is None else lambda progress: heard(task.step, progress),
        )


@dataclass(frozen=True)
class Played:
    """Result of a benchmark run.

    Attributes
    ----------
    outcomes : list of Outcome
        Outcomes, one for each item, rotation and protocol, in the order of the items. Those not reached are failed.
    summaries : mapping from str to RunSummary
        Summary of what this call asked and used, by step.
    """

    outcomes: list[Outcome]
    summaries: Mapping[str, RunSummary]

    @property
    def stopped(self) -> str:
        """Reason why the run ended early; empty if it did not."""
        return next((s.stopped for s in self.summaries.values() if s.stopped), "")

    @property
    def complete(self) -> bool:
        """Whether every item has an outcome of its own: none failed, none unscored."""
        return not any(o.status in (Status.FAILED, Status.UNSCORED) for o in self.outcomes)


def blocking(work: Awaitable[T], *players: Player | None) -> T:
    """Run asynchronous work of this module to its end, and close the models' connections."""

    async def go() -> T:
        try:
            return await work
        finally:
            for player in players:
                if player is not None:
                    await player.model.close()

    return wait_for(go())


def play(
    items: Sequence[VoiceItem],
    protocols: Sequence[Protocol],
    player: Player,
    store: Store,
    *,
    setup: Setup | None = None,
    judge: Player | None = None,
    judge_setup: Setup | None = None,
) -> Played:
    """Test a model on items under one or more protocols; blocking form of :func:`play_async`.

    Examples
    --------
    >>> import tempfile
    >>> from truetwin.llm import scripted_model
    >>> from truetwin.voice.items.voice_items import Option, VoicePersona
    >>> options = tuple(Option(i, f"Reply {i}.") for i in "abcd")
    >>> item = VoiceItem("1", "social", "en", VoicePersona("p"), "Snow!", options, answer="b")
    >>> writer, judge = (Player(scripted_model({"default": text})) for text in ("Lovely.", "Score: 4"))
    >>> with Store(tempfile.mkdtemp()) as store:
    ...     [outcome] = play([item], [Protocol.SCORING], writer, store, judge=judge).outcomes
    >>> outcome.reply, outcome.score
    ('Lovely.', 4.0)
    """
    work = play_async(items, protocols, player, store, setup=setup, judge=judge, judge_setup=judge_setup)
    return blocking(work, player, judge)


async def play_async(
    items: Sequence[VoiceItem],
    protocols: Sequence[Protocol],
    player: Player,
    store: Store,
    *,
    setup: Setup | None = None,
    judge: Player | None = None,
    judge_setup: Setup | None = None,
) -> Played:
    """Test a model on items under one or more protocols, judges included.

    A free reply is written once for each item and rotation, and shared by all judging protocols. What the store holds
    is not asked again.

    Parameters
    ----------
    items : sequence of VoiceItem
        Items of the benchmark.
    protocols : sequence of Protocol
        Protocols to play.
    player : Player
        Model that plays the personas.
    store : Store
        Store that keeps the replies.
    setup : Setup, optional
        Settings of the questions.
    judge : Player, optional
        Model that judges; needed for the judging protocols.
    judge_setup : Setup, optional
        Settings for the judge; by default those of the player.

    Raises
    ------
    ParameterError
        If a judging protocol has no judge.
    """
    setup = setup or Setup()
    judged = [p for p in protocols if p in JUDGED]
    if judged and judge is None:
        raise ParameterError(
            f"the protocol {judged[0].value!r} needs a judge: a model that reads the replies"
        )
    outcomes: list[Outcome] = []
    summaries: dict[str, RunSummary] = {}
    if Protocol.CHOICE in protocols:
        choosing = ChoiceTask(items, setup)
        summaries[choosing.step] = await player.ask(choosing, store)
        found = stored(store, choosing.step)
        outcomes += [
            outcome_of_choice(choosing, cell, found.get(_place(cell), _NOT_ASKED), model=player.model.name)
            for cell in choosing.cells()
        ]
    if judged or Protocol.REPLY in protocols:
        writing = ReplyTask(items, setup)
        if not _is_stopped(summaries):
            summaries[writing.step] = await player.ask(writing, store)
        replies = stored(store, writing.step)
        if Protocol.REPLY in protocols:
            outcomes += _written(writing, replies, player.model.name)
        if judge is not None:
            outcomes += await judge_replies(
                items,
                replies,
                judged,
                judge,
                store,
                setup=judge_setup or setup,
                model=player.model.name,
                summaries=summaries,
            )
    return Played(outcomes, summaries)


async def judge_replies(
    items: Sequence[VoiceItem],
    replies: Replies,
    protocols: Sequence[Protocol],
    judge: Player,
    store: Store,
    *,
    setup: Setup,
    model: str,
    summaries: dict[str, RunSummary] | None = None,
) -> list[Outcome]:
    """Have a model judge replies, whoever wrote them.

    Parameters
    ----------
    items : sequence of VoiceItem
        The items that were replied to.
    replies : mapping of (item id, rotation) to Parsed
        The replies as read; see :func:`stored` and :func:`replies_of`.
    protocols : sequence of Protocol
        Judging protocols.
    judge : Player
        Model that judges.
    store : Store
        Store that keeps the judgements.
    setup : Setup
        Settings for the judge.
    model : str
        Name of the model that wrote the replies, for the record.
    summaries : dict, optional
        Filled with the summary of each step.
    """
    done = summaries if summaries is not None else {}
    outcomes: list[Outcome] = []
    for protocol in protocols:
        judging = judge_task(items, setup, replies, protocol)
        if not _is_stopped(done):
            done[judging.step] = await judge.ask(judging, store)
        marks = stored(store, judging.step)
        outcomes += [
            outcome_of_judgement(
                judging,
                judging.cell(item, rotation),
                marks.get((item.item_id, rotation)),
                model=model,
                judge=judge.model.name,
            )
            for item in items
            for rotation in range(setup.rotations)
        ]
    return outcomes


async def annotate(
    items: Sequence[VoiceItem], player: Player, store: Store, setup: Setup | None = None
) -> tuple[list[dict[str, Any]], RunSummary]:
    """Have a model annotate which capabilities items test; items without a readable annotation are left out.

    Returns the records ``{"item_id", "primary", "labels"}`` and the summary of the run.
    """
    task = AnnotationTask(items, setup or Setup())
    summary = await player.ask(task, store)
    found = stored(store, task.step)
    readable = [(i.item_id, found[i.item_id, 0]) for i in items if (i.item_id, 0) in found]
    records = [annotation_record(i, p.value) for i, p in readable if p.state is State.VALID]
    return records, summary


def stored(store: Store, step: str) -> dict[tuple[str, int], Parsed]:
    """Read the stored replies of a step, by item id and rotation."""
    if step not in store.steps():
        return {}
    return {_place(call.cell): call.parsed for call in store.calls(step)}


def stored_prompts(store: RunFile) -> dict[str, list[dict[str, Any]]]:
    """Read which prompts each step of a run was asked with: name, version and hash."""
    return {step: list(store.settings(step)["task"].get("prompts", ())) for step in store.steps()}


def replies_of(outcomes: Sequence[Outcome]) -> dict[tuple[str, int], Parsed]:
    """Collect free replies from outcomes, by item id and rotation, for a judge.

    An outcome without a reply keeps the state in which it ended, so that it is counted and not judged. Replies from a
    file obey the same rules as replies that a model has just written.
    """

    def parsed(outcome: Outcome) -> Parsed:
        if outcome.reply:
            return usable(outcome.reply)
        if outcome.status is Status.FAILED:
            return Parsed(State.PROVIDER_ERROR, reason=outcome.reason)
        return Parsed(State(outcome.details.get("state", State.UNPARSEABLE)), reason=outcome.reason)

    return {(o.item_id, o.run): parsed(o) for o in outcomes}


def _written(task: ReplyTask, replies: Replies, model: str) -> Iterator[Outcome]:
    for cell in task.cells():
        yield outcome_of_reply(task, cell, replies.get(_place(cell), _NOT_ASKED), model=model)


def _is_stopped(summaries: Mapping[str, RunSummary]) -> bool:
    return any(summary.stopped for summary in summaries.values())


def _place(cell: Cell) -> tuple[str, int]:
    return cell.item, cell.replicate

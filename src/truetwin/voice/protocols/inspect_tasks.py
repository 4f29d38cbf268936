r"""Run the benchmark in Inspect: ``inspect eval truetwin/voice_narrative --model ...``.

Prompts, order of options and reading are those of the project's own runner, so that both engines give the same
outcomes on the same replies. A sample whose model fails after all retries is scored as failed, and stays in the
denominator. A judge that fails leaves its score unscored, which Inspect counts. The judge is the role ``grader``::

    inspect eval truetwin/voice_narrative -T protocol=judged \
        --model openai-api/local/my-model --model-role grader=openai/gpt-5

Epochs are rotations of the options. Calls are retried a finite number of times; add ``--retry-on-error=1`` where an
endpoint sends malformed bodies, which Inspect does not retry by itself. A log with failed samples has the status
"error", and ``inspect eval-retry`` asks those again. :func:`read_inspect_outcomes` turns a log into outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import read_eval_log
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ResponseSchema,
    get_model,
    model_roles,
)
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    Metric,
    SampleScore,
    Score,
    Scorer,
    ScoreReducer,
    Target,
    accuracy,
    mean,
    metric,
    score_reducer,
    scorer,
    stderr,
    value_to_float,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import JSONSchema

from truetwin.errors import DataError, FileFormatError, ParameterError
from truetwin.llm import Message, Parsed, Reply, Request, Sampling, State
from truetwin.registry import closest
from truetwin.settings.voice_settings import Control
from truetwin.voice.items.voice_items import Dimension, VoiceItem
from truetwin.voice.protocols.choosing import ChoiceTask, outcome_of_choice
from truetwin.voice.protocols.free_replies import ReplyTask
from truetwin.voice.protocols.item_selection import Selected, select_items
from truetwin.voice.protocols.judging import judge_task, outcome_of_judgement
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status
from truetwin.voice.protocols.playing import JUDGED
from truetwin.voice.protocols.voice_task import HISTORY_TURNS, Setup, VoiceTask

#: Version of the tasks; it rises when scores are no longer comparable with earlier ones.
VERSION = 1
#: Retries of one call, and seconds that one attempt may take; after them the sample has failed.
MAX_RETRIES, ATTEMPT_TIMEOUT = 6, 120
#: What the argument ``protocol`` may be; ``judged`` is one free reply under all three judging protocols.
PROTOCOLS: dict[str, tuple[Protocol, ...]] = {
    "choice": (Protocol.CHOICE,),
    "judged": JUDGED,
    **{protocol.value: (protocol,) for protocol in JUDGED},
}


@task
def voice_social(
    items: str | None = None,
    protocol: str = "choice",
    history: int = HISTORY_TURNS,
    rotations: int = 1,
    seed: int = 0,
    structured: bool = True,
    control: Control | None = None,
) -> Task:
    """Social personas: users of a platform, from a file of items."""
    return voice_task("social", items, protocol, Setup(history, rotations, seed, structured), control)


@task
def voice_interpersonal(
    items: str | None = None,
    protocol: str = "choice",
    history: int = HISTORY_TURNS,
    rotations: int = 1,
    seed: int = 0,
    structured: bool = True,
    control: Control | None = None,
) -> Task:
    """Interpersonal personas: members of chats, from a file of items."""
    return voice_task("interpersonal", items, protocol, Setup(history, rotations, seed, structured), control)


@task
def voice_narrative(
    items: str | None = None,
    protocol: str = "choice",
    history: int = HISTORY_TURNS,
    rotations: int = 1,
    seed: int = 0,
    structured: bool = True,
    control: Control | None = None,
) -> Task:
    """Narrative personas: characters of novels, from a file of items or the published 1187."""
    return voice_task("narrative", items, protocol, Setup(history, rotations, seed, structured), control)


def voice_task(
    dimension: Dimension, path: str | None, protocol: str, setup: Setup, control: Control | None = None
) -> Task:
    """Make an Inspect task from the items of a dimension."""
    if protocol not in PROTOCOLS:
        raise ParameterError(
            f"the protocol must be one of {', '.join(PROTOCOLS)}; got {protocol!r}."
            f"{closest(protocol, list(PROTOCOLS))}"
        )
    chosen = _chosen(dimension, path, control, setup.seed)
    return task_of(chosen.items, PROTOCOLS[protocol], setup, label=chosen.label)


def task_of(
    items: Sequence[VoiceItem], protocols: Sequence[Protocol], setup: Setup, *, label: str = ""
) -> Task:
    """Make an Inspect task from given items; results carry the label, if there is one, beside the model's name."""
    chosen = protocols[0] is Protocol.CHOICE
    asking = ChoiceTask(items, setup) if chosen else ReplyTask(items, setup)
    schema = _response_schema(asking)
    return Task(
        dataset=MemoryDataset([_sample(item) for item in items], name=asking.items[0].dimension),
        solver=_playing(asking),
        scorer=[_choosing(asking)]
        if isinstance(asking, ChoiceTask)
        else [_judging(asking, p) for p in protocols],
        config=_config(setup.sampling, schema),
        epochs=Epochs(setup.rotations, over_rotations()),
        score_on_error=True,
        version=VERSION,
        metadata={**asking.settings, **({"label": label} if label else {})},
    )


def _chosen(dimension: Dimension, path: str | None, control: Control | None, seed: int) -> Selected:
    chosen = select_items(path or dimension, control=control, seed=seed)
    other = next((item for item in chosen.items if item.dimension != dimension), None)
    if other is not None:
        raise DataError(
            f"the items must be of the dimension {dimension}; {other.item_id!r} is {other.dimension}"
        )
    return chosen


def _sample(item: VoiceItem) -> Sample:
    return Sample(
        id=item.item_id,
        input=item.stimulus,
        target=item.true_option.text,
        metadata={"persona": item.persona.id, "group": item.group},
    )


def _config(sampling: Sampling, schema: ResponseSchema | None = None) -> GenerateConfig:
    return GenerateConfig(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        max_retries=MAX_RETRIES,
        attempt_timeout=ATTEMPT_TIMEOUT,
        response_schema=schema,
    )


def _response_schema(asking: VoiceTask) -> ResponseSchema | None:
    if asking.schema is None or not asking.setup.structured:
        return None
    return ResponseSchema(name="reply", json_schema=JSONSchema.model_validate(asking.schema))


def _messages(request: Request) -> list[ChatMessage]:
    made: dict[str, Callable[..., ChatMessage]] = {
        "system": ChatMessageSystem,
        "user": ChatMessageUser,
        "assistant": ChatMessageAssistant,
    }

    def chat(message: Message) -> ChatMessage:
        return made[message.role](content=message.content)

    return [chat(message) for message in request.messages]


def _reply(output: ModelOutput) -> Reply:
    stopped = output.stop_reason
    return Reply(
        output.completion,
        finish_reason="length" if stopped in ("max_tokens", "model_length") else stopped,
        refusal="content filter" if stopped == "content_filter" else None,
    )


def _read(asking: VoiceTask, state: TaskState) -> Parsed:
    """Read the reply of a sample; a sample without a reply has failed."""
    if not state.output.choices:
        return Parsed(State.PROVIDER_ERROR, reason="the model gave no reply")
    item = asking.by_id[str(state.sample_id)]
    return asking.parse(asking.cell(item, state.epoch - 1), _reply(state.output))


def _playing(asking: VoiceTask) -> Solver:
    @solver(name="truetwin/play")
    def play() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            if isinstance(asking, ReplyTask) and "grader" not in model_roles():
                raise ParameterError(
                    "a judging protocol needs a judge; name one with --model-role grader=MODEL"
                )
            item = asking.by_id[str(state.sample_id)]
            state.messages = _messages(asking.request(asking.cell(item, state.epoch - 1)))
            return await generate(state)

        return solve

    return play()


@score_reducer(name="truetwin/rotations")
def over_rotations() -> ScoreReducer:
    """Average over the rotations of an item, leaving out unscored ones."""

    def reduce(scores: list[Score]) -> Score:
        scored = [s for s in scores if s.value == s.value]  # unscored is NaN
        if not scored:
            return scores[0]
        as_float = value_to_float()
        return Score(
            value=sum(as_float(s.value) for s in scored) / len(scored),
            metadata={
                name: sum(_shares(s)[name] for s in scored) / len(scored) for name in ("answered", "failed")
            },
        )

    return reduce


@metric(name="answered")
def answered() -> Metric:
    """Share of scored replies in which an answer can be read."""
    return _mean_share("answered")


@metric(name="failed")
def failed() -> Metric:
    """Share of scored cases in which the machinery gave no reply; they count as wrong."""
    return _mean_share("failed")


def _mean_share(name: str) -> Metric:
    def measure(scores: list[SampleScore]) -> float:
        return sum(_shares(s.score)[name] for s in scores) / len(scores) if scores else float("nan")

    return measure


def _shares(score: Score) -> Mapping[str, float]:
    found = score.metadata or {}
    if "outcome" not in found:
        return found
    outcome = Outcome.from_record(found["outcome"])
    return {"answered": float(outcome.is_answered), "failed": float(outcome.status is Status.FAILED)}


def _choosing(asking: ChoiceTask) -> Scorer:
    @scorer(metrics=[accuracy(), stderr(cluster="persona"), answered(), failed()], name=Protocol.CHOICE.value)
    def choice() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            cell = asking.cell(asking.by_id[str(state.sample_id)], state.epoch - 1)
            return _score(outcome_of_choice(asking, cell, _read(asking, state), model=str(state.model)))

        return score

    return choice()


def _judging(asking: ReplyTask, protocol: Protocol) -> Scorer:
    middle = mean() if protocol is Protocol.SCORING else accuracy()

    @scorer(metrics=[middle, stderr(cluster="persona"), answered(), failed()], name=protocol.value)
    def judge() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            return _score(await _judged(asking, protocol, state))

        return score

    return judge()


async def _judged(asking: ReplyTask, protocol: Protocol, state: TaskState) -> Outcome:
    item, rotation = asking.by_id[str(state.sample_id)], state.epoch - 1
    judging = judge_task([item], asking.setup, {(item.item_id, rotation): _read(asking, state)}, protocol)
    grader = _grader()
    cell, found = judging.cell(item, rotation), None
    if judging.asked(item, rotation):
        try:
            output = await grader.generate(
                _messages(judging.request(cell)),
                config=_config(asking.setup.sampling, _response_schema(judging)),
            )
            found = judging.parse(cell, _reply(output))
        except (
            Exception
        ) as error:  # whatever the provider raises once its retries are used up: unscored, and counted
            found = Parsed(State.PROVIDER_ERROR, reason=f"{type(error).__name__}: {error}"[:500])
    return outcome_of_judgement(judging, cell, found, model=str(state.model), judge=str(grader))


def _grader() -> Model:
    """Return the judge; unlike Inspect's default, the model under test never takes its place."""
    if "grader" not in model_roles():
        raise ParameterError("a judging protocol needs a judge; name one with --model-role grader=MODEL")
    return get_model(role="grader")


def _score(outcome: Outcome) -> Score:
    about: dict[str, Any] = {
        "answer": outcome.picked or outcome.reply or None,
        "explanation": outcome.reason or None,
        "metadata": {"outcome": outcome.to_record()},
    }
    if outcome.status is Status.UNSCORED:
        return Score.unscored(reason="scoring_failed", **about)
    if outcome.protocol is Protocol.SCORING:
        return Score.unscored(**about) if outcome.score is None else Score(value=outcome.score, **about)
    return Score(value=CORRECT if outcome.status is Status.CORRECT else INCORRECT, **about)


def read_inspect_outcomes(path: str | Path) -> list[Outcome]:
    """Read the outcomes in a log of one of these tasks.

    Raises
    ------
    FileFormatError
        If the file is no log, or one of another task.
    """
    try:
        log = read_eval_log(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise FileFormatError(f"{path} must be a log of Inspect; it cannot be read: {error}") from error
    found: list[Mapping[str, Any]] = [
        (score.metadata or {}).get("outcome", {})
        for sample in log.samples or ()
        for score in (sample.scores or {}).values()
    ]
    if not found or not all(found):
        raise FileFormatError(f"{path} must be a log of a truetwin task; it holds other scores, or none")
    label = str((log.eval.metadata or {}).get("label") or "")
    outcomes = [Outcome.from_record(record) for record in found]
    return [replace(o, model=f"{o.model} ({label})") for o in outcomes] if label else outcomes

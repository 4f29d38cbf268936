"""Prepare a survey of twins from the settings of a job: its task, its model, its design, and remarks for the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.data import Item
from truetwin.data.persona import Persona
from truetwin.errors import DataError
from truetwin.llm import RunSummary, Sampling, State
from truetwin.llm.prompts import Template
from truetwin.llm.running.requested_run import sampling_of
from truetwin.llm.store.asking_again import AskAgain
from truetwin.registry import closest
from truetwin.settings.declaration import RuleBrokenError, values_of
from truetwin.settings.simulate_settings import Design, Simulate
from truetwin.settings.value_kinds import ids_among
from truetwin.simulation.personas.leaks import texts_that_occur
from truetwin.simulation.questions.question import wordings_like_codes
from truetwin.simulation.questions.survey_design import CONSTRUCTIONS, Construction, SurveyDesign
from truetwin.simulation.survey.arm_assignment import ArmPlan
from truetwin.simulation.survey.asked_arms import people_by_level
from truetwin.simulation.survey.prompt_set import PromptSet
from truetwin.simulation.survey.survey_answers import SurveyAnswers
from truetwin.simulation.survey.survey_task import SurveyTask


def survey_of(
    settings: Simulate,
    personas: Sequence[Persona],
    catalogue: Mapping[str, Item],
    *,
    seed: int = 0,
    design: SurveyDesign | None = None,
    sampling: Sampling | None = None,
    arms: ArmPlan | None = None,
) -> SurveyTask:
    """Make the task of asking twins, as the settings say.

    Parameters
    ----------
    settings : Simulate
        Settings of the job.
    personas : sequence of Persona
        The people whom the twins play.
    catalogue : mapping from id to Item
        The declared items. ``settings.only`` may choose some of them.
    seed : int
        Random seed of the order of answer options.
    design, sampling : optional
        Design and decoding to use instead of those of the settings.
    arms : ArmPlan, optional
        Arms that the items show, and how twins come into them.

    Raises
    ------
    ParameterError, DataError
        If settings contradict a construction, or an item or a persona cannot be used.
    """
    return SurveyTask(
        personas,
        _items_asked(settings, catalogue),
        design or design_of(settings, personas, seed=seed),
        sampling or sampling_of(settings, _temperature(settings)),
        prompts=PromptSet(settings.prompts),
        catalogue=catalogue,
        context_tokens=settings.context_tokens,
        arms=arms,
    )


#: Settings in which cells that are asked again may differ from the run. They change how a reply is asked for, and not
#: what is asked of whom.
MAY_DIFFER_AGAIN = (
    "task.sampling",
    "task.prompts",
    "task.design.reply",
    "task.design.strategy",
    "task.design.predicted_output",
    "model.extra",
    "model.no_system",
    "model.script",
)


def again_of(settings: Simulate) -> AskAgain | None:
    """Return which cells of a stored run the settings ask again; None if they name no state."""
    if not settings.again:
        return None
    return AskAgain(frozenset(map(State, settings.again)), MAY_DIFFER_AGAIN)


def model_of(settings: Simulate) -> str:
    """Return the name of the model to ask: the one that the settings name, or else the construction's.

    Raises
    ------
    ParameterError
        If neither names a model.
    """
    chosen = _construction(settings)
    model = settings.model or (chosen.model if chosen else None)
    if not model:
        raise RuleBrokenError(
            f"{{model}} is missing: the construction {settings.construction!r} uses a fine-tuned model, whose name "
            "only its owner knows"
        )
    return model


def design_of(settings: Simulate, personas: Sequence[Persona], *, seed: int = 0) -> SurveyDesign:
    """Return the design of the survey. Settings that were not given follow from the others.

    Examples
    --------
    >>> design_of(Simulate(model="m", elicit="distribution"), []).reply
    'json'
    """
    construction = _construction(settings)
    chosen: dict[str, Any] = {**values_of(settings, Design), "seed": seed}
    if construction:
        _check_builder(construction, personas)
        if settings.strategy not in (None, construction.strategy):
            raise RuleBrokenError(
                f"the construction asks for {{strategy}} {construction.strategy}; got {settings.strategy!r}"
            )
        chosen["strategy"] = construction.strategy
        chosen["predicted_output"] = settings.predicted_output or construction.predicted_output
    needs_json = settings.per_call != 1 or chosen["predicted_output"] or settings.elicit == "distribution"
    ratings = bool(personas) and all(persona.builder.startswith("rating-history") for persona in personas)
    usual = {
        "strategy": "default",
        "reply": "json" if needs_json else "code",
        "markers": "letters" if settings.elicit == "logprobs" else "codes",
        "frame": "rating" if ratings else "survey",
    }
    return SurveyDesign(**chosen | {name: value for name, value in usual.items() if chosen[name] is None})


def _construction(settings: Simulate) -> Construction | None:
    return CONSTRUCTIONS[settings.construction] if settings.construction else None


def _check_builder(construction: Construction, personas: Sequence[Persona]) -> None:
    other = next((p for p in personas if p.builder and p.builder != construction.builder), None)
    if other is not None:
        raise DataError(
            f"the construction takes personas of the builder {construction.builder!r}; persona {other.id!r} was made "
            f"by {other.builder!r}"
        )


def _temperature(settings: Simulate) -> float | None:
    construction = _construction(settings)
    if construction is None:
        return settings.temperature
    if settings.temperature not in (None, construction.temperature):
        raise RuleBrokenError(
            f"the construction asks for {{temperature}} {construction.temperature:g}; got {settings.temperature:g}"
        )
    return construction.temperature


def _items_asked(settings: Simulate, catalogue: Mapping[str, Item]) -> list[Item]:
    wanted = ids_among(settings.only, list(catalogue))
    if wanted is None:
        return list(catalogue.values())
    unknown = [item for item in wanted if item not in catalogue]
    if unknown:
        raise DataError(
            f"only items that are declared can be asked; there is no {unknown[0]!r} among the items."
            f"{closest(unknown[0], list(catalogue))}"
        )
    return [catalogue[item] for item in wanted]


def remarks_on(task: SurveyTask) -> list[str]:
    """List remarks for the user before the survey: answers that personas may give away, and misleading wordings."""
    found = []
    shown = texts_that_occur(list(task.personas.values()), task.items)
    if shown:
        found.append(
            f"the wording of {len(shown)} items to be asked, such as {shown[0]!r}, stands in the personas; if their "
            "answers do too, the model copies them"
        )
    unclear = [item for item in task.items if wordings_like_codes(task.questionnaire.ask(item))]
    if unclear:
        found.append(
            f"wordings of {len(unclear)} items, such as {unclear[0].id!r}, are codes of other answers: a reply that "
            "gives the wording is taken for the code. Letters as markers tell them apart"
        )
    return [*found, *_remarks_on_arms(task)]


def _remarks_on_arms(task: SurveyTask) -> list[str]:
    """List arms that nobody is in and, without arms, placeholders that nothing fills in."""
    arms = task.questionnaire.arms
    if arms is None:
        left = [item for item in task.items if Template(item.id, item.text).placeholders]
        if not left:
            return []
        name = min(Template(left[0].id, left[0].text).placeholders)
        return [
            f"the text of item {left[0].id!r} has the placeholder {{{{{name}}}}}, which twins see as it is: no arms "
            "file says what stands there"
        ]
    counts = {condition: people_by_level(task.questionnaire, condition) for condition in arms.texts}
    return [
        f"no twin is in the arm {level!r} of {condition}"
        for condition, levels in counts.items()
        for level, n in levels.items()
        if not n
    ]


def valid_share_of(task: SurveyTask, summary: RunSummary, answers: SurveyAnswers | None) -> float | None:
    """Return the share of valid answers; None if there are none. If a call asks several items, each of them counts."""
    if all(len(group) == 1 for group in task.groups.values()):
        return summary.valid_share
    return None if answers is None else answers.valid_share

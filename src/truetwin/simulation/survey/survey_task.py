"""Define the task of asking twins a survey: its calls, the request of each, and the reading of its reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

from truetwin.data import Item
from truetwin.data.persona import Persona
from truetwin.data.responses import check_unique
from truetwin.errors import DataError
from truetwin.io import item_record
from truetwin.llm import Cell, Message, Parsed, Reply, Request, Sampling, check_context
from truetwin.llm.task import digest_of
from truetwin.settings.declaration import default_of
from truetwin.settings.shared_settings import ContextLimit
from truetwin.simulation.personas.leaks import check_no_leak, hidden_with
from truetwin.simulation.questions.arms import form_for, forms_of, place_of
from truetwin.simulation.questions.question import Question
from truetwin.simulation.questions.survey_design import SurveyDesign
from truetwin.simulation.reading.reply_formats import expected_reply, reply_schema
from truetwin.simulation.survey.arm_assignment import ArmPlan, Assignment
from truetwin.simulation.survey.prompt_set import PromptSet
from truetwin.simulation.survey.questionnaire import Questionnaire, groups_of

CONTEXT_TOKENS: int = default_of(ContextLimit, "context_tokens")
LIKELIEST_TOKENS = 20
_FIRST_TOKENS = 4


class SurveyTask:
    """Task of asking twins survey items.

    The persona comes first in a prompt and the items last, and the calls of one persona follow each other, so that
    providers can reuse what they have computed for the persona.

    Parameters
    ----------
    personas : sequence of Persona
        The people whom the twins play.
    items : sequence of Item
        The items to ask. Each needs a text and a scale.
    design : SurveyDesign
        How the items are asked.
    sampling : Sampling
        Sampling settings of the model.
    prompts : PromptSet
        The wording around personas and items.
    catalogue : mapping from item id to Item, optional
        Further known items. They tell which items are in the battery of an item that is asked; personas must show none
        of these.
    context_tokens : int
        Longest prompt that is sent, in tokens of about four bytes.
    arms : ArmPlan, optional
        Arms that the items show, and how twins come into them.

    Raises
    ------
    DataError
        If a persona shows an item that is asked or one of its battery, if an item cannot be asked, if ids repeat, or
        if a persona is too long for the context.
    ParameterError
        If the design does not suit the items.

    Examples
    --------
    >>> from truetwin.data import Scale
    >>> item = Item("Q1", "Do you like tea?", Scale.ordinal(1, 2, labels={1: "no", 2: "yes"}))
    >>> task = SurveyTask([Persona("007", "Drinks coffee only.")], [item])
    >>> cell = next(task.cells())
    >>> print(task.request(cell).messages[1].content[-58:])
    Do you like tea?
    Answers, each with its code:
    1: no
    2: yes
    >>> task.parse(cell, Reply("1")).value
    {'Q1': 1.0}
    """

    def __init__(
        self,
        personas: Sequence[Persona],
        items: Sequence[Item],
        design: SurveyDesign | None = None,
        sampling: Sampling | None = None,
        *,
        prompts: PromptSet | None = None,
        catalogue: Mapping[str, Item] | None = None,
        context_tokens: int = CONTEXT_TOKENS,
        arms: ArmPlan | None = None,
    ) -> None:
        self._plan = arms
        self._made: dict[str, Any] = {
            "personas": personas,
            "items": items,
            "design": design,
            "sampling": sampling,
            "prompts": prompts,
            "catalogue": catalogue,
            "context_tokens": context_tokens,
        }
        self.design = design or SurveyDesign()
        self.items = tuple(items)
        self.personas = {p.id: p for p in personas}
        if not personas or not items:
            raise DataError("a simulation needs at least one persona and one item")
        check_unique([p.id for p in personas], "persona id", "the personas")
        self._catalogue = {**(catalogue or {}), **{i.id: i for i in items}}
        self.assignment: Assignment = {}
        self._calls: dict[str, tuple[str, ...]] = {}
        self.questionnaire = self._without_arms() if arms is None else self._under_arms(arms)
        check_no_leak(personas, [i.id for i in items], self._catalogue)
        self.sampling = _sampling(sampling or Sampling(), self.design)
        prompts = prompts or PromptSet()
        self._prompts = {
            role: prompts[name]
            for role, name in (
                ("system", f"{self.design.frame}-system"),
                ("user", f"{self.design.frame}-user"),
                ("instruction", self.design.instruction),
            )
        }
        self.groups = self.questionnaire.groups
        self._hidden: dict[str, frozenset[str]] = {}
        if any(p.passages for p in personas):
            self._hidden = {
                name: hidden_with([i.id for i in self.questionnaire.items_of(name)], self._catalogue)
                for name in self.groups
            }
        longest = max(
            self.groups, key=lambda name: sum(len(self.questionnaire.ask(i).text) for i in self.groups[name])
        )
        check_context(self, context_tokens, [Cell(p, longest) for p in self.personas])

    def keeping_arms(self, levels: Assignment) -> SurveyTask:
        """Return the same survey, with these people in the arms in which they were before."""
        assert self._plan is not None
        return SurveyTask(**self._made, arms=replace(self._plan, before=levels))

    def hidden_in(self, name: str) -> frozenset[str]:
        """Name the items whose passages of personas are left out of a call."""
        return self._hidden.get(name, frozenset())

    def _without_arms(self) -> Questionnaire:
        questionnaire = Questionnaire(self.items, self.design)
        self._calls = dict.fromkeys(self.personas, tuple(questionnaire.groups))
        return questionnaire

    def _under_arms(self, plan: ArmPlan) -> Questionnaire:
        """Find the form in which each person is asked each group of items; under ``every``, all forms."""
        arms, groups = plan.arms, groups_of(self.items, self.design)
        arms.check(self.items, self._catalogue.values())
        shown = {name: arms.conditions_of(items) for name, items in groups.items()}
        self.assignment = plan.assignment(list(self.personas), groups, self.design.seed)
        if arms.every:
            every = (form for name, conditions in shown.items() for form in forms_of(name, conditions, arms))
            self._calls = dict.fromkeys(self.personas, tuple(every))
        else:
            self._calls = {
                person: tuple(
                    form
                    for name, conditions in shown.items()
                    if (form := form_for(name, conditions, self.assignment[person])) is not None
                )
                for person in self.personas
            }
        asked = Counter(form for forms in self._calls.values() for form in forms)
        if not asked:
            raise DataError("nobody is in an arm, so there is nothing to ask: the conditions table is empty")
        ordered = sorted(asked, key=lambda form: place_of(form, groups, arms))
        return Questionnaire(self.items, self.design, arms, {form: asked[form] for form in ordered})

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Settings that must be equal for a stored survey to be continued, as JSON."""
        arms = self.questionnaire.arms
        under = {}
        if arms is not None:
            under["arms"] = {
                "texts": {condition: dict(levels) for condition, levels in arms.texts.items()},
                "every": arms.every,
                "asked": dict(self.questionnaire.asked or {}),
                "digest": digest_of(sorted(self.assignment.items())),
            }
        return {
            "task": "survey",
            "design": self.design.describe(),
            "sampling": asdict(self.sampling),
            "prompts": {t.name: t.describe() for t in self._prompts.values()},
            "personas": {
                "count": len(self.personas),
                "digest": digest_of_personas(self.personas.values()),
            },
            "items": {i.id: item_record(i) for i in self.items},
            **under,
        }

    def cells(self) -> Iterator[Cell]:
        """Yield one cell for each persona, call and replicate, persona by persona."""
        for persona, calls in self._calls.items():
            for name in calls:
                for replicate in range(self.design.replicates):
                    yield Cell(persona, name, replicate=replicate)

    @property
    def n_cells(self) -> int:
        """Number of calls."""
        return self.questionnaire.n_calls(len(self.personas))

    def request(self, cell: Cell) -> Request:
        """Make the request for a cell."""
        questions = self.questionnaire.questions(cell)
        persona = self.personas[cell.persona]
        shown = (
            [questions[0].text]
            if len(questions) == 1 and self.design.reply == "code"
            else [f"{k}. {q.text}" for k, q in enumerate(questions, 1)]
        )
        user = self._prompts["user"].parts(
            persona=persona.parts(without=self.hidden_in(cell.item)),
            instruction=self._prompts["instruction"].text,
            questions=("QUESTION\n" if len(shown) == 1 else "QUESTIONS\n") + "\n\n".join(shown),
        )
        prediction = None
        if self.design.predicted_output:
            prediction = expected_reply(questions, [_middle(q) for q in questions], self.design)
        return Request(
            (Message("system", (self._prompts["system"].text,)), Message("user", user)),
            self.sampling,
            reply_schema(questions, self.design) if self.design.reply == "schema" else None,
            prediction,
            cell,
        )

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read a reply as answers to the items of a cell."""
        return self.questionnaire.parse(cell, reply)


def digest_of_personas(personas: Iterable[Persona]) -> str:
    """Hash everything that prompts show of personas, and the items that personas hide."""
    return digest_of(map(_persona_key, personas))


def _sampling(sampling: Sampling, design: SurveyDesign) -> Sampling:
    if design.elicit != "logprobs":
        return sampling
    return replace(
        sampling,
        top_logprobs=sampling.top_logprobs or LIKELIEST_TOKENS,
        max_tokens=sampling.max_tokens or _FIRST_TOKENS,
    )


def _middle(question: Question) -> float:
    if question.options:
        return question.options[len(question.options) // 2].code
    scale = question.scale
    finite = [b for b in (scale.low, scale.high) if abs(b) != float("inf")]
    return float(scale.snap([sum(finite) / len(finite) if finite else 0.0])[0])


def _persona_key(persona: Persona) -> list[Any]:
    passages = [[p.item_id, p.text] for p in persona.passages]
    return [persona.id, persona.text, passages, sorted(persona.answers.items())]

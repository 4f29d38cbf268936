"""Simulate twins' answers: personas and survey items in, a table of answers out.

A persona is the text that describes one real person to a language model. The model that plays this person is the
twin."""

from truetwin.simulation.personas.persona_builders import BUILDERS, PersonaSource, build_personas
from truetwin.simulation.questions.survey_design import CONSTRUCTIONS, SurveyDesign
from truetwin.simulation.survey.portraits import PortraitTask
from truetwin.simulation.survey.prompt_set import PromptSet
from truetwin.simulation.survey.statistical_twin import open_twin
from truetwin.simulation.survey.survey_answers import SurveyAnswers, collect_answers
from truetwin.simulation.survey.survey_task import SurveyTask

__all__ = [
    "BUILDERS",
    "CONSTRUCTIONS",
    "PersonaSource",
    "PortraitTask",
    "PromptSet",
    "SurveyAnswers",
    "SurveyDesign",
    "SurveyTask",
    "build_personas",
    "collect_answers",
    "open_twin",
]

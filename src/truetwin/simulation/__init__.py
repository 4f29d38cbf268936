"""Making twins' answers: personas in, survey items in, a table of answers out."""

from truetwin.simulation.answers import SurveyAnswers, collect_answers
from truetwin.simulation.design import CONSTRUCTIONS, SurveyDesign
from truetwin.simulation.generated import open_twin
from truetwin.simulation.personas import BUILDERS, PersonaSource, build_personas
from truetwin.simulation.portraits import PortraitTask
from truetwin.simulation.survey import SurveyTask
from truetwin.simulation.templates import PromptSet

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

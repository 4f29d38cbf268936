"""Let a language model write portraits of people from their answers: a step before the survey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any

from truetwin.data.persona import Persona
from truetwin.llm import Cell, Message, Parsed, Reply, Request, Sampling, State
from truetwin.settings.declaration import default_of
from truetwin.settings.personas_settings import Personas
from truetwin.simulation.personas.persona_builders import PersonaSource, build_personas
from truetwin.simulation.reading.reply_reading import is_refusal
from truetwin.simulation.survey.prompt_set import PromptSet
from truetwin.simulation.survey.survey_task import digest_of_personas

STEP = "portrait"
WORDS: int = default_of(Personas, "words")
_SHORTEST = 40


class PortraitTask:
    """Task of writing one portrait a person, for the builders ``summary`` and ``summary+json``.

    Parameters
    ----------
    source : PersonaSource
        Answers and attributes of the people. Targets and their batteries are not shown to the model.
    words : int
        Longest portrait that is asked for, in words.
    sampling : Sampling
        Sampling settings of the model.
    prompts : PromptSet
        Wording of the request.
    """

    def __init__(
        self,
        source: PersonaSource,
        *,
        words: int = WORDS,
        sampling: Sampling | None = None,
        prompts: PromptSet | None = None,
    ) -> None:
        self.personas: dict[str, Persona] = {p.id: p for p in build_personas(source, "text")}
        self.words = words
        self.sampling = sampling or Sampling()
        chosen = prompts or PromptSet()
        self._system, self._user = chosen["summary-system"], chosen["summary-user"]

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Settings that must be equal for a stored run to be continued, as JSON."""
        return {
            "task": "portraits",
            "words": self.words,
            "sampling": asdict(self.sampling),
            "prompts": {t.name: t.describe() for t in (self._system, self._user)},
            "personas": {"count": len(self.personas), "digest": digest_of_personas(self.personas.values())},
        }

    def cells(self) -> Iterator[Cell]:
        """Yield one cell a person."""
        return (Cell(persona, STEP, STEP) for persona in self.personas)

    def request(self, cell: Cell) -> Request:
        """Make the request for one person."""
        user = self._user.parts(persona=self.personas[cell.persona].text, words=str(self.words))
        messages = (Message("system", (self._system.text,)), Message("user", user))
        return Request(messages, self.sampling, cell=cell)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read the portrait with :func:`read_portrait`."""
        return read_portrait(reply)


def read_portrait(reply: Reply) -> Parsed:
    """Read a portrait from a reply, unchanged. A reply of a few words is no portrait."""
    text = reply.said
    if reply.refusal or reply.finish_reason == "content_filter" or (len(text) < 400 and is_refusal(text)):
        return Parsed(State.REFUSED, reason=f"the model declined: {(reply.refusal or text)[:60]!r}")
    if reply.finish_reason == "length":
        return Parsed(State.TRUNCATED, reason=f"the portrait was cut off after {len(text)} characters")
    if len(text) < _SHORTEST:
        return Parsed(State.UNPARSEABLE, reason=f"{text!r} is no portrait")
    return Parsed(State.VALID, text)

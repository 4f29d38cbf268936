"""Choose how twins are asked: the design of a survey, and the thirteen persona constructions of paper A.

A construction is a way to make twins: a persona builder, a model and its settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, get_args

from truetwin.errors import ParameterError
from truetwin.registry import Registry, closest
from truetwin.settings.declaration import default_of
from truetwin.settings.simulate_settings import Design, Elicit, Frame, Markers, Order, ReplyForm, Strategy

BY_BLOCK = "block"
_CHOICES: dict[str, tuple[str, ...]] = {
    "strategy": get_args(Strategy),
    "elicit": get_args(Elicit),
    "reply": get_args(ReplyForm),
    "order": get_args(Order),
    "markers": get_args(Markers),
    "frame": get_args(Frame),
}


@dataclass(frozen=True)
class SurveyDesign:
    """Design of a survey of twins: how its items are asked and how replies must look.

    It is recorded with a run, and a run is continued only under an equal design.

    Parameters
    ----------
    strategy : {"default", "reasoning", "repeat"}
        What the twin does before it answers: nothing; think aloud (chain of thought); or write down the question and
        the answer options once more.
    elicit : {"answer", "distribution", "logprobs"}
        What is asked for: one answer; a distribution over the answers, stated by the twin; or a distribution computed
        from the likelihood of the first token of the reply.
    reply : {"code", "json", "schema"}
        Form of a reply: words with an answer code; a JSON object; or a JSON object whose shape the endpoint enforces
        (structured output). Several items a call need a JSON object.
    per_call : int or "block"
        Number of items asked in one call, in their order. ``"block"`` asks the items of each battery together.
    order : {"fixed", "reversed", "rotated"}
        Order of the answer options shown. The rotation differs by person, item and replicate, and is drawn from
        ``seed``. Replies are always mapped back to the codes of the scale.
    markers : {"codes", "letters"}
        How a reply names an answer: by its code, or by a letter.
    offer_off_scale : bool
        Whether declared off-scale answers ("don't know") are offered.
    frame : {"survey", "rating"}
        Pair of prompts around the questions: those of a survey, or those of ratings.
    predicted_output : bool
        Send a likely reply along, for providers that write replies faster with one.
    replicates : int
        Number of times that each cell is asked.
    seed : int
        Random seed of the rotated orders.

    Examples
    --------
    >>> SurveyDesign(per_call=5, reply="code")
    Traceback (most recent call last):
    ...
    truetwin.errors.ParameterError: several items a call need a reply in JSON; got reply='code' with per_call=5. ...
    """

    strategy: str = "default"
    elicit: Elicit = default_of(Design, "elicit")
    reply: ReplyForm = "code"
    per_call: int | str = default_of(Design, "per_call")
    order: Order = default_of(Design, "order")
    markers: Markers = "codes"
    offer_off_scale: bool = default_of(Design, "offer_off_scale")
    frame: Frame = "survey"
    predicted_output: bool = default_of(Design, "predicted_output")
    replicates: int = default_of(Design, "replicates")
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ParameterError(
                    f"{name} must be one of {', '.join(known)}; got {value!r}.{closest(str(value), list(known))}"
                )
        if self.per_call != BY_BLOCK and not (isinstance(self.per_call, int) and self.per_call >= 1):
            raise ParameterError(
                f"items per call must be a whole number >= 1, or 'block'; got {self.per_call!r}"
            )
        if self.replicates < 1:
            raise ParameterError(f"replicates must be >= 1; got {self.replicates}")
        if self.elicit == "logprobs" and (
            self.per_call != 1 or self.reply != "code" or self.strategy != "default"
        ):
            raise ParameterError(
                "log-probabilities are read from the first token: they need one item a call, reply='code' and the "
                f"default strategy; got {self.per_call!r}, {self.reply!r} and {self.strategy!r}"
            )
        if self.elicit == "distribution" and (self.reply == "code" or self.strategy != "default"):
            raise ParameterError(
                "distributions in words need a reply in JSON (reply='json' or 'schema') and the default strategy; got "
                f"{self.reply!r} and {self.strategy!r}"
            )
        if self.reply == "code" and self.per_call != 1:
            raise ParameterError(
                f"several items a call need a reply in JSON; got reply='code' with per_call={self.per_call!r}. Use "
                "reply='json', or 'schema' where the endpoint supports structured output."
            )

    @property
    def instruction(self) -> str:
        """Name of the prompt that tells the twin how to reply."""
        form = "code" if self.reply == "code" else "json"
        return f"instruction-{'distribution' if self.elicit == 'distribution' else self.strategy}-{form}"

    def describe(self) -> dict[str, Any]:
        """Return all fields of the design, as a run records them."""
        return asdict(self)


@dataclass(frozen=True)
class Construction:
    """One of the thirteen persona constructions of paper A, Table 3 and section A.3.

    ``model`` is the model that the paper used. It is empty for the fine-tuned model, whose name only its owner knows.
    """

    builder: str
    model: str
    strategy: str = "default"
    temperature: float = 0.0
    predicted_output: bool = False


#: The thirteen constructions, in the order of section A.3.
CONSTRUCTIONS: Registry[Construction] = Registry("construction", hint="`truetwin personas list` shows all.")
for _name, _construction in (
    ("text-gpt-4.1-mini", Construction("text", "gpt-4.1-mini")),
    ("text-gemini-flash-2.5", Construction("text", "gemini-2.5-flash")),
    ("json-gpt-4.1-mini", Construction("json", "gpt-4.1-mini")),
    ("json-gpt-4.1", Construction("json", "gpt-4.1")),
    ("text-reasoning-gpt-4.1-mini", Construction("text", "gpt-4.1-mini", "reasoning")),
    ("text-repeat-gpt-4.1-mini", Construction("text", "gpt-4.1-mini", "repeat")),
    ("text-temperature-0.7-gpt-4.1-mini", Construction("text", "gpt-4.1-mini", temperature=0.7)),
    ("json-predicted-gpt-4.1-mini", Construction("json", "gpt-4.1-mini", predicted_output=True)),
    ("json-predicted-gpt-4.1", Construction("json", "gpt-4.1", predicted_output=True)),
    ("fine-tuned-gpt-4.1-mini", Construction("text", "")),
    ("demographics-gpt-4.1-mini", Construction("demographics", "gpt-4.1-mini")),
    ("summary-gpt-4.1-mini", Construction("summary", "gpt-4.1-mini")),
    ("summary+json-gpt-4.1-mini", Construction("summary+json", "gpt-4.1-mini")),
):
    CONSTRUCTIONS.add(_name, _construction)

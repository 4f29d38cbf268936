"""Define the form that replies must have, and read replies in that form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.llm import Parsed, Reply, State
from truetwin.llm.json_replies import object_schema
from truetwin.simulation.questions.question import Question
from truetwin.simulation.questions.survey_design import SurveyDesign
from truetwin.simulation.reading.distributions import read_distribution, read_logprobs
from truetwin.simulation.reading.reply_reading import is_refusal, read_objects, read_text, read_value

_TEXT = {"type": "string"}


def reply_schema(questions: Sequence[Question], design: SurveyDesign) -> dict[str, Any]:
    """Return the JSON schema of a reply to several questions. Its keys are the numbers of the questions, as text."""
    return object_schema({str(k): _entry_schema(q, design) for k, q in enumerate(questions, 1)})


def expected_reply(questions: Sequence[Question], codes: Sequence[float], design: SurveyDesign) -> str:
    """Write the reply that gives the answers ``codes``, for fine-tuning and for predicted output.

    Fields for reasoning, and for the repeated question, are left empty.
    """
    markers = [_marker(q, code) for q, code in zip(questions, codes, strict=True)]
    if design.reply == "code":
        return str(markers[0]) if design.strategy == "default" else f"ANSWER: {markers[0]}"
    before = {"default": (), "reasoning": ("reasoning",), "repeat": ("question", "options")}[design.strategy]
    entries: dict[str, Any] = {
        str(k): {**dict.fromkeys(before, ""), "answer": marker} if before else marker
        for k, marker in enumerate(markers, 1)
    }
    return json.dumps(entries, ensure_ascii=False)


def read_reply(reply: Reply, questions: Sequence[Question], design: SurveyDesign) -> Parsed:
    """Read the answers to all questions from a reply.

    Returns
    -------
    Parsed
        The value maps item ids to answers in the form of :func:`entry_of`. The state is valid if all answers are valid,
        and else the state of the first answer that is not. The value holds the other answers in any case.
    """
    if reply.refusal:
        return Parsed(State.REFUSED, reason=f"the provider reports a refusal: {reply.refusal[:100]!r}")
    if reply.finish_reason == "content_filter":
        return Parsed(State.REFUSED, reason="the provider's content filter stopped the reply")
    if reply.finish_reason == "length" and design.elicit != "logprobs":
        return Parsed(State.TRUNCATED, reason=f"the reply was cut off; it has {len(reply.text)} characters")
    if design.elicit == "logprobs":
        return _together(questions, [read_logprobs(reply, questions[0])])
    if design.reply == "code":
        decides = design.strategy != "default"
        return _together(questions, [read_text(reply.text, questions[0], last_line_decides=decides)])
    return _together(questions, _from_json(reply.text, questions, design))


def entry_of(parsed: Parsed) -> Any:
    """Return an answer as it is stored: a code, a distribution, or an object with ``state`` and ``reason``."""
    if parsed.state is State.VALID:
        return parsed.value
    return {"state": str(parsed.state), "reason": parsed.reason}


def state_of(entry: Any) -> State:
    """Read the state of a stored answer."""
    return State(entry["state"]) if isinstance(entry, Mapping) and "state" in entry else State.VALID


def _from_json(text: str, questions: Sequence[Question], design: SurveyDesign) -> list[Parsed]:
    keys = [str(k) for k in range(1, len(questions) + 1)]
    found = read_objects(text, keys)
    if isinstance(found, str):
        if len(questions) == 1 and design.elicit == "answer":
            return [read_text(text, questions[0], last_line_decides=design.strategy != "default")]
        state = State.REFUSED if is_refusal(text) else State.UNPARSEABLE
        return [Parsed(state, reason=found)] * len(questions)
    strange = sorted(key for key in set(found) - set(keys) if key.strip().isdecimal())
    if strange:
        reason = f"the reply answers a question {strange[0][:20]!r} that was not asked"
        return [Parsed(State.UNPARSEABLE, reason=reason)] * len(questions)
    read = read_distribution if design.elicit == "distribution" else read_value
    return [
        read(found[key], question)
        if key in found
        else Parsed(State.UNPARSEABLE, reason="no answer to this question")
        for key, question in zip(keys, questions, strict=True)
    ]


def _together(questions: Sequence[Question], parsed: Sequence[Parsed]) -> Parsed:
    value = {q.item.id: entry_of(p) for q, p in zip(questions, parsed, strict=True)}
    worst = next((p for p in parsed if p.state is not State.VALID), None)
    if worst is None:
        return Parsed(State.VALID, value)
    anything = any(p.state is State.VALID for p in parsed)
    return Parsed(worst.state, value if anything or len(parsed) > 1 else None, worst.reason)


def _entry_schema(question: Question, design: SurveyDesign) -> dict[str, Any]:
    if design.elicit == "distribution":
        return object_schema({o.marker: {"type": "number"} for o in question.options})
    if design.strategy == "reasoning":
        return object_schema({"reasoning": _TEXT, "answer": question.schema})
    if design.strategy == "repeat":
        return object_schema({"question": _TEXT, "options": _TEXT, "answer": question.schema})
    return question.schema


def _marker(question: Question, code: float) -> int | float | str:
    marker = next((o.marker for o in question.options if o.code == code), None)
    if marker is not None and not question.codes_are_shown:
        return marker
    return int(code) if float(code).is_integer() else float(code)

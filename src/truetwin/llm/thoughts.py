r"""Tell what a model says from what it thinks, in the dialects of providers and chat templates.

Reasoning models write their thoughts before the reply, between marks that differ by model. Many chat templates put the
opening mark into the prompt, so that only the closing one is in the reply: everything before it is thought. Some
servers also leave the tokens in the reply that end a turn; a model that goes on behind them speaks for somebody else.
Whatever reads a reply reads :func:`spoken` first.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

#: Longest reply that is read, in characters. Nobody asks for a longer one, and reading it would take time.
LONGEST_READ = 2_000_000

_JSON = json.JSONDecoder()
_NAMES = r"(?:seed:)?(?:think|thinking|thoughts?|reasoning|reflection)"
_OPENING = (
    rf"<(?i:{_NAMES})>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|begin_of_thought\|>|<unused94>(?:thought)?"
    r"|<\|channel\|>(?:analysis|commentary)[^<]{0,80}<\|message\|>"
)
_CLOSING = (
    rf"</(?i:{_NAMES})>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|end_of_thought\|>|<unused95>"
    r"|<\|channel\|>final[^<]{0,80}<\|message\|>"
)
_MARK = re.compile(rf"(?P<opening>{_OPENING})|(?P<closing>{_CLOSING})")
_TURN_END = re.compile(
    r"<\|(?:eot_id|im_end|endoftext|end_of_text|eom_id|return|end|END_OF_TURN_TOKEN|END_RESPONSE|end_of_solution)\|>"
    r"|<end_of_turn>|<eos>|<｜end▁of▁sentence｜>|</s>",
    re.IGNORECASE,
)
_TURN_START = re.compile(
    r"\A\s*+(?:(?:<\|im_start\|>|<start_of_turn>|<\|start_header_id\|>|<\|start\|>)"
    r"(?:assistant|model)?(?:<\|end_header_id\|>)?|<\|(?:START_RESPONSE|begin_of_solution|assistant)\|>|<｜Assistant｜>)"
)


@dataclass(frozen=True)
class Spoken:
    """Reply of a model without its thoughts.

    Attributes
    ----------
    text : str
        What the model says.
    unfinished : bool
        Whether the reply ends in the middle of a thought.
    """

    text: str
    unfinished: bool = False


def spoken(text: str) -> Spoken:
    r"""Remove thoughts and the marks of turns from a reply.

    A reply that is a JSON object holds no marks: what looks like one is part of a text in it. Otherwise text before a
    closing mark without an opening one is thought. Text before an opening mark is said, and text behind the last
    closing mark too; if both are there, they stand on lines of their own.

    Examples
    --------
    >>> spoken("Answer: 2? No.\n</think>\n4<|im_end|>").text
    '4'
    >>> spoken("<think>She loves tea.")
    Spoken(text='', unfinished=True)
    """
    whole = _one_object(text)
    if whole is not None:
        return Spoken(whole)
    said: list[str] = []
    start, inside = 0, False
    for mark in _MARK.finditer(text):
        if mark["opening"]:
            if not inside:
                said.append(text[start : mark.start()])
            inside = True
        else:
            if not inside:  # what stands before was thought
                said.clear()
            inside = False
        start = mark.end()
    if not inside:
        said.append(text[start:])
    parts = [part for each in said if (part := _one_turn(each))]
    return Spoken("\n".join(parts), inside)


def _one_object(text: str) -> str | None:
    """Return the JSON object that a reply consists of, without marks behind it; None if it is anything else."""
    text = text.strip()
    if not text.startswith("{"):
        return None
    try:
        _, end = _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    rest = text[end:].lstrip()
    return text[:end] if not rest or _TURN_END.match(rest) else None


def _one_turn(text: str) -> str:
    """Return the text of the first turn, without the marks around it."""
    text = _TURN_START.sub("", text)
    for end in _TURN_END.finditer(text):
        if end[0].lower() != "</s>" or "<s>" not in text[: end.start()]:
            text = text[: end.start()]
            break
    return text.strip()

"""Read distributions over the answers: from the likelihood of the first token, or from shares that a twin states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from truetwin.errors import ParameterError
from truetwin.llm import Parsed, Reply, State
from truetwin.simulation.questions.question import Question, written
from truetwin.simulation.reading.reply_reading import read_text

SUM_TOLERANCE = 0.02
_BLANK_SHARE = 0.5
_BLANKS = " \t\r\n▁Ġ"  # the last two stand for a space in the vocabularies of some servers


def check_first_tokens(question: Question) -> None:
    """Raise :class:`ParameterError` unless the first character of a reply decides which answer it is.

    The likelihood of the first token can be divided only among answers that begin differently. It is unknown how much
    of the likelihood of a token "1" belongs to the answer "1" and how much to "10".
    """
    if not question.options:
        raise ParameterError(
            f"log-probabilities need answers to choose from; item {question.item.id!r} takes any number "
            f"({question.scale.describe()}). Ask it with --elicit answer or distribution."
        )
    seen: dict[str, str] = {}
    for option in question.options:
        first = option.marker[0]
        if first in seen:
            raise ParameterError(
                f"log-probabilities need answer codes that begin differently; {seen[first]!r} and {option.marker!r} of "
                f"item {question.item.id!r} do not. Use --markers letters."
            )
        seen[first] = option.marker


def read_logprobs(reply: Reply, question: Question) -> Parsed:
    """Read the distribution over the answers from the log-probabilities of the first token that is not blank.

    A token counts for an answer if it is the answer's code, or the beginning of it, with or without a space before.
    The probabilities are normalised over the answers on the scale. The probability of all other tokens is reported as
    ``outside``.

    Returns
    -------
    Parsed
        Value ``{"shares": {code: share}, "outside": share}`` if valid.
    """
    if not reply.logprobs:
        return Parsed(State.UNPARSEABLE, reason="the endpoint returned no log-probabilities")
    for tokens in reply.logprobs:
        likely = {token: math.exp(min(value, 0.0)) for token, value in tokens.items() if value == value}
        if sum(p for token, p in likely.items() if not token.strip(_BLANKS)) < _BLANK_SHARE:
            break
    shares = dict.fromkeys((o.code for o in question.options if not o.off_scale), 0.0)
    for token, probability in likely.items():
        stripped = token.strip(_BLANKS)
        option = next((o for o in question.options if stripped and o.marker.startswith(stripped)), None)
        if option is not None and not option.off_scale:
            shares[option.code] += probability
    inside = sum(shares.values())
    if inside <= 0:
        refused = read_text(reply.text, question)
        if refused.state is State.REFUSED:
            return refused
        return Parsed(State.UNPARSEABLE, reason="no answer is among the likeliest first tokens")
    return _distribution({code: share / inside for code, share in shares.items()}, max(0.0, 1.0 - inside))


def read_distribution(value: Any, question: Question) -> Parsed:
    """Read a distribution that a twin states: a JSON object from answer codes to percentages or shares.

    Every answer on the scale must be named once. Percentages must add up to 100 and shares to 1, within 2%; they are
    then divided by their sum. Anything else is unparseable. The share of off-scale answers is reported as ``outside``.
    """
    if not isinstance(value, Mapping):
        return Parsed(State.UNPARSEABLE, reason="the distribution is not an object")
    amounts: dict[float, float] = {}
    outside = 0.0
    for key, amount in value.items():
        option = question.by_marker.get(str(key).strip().casefold())
        if option is None:
            return Parsed(State.OFF_SCALE, reason=f"{str(key)[:40]!r} is none of the answer codes")
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount <= 102:
            return Parsed(State.UNPARSEABLE, reason=f"the share of {option.marker} is no percentage")
        if option.off_scale:
            outside += amount
        elif option.code in amounts:
            return Parsed(State.UNPARSEABLE, reason=f"the share of {option.marker} is given twice")
        else:
            amounts[option.code] = float(amount)
    missing = [o.marker for o in question.options if not o.off_scale and o.code not in amounts]
    if missing:
        return Parsed(State.UNPARSEABLE, reason=f"the share of {missing[0]} is not given")
    total = sum(amounts.values()) + outside
    whole = next((w for w in (100.0, 1.0) if abs(total / w - 1) <= SUM_TOLERANCE), None)
    if whole is None:
        return Parsed(State.UNPARSEABLE, reason=f"the shares add up to {total:g}, neither 100 nor 1")
    if total <= outside:
        return Parsed(State.OFF_SCALE, reason="all of the distribution is off the scale")
    inside = total - outside
    return _distribution({code: amount / inside for code, amount in amounts.items()}, outside / total)


def _distribution(shares: Mapping[float, float], outside: float) -> Parsed:
    return Parsed(
        State.VALID,
        {
            "shares": {written(code): round(share, 6) for code, share in shares.items()},
            "outside": round(outside, 6),
        },
    )

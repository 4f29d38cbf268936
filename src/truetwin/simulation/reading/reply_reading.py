"""Read a twin's reply. A reply that is an answer without doubt is read; any other gets a state that says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from truetwin.llm import Parsed, State
from truetwin.llm.json_replies import objects_in
from truetwin.llm.thoughts import LONGEST_READ, spoken
from truetwin.simulation.questions.question import Question, plain, written
from truetwin.simulation.reading.numbers import ascii_digits, read_number

_LONGEST_NUMBER = 100
_LONGEST_THOUGHT = 2000
_MOST_LINES = 5000
_OBJECTS_TRIED = 64
_IS_AN_OBJECT = re.compile(r"\{\s*[\"}]")
_ANSWER_LINE = re.compile(
    r"(?:reply with\s+)?(?:so,?\s+|the\s+|my\s+)*(?:(?:final|correct|best)\s+)?"
    r"(?:answer(?:\s+code)?\s*+(?:is\s*+:|is\s|[:=])|(?:rating|code|choice)\s*+[:=])\s*+(.+)",
    re.IGNORECASE,
)
_ANSWER_MARKS = re.compile(
    r"\$*\\boxed\{([^{}\n]{1,100})\}\$*|<((?:final_)?answer|response)>([^<>]{1,200})</\2>", re.IGNORECASE
)
_UNITS = re.compile(r"(?:\s*(?:%|per\s?cent|stars?|points?))$", re.IGNORECASE)
_NUMBER_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
#: Words with which a model takes back what it has just said.
_SECOND_THOUGHT = re.compile(
    r"(?:^|[.!?…;–—-]\s+|\.\.\.\s*)(?:no,|oh,|hmm|wait\b|actually\b|correction\b|scratch that|on second thought|sorry,"
    r"|i (?:misread|misunderstood|meant|was wrong)|let me (?:re|correct|think))",
    re.IGNORECASE | re.MULTILINE,
)
_OUT_OF = re.compile(r"(.+?)\s*(?:/|\bout of\b)\s*(.+)", re.IGNORECASE)
_CODE_AND_LABEL = re.compile(
    r"[(\[]?\s*([+-]?[^\s:.)\]=,–—-]+(?:[.,]\d+)?)\s*[)\]]?\s*[:.)=,–—-]?\s*(.+)", re.DOTALL
)
_LABEL_AND_CODE = re.compile(r"(.+?)\s*[(\[:=–—-]\s*([^\s()\[\]]+)\s*[)\]]?", re.DOTALL)
_REFUSALS = re.compile(
    r"(?:i['’]?m|i am|we['’]?re)?\s*(?:very |truly |so )?sorry\b|i (?:really )?(?:can['’]?t|cannot|can not|won['’]?t"
    r"|will not|must decline|decline|am unable|am not able|do not feel)\b|i['’]m (?:unable|not able|not comfortable)\b"
    r"|as an ai\b|unfortunately,? i\b|(?:i )?(?:prefer|choose) not to (?:answer|say)\b|refused?\b|no comment\b"
    r"|es tut mir leid\b|ich kann (?:das |diese |dazu )|je suis désolée?\b|je ne peux pas\b|lo siento\b|no puedo\b",
    re.IGNORECASE,
)


def read_text(text: str, question: Question, *, last_line_decides: bool = False) -> Parsed:
    """Read a reply in words.

    The answer must stand alone on a line: a code, a wording, a code with its own wording, or a number. On a numeric
    scale, the unit may follow the number. A line ``Answer: ...`` wins over other lines. If several lines give different
    answers, the reply has no answer.

    Parameters
    ----------
    text : str
        The reply.
    question : Question
        The question, with the answer options as they were shown.
    last_line_decides : bool
        Whether a last line of the form ``ANSWER: ...`` wins over earlier lines. The instruction for thinking aloud
        asks for such a line.

    Returns
    -------
    Parsed
        State of the answer. The value is a code of the scale if the state is valid.
    """
    if len(text) > LONGEST_READ:
        return Parsed(State.UNPARSEABLE, reason=f"the reply has {len(text):,} characters")
    heard = spoken(text)
    if heard.unfinished:
        return Parsed(State.UNPARSEABLE, reason="the reply ends in the middle of the model's thoughts")
    text = heard.text
    lines = [line for line in map(_bare, text.splitlines()) if line]
    if not lines:
        return Parsed(State.UNPARSEABLE, reason="the reply is empty")
    announcing = {k: m[1].strip() for k, line in enumerate(lines) if (m := _ANSWER_LINE.fullmatch(line))}
    announced = list(announcing.values())
    if announced and last_line_decides and max(announcing) == len(lines) - 1:
        announced = announced[-1:]
    later = lines[max(announcing) + 1 :] if announced else []
    candidates = list(dict.fromkeys(announced or lines))
    if len(candidates) > _MOST_LINES:
        return Parsed(State.UNPARSEABLE, reason=f"the reply has {len(lines)} lines")
    found = [p for line in candidates if (p := _line(line, question)) is not None]
    if announced and len(found) < len(candidates):
        return Parsed(State.UNPARSEABLE, reason=f"the answer line reads {_shown(announced[-1])}")
    if not found:
        return _no_answer(text, question)
    if len({(p.state, p.value) for p in found}) > 1:
        return Parsed(State.UNPARSEABLE, reason="the reply gives several different answers")
    if _taken_back(found[0], lines, later, question):
        return Parsed(State.UNPARSEABLE, reason="later words take the answer back")
    return found[0]


def _taken_back(found: Parsed, lines: Sequence[str], later: Sequence[str], question: Question) -> bool:
    """Tell whether what follows the answer contradicts it: another answer on a line, or a second thought.

    ``later`` are the lines behind an announced answer; without one, they are those behind the last line that is the
    answer.
    """
    if not later:
        answers = [k for k, line in enumerate(lines) if _line(line, question) is not None]
        later = lines[answers[-1] + 1 :] if answers else []
    others = (_line(line, question) for line in later[:_MOST_LINES])
    if any(
        other is not None and (other.state, other.value) != (found.state, found.value) for other in others
    ):
        return True
    return any(_SECOND_THOUGHT.search(line[:_LONGEST_THOUGHT]) for line in later[:_MOST_LINES])


def read_value(value: Any, question: Question) -> Parsed:
    """Read an answer that stands in a JSON reply: a number, a text, or an object with an entry ``answer``."""
    if isinstance(value, Mapping):
        if "answer" not in value:
            return Parsed(State.UNPARSEABLE, reason="the object has no entry 'answer'")
        value = value["answer"]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return Parsed(State.UNPARSEABLE, reason=f"the answer is {_shown(value)}")
    if isinstance(value, str):
        line = _bare(value)
        parsed = _line(line, question) if "\n" not in value and line else None
        return parsed or _no_answer(value, question, nested=True)
    if not question.codes_are_shown:
        return Parsed(State.UNPARSEABLE, reason=f"the answer is {_shown(value)}, no letter")
    return _on_scale(float(value) if abs(value) < 1e300 else float("inf"), question)


def read_objects(text: str, keys: Sequence[str]) -> dict[str, Any] | str:
    """Find the JSON object of a reply that has entries for ``keys``. Returns a reason, as text, if there is none.

    Code fences, words around the object and one object around it are allowed. Two objects that differ are not allowed,
    and neither is an entry that occurs twice.
    """
    wanted = set(keys)
    found: list[dict[str, Any]] = []
    unreadable = ""
    for value in _objects(spoken(text).text):
        if isinstance(value, str):
            unreadable = value
            continue
        inner = value
        if len(value) == 1 and not wanted & set(value):
            only = next(iter(value.values()))
            inner = only if isinstance(only, dict) else value
        if wanted & set(inner) and inner not in found:
            found.append(inner)
    if len(found) == 1:
        return found[0]
    if found:
        return "the reply holds several different objects"
    return unreadable or "the reply holds no JSON object with an entry for a question"


def is_refusal(text: str) -> bool:
    """Tell whether a reply begins with words that decline to answer."""
    return _REFUSALS.match(text.lstrip(" \t\r\n*_\"'“‘>#-")) is not None


def _line(line: str, question: Question) -> Parsed | None:
    """Read a whole line as an answer. Returns None if it is no answer."""
    if len(line) > _LONGEST_NUMBER + max(map(len, question.by_label), default=0):
        return None
    option = _option(line, question)
    if option is not None:
        return _chosen(option)
    if question.options:
        pairs = [m.groups() for m in (_CODE_AND_LABEL.fullmatch(line),) if m]
        pairs += [m.groups()[::-1] for m in (_LABEL_AND_CODE.fullmatch(line),) if m]
        for code, label in pairs:
            by_code = question.by_marker.get(_marker(code, question))
            by_label = question.by_label.get(plain(label))
            if by_code and by_label:
                if by_code is by_label:
                    return _chosen(by_code)
                return Parsed(
                    State.UNPARSEABLE, reason=f"code and wording contradict each other: {_shown(line)}"
                )
    if not question.codes_are_shown:
        return None
    try:
        number = _quantity(line, question)
    except ValueError as error:
        return Parsed(State.UNPARSEABLE, reason=str(error))
    return None if number is None else _on_scale(number, question)


def _quantity(line: str, question: Question) -> float | None:
    def fits(number: float) -> bool:
        return bool(question.scale.on_scale(number))

    if len(line) > _LONGEST_NUMBER:
        return None
    line = line.strip("()[] ").removesuffix(".")
    if line.casefold() in _NUMBER_WORDS:
        return float(_NUMBER_WORDS.index(line.casefold()))
    if question.scale.kind != "nominal":
        share = _OUT_OF.fullmatch(line)
        if share and read_number(share[2], fits) == question.scale.high:
            line = share[1]
        line = _UNITS.sub("", line)
        if not question.options:
            line = line.lstrip("$€£")
    return read_number(line, fits)


def _option(text: str, question: Question) -> Any:
    marker = question.by_marker.get(_marker(text.lstrip("([ ").rstrip(")] .:"), question))
    return marker or question.by_label.get(plain(text))


def _marker(text: str, question: Question) -> str:
    text = ascii_digits(text).strip().casefold()
    if question.codes_are_shown:
        try:
            number = read_number(text, lambda n: written(n) in question.by_marker)
        except ValueError:
            return text
        return text if number is None else written(number)
    return text


def _chosen(option: Any) -> Parsed:
    if option.off_scale:
        return Parsed(State.OFF_SCALE, reason=f"chose the off-scale answer {_shown(option.label)}")
    return Parsed(State.VALID, option.code)


def _on_scale(number: float, question: Question) -> Parsed:
    scale = question.scale
    if scale.on_scale(number):
        return Parsed(State.VALID, number)
    if scale.is_off_scale_code(number):
        label = next(text for code, text in scale.off_scale.items() if code == number)
        return Parsed(State.OFF_SCALE, reason=f"gave the off-scale code {written(number)} ({label})")
    return Parsed(State.OFF_SCALE, reason=f"{written(number)} is not on the scale ({scale.describe()})")


def _no_answer(text: str, question: Question, *, nested: bool = False) -> Parsed:
    if not nested:
        value = read_objects(text, ["answer", "1"])
        if isinstance(value, dict):
            return read_value(value.get("answer", value.get("1")), question)
    off = {plain(label) for label in question.scale.off_scale.values()}
    if len(text) <= _LONGEST_NUMBER + max(map(len, off), default=0) and plain(text) in off:
        return Parsed(State.OFF_SCALE, reason=f"gave the off-scale answer {_shown(text.strip())}")
    if is_refusal(text):
        return Parsed(State.REFUSED, reason=f"the model declined: {_shown(text.strip())}")
    return Parsed(State.UNPARSEABLE, reason=f"no line is an answer by itself: {_shown(text.strip())}")


def _bare(line: str) -> str:
    """Strip the markup and quotation marks around a line."""
    marked = _ANSWER_MARKS.fullmatch(line.strip()) if len(line) < 2 * _LONGEST_THOUGHT else None
    if marked:
        line = marked[1] or marked[3]
    return line.replace("**", "").replace("__", "").strip("`\"'“”‘’#* \t").strip()


def _objects(text: str) -> Iterator[dict[str, Any] | str]:
    """Yield every outermost JSON object of ``text``. If one cannot be read, yield the reason and stop."""
    decoder = json.JSONDecoder(object_pairs_hook=_without_repetition, parse_constant=_no_constant)
    for position, found in objects_in(text, most=_OBJECTS_TRIED, decoder=decoder):
        if not isinstance(found, Exception):
            yield found
        elif isinstance(found, RecursionError):
            yield "the JSON is nested too deeply"
            return
        elif not isinstance(found, json.JSONDecodeError):
            yield str(found)
            return
        elif _IS_AN_OBJECT.match(text, position):
            yield f"the JSON is malformed ({found.msg})"
            return


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an entry of the JSON object occurs twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"the JSON holds {name}, which is no number")


def _shown(value: Any) -> str:
    """Quote the beginning of a value, in a form that is safe to store and print."""
    text = value if isinstance(value, str) else str(value)[:200]
    return repr(text[:60] + ("..." if len(text) > 60 else ""))

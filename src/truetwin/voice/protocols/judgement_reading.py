"""Read a model's reply strictly: as JSON, by anchored patterns, or not at all.

Letters and marks are read in the same order. A reply that is one JSON object is read as that; then JSON objects
within the text; then a line that begins with a word such as "Answer" or holds nothing but the answer. A reply that
none of these fits, or that says two things, is a failure with a state and a reason. Nothing is guessed: the "a" of
"this is a rate limit" is no vote.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from truetwin.llm import Parsed, Reply, State
from truetwin.llm.json_replies import objects_in

#: Longest free reply that counts as one, in characters; the longest true reply of the published items has under 2,000.
LONGEST_REPLY = 8_000
_MOST_OBJECTS = 50  # starts of JSON objects that are tried in a text; bounds the work on hostile replies
_DEEPEST = 4
_CHOICE_KEYS = ("choice", "answer", "option", "letter")
_REPLY_KEYS = ("reply", "response", "utterance", "line")

_OPEN = r"[ \t>#*_`\"'“‘(\[【「-]*+"
_CLOSE = r"[ \t*_`\"'”’)\]】」]*+"
_LEAD = r"(?:(?:so|thus|therefore|hence|my|the|final|best|correct|closest)[ ,]+){0,4}"
_IS = (
    r"(?:[ \t*_`]*+(?:is|es|é|est|ist|:|=|-|—|是|为))*+[ \t]*+"
    r"(?:(?:option|candidate|choice|letter|opción|opção)[ \t]+|选项[ \t]*)?"
)
_CHOSEN = (
    r"(?:(?:answer|choice|vote|selection|pick|verdict|match|"
    r"i(?:'d| would| will)? (?:choose|pick|select|vote for|go with)|"
    r"respuesta|elección|resposta|escolha|ответ|мой выбор|выбор|antwort|réponse)\b|"
    r"答案|我的选择|我选择|我会选择?|我选|选择|选|回答)"
)
_MARKED = (
    r"(?:(?:overall score|score|mark|rating|grade|puntuación|pontuação|nota|оценка)\b|评分|得分|分数|打分)"
)
_TAIL = re.compile(
    rf"{_CLOSE}[.。!！]?{_CLOSE}$|{_CLOSE}(?:[.,;:。，；：—–(（]|[ \t]-[ \t])|"
    rf"\)[ \t]|[ \t]*因为|[ \t]+(?:because|since|as (?:it|i|this|that)\b|porque|потому)",
    re.IGNORECASE,
)
_ANOTHER = re.compile(
    rf"{_CLOSE}[ \t]*(?:[,/&+、，;]|\bor\b|\band\b|或|和)[ \t]*(?:or |and )?[(\"'*]*[A-Z](?![\w'’])"
)


def read_choice(reply: Reply, options: Mapping[str, str]) -> Parsed:
    """Read the letter that a reply chooses.

    Parameters
    ----------
    reply : Reply
        Reply of the model.
    options : mapping
        Text of each option by its letter, as shown.

    Returns
    -------
    Parsed
        The letter; or a state and the reason why none can be read.

    Examples
    --------
    >>> options = {"A": "Yes.", "B": "No.", "C": "Why?", "D": "Later."}
    >>> read_choice(Reply('{"reason": "short", "choice": "B"}'), options).value
    'B'
    >>> read_choice(Reply("this is a rate limit"), options).state.value
    'unparseable'
    """

    def from_value(value: Any) -> str | None:
        return _letter(value, options) if isinstance(value, str) else None

    return _read(reply, _CHOICE_KEYS, from_value, lambda text: _letters_in(text, options), "letter")


def read_score(reply: Reply, verdicts: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> Parsed:
    """Read the mark from 1 to 5 that a judge gives, with sub-verdicts where the reply holds them.

    The value is ``{"score": int, "verdicts": {name: word}}``. A sub-verdict that is missing or no known word is left
    out. A whole number outside 1 to 5 is off-scale; a number that is not whole is unparseable.

    Examples
    --------
    >>> read_score(Reply("Score: 4/5")).value
    {'score': 4, 'verdicts': {}}
    """
    parsed = _read(reply, ("score",), _whole_number, _marks_in, "mark")
    if parsed.state is not State.VALID:
        return parsed
    if not 1 <= parsed.value <= 5:
        return Parsed(State.OFF_SCALE, reason=f"the mark must be 1 to 5; the reply has {parsed.value}")
    found: dict[str, str] = {}
    for name in verdicts:
        said = {
            v.strip().lower() for o in _objects(reply.said) for v in _under(o, (name,)) if isinstance(v, str)
        }
        if len(said) == 1 and said <= set(words):
            found[name] = said.pop()
    return Parsed(State.VALID, {"score": parsed.value, "verdicts": found})


def read_reply(reply: Reply) -> Parsed:
    """Read the free reply that a model wrote: plain text, or the text under ``"reply"`` of a JSON object.

    Examples
    --------
    >>> read_reply(Reply('{"reply": "Why?"}')).value
    'Why?'
    >>> read_reply(Reply("Why?")).value
    'Why?'
    """
    text = reply.said.strip()
    objects = _objects(text)
    said = {v for o in objects for v in _under(o, _REPLY_KEYS) if isinstance(v, str)}
    if len(said) == 1:
        text = said.pop().strip()
    elif said:
        return Parsed(State.UNPARSEABLE, reason="the reply holds several different replies")
    elif text.startswith(("{", "```")):
        return _failure(reply, "the reply is broken JSON, or JSON without a reply in it")
    if reply.refusal or not text:
        return _failure(reply, "the reply is empty")
    if reply.finish_reason == "length":
        return Parsed(State.TRUNCATED, reason="the reply was cut off at the limit of tokens")
    return usable(text)


def usable(text: str) -> Parsed:
    """Accept a free reply as it is, unless it is too long to be one."""
    if len(text) > LONGEST_REPLY:
        return Parsed(
            State.UNPARSEABLE, reason=f"a reply may have {LONGEST_REPLY} characters; this one has {len(text)}"
        )
    return Parsed(State.VALID, text)


def read_capabilities(reply: Reply, names: tuple[str, ...]) -> Parsed:
    """Read one primary capability and six booleans; the primary one must be labelled true.

    The value is ``{"primary": name, "labels": {name: bool}}``.
    """
    found = [o for o in _objects(reply.said) if isinstance(o.get("labels"), dict) and "primary" in o]
    if len(found) != 1:
        return _failure(
            reply, f"one JSON object with 'primary' and 'labels' is needed; there are {len(found)}"
        )
    labels = {_name(k): v for k, v in found[0]["labels"].items()}
    primary = _name(found[0]["primary"]) if isinstance(found[0]["primary"], str) else ""
    wrong = [name for name in names if not isinstance(labels.get(name), bool)]
    if wrong or len(labels) != len(names):
        return _failure(
            reply, f"each capability must be true or false, and no other; wrong: {', '.join(wrong)}"
        )
    if not labels.get(primary):
        return _failure(reply, f"the primary capability must be one labelled true; it is {primary!r}")
    return Parsed(State.VALID, {"primary": primary, "labels": {name: labels[name] for name in names}})


def _name(text: str) -> str:
    return text.strip().lower().replace("-", "_").replace(" ", "_")


def _read(
    reply: Reply,
    keys: tuple[str, ...],
    from_value: Callable[[Any], Any],
    from_text: Callable[[str], set[Any]],
    what: str,
) -> Parsed:
    """Read the one thing that a reply says: under a key of its JSON objects, else by patterns in its text."""
    if reply.refusal:
        return _failure(reply, "")
    text = unicodedata.normalize("NFKC", reply.said).strip()
    values = [value for o in _objects(text) for value in _under(o, keys)]
    found = {from_value(value) for value in values}
    if not values:
        found = from_text(text)
    if len(found) > 1:
        return _failure(reply, f"the reply holds more than one {what}")
    value = found.pop() if found else None
    return _failure(reply, f"the reply holds no {what}") if value is None else Parsed(State.VALID, value)


def _failure(reply: Reply, reason: str) -> Parsed:
    if reply.refusal:
        return Parsed(State.REFUSED, reason=f"the provider says: {reply.refusal[:200]}")
    if reply.finish_reason == "length":
        return Parsed(State.TRUNCATED, reason=f"{reason}; it was cut off at the limit of tokens")
    return Parsed(State.UNPARSEABLE, reason=reason)


def _objects(text: str) -> list[dict[str, Any]]:
    """JSON objects in a text, outermost only; the text itself, if it is one."""
    return [found for _, found in objects_in(text, most=_MOST_OBJECTS) if not isinstance(found, Exception)]


def _under(value: Mapping[str, Any], keys: tuple[str, ...], depth: int = 0) -> list[Any]:
    """Collect values under the first of the keys that an object has, or else that the objects within it have."""
    lowered = {str(k).strip().lower(): v for k, v in value.items()}
    for key in keys:
        inner = lowered.get(key)
        if isinstance(inner, Mapping):
            return _under(inner, keys, depth + 1) if depth < _DEEPEST else []
        if inner is not None:
            return [inner]
    if depth == _DEEPEST:
        return []
    return [found for v in lowered.values() if isinstance(v, Mapping) for found in _under(v, keys, depth + 1)]


def _letter(text: str, options: Mapping[str, str]) -> str | None:
    """Return the letter that a short text names: bare, decorated, or followed by the option's own text."""
    said = unicodedata.normalize("NFKC", text).strip()
    match = re.match(
        rf"{_OPEN}(?:(?:option|candidate|choice|选项)[ \t]*)?([A-Za-z]){_CLOSE}(?:$|[.:)、]\s*(.*)$)",
        said,
        re.I | re.S,
    )
    if match:
        letter, rest = match.group(1).upper(), (match.group(2) or "").strip()
        if letter in options and (not rest or _same(rest, options[letter])):
            return letter
    equal = [letter for letter, option in options.items() if _same(said, option)]
    return equal[0] if len(equal) == 1 else None


def _same(text: str, option: str) -> bool:
    def plain(t: str) -> str:
        return " ".join(unicodedata.normalize("NFKC", t).split()).strip("\"'“”‘’「」")

    return plain(text) == plain(option)


def _letters_in(text: str, options: Mapping[str, str]) -> set[str]:
    """Collect the letters that anchored lines name; else letters alone on a line; else the letter that is the text."""
    letters = "".join(options)
    anchored = {m for m in _anchored(text, _CHOSEN, f"[{letters}{letters.lower()}]") if m}
    if anchored:
        return {m.upper() for m in anchored}
    alone = re.findall(rf"^{_OPEN}(?:Option[ \t]+)?([{letters}]){_CLOSE}[.。]?{_CLOSE}$", text, re.MULTILINE)
    if alone:
        return set(alone)
    whole = _letter(text, options) if len(text) <= LONGEST_REPLY else None
    return {whole} if whole else set()


def _marks_in(text: str) -> set[int]:
    marks = {int(m) for m in _anchored(text, _MARKED, r"\d{1,3}(?:(?=/5\b)|(?![\d./]*\d))")}
    if marks:
        return marks
    alone = re.fullmatch(rf"{_OPEN}(\d{{1,3}})(?:[ \t]*/[ \t]*5)?{_CLOSE}\.?", text)
    return {int(alone.group(1))} if alone else set()


def _anchored(text: str, words: str, what: str) -> Iterator[str]:
    """Yield what follows the words at the beginning of a line, if the line then ends, breaks off or gives reasons."""
    for match in re.finditer(
        rf"^{_OPEN}{_LEAD}{words}{_IS}{_OPEN}({what})(?![A-Za-z0-9_'’])", text, re.MULTILINE | re.IGNORECASE
    ):
        end = text.find("\n", match.end())
        rest = text[match.end() : len(text) if end < 0 else end].removeprefix("/5")
        tail = _TAIL.match(rest)
        if not tail or _ANOTHER.match(rest):
            continue
        found = match.group(1)
        if found.islower() and rest.strip(" \t*_`\"'”’)]】」.。!"):
            continue  # "answer: a, b" or "vote: a (rate limit)": a small letter must end its line
        yield found


def _whole_number(value: Any) -> int | None:
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d{1,3})(?:\.0+)?(?:\s*/\s*5)?\s*", value)
        return int(match.group(1)) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 999:
        return None
    return int(value) if value == int(value) else None

"""Answer from a script instead of a model: offline, without a key, and with failures where the script asks for them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import (
    AccessError,
    ContextOverflowError,
    EndpointError,
    FileFormatError,
    ProviderError,
    RequestRefusedError,
    TransientError,
    UnknownModelError,
)
from truetwin.io import file_hash
from truetwin.io.json_lines import read_json_lines
from truetwin.io.setting_files import read_yaml
from truetwin.llm.messages import Cell, Reply, Request, Usage

_ERRORS: dict[str, type[ProviderError]] = {
    "access": AccessError,
    "unknown-model": UnknownModelError,
    "rejected": RequestRefusedError,
    "too-long": ContextOverflowError,
    "endpoint": EndpointError,
}
_TRANSIENT = ("rate-limit", "overloaded", "server", "timeout", "connection", "malformed")
_FIELDS = {
    "persona", "item", "step", "replicate", "contains", "regex", "reply", "replies", "refusal", "finish_reason",
    "logprobs", "usage", "error", "times", "retry_after",
}  # fmt: skip


@dataclass(frozen=True)
class _Rule:
    """Rule of a script: which requests it fits, and what it answers. :data:`_FIELDS` lists its entries."""

    where: Mapping[str, tuple[Any, ...]]
    contains: tuple[str, ...]
    regex: re.Pattern[str] | None
    replies: tuple[str, ...]
    rest: Mapping[str, Any]

    def fits(self, cell: Cell | None, prompt: str) -> bool:
        for name, allowed in self.where.items():
            if cell is None or getattr(cell, name) not in allowed:
                return False
        if any(text not in prompt for text in self.contains):
            return False
        return self.regex is None or self.regex.search(prompt) is not None


class ScriptedModel:
    """Model that answers each request by the first rule of a script that fits it.

    A rule may ask for ``persona``, ``item``, ``step``, ``replicate`` (a value or a list), for text that the prompt
    ``contains`` (a text or a list, all of them) and for a ``regex`` found in the prompt. It gives a ``reply`` (text as
    it is; anything else as JSON) or a list of ``replies`` taken in turn by replicate. A reply may have a ``refusal``,
    ``finish_reason``, ``logprobs`` and ``usage``.

    Instead of a reply, a rule may give an ``error``: ``rate-limit``, ``server``, ``timeout``, ``connection``,
    ``malformed``, ``access``, ``unknown-model``, ``rejected``, ``too-long`` or ``endpoint``. With ``times``,
    it fails only the first so many times that a cell is asked. ``default`` answers requests that no rule fits. Texts
    are data: nothing in them is executed or filled in.

    Parameters
    ----------
    script : mapping
        ``{"rules": [...], "default": ...}``, both optional.
    name : str, default="scripted"
        Name of the model in the stored run.
    fingerprint : str, default=""
        Hash of the script's file. A run begun with another script is not continued.

    Raises
    ------
    FileFormatError
        If the script is not of that form.
    """

    def __init__(self, script: Mapping[str, Any], *, name: str = "scripted", fingerprint: str = "") -> None:
        self.name = name
        self._fingerprint = fingerprint
        unknown = sorted(set(script) - {"rules", "default"})
        if unknown or not isinstance(script.get("rules", []), list):
            raise FileFormatError(
                f"a script must have a list of 'rules' and a 'default', nothing else; {name} has {unknown or 'no list'}"
            )
        self._rules = [
            _read_rule(rule, f"rule {k} of {name}") for k, rule in enumerate(script.get("rules", []), 1)
        ]
        if "default" in script:
            self._rules.append(_read_rule({"reply": script["default"]}, f"default of {name}"))
        self._failed: Counter[tuple[int, Cell | None]] = Counter()

    def describe(self) -> Mapping[str, Any]:
        """Describe the model for the store: a scripted model says that it is one."""
        return {"engine": "scripted", "name": self.name, "script": self._fingerprint}

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        """Answer by the first rule that fits.

        Raises
        ------
        RequestRefusedError
            If no rule fits and the script has no default.
        """
        prompt = "\n".join(message.content for message in request.messages)
        for k, rule in enumerate(self._rules):
            if rule.fits(request.cell, prompt) and not self._used_up(k, rule, request.cell):
                return self._reply(rule, request)
        raise RequestRefusedError(f"no rule of {self.name} fits {request.cell}, and it has no default")

    def _used_up(self, k: int, rule: _Rule, cell: Cell | None) -> bool:
        times = rule.rest.get("times")
        if times is None:
            return False
        self._failed[k, cell] += 1
        return bool(self._failed[k, cell] > times)

    def _reply(self, rule: _Rule, request: Request) -> Reply:
        rest = rule.rest
        if "error" in rest:
            kind = rest["error"]
            if kind in _ERRORS:
                raise _ERRORS[kind](f"{self.name} fails on command: {kind}")
            raise TransientError(f"{self.name} fails on command: {kind}", rest.get("retry_after"), kind=kind)
        replicate = request.cell.replicate if request.cell else 0
        return Reply(
            text=rule.replies[replicate % len(rule.replies)],
            finish_reason=str(rest.get("finish_reason", "stop")),
            usage=Usage(**rest.get("usage", {})),
            refusal=rest.get("refusal"),
            logprobs=tuple(rest["logprobs"]) if "logprobs" in rest else None,
            model=self.name,
        )

    async def close(self) -> None:
        """Do nothing: there is no connection to close."""


def scripted_model(script: Mapping[str, Any], name: str = "scripted") -> ScriptedModel:
    """Make a scripted model from a script in memory."""
    return ScriptedModel(script, name=name)


def read_scripted_model(path: Path | str) -> ScriptedModel:
    """Read a scripted model from a file: YAML or JSON ``{rules, default}``, or JSON lines with a rule each.

    Raises
    ------
    FileFormatError
        If the file cannot be read as one.
    """
    path = Path(path)
    try:
        if path.suffix == ".jsonl":
            script: Any = {"rules": [rule for _, rule in read_json_lines(path)]}
        else:
            script = (
                json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else read_yaml(path)
            )
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"cannot read a script from {path}: {error}") from error
    if not isinstance(script, Mapping):
        raise FileFormatError(f"a script must be a table with 'rules' and 'default'; {path} is not")
    return ScriptedModel(script, name=f"scripted:{path.name}", fingerprint=file_hash(path))


def _read_rule(rule: Any, where: str) -> _Rule:
    if not isinstance(rule, Mapping) or set(rule) - _FIELDS:
        unknown = sorted(set(rule) - _FIELDS) if isinstance(rule, Mapping) else type(rule).__name__
        raise FileFormatError(f"a rule may have {', '.join(sorted(_FIELDS))}; {where} has {unknown}")
    error = rule.get("error")
    if error is not None and error not in {*_ERRORS, *_TRANSIENT}:
        raise FileFormatError(
            f"an error must be one of {', '.join([*_ERRORS, *_TRANSIENT])}; {where} has {error!r}"
        )
    if error is None and "reply" not in rule and "replies" not in rule and "refusal" not in rule:
        raise FileFormatError(f"a rule must give a reply, replies, a refusal or an error; {where} gives none")
    try:
        regex = re.compile(rule["regex"], re.DOTALL) if "regex" in rule else None
    except (re.error, TypeError) as problem:
        raise FileFormatError(
            f"a regex must be a regular expression; that of {where} is not: {problem}"
        ) from problem
    texts = rule.get("replies", [rule.get("reply", "")])
    if not isinstance(texts, list) or not texts:
        raise FileFormatError(f"replies must be a list of at least one; {where} has {texts!r}")
    if not isinstance(rule.get("refusal"), str | None):
        raise FileFormatError(f"a refusal must be a text; {where} has {rule['refusal']!r}")
    try:
        usage = Usage(**rule.get("usage", {}))
        if not all(type(count) is int and count >= 0 for count in astuple(usage)):
            raise TypeError("a count that is no whole number")
    except TypeError:
        names = ", ".join(Usage.__dataclass_fields__)
        raise FileFormatError(
            f"usage must be a table of {names}, whole numbers each; {where} has {rule['usage']!r}"
        ) from None
    return _Rule(
        where={
            name: _several(rule[name]) for name in ("persona", "item", "step", "replicate") if name in rule
        },
        contains=_several(rule.get("contains", ())),
        regex=regex,
        replies=tuple(text if isinstance(text, str) else json.dumps(text) for text in texts),
        rest={
            key: rule[key]
            for key in rule.keys()
            & {"refusal", "finish_reason", "logprobs", "usage", "error", "times", "retry_after"}
        },
    )


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)

"""Turn an item into a question as a twin sees it: the answers that it offers, their order and their codes."""

from __future__ import annotations

import hashlib
import re
import string
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from truetwin.data import Item, Scale
from truetwin.errors import DataError
from truetwin.settings.simulate_settings import Markers, Order

_BEFORE = " \t!*_`\"'“”‘’«»()[]"  # contains no point and no comma, because .5 is not 5
_AFTER = _BEFORE + ".,;:"


@dataclass(frozen=True)
class Option:
    """Answer option: what to reply (``marker``), the code of the scale that it stands for, and its wording."""

    marker: str
    code: float
    label: str
    off_scale: bool = False


@dataclass(frozen=True)
class Question:
    """Question: an item with its answer options, in the order shown. A numeric item has no options."""

    item: Item
    options: tuple[Option, ...] = ()

    @property
    def scale(self) -> Scale:
        """Scale of the item: the answers that it admits."""
        assert self.item.scale is not None
        return self.item.scale

    @cached_property
    def by_marker(self) -> Mapping[str, Option]:
        """Options by their markers, in lower case."""
        return {o.marker.casefold(): o for o in self.options}

    @cached_property
    def by_label(self) -> Mapping[str, Option]:
        """Options by their wording, normalised by :func:`plain`."""
        return {plain(o.label): o for o in self.options if o.label}

    @cached_property
    def codes_are_shown(self) -> bool:
        """Whether a number in a reply is a code of the scale; false if letters stand for the answers."""
        return all(o.marker == written(o.code) for o in self.options)

    @property
    def text(self) -> str:
        """Text that a twin sees: the wording, the answers, and what may be replied."""
        lines = [self.item.text.strip()]
        if not self.options:
            lines.append(f"Answer code: {_range(self.scale)}.")
        elif all(not o.label for o in self.options):
            first, last = (written(c) for c in (self.scale.categories[0], self.scale.categories[-1]))
            ends = f" ({first} is the lowest, {last} the highest)" if self.scale.kind == "ordinal" else ""
            lines.append(f"Answer codes: {', '.join(o.marker for o in self.options)}{ends}")
        else:
            lines.append("Answers, each with its code:")
            lines += [f"{o.marker}: {o.label}" if o.label else o.marker for o in self.options]
        return "\n".join(lines)

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of one answer."""
        if self.options:
            markers = [o.marker for o in self.options]
            if not self.codes_are_shown:
                return {"type": "string", "enum": markers}
            codes = [o.code for o in self.options]
            whole = all(float(c).is_integer() for c in codes)
            return {"type": "integer" if whole else "number", "enum": [_number(c) for c in codes]}
        scale = self.scale
        whole = scale.step is not None and float(scale.step).is_integer() and _whole_or_open(scale.low)
        schema: dict[str, Any] = {"type": "integer" if whole else "number"}
        if np.isfinite(scale.low):
            schema["minimum"] = _number(scale.low)
        if np.isfinite(scale.high):
            schema["maximum"] = _number(scale.high)
        return schema


def ask(
    item: Item,
    *,
    order: Order = "fixed",
    markers: Markers = "codes",
    offer_off_scale: bool = False,
    turn: int = 0,
) -> Question:
    """Turn an item into a question.

    Parameters
    ----------
    item : Item
        The item. It needs a text and a scale; see :func:`check_items`.
    order : {"fixed", "reversed", "rotated"}
        Order of the answer options: as declared, backwards, or moved on by ``turn`` places. Off-scale answers stay
        last. A numeric item has no options to order.
    markers : {"codes", "letters"}
        How a reply names an answer: by its code, which is the same in every order, or by A, B, C ... in the order
        shown.
    offer_off_scale : bool
        Whether declared off-scale answers ("don't know") are offered too.
    turn : int
        Number of places to rotate by.

    Examples
    --------
    >>> mood = Item("Q1", "How are you?", Scale.ordinal(1, 3, labels={1: "bad", 2: "so-so", 3: "good"}))
    >>> print(ask(mood, order="reversed", markers="letters").text)
    How are you?
    Answers, each with its code:
    A: good
    B: so-so
    C: bad
    """
    assert item.scale is not None
    scale = item.scale
    codes = list(scale.categories)
    if codes and order == "reversed":
        codes.reverse()
    elif codes and order == "rotated":
        codes = codes[turn % len(codes) :] + codes[: turn % len(codes)]
    offered = [(code, scale.labels.get(code, ""), False) for code in codes]
    if offer_off_scale and codes:
        offered += [(code, label, True) for code, label in scale.off_scale.items()]
    if markers == "codes":
        options = [Option(written(code), code, label, off) for code, label, off in offered]
    else:
        options = [
            Option(letter, code, label or written(code), off)
            for letter, (code, label, off) in zip(_letters(len(offered)), offered, strict=True)
        ]
    return Question(item, tuple(options))


def turn_of(seed: int, *key: str | int) -> int:
    """Draw a number from a seed and a key. Every machine draws the same number."""
    text = "\x1f".join(map(str, (seed, *key)))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def wordings_like_codes(question: Question) -> list[str]:
    """Find wordings of answers that read like the marker of another answer of the same question.

    Examples
    --------
    >>> children = Item("Q1", "How many children?", Scale.ordinal(1, 2, labels={1: "none", 2: "1"}))
    >>> wordings_like_codes(ask(children)), wordings_like_codes(ask(children, markers="letters"))
    (['1'], [])
    """
    return [o.label for o in question.options if question.by_marker.get(plain(o.label), o) is not o]


def check_items(items: Iterable[Item], source: str = "the items") -> None:
    """Raise :class:`DataError` for an item that cannot be asked; the message names it."""
    for item in items:
        where = f"{source}: item {item.id!r}"
        if not item.text.strip():
            raise DataError(f"{where} must have a text to be asked; it has none")
        if item.scale is None:
            raise DataError(
                f"{where} must say what can be answered; it has no scale. Declare categories and labels "
                "(1=never|2=often), or low and high."
            )
        scale = item.scale
        if scale.kind == "nominal":
            bare = [c for c in scale.categories if not scale.labels.get(c, "").strip()]
            if bare:
                raise DataError(
                    f"{where} must have a label for every category, because the categories have no order; "
                    f"{written(bare[0])} has none"
                )
        labels = [plain(label) for label in (*scale.labels.values(), *scale.off_scale.values())]
        twice = next((label for k, label in enumerate(labels) if label and label in labels[:k]), None)
        if twice is not None:
            raise DataError(f"{where} must have different labels; two of them read {twice!r}")


def written(code: float) -> str:
    """Write a code without needless digits: 3, 0.5, -1."""
    return f"{code:.15g}"


def plain(text: str) -> str:
    """Normalise a wording: fold case, unify spacing, and remove markup and punctuation at its ends."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).casefold().lstrip(_BEFORE).rstrip(_AFTER)


def answer_text(item: Item, code: float) -> str:
    """Write an answer in words: its label if all categories have one, else its code and the ends of its scale."""
    scale = item.scale
    if scale is None:
        return written(code)
    label = scale.labels.get(code)
    if label and all(scale.labels.get(c) for c in scale.categories):
        return label
    ends = [c for c in (scale.low, scale.high) if np.isfinite(c)]
    if len(ends) < 2 or scale.kind == "nominal":
        return written(code)
    shown, low, high = (
        f"{written(c)} ({t})" if (t := scale.labels.get(c)) else written(c) for c in (code, *ends)
    )
    return f"{shown} on a scale from {low} to {high}"


def _range(scale: Scale) -> str:
    low, high = (written(b) if np.isfinite(b) else None for b in (scale.low, scale.high))
    what = "a whole number" if scale.step == 1 and _whole_or_open(scale.low) else "a number"
    if low and high:
        what += f" from {low} to {high}"
    elif low or high:
        what += f" of at least {low}" if low else f" of at most {high}"
    if scale.step and not what.startswith("a whole"):
        what += f" in steps of {written(scale.step)}"
    return what


def _whole_or_open(bound: float) -> bool:
    return not np.isfinite(bound) or float(bound).is_integer()


def _number(code: float) -> int | float:
    return int(code) if float(code).is_integer() else float(code)


def _letters(count: int) -> list[str]:
    alphabet = string.ascii_uppercase
    if count > len(alphabet):
        raise DataError(
            f"letters can stand for at most {len(alphabet)} answers; an item has {count}. Use codes."
        )
    return list(alphabet[:count])

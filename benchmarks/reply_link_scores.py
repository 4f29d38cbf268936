"""Score the reply heuristic against annotated reply links, beside simple rules that do not look at the texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from truetwin.errors import FileFormatError
from truetwin.settings.voice_build_settings import ReplyOptions
from truetwin.voice_sets.conversations.conversation_records import RawMessage
from truetwin.voice_sets.conversations.message_logs import IrcLog, irc_name
from truetwin.voice_sets.conversations.reply_guessing import ReplyFinder, Seen, address_of, stimulus_of

Link = tuple[int, int]
Numbered = tuple[int, RawMessage]
Rule = Callable[[Sequence[Numbered]], dict[int, int]]


@dataclass(frozen=True)
class LinkScore:
    """Agreement with annotated links. A figure is None if it is undefined: nothing was predicted, or annotated."""

    rule: str
    n_messages: int
    n_annotated: int
    n_predicted: int
    n_correct: int

    @property
    def precision(self) -> float | None:
        """Precision: correct links divided by predicted links."""
        return self.n_correct / self.n_predicted if self.n_predicted else None

    @property
    def recall(self) -> float | None:
        """Recall: correct links divided by annotated links."""
        return self.n_correct / self.n_annotated if self.n_annotated else None

    @property
    def f1(self) -> float | None:
        """F1 score: harmonic mean of precision and recall."""
        both = self.n_predicted + self.n_annotated
        return 2 * self.n_correct / both if both else None

    def row(self) -> dict[str, Any]:
        """Return counts and figures as a record, with shares in percent."""
        shares = {name: getattr(self, name) for name in ("precision", "recall", "f1")}
        return {
            "rule": self.rule,
            "messages": self.n_messages,
            "annotated": self.n_annotated,
            "predicted": self.n_predicted,
            "correct": self.n_correct,
            **{name: None if value is None else 100 * value for name, value in shares.items()},
        }


def score_links(files: Iterable[Path], rule: str, *, others_only: bool = False) -> LinkScore:
    """Score a rule of :data:`RULES` on annotated IRC logs.

    Only annotated messages count; the messages before them are context. With ``others_only``, links to a user's own
    messages are left out, both predicted and annotated ones. The remaining links give a stimulus: a message by another
    user that is replied to.
    """
    n_messages = n_annotated = n_predicted = n_correct = 0
    for path in files:
        log = IrcLog(path)
        messages = list(log.messages(path))
        people = {number: message.user for number, message in messages}
        gold: dict[int, set[int]] = {}
        for a, b in read_links(annotation_of(path)):
            gold.setdefault(b, set()).update({a} - {b})
        predicted = (RULES_FOR_OTHERS if others_only else RULES)[rule](messages)
        for number, linked in gold.items():
            if number not in people:
                continue
            true = {a for a in linked if a in people and not (others_only and people[a] == people[number])}
            guess = predicted.get(number)
            if others_only and not true and linked:
                continue  # a message that continues its own user's message has no stimulus to score
            n_messages += 1
            n_annotated += len(true)
            n_predicted += guess is not None
            n_correct += guess in true
    return LinkScore(rule, n_messages, n_annotated, n_predicted, n_correct)


def read_links(path: Path) -> list[Link]:
    """Read the annotated links of an IRC log: pairs ``(earlier, later)`` of line numbers.

    A pair of equal numbers marks the first message of a conversation.

    Raises
    ------
    FileFormatError
        If a line does not hold two numbers.
    """
    links = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) < 2 or not (cells[0].isdigit() and cells[1].isdigit()):
            raise FileFormatError(f"{path}, line {number}: must hold two line numbers; found {line[:60]!r}")
        a, b = sorted((int(cells[0]), int(cells[1])))
        links.append((a, b))
    return links


def annotation_of(path: Path) -> Path:
    """Return the path of the file with the annotated links of an IRC log."""
    return path.with_name(f"{irc_name(path)}.annotation.txt")


def _heuristic(messages: Sequence[Numbered], options: ReplyOptions | None = None) -> dict[int, Seen]:
    finder = ReplyFinder(options)
    names = {message.user.lower(): message.user for _, message in messages}
    found = {}
    for number, message in messages:
        to, _ = address_of(message.text, names.get)
        found[number] = finder.add(message.thread, number, message.user, to)
    return found


def _links(messages: Sequence[Numbered]) -> dict[int, int]:
    return {n: seen.link.key for n, seen in _heuristic(messages).items() if seen.link}


def _stimuli(messages: Sequence[Numbered]) -> dict[int, int]:
    found = {n: stimulus_of(seen) for n, seen in _heuristic(messages).items()}
    return {n: seen.key for n, seen in found.items() if seen}


def _before(messages: Sequence[Numbered]) -> dict[int, int]:
    return {b[0]: a[0] for a, b in pairwise(messages)}


def _before_by_another(messages: Sequence[Numbered]) -> dict[int, int]:
    found: dict[int, int] = {}
    runs: tuple[str, int | None] = ("", None)  # last user, and the message before that user's run
    last: int | None = None
    for number, message in messages:
        if message.user != runs[0]:
            runs = (message.user, last)
        if runs[1] is not None:
            found[number] = runs[1]
        last = number
    return found


def _addressed_only(messages: Sequence[Numbered]) -> dict[int, int]:
    return {
        n: seen.link.key
        for n, seen in _heuristic(messages).items()
        if seen.link and seen.basis == "addressed"
    }


RULES: dict[str, Rule] = {
    "heuristic": _links,
    "message before": _before,
    "message before by another": _before_by_another,
    "addressed only": _addressed_only,
}
RULES_FOR_OTHERS: dict[str, Rule] = {**RULES, "heuristic": _stimuli}

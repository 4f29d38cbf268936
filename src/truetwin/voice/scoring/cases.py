"""Put items, what models made of them and what judges said side by side, to be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from truetwin.llm.json_replies import objects_in
from truetwin.llm.store.run_file import FILE_NAME, RunFile
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.outcomes import Outcome, Protocol, Status
from truetwin.voice.scoring.stored_answers import Answers

#: Place of a reply in a run: protocol, item and rotation.
Place = tuple[str, str, int]
_MOST_WORDS = 4_000  # characters of a raw reply that are kept
_MOST_OBJECTS = 20


@dataclass(frozen=True)
class Attempt:
    """Result of one item with one model under one protocol, in one order of options.

    Attributes
    ----------
    verdict : str
        "right", "wrong", "unreadable", "failed", "unscored", "mark" or "written".
    outcome : Outcome
        The outcome.
    words : str
        What the model, or the judge, said about its answer; empty if no run keeps it.
    """

    verdict: str
    outcome: Outcome
    words: str = ""


@dataclass(frozen=True)
class Case:
    """Item, and the attempts of each model at it by protocol and judge."""

    item: VoiceItem
    attempts: Mapping[tuple[str, Protocol, str], list[Attempt]] = field(default_factory=dict)


@dataclass(frozen=True)
class Cases:
    """Cases of any number of results.

    Attributes
    ----------
    cases : tuple of Case
        One case for each item that was played, in the order of the items.
    models : tuple of str
        Names of the models; the same model in two runs has the folder of the run in its name, with the folders above it
        if two are called alike.
    n_unknown : int
        Number of outcomes whose items are not known, which are in no case.
    """

    cases: tuple[Case, ...]
    models: tuple[str, ...]
    n_unknown: int = 0

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcomes of all cases, each with the name of its model in ``models``."""
        for case in self.cases:
            for (model, _, _), attempts in case.attempts.items():
                for attempt in attempts:
                    yield replace(attempt.outcome, model=model)


def collect_cases(answers: Sequence[Answers], items: Sequence[VoiceItem] = ()) -> Cases:
    """Collect cases from stored answers.

    Parameters
    ----------
    answers : sequence of Answers
        Answers; where they lie in the folder of a run, the words of models and judges are read from the run.
    items : sequence of VoiceItem
        Items of answers that do not know theirs.
    """
    known = _known_items(answers, items)
    cases = {item_id: Case(item, {}) for item_id, item in known.items()}
    names = _names(answers)
    n_unknown = 0
    said: dict[Path, dict[Place, str]] = {}
    for file in answers:
        folder = file.path.parent
        if folder not in said:
            said[folder] = words_of_run(folder)
        for outcome in file.outcomes:
            case = cases.get(outcome.item_id)
            if case is None:
                n_unknown += 1
                continue
            key = (names[outcome.model, file.path], outcome.protocol, outcome.judge)
            words = said[folder].get((outcome.protocol.value, outcome.item_id, outcome.run), "")
            attempts: dict[tuple[str, Protocol, str], list[Attempt]] = case.attempts  # type: ignore[assignment]
            attempts.setdefault(key, []).append(
                Attempt(verdict_of(outcome), outcome, words or _own_words(outcome))
            )
    models = dict.fromkeys(names[o.model, file.path] for file in answers for o in file.outcomes)
    played = tuple(case for case in cases.values() if case.attempts)
    return Cases(played, tuple(models), n_unknown)


def verdict_of(outcome: Outcome) -> str:
    """Say in a word what became of an item.

    Examples
    --------
    >>> verdict_of(Outcome("1", Protocol.CHOICE, Status.INCORRECT, shown=("a", "b"), answer="a", picked="b"))
    'wrong'
    """
    if outcome.is_malformed:
        return "unreadable"
    if outcome.status is Status.DONE:
        return "mark" if outcome.protocol is Protocol.SCORING else "written"
    return {Status.CORRECT: "right", Status.INCORRECT: "wrong"}.get(outcome.status, outcome.status.value)


def words_of_run(folder: Path) -> dict[Place, str]:
    """Read what models and judges said in a stored run about their answers; nothing if there is no run."""
    if not (folder / FILE_NAME).is_file():
        return {}
    found: dict[Place, str] = {}
    with RunFile(folder) as run:
        for step in run.steps():
            protocol = step.removeprefix("judge-")
            if protocol not in set(Protocol) or protocol == Protocol.REPLY.value:
                continue
            for call in run.calls(step):
                if call.reply is not None:
                    found[protocol, call.cell.item, call.cell.replicate] = said_in(call.reply.said)
    return found


def said_in(reply: str) -> str:
    """Return the reason that a JSON reply gives, or the whole reply.

    Examples
    --------
    >>> said_in('{"reason": "It is short.", "choice": "A"}')
    'It is short.'
    """
    objects = [found for _, found in objects_in(reply, most=_MOST_OBJECTS) if isinstance(found, dict)]
    reasons = [o["reason"] for o in objects if isinstance(o.get("reason"), str)]
    return (reasons[0] if reasons else reply)[:_MOST_WORDS]


def _own_words(outcome: Outcome) -> str:
    """Return the reasoning that a file of published answers keeps beside an answer."""
    return outcome.reason[:_MOST_WORDS] if outcome.is_answered and outcome.picked is not None else ""


def _known_items(answers: Sequence[Answers], items: Sequence[VoiceItem]) -> dict[str, VoiceItem]:
    """Gather items by id; where a control run hides the history, the item with more of it is shown."""
    known = {item.item_id: item for item in items}
    for item in _items_of(answers):
        held = known.get(item.item_id)
        if held is None or len(item.history) > len(held.history):
            known[item.item_id] = item
    return known


def _items_of(answers: Sequence[Answers]) -> Iterable[VoiceItem]:
    for file in answers:
        yield from file.items or ()


def _names(answers: Sequence[Answers]) -> dict[tuple[str, Path], str]:
    """Name each model of each file; one that did the same in two files is named with the folder, or the file.

    Where two of these are called alike, their whole paths are shown.
    """
    files: dict[tuple[str, Protocol], set[Path]] = {}
    for file in answers:
        for outcome in file.outcomes:
            files.setdefault((outcome.model, outcome.protocol), set()).add(file.path)
    twice = {model for (model, _), found in files.items() if len(found) > 1}
    in_one_folder = {
        model for (model, _), found in files.items() if len({path.parent for path in found}) < len(found)
    }
    places = {
        key: {path: path.with_suffix("") if key[0] in in_one_folder else path.parent for path in found}
        for key, found in files.items()
    }
    alike = {
        model for (model, _), wheres in places.items() if len({w.name for w in wheres.values()}) < len(wheres)
    }
    names = {}
    for (model, _), wheres in places.items():
        for path, where in wheres.items():
            shown = model or "unnamed"
            place = str(where) if model in alike else where.name
            names[model, path] = f"{shown} ({place})" if model in twice else shown
    return names

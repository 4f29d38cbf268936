"""Turn a stored run into a table of answers: one value for each person and item. Replies of every state are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Item
from truetwin.errors import ParameterError, RunError
from truetwin.llm import Cell, State, StoredCall
from truetwin.llm.store.asking_again import in_words
from truetwin.llm.store.run_file import RunFile
from truetwin.registry import closest
from truetwin.results.disclosure import twins_disclosure
from truetwin.settings.simulate_settings import Point
from truetwin.simulation.reading.reply_formats import state_of
from truetwin.simulation.survey.questionnaire import Questionnaire

POINTS = ("expected", "likeliest")
ANSWER_STEP = "answer"
#: Note of a run: the name of the column of ids in the table that its people come from.
ID_COLUMN = "id column of answer"
Shares = dict[float, float]


@dataclass(frozen=True)
class Problem:
    """Problem: a cell of the table that has no valid answer, with the reason."""

    respondent_id: str
    item_id: str
    replicate: int
    state: State
    reason: str


@dataclass(frozen=True)
class AskedAgain:
    """Answer that other settings gave than those of the run, or a second asking under the same.

    ``settings`` says in words how they differ (``max_tokens 60``); it is empty if they do not. ``earlier`` are the
    states of the replies that it replaced, the oldest first.
    """

    respondent_id: str
    item_id: str
    replicate: int
    state: State
    settings: str
    earlier: tuple[State, ...] = ()


@dataclass(frozen=True, eq=False)
class SurveyAnswers:
    """Answers of a stored run.

    Attributes
    ----------
    questionnaire : Questionnaire
        The items and their design.
    settings : mapping
        Settings of the run: task and model.
    respondent_ids : tuple of str
        Ids of everybody with a stored reply.
    values : ndarray of shape (n_respondents, n_items)
        One value for each person and item; NaN without a valid answer. Over replicates it is the mean if the answers
        have an order, and else the most frequent answer; of equally frequent ones, that of the earliest replicate.
        Of a distribution it is the expectation or the likeliest answer.
    counts : mapping from item id to state to int
        Number of replies by state. Every state is named.
    by_replicate : mapping from number to ndarray of shape (n_respondents, n_items)
        The same values for each replicate alone.
    n_expected : int
        Number of replies that the whole run will have: one for each item, person and replicate.
    shares : mapping from (respondent, item) to code to share
        Distributions, if they were asked for, averaged over replicates.
    outside : mapping from (respondent, item) to float
        Share of each distribution that fell on no answer of the scale.
    problems : tuple of Problem
        Every reply that is not valid.
    levels : mapping from person to condition to level
        Arms in which each person was asked; empty without arms, and where every twin is asked under every arm.
    asked_again : tuple of AskedAgain
        Every answer that was asked again, or under other settings than those of the run.
    id_column : str
        Name of the column of ids in the table that the people come from.
    """

    questionnaire: Questionnaire
    settings: Mapping[str, Any]
    respondent_ids: tuple[str, ...]
    values: NDArray[np.float64]
    by_replicate: Mapping[int, NDArray[np.float64]]
    counts: Mapping[str, Mapping[State, int]]
    n_expected: int
    shares: Mapping[tuple[str, str], Shares]
    outside: Mapping[tuple[str, str], float]
    problems: tuple[Problem, ...]
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    asked_again: tuple[AskedAgain, ...] = ()
    id_column: str = "respondent_id"

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Ids of the items, in the order of the columns of the values."""
        return tuple(self.questionnaire.columns)

    @property
    def states(self) -> dict[State, int]:
        """Number of replies by state, over all items."""
        return {state: sum(c[state] for c in self.counts.values()) for state in State}

    @property
    def n_not_asked(self) -> int:
        """Number of replies that are still to come."""
        return self.n_expected - sum(self.states.values())

    @property
    def valid_share(self) -> float | None:
        """Share of valid answers among all stored replies; None if there are none."""
        total = sum(self.states.values())
        return self.states[State.VALID] / total if total else None

    @property
    def disclosure(self) -> str:
        """Sentence that every output carries: it says where the answers come from."""
        return twins_disclosure(self.settings["model"])


def collect_answers(
    store: RunFile, *, point: Point = "expected", replicate: int | None = None
) -> SurveyAnswers:
    """Collect the answers of a stored survey.

    Parameters
    ----------
    store : RunFile
        The stored run. It records its items and design, so that no other file is needed.
    point : {"expected", "likeliest"}
        The value of a distribution in the table. A nominal item always gets its likeliest answer.
    replicate : int, optional
        Number of the only replicate to use. By default all are used.

    Raises
    ------
    RunError
        If the store holds no survey.
    ParameterError
        If ``point`` or the replicate is unknown.
    """
    if point not in POINTS:
        raise ParameterError(
            f"point must be one of {', '.join(POINTS)}; got {point!r}.{closest(point, list(POINTS))}"
        )
    settings = store.settings(ANSWER_STEP)
    with store.reading():
        questionnaire = Questionnaire.from_settings(settings["task"])
        n_answers = questionnaire.n_answers(settings["task"]["personas"]["count"])
    design = questionnaire.design
    if replicate is not None and not 0 <= replicate < design.replicates:
        raise ParameterError(f"the run has the replicates 0 to {design.replicates - 1}; got {replicate}")
    found = _Found({item: Counter() for item in questionnaire.columns})
    again = _Again(store)
    for call in store.calls(ANSWER_STEP):
        if replicate is None or call.cell.replicate == replicate:
            found.add(call, questionnaire)
            again.add(call, questionnaire)
    values, shares, outside = _reduced(found, questionnaire, point)
    numbers = range(design.replicates) if replicate is None else [replicate]
    return SurveyAnswers(
        questionnaire,
        settings,
        tuple(found.people),
        values,
        {k: _reduced(found, questionnaire, point, {k})[0] for k in numbers}
        if len(numbers) > 1
        else {numbers[0]: values},
        {item: {state: c[state] for state in State} for item, c in found.counts.items()},
        n_answers if replicate is None else n_answers // design.replicates,
        shares,
        outside,
        tuple(found.problems),
        {} if questionnaire.arms is None or questionnaire.arms.every else found.levels,
        tuple(again.found),
        _id_column(store, questionnaire),
    )


def _id_column(store: RunFile, questionnaire: Questionnaire) -> str:
    """Return the name of the column of ids, unless an item has it too."""
    name = str(store.notes(ID_COLUMN).get(ID_COLUMN) or "respondent_id")
    return "respondent_id" if name in questionnaire.columns else name


@dataclass(eq=False)
class _Found:
    """Collection of the answers in the calls of a run: row numbers of people, states, valid entries, problems."""

    counts: dict[str, Counter[State]]
    people: dict[str, int] = field(default_factory=dict)
    entries: dict[tuple[str, str], dict[int, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    levels: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, call: StoredCall, questionnaire: Questionnaire) -> None:
        """Add the answers of one call."""
        who = call.cell.persona
        self.people.setdefault(who, len(self.people))
        if questionnaire.arms is not None:
            self.levels.setdefault(who, {}).update(questionnaire.levels_of(call.cell.item))
        for item_id, entry, state, reason in _entries(call, questionnaire):
            self.counts[item_id][state] += 1
            if state is State.VALID:
                self.entries.setdefault((who, item_id), {})[call.cell.replicate] = entry
            else:
                self.problems.append(Problem(who, item_id, call.cell.replicate, state, reason))


class _Again:
    """Collection of the answers that were asked again, with the settings in words."""

    def __init__(self, store: RunFile) -> None:
        self.store, self.found = store, list[AskedAgain]()
        self.earlier: dict[Cell, list[State]] = {}
        for call, _ in store.earlier(ANSWER_STEP):
            self.earlier.setdefault(call.cell, []).append(call.parsed.state)
        self.words: dict[str, str] = {}

    def add(self, call: StoredCall, questionnaire: Questionnaire) -> None:
        """Add the answers of one call, if it was asked again or under other settings."""
        if call.setting is None:
            return
        if call.setting not in self.words:
            self.words[call.setting] = in_words(self.store.settings_of(call.setting))
        earlier = tuple(self.earlier.get(call.cell, ()))
        cell = call.cell
        for item_id, _, state, _ in _entries(call, questionnaire):
            self.found.append(
                AskedAgain(cell.persona, item_id, cell.replicate, state, self.words[call.setting], earlier)
            )


def _reduced(
    found: _Found, questionnaire: Questionnaire, point: Point, only: Container[int] | None = None
) -> tuple[NDArray[np.float64], dict[tuple[str, str], Shares], dict[tuple[str, str], float]]:
    """Reduce the replicates of each answer, or ``only`` some of them, to one value, and average distributions.

    Returns the values, the shares of each distribution, and the part of each that fell outside the scale."""
    values = np.full((len(found.people), len(questionnaire.columns)), np.nan)
    column = {item: k for k, item in enumerate(questionnaire.columns)}
    shares: dict[tuple[str, str], Shares] = {}
    outside: dict[tuple[str, str], float] = {}
    for (who, item_id), replicates in found.entries.items():
        item = questionnaire.columns[item_id]
        entries = [entry for k, entry in replicates.items() if only is None or k in only]
        if not entries:
            continue
        if isinstance(entries[0], Mapping):
            shares[who, item_id], outside[who, item_id] = _mean_shares(entries)
            value = _of_shares(shares[who, item_id], item, point)
        else:
            value = _of_codes([float(e) for e in entries], item)
        values[found.people[who], column[item_id]] = value
    return values, shares, outside


def _entries(call: StoredCall, questionnaire: Questionnaire) -> Iterator[tuple[str, Any, State, str]]:
    """Yield the item, the stored answer, the state and the reason for each item of a call."""
    group: Sequence[Item] | None = questionnaire.groups.get(call.cell.item)
    if group is None:
        raise RunError(f"the stored run holds answers to {call.cell.item!r}, which is not among its items")
    value = call.parsed.value or {}
    for item in group:
        if item.id not in value:
            yield item.id, None, call.parsed.state, call.parsed.reason
            continue
        entry = value[item.id]
        state = state_of(entry)
        yield item.id, entry, state, "" if state is State.VALID else str(entry["reason"])


def _mean_shares(entries: Iterable[Mapping[str, Any]]) -> tuple[Shares, float]:
    entries = list(entries)
    codes = entries[0]["shares"]
    mean = {float(c): float(np.mean([e["shares"][c] for e in entries])) for c in codes}
    return dict(sorted(mean.items())), float(np.mean([e["outside"] for e in entries]))


def _of_shares(shares: Shares, item: Item, point: Point) -> float:
    nominal = item.scale is not None and item.scale.kind == "nominal"
    if nominal or point == "likeliest":
        return max(shares, key=lambda code: shares[code])
    return round(sum(code * share for code, share in shares.items()), 6)


def _of_codes(codes: Sequence[float], item: Item) -> float:
    if item.scale is not None and item.scale.kind == "nominal":
        return Counter(codes).most_common(1)[0][0]  # of equals, the one of the earliest replicate
    return float(np.mean(codes))

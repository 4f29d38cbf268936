"""Continue a stored survey with more personas, items, replicates or arms, and ask nothing twice.

What a run and a command have in common must be the same: the same text under the same id. What only the command has is
added to the run. What only the run has stays as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truetwin.data.arm_columns import arms_of_column
from truetwin.data.persona import Persona
from truetwin.errors import DataError
from truetwin.llm import PartOfTask, RunOptions, Store, Task
from truetwin.llm.store.run_file import RunFile, file_of
from truetwin.llm.store.settings_comparison import compare_settings, differences, in_short
from truetwin.llm.task import digest_of
from truetwin.simulation.questions.arms import Arms, form_for, forms_of, place_of
from truetwin.simulation.survey.questionnaire import Questionnaire, groups_of
from truetwin.simulation.survey.survey_answers import ANSWER_STEP, ID_COLUMN
from truetwin.simulation.survey.survey_task import SurveyTask, digest_of_personas

#: Notes of a run: the hash of each persona, and the arms that each is in.
PEOPLE, LEVELS = "personas of answer", "arms of answer"
#: Settings that a growing run changes.
GROWING = ("task.personas", "task.items", "task.arms", "task.design.replicates")
_SHOWN = 3


@dataclass(frozen=True)
class Continued:
    """Survey as it continues a stored run, or begins one.

    Parameters
    ----------
    survey : SurveyTask
        The survey that the command asks. People of the run are in the arms in which they were.
    task : Task
        The same calls, under the settings of the whole run.
    notes : mapping
        What the run notes of its people, so that it can grow.
    before : mapping
        Settings of the run's task that were looked at; empty if it begins.
    grows : bool
        Whether the run gets more personas, items, replicates or arms.
    sentences : tuple of str
        What is added, and what of the run is not asked now, in words.
    """

    survey: SurveyTask
    task: Task
    notes: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    grows: bool = False
    sentences: tuple[str, ...] = ()

    def write(self, store: Store, model: Mapping[str, Any], options: RunOptions) -> None:
        """Record in the run what is added to it.

        Raises
        ------
        RunError
            If other settings differ too.
        """
        if self.grows:
            settings = {"task": dict(self.task.settings), "model": dict(model)}
            before = {"task": self.before}
            store.grow(ANSWER_STEP, before, settings, GROWING, options.may_differ, options.again)
        is_begun = store.has_answers(ANSWER_STEP)
        for name, value in self.notes.items():
            if is_begun and isinstance(value, Mapping):
                store.note_more(name, value)
            elif store.notes(name).get(name) != value:
                store.note(name, value)


def continued_in(task: SurveyTask, folder: Path | None) -> Continued:
    """Continue the run in a folder, or of a file; begin one if there is none. Nothing is written."""
    if folder is None or not file_of(folder).is_file():
        return _begun(task)
    with RunFile(folder) as run:
        return continued(task, run)


def continued(task: SurveyTask, run: RunFile) -> Continued:
    """Find out how a survey continues a stored run. Nothing is written.

    Raises
    ------
    DataError
        If an item, a persona or an arm of the run has another text or place in the survey. The message names it.
    """
    if ANSWER_STEP not in run.steps() or not run.has_answers(ANSWER_STEP):
        return _begun(task)
    stored = run.settings(ANSWER_STEP)["task"]
    people = run.notes(PEOPLE).get(PEOPLE)
    asked = _plain(task.settings)
    if stored.get("task") != "survey" or (stored == asked and list(stored["items"]) == list(asked["items"])):
        return _begun(task)
    return _Growth(task, run, stored, people).result()


def _begun(task: SurveyTask) -> Continued:
    return Continued(task, task, _notes(_digests(task), task.assignment, task))


def _digests(task: SurveyTask) -> dict[str, str]:
    return {p.id: digest_of_personas([p])[:16] for p in task.personas.values()}


def _notes(
    people: Mapping[str, str], levels: Mapping[str, Mapping[str, str]], task: SurveyTask
) -> dict[str, Any]:
    found: dict[str, Any] = {PEOPLE: dict(people)}
    if levels:
        found[LEVELS] = {k: dict(v) for k, v in levels.items()}
    name = next((p.id_column for p in task.personas.values() if p.id_column), "")
    if name:
        found[ID_COLUMN] = name
    return found


class _Growth:
    """Comparison of a survey with the stored run that it continues."""

    def __init__(
        self, task: SurveyTask, run: RunFile, stored: Mapping[str, Any], people: Mapping[str, str] | None
    ) -> None:
        self.run, self.stored, self.where = run, stored, str(run.path)
        self.levels = _levels_of(run, stored)
        if self.levels and task.questionnaire.arms is not None and not task.questionnaire.arms.every:
            task = task.keeping_arms(self.levels)
        self.task = task
        self.asked: dict[str, Any] = _plain(task.settings)
        self.known = people if people is not None else _people_asked(run)
        self.is_noted = people is not None

    def result(self) -> Continued:
        """Check that nothing contradicts, and put the settings of the whole run together."""
        self._check_items()
        people = self._people()
        merged = dict(self.asked)
        merged["items"] = _joined(self.stored["items"], self.asked["items"])
        merged["design"] = self.asked["design"] | {
            "replicates": max(self.stored["design"]["replicates"], self.asked["design"]["replicates"])
        }
        self._check_groups(merged)
        merged["personas"] = self._persona_settings(people)
        levels = _joined(self.levels, _plain(self.task.assignment))
        arms = self._arms(merged, people, levels)
        if arms is not None:
            merged["arms"] = arms
        names = ("personas", "items", "arms")
        grows = any(merged.get(name) != self.stored.get(name) for name in names) or (
            merged["design"]["replicates"] != self.stored["design"]["replicates"]
        )
        return Continued(
            self.task,
            PartOfTask(self.task, None, settings=merged),
            _notes(people, levels, self.task),
            self.stored,
            grows,
            tuple(self._sentences()),
        )

    # ------------------------------------------------------------------ what must be the same

    def _check_items(self) -> None:
        for name, record in self.asked["items"].items():
            before = self.stored["items"].get(name)
            if before is not None and before != record:
                path, old, new = next(differences(before, record))
                raise DataError(
                    f"an item must stay as it was in the stored run {self.where}; item {name!r} has another "
                    f"{'.'.join(path)}: stored {in_short(old)}, now {in_short(new)}. Give the changed item an id of "
                    "its own, or use another folder (--run)."
                )

    def _people(self) -> dict[str, str]:
        """Return the hash of every persona of the run and the command."""
        now = _digests(self.task)
        for who in now.keys() & self.known.keys():
            if self.is_noted:
                same = self.known[who] == now[who]
            else:
                same = self._is_shown(self.task.personas[who])
            if not same:
                raise DataError(
                    f"a persona must stay as it was in the stored run {self.where}; persona {who!r} has another text. "
                    "Give the changed persona an id of its own, or use another folder (--run)."
                )
        return {**self.known, **now}

    def _is_shown(self, persona: Persona) -> bool:
        """Tell whether a stored prompt shows this persona. Runs of earlier versions hold no hash of each."""
        cell = self.run.first_cell(ANSWER_STEP, persona.id)
        if cell is None:
            return True
        shown = {part for message in self.run.request(cell).messages for part in message.parts}
        hidden = self.task.hidden_in(cell.item)
        return all(part in shown for part in persona.parts(without=hidden) if part)

    def _check_groups(self, merged: Mapping[str, Any]) -> None:
        """Check that items which were asked together still are, and no others with them."""
        after = _groups(merged)
        now = self.task.questionnaire
        groups = {now.group_of[name]: tuple(i.id for i in now.items_of(name)) for name in self.task.groups}
        stored = [
            arms_of_column(name)[0] if "arms" in self.stored else name for name in self.run.items(ANSWER_STEP)
        ]
        lost = [name for name in stored if name not in after]
        lost += [name for name, items in groups.items() if after.get(name) != items]
        if lost:
            raise DataError(
                "items that were asked in one call must stay together, without others; with the items of the command, "
                f"the stored run {self.where} would have the calls {', '.join(map(repr, list(after)[:_SHOWN]))} ..., "
                f"without {lost[0]!r}. Keep the order of the items, ask new items alone (--only) and in full calls, or "
                "use another folder (--run)."
            )

    # ------------------------------------------------------------------ what is joined

    def _persona_settings(self, people: Mapping[str, str]) -> dict[str, Any]:
        asked: dict[str, Any] = self.asked["personas"]
        if people.keys() == self.task.personas.keys() and asked["count"] >= self.stored["personas"]["count"]:
            return asked
        if people.keys() == self.known.keys():
            return dict(self.stored["personas"])
        count = len(people) + max(0, self.stored["personas"]["count"] - len(self.known))
        return {"count": count, "digest": digest_of(sorted(people.items()))}

    def _arms(
        self, merged: Mapping[str, Any], people: Mapping[str, str], levels: Mapping[str, Mapping[str, str]]
    ) -> dict[str, Any] | None:
        """Join the arms of the run and the command."""
        before, now = self.stored.get("arms"), self.asked.get("arms")
        if before is None or now is None:
            return before or now
        old, new = ({"task": {"arms": {"every": each["every"]}}} for each in (before, now))
        compare_settings(old, new, f"step {ANSWER_STEP!r} of {self.where}")
        texts = {condition: dict(each) for condition, each in before["texts"].items()}
        for condition, each in now["texts"].items():
            for level, text in each.items():
                if texts.setdefault(condition, {}).setdefault(level, text) != text:
                    raise DataError(
                        f"an arm must keep its text; arm {level!r} of {condition!r} has another one in the stored run "
                        f"{self.where}: stored {in_short(texts[condition][level])}, now {in_short(text)}"
                    )
        for who, theirs in _plain(self.task.assignment).items():
            if who in self.levels and any(theirs.get(c) != level for c, level in self.levels[who].items()):
                raise DataError(
                    f"people must stay in their arms; person {who!r} was in {self.levels[who]} in the stored run "
                    f"{self.where}, and is in {theirs} now"
                )
        arms = Arms(texts, now["every"])
        return {
            "texts": texts,
            "every": now["every"],
            "asked": _asked_forms(merged, arms, people, levels),
            "digest": digest_of(sorted(levels.items())),
        }

    # ------------------------------------------------------------------ in words

    def _sentences(self) -> Iterable[str]:
        before, now = self.stored, self.asked
        pairs = [
            ("persona", list(self.known), list(self.task.personas)),
            ("item", list(before["items"]), list(now["items"])),
            ("arm", _arm_names(before), _arm_names(now)),
        ]
        for what, old, new in pairs:
            if added := [each for each in new if each not in set(old)]:
                yield f"the run grows by {_named(what, added)}"
            if left := [each for each in old if each not in set(new)]:
                yield (
                    f"the stored run also holds {_named(what, left)}, not asked now; what is stored of "
                    f"{'it' if len(left) == 1 else 'them'} stays and is exported too"
                )
        old_n, new_n = before["design"]["replicates"], now["design"]["replicates"]
        if new_n > old_n:
            yield f"the run grows from {old_n} to {new_n} replicates"
        if new_n < old_n:
            yield f"the stored run has {old_n} replicates; only the first {new_n} are asked now, and the others stay"


def _plain(value: Any) -> Any:
    """Return settings as they are read back from a store."""
    return json.loads(json.dumps(value))


def _joined(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Join two mappings. If the new one has all of the old, its order is that of the whole."""
    return dict(new) if old.keys() <= new.keys() else {**old, **new}


def _people_asked(run: RunFile) -> dict[str, str]:
    return dict.fromkeys(run.personas(ANSWER_STEP), "")


def _levels_of(run: RunFile, stored: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the arms in which the people of a run are; empty if it has none, or asks everybody under every arm."""
    arms = stored.get("arms")
    if arms is None or arms["every"]:
        return {}
    noted: dict[str, dict[str, str]] | None = run.notes(LEVELS).get(LEVELS)
    if noted is not None:
        return noted
    questionnaire = Questionnaire.from_settings(stored)
    found: dict[str, dict[str, str]] = {}
    for call in run.calls(ANSWER_STEP):
        found.setdefault(call.cell.persona, {}).update(questionnaire.levels_of(call.cell.item))
    return found


def _groups(settings: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the items of each call, whatever arms they show."""
    whole = Questionnaire.from_settings({k: v for k, v in settings.items() if k != "arms"})
    groups = groups_of(list(whole.items.values()), whole.design)
    return {name: tuple(item.id for item in items) for name, items in groups.items()}


def _asked_forms(
    merged: Mapping[str, Any],
    arms: Arms,
    people: Mapping[str, str],
    levels: Mapping[str, Mapping[str, str]],
) -> dict[str, int]:
    """Count the people who are asked each form of each group of items."""
    whole = Questionnaire.from_settings({k: v for k, v in merged.items() if k != "arms"})
    groups = groups_of(list(whole.items.values()), whole.design)
    counts: Counter[str] = Counter()
    for name, items in groups.items():
        conditions = arms.conditions_of(items)
        if arms.every:
            counts.update(dict.fromkeys(forms_of(name, conditions, arms), len(people)))
        else:
            forms = (form_for(name, conditions, levels.get(person, {})) for person in people)
            counts.update(form for form in forms if form is not None)
    return {form: counts[form] for form in sorted(counts, key=lambda form: place_of(form, groups, arms))}


def _arm_names(settings: Mapping[str, Any]) -> list[str]:
    texts = (settings.get("arms") or {}).get("texts", {})
    return [f"{condition} {level}" for condition, levels in texts.items() for level in levels]


def _named(what: str, names: Sequence[str]) -> str:
    """Count things and name the first of them."""
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names):,} {what}{'' if len(names) == 1 else 's'} ({shown}{more})"

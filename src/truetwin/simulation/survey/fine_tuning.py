"""Write files to fine-tune a model on people's own answers, in the chat format of providers.

Source: paper A, section A.3, number 10."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from truetwin.data import Item, ResponseMatrix
from truetwin.errors import DataError, ParameterError
from truetwin.io import dump_json, replacing
from truetwin.llm import Cell
from truetwin.simulation.personas.leaks import check_no_leak, hidden_with
from truetwin.simulation.reading.reply_formats import expected_reply
from truetwin.simulation.survey.survey_task import SurveyTask

TRAIN, VALIDATION, RECORD = "train.jsonl", "validation.jsonl", "fine-tuning.json"


@dataclass(frozen=True)
class PeopleSplit:
    """Split of people into those for training, those for validation, and the rest, who can test the result."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    left: tuple[str, ...]


def split_people(
    people: Sequence[str], *, n_people: int | None, validation: float, seed: int = 0
) -> PeopleSplit:
    """Draw people for fine-tuning and divide them into training and validation, whole persons each.

    Parameters
    ----------
    people : sequence of str
        Ids of the people to draw from.
    n_people : int, optional
        Number of people to draw (the paper used 500). By default all are drawn.
    validation : float in [0, 1)
        Share of the drawn people that is kept for validation.
    seed : int
        Random seed of the choice of people.
    """
    if not 0 <= validation < 1:
        raise ParameterError(f"the validation share must lie in [0, 1); got {validation:g}")
    count = len(people) if n_people is None else n_people
    if not 1 <= count <= len(people):
        raise ParameterError(
            f"fine-tuning needs 1 to {len(people)} people, as many as there are personas; got {count}"
        )
    order = [people[k] for k in np.random.default_rng(seed).permutation(len(people))]
    held = round(validation * count)
    if validation and not held:
        held = 1
    if held >= count:
        raise ParameterError(
            f"{count} people cannot be divided into training and validation; take more people"
        )
    return PeopleSplit(tuple(order[held:count]), tuple(order[:held]), tuple(order[count:]))


def check_training_items(
    asked: Iterable[Item], targets: Collection[str], catalogue: Mapping[str, Item]
) -> None:
    """Raise :class:`DataError` if a training item is a target, in a target's battery, or worded like a target."""
    hidden = hidden_with(targets, catalogue)
    wrong = [item.id for item in asked if item.id in hidden]
    if wrong:
        raise DataError(
            f"a model must not be fine-tuned on what it is to predict; item {wrong[0]!r} is a target or belongs with "
            f"one ({len(wrong)} such items). Leave them out of the items to learn from."
        )


def examples(task: SurveyTask, answers: ResponseMatrix, people: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield one conversation for each call of ``task`` in which the person has answered all items.

    The prompts are exactly those of a simulation with the same settings. The reply is the person's own answer.
    """
    rows = {who: k for k, who in enumerate(answers.respondent_ids)}
    columns = {item: k for k, item in enumerate(answers.item_ids)}
    for who in people:
        if who not in rows:
            continue
        for name, group in task.groups.items():
            codes = [
                float(answers.values[rows[who], columns[i.id]]) if i.id in columns else float("nan")
                for i in group
            ]
            if not np.isfinite(codes).all():
                continue
            cell = Cell(who, name)
            messages = [{"role": m.role, "content": m.content} for m in task.request(cell).messages]
            reply = expected_reply(task.questionnaire.questions(cell), codes, task.design)
            yield {"messages": [*messages, {"role": "assistant", "content": reply}]}


def write_fine_tuning(
    task: SurveyTask,
    answers: ResponseMatrix,
    folder: Path,
    split: PeopleSplit,
    *,
    targets: Collection[str],
    catalogue: Mapping[str, Item],
) -> dict[str, int]:
    """Write ``train.jsonl``, ``validation.jsonl`` and ``fine-tuning.json``. If one fails, none is written.

    Returns
    -------
    dict
        Number of examples in each file.

    Raises
    ------
    DataError
        If a target is among the training items or is shown in a persona, or if there is no example.
    """
    check_training_items(task.items, targets, catalogue)
    check_no_leak(task.personas.values(), targets, catalogue)
    if task.design.strategy != "default" or task.design.elicit != "answer":
        raise ParameterError(
            "a model is fine-tuned on plain answers: the default strategy and one answer an item"
        )
    counts = {}
    with replacing(folder / TRAIN, folder / VALIDATION, folder / RECORD) as drafts:
        for name, draft, people in zip(
            (TRAIN, VALIDATION), drafts[:2], (split.train, split.validation), strict=True
        ):
            counts[name] = 0
            with draft.open("w", encoding="utf-8") as out:
                for example in examples(task, answers, people):
                    out.write(json.dumps(example, ensure_ascii=False) + "\n")
                    counts[name] += 1
        if not counts[TRAIN]:
            raise DataError(
                "nobody to learn from has answered any of the items; their ids must be those of personas"
            )
        record = {
            "settings": task.settings,
            "examples": counts,
            "people": {
                "train": split.train,
                "validation": split.validation,
                "left_for_measuring": split.left,
            },
            "items": [i.id for i in task.items],
            "targets_left_out": sorted(targets),
        }
        drafts[2].write_text(dump_json(record) + "\n", encoding="utf-8")
    return counts

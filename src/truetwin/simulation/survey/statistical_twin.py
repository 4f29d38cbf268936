"""Statistical stand-in for a language model, so that everything runs without one. Its answers are nobody's twin's."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Item, ResponseMatrix
from truetwin.errors import RequestRefusedError
from truetwin.io import file_hash, read_responses
from truetwin.llm import Cell, ChatModel, Reply, Request, open_model
from truetwin.simulation.questions.question import Question, turn_of
from truetwin.simulation.questions.survey_design import SurveyDesign
from truetwin.simulation.reading.reply_formats import expected_reply
from truetwin.simulation.survey.survey_task import SurveyTask

PREFIX = "generated"
_FACTORS = 4
# All four are in units of the scale's range.
_SPREAD = 0.22  # standard deviation between people
_SHIFT = 0.12  # standard deviation between items
_NOISE = 0.08  # standard deviation of the noise of one answer
_ARM = 0.06  # standard deviation between the arms of one item
_UNSURE = 0.2  # width of a distribution over the answers


class GeneratedTwin:
    """Statistical stand-in that answers without a language model: from a table, or from the person's own answers.

    With a table (``generated:twin.csv``), it replies with the answers in the table and declines where a cell is empty.
    Without one (``generated``), an answer is the middle of the scale plus three parts: a random shift of the item (and
    of each arm that it shows), a shift computed from the person's own answers, and a little noise. Random numbers are
    drawn from the ids, so that a run repeats exactly. The replies have the form that the design asks for and are read
    like a model's.

    Parameters
    ----------
    task : SurveyTask
        The survey: personas, items and design.
    table : path, optional
        Table of answers to reply with, wide or long.
    """

    def __init__(self, task: SurveyTask, table: str | Path | None = None) -> None:
        self._task = task
        self._design: SurveyDesign = task.design
        self._table: ResponseMatrix | None = None
        self._about: dict[str, Any] = {"source": "own answers"}
        self.name = PREFIX
        if table:
            self._table = read_responses(table, items=task.questionnaire.columns)
            self.name = f"{PREFIX}:{Path(table).name}"
            self._about = {"source": "table", "sha256": file_hash(table)}
            self._row = {who: k for k, who in enumerate(self._table.respondent_ids)}
            self._column = {item: k for k, item in enumerate(self._table.item_ids)}
        self._scores = _standardised(task)

    def describe(self) -> Mapping[str, Any]:
        """Describe the stand-in for the store, which records that it is no language model."""
        return {"engine": PREFIX, "name": self.name, "language_model": False, **self._about}

    async def complete(self, request: Request, *, timeout: float) -> Reply:
        """Answer the items of the request's cell."""
        cell = request.cell
        if cell is None or cell.item not in self._task.groups:
            raise RequestRefusedError(f"{self.name} answers survey items only")
        questions = self._task.questionnaire.questions(cell)
        codes = [
            self._code(cell, q.item, declared.id)
            for q, declared in zip(questions, self._task.questionnaire.items_of(cell.item), strict=True)
        ]
        if any(math.isnan(c) for c in codes):
            return Reply("I prefer not to answer.", model=self.name)
        if self._design.elicit == "answer":
            return Reply(expected_reply(questions, codes, self._design), model=self.name)
        shares = [_around(q, code) for q, code in zip(questions, codes, strict=True)]
        if self._design.elicit == "logprobs":
            tokens = {marker: math.log(max(share, 1e-12)) for marker, share in shares[0].items()}
            return Reply(max(tokens, key=lambda t: tokens[t]), logprobs=(tokens,), model=self.name)
        percent = {str(k): {m: 100 * s for m, s in each.items()} for k, each in enumerate(shares, 1)}
        return Reply(json.dumps(percent), model=self.name)

    async def close(self) -> None:
        """Do nothing: there is no connection to close."""

    def _code(self, cell: Cell, item: Item, declared: str) -> float:
        persona, replicate = cell.persona, cell.replicate
        if self._table is not None:
            row, column = self._row.get(persona), self._column.get(item.id)
            return math.nan if row is None or column is None else float(self._table.values[row, column])
        assert item.scale is not None
        loading = _draw("loading", declared)
        similar = float(loading @ self._scores[persona]) / math.sqrt(_FACTORS)
        noise, shift = (
            float(_draw("noise", persona, item.id, replicate)[0]),
            float(_draw("shift", declared)[0]),
        )
        for condition, level in self._task.questionnaire.levels_of(cell.item).items():
            shift += _ARM / _SHIFT * float(_draw("arm", declared, condition, level)[0])
        position = 0.5 + _SHIFT * shift + _SPREAD * similar + _NOISE * noise
        if item.scale.kind == "nominal":
            count = item.scale.n_categories
            return item.scale.categories[min(count - 1, max(0, int(position * count)))]
        low, high = item.scale.low, item.scale.high
        if not math.isfinite(low):
            low = high - 10 if math.isfinite(high) else 0.0
        if not math.isfinite(high):
            high = low + 10
        return float(item.scale.snap([low + position * (high - low)])[0])


def open_twin(name: str, task: SurveyTask, **options: Any) -> ChatModel:
    """Open the model behind a name. ``generated`` and ``generated:<table>`` open the statistical stand-in.

    ``options`` go to :func:`truetwin.llm.open_model`.
    """
    kind, _, table = name.partition(":")
    return GeneratedTwin(task, table or None) if kind == PREFIX else open_model(name, **options)


def _standardised(task: SurveyTask) -> dict[str, NDArray[np.float64]]:
    """Compute a few scores of each person, roughly standard normal. People with similar answers have similar scores."""
    values: dict[str, list[float]] = {}
    for persona in task.personas.values():
        for item, code in persona.answers.items():
            values.setdefault(item, []).append(code)
    centre = {item: (float(np.mean(v)), float(np.std(v))) for item, v in values.items()}
    loadings = {item: _draw("loading", item) for item in values}
    scores = {}
    for who, persona in task.personas.items():
        known = [(i, c) for i, c in persona.answers.items() if centre[i][1] > 0]
        if not known:
            scores[who] = _draw("person", persona.text or who)
            continue
        total = sum((loadings[i] * ((c - centre[i][0]) / centre[i][1]) for i, c in known), np.zeros(_FACTORS))
        scores[who] = total / math.sqrt(len(known))
    return scores


def _draw(*key: str | int) -> NDArray[np.float64]:
    return np.random.default_rng(turn_of(0, "generated", *key)).standard_normal(_FACTORS)


def _around(question: Question, code: float) -> dict[str, float]:
    """Make a distribution around one answer. Returns shares by marker of the answer."""
    places = {
        o.code: k for k, o in enumerate(sorted(question.options, key=lambda o: o.code)) if not o.off_scale
    }
    width = max(_UNSURE * len(places), 0.5)
    weights = {
        o.marker: math.exp(-(((places[o.code] - places[code]) / width) ** 2))
        for o in question.options
        if not o.off_scale
    }
    total = sum(weights.values())
    return {marker: weight / total for marker, weight in weights.items()}

"""Read the replies of a stored run again from what the run itself records, without the files it was made from."""

from __future__ import annotations

from pathlib import Path

from truetwin.llm import Cell, Parsed, Prices, Reply, Store
from truetwin.llm.batches.batch_files import Imported, import_replies
from truetwin.simulation.survey.portraits import read_portrait
from truetwin.simulation.survey.questionnaire import Questionnaire


class StoredReader:
    """Reader of replies as the task of a stored run read them: the part of a task that needs no personas.

    Raises
    ------
    RunError
        When asked for a step that is neither a survey nor portraits.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._questionnaires: dict[str, Questionnaire | None] = {}

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read what a reply says."""
        if cell.step not in self._questionnaires:
            settings = self._store.settings(cell.step)["task"]
            portraits = settings.get("task") == "portraits"
            self._questionnaires[cell.step] = None if portraits else Questionnaire.from_settings(settings)
        questionnaire = self._questionnaires[cell.step]
        return read_portrait(reply) if questionnaire is None else questionnaire.parse(cell, reply)


def reread(store: Store) -> dict[str, int]:
    """Read every stored reply of a simulation anew, without a call. Returns how many readings changed, by step.

    After an improvement of the reading, answers that were unreadable may become valid; replies stay as they came.
    """
    reader = StoredReader(store)
    return {step: store.reparse(reader, step) for step in store.steps()}


def import_stored(store: Store, path: Path, prices: Prices | None = None) -> Imported:
    """Store a file of replies to requests that the run has written; see `truetwin.llm.batches.batch_files`."""
    return import_replies(StoredReader(store), store, path, prices=prices)

"""Read the replies of a stored run again. The run itself is enough; the files it was made from are not needed."""

from __future__ import annotations

from pathlib import Path

from truetwin.llm import Cell, Parsed, Prices, Reply, Store
from truetwin.llm.batches.batch_files import Imported, import_replies
from truetwin.llm.store.asking_again import settings_under
from truetwin.simulation.survey.portraits import read_portrait
from truetwin.simulation.survey.questionnaire import Questionnaire


class StoredReader:
    """Reader of the replies in a stored run, under the settings that the run records. It needs no personas.

    Parameters
    ----------
    store : Store
        The run.
    changes : str, optional
        How the settings of all replies differ from those of the run, as JSON; by default each reply is read by the
        settings that gave it.

    Raises
    ------
    RunError
        If a step is neither a survey nor portraits.
    """

    def __init__(self, store: Store, changes: str | None = None) -> None:
        self._store, self._changes = store, changes
        self._questionnaires: dict[tuple[str, str | None], Questionnaire | None] = {}

    def under(self, changes: str) -> StoredReader:
        """Return the reader of replies that settings with these differences gave."""
        return StoredReader(self._store, changes)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read a reply by the settings of its step, or by those under which it was asked again."""
        standing = self._store.standing(cell) if self._changes is None else None
        key = (cell.step, None if standing is None else standing.setting)
        if key not in self._questionnaires:
            self._questionnaires[key] = self._questionnaire(*key)
        questionnaire = self._questionnaires[key]
        return read_portrait(reply) if questionnaire is None else questionnaire.parse(cell, reply)

    def _questionnaire(self, step: str, setting: str | None) -> Questionnaire | None:
        settings = self._store.settings(step)
        with self._store.reading():
            changes = self._changes if setting is None else self._store.settings_of(setting)
            if changes is not None:
                settings = settings_under(settings, changes)
            if settings["task"].get("task") == "portraits":
                return None
            return Questionnaire.from_settings(settings["task"])


def reread(store: Store) -> dict[str, int]:
    """Read every stored reply of a simulation again, without a call. Returns how many readings changed, by step.

    A newer version may read answers that an older one could not. The stored replies do not change.
    """
    reader = StoredReader(store)
    return {step: store.reparse(reader, step) for step in store.steps()}


def import_stored(store: Store, path: Path, prices: Prices | None = None) -> Imported:
    """Store a file of replies to requests that the run has exported; see `truetwin.llm.batches.batch_files`."""
    reader = StoredReader(store)
    return import_replies(reader, store, path, prices=prices, under=reader.under)

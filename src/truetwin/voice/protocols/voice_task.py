"""Base of all protocols: settings, prompts and cells with which items are put to a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from truetwin.errors import ParameterError
from truetwin.llm import Cell, Parsed, Reply, Request, Sampling, State
from truetwin.llm.prompts import Prompt
from truetwin.llm.task import digest_of
from truetwin.settings.declaration import default_of
from truetwin.settings.voice_settings import Questions
from truetwin.voice.items.voice_items import MOST_OPTIONS, VoiceItem
from truetwin.voice.protocols.voice_prompts import OPTIONAL, VoicePrompts, Words

#: Turns of history that a model sees unless told otherwise (paper B, table 2: 30 in the interpersonal dimension).
HISTORY_TURNS: int = default_of(Questions, "history")
#: States of a cell for which no reply came.
NO_REPLY = frozenset({State.PROVIDER_ERROR, State.SKIPPED})


@dataclass(frozen=True)
class Setup:
    """Settings with which items are put to models.

    Parameters
    ----------
    history : int, default=30
        Number of the latest turns of the history that are shown; 0 for none.
    rotations : int, default=1
        Number of times that each item is asked, each time with the options moved on by one position. With 4, each
        option is shown once at each position, which measures position bias.
    seed : int, default=0
        Seed of the order of options.
    structured : bool, default=True
        Whether requests carry a JSON schema of the reply, besides the prompt; the reading does not depend on it.
    sampling : Sampling
        Decoding settings of the models; temperature 0 by default, as in paper B.
    items : mapping
        Record of where the items come from and what was done to them; see :func:`describe_items`.
    prompts : VoicePrompts
        Prompts, some of them replaced by a user's.

    Raises
    ------
    ParameterError
        If a value is not what :class:`truetwin.settings.voice_settings.Questions` admits.
    """

    history: int = HISTORY_TURNS
    rotations: int = default_of(Questions, "rotations")
    seed: int = 0
    structured: bool = default_of(Questions, "structured")
    sampling: Sampling = field(default_factory=lambda: Sampling(temperature=0.0))
    items: Mapping[str, Any] = field(default_factory=dict, hash=False)
    prompts: VoicePrompts = field(default_factory=VoicePrompts)

    def __post_init__(self) -> None:
        Questions(history=self.history, rotations=self.rotations, structured=self.structured)


def describe_items(items: Sequence[VoiceItem], **about: Any) -> dict[str, Any]:
    """Make a record of items, by which a continued run recognises that the items are the same."""
    return {**about, "n": len(items), "digest": digest_of(item.to_record() for item in items)[:16]}


def check_rotations(items: Sequence[VoiceItem], rotations: int, name: str = "rotations") -> None:
    """Raise :class:`ParameterError` if there are more orders than the largest item has options."""
    most = max((len(item.options) for item in items), default=MOST_OPTIONS)
    if rotations > most:
        raise ParameterError(
            f"{name} must lie between 1 and {most}; got {rotations}, and no item has more options"
        )


class VoiceTask(ABC):
    """Step of a protocol as a :class:`truetwin.llm.Task`; it has one cell for each item and rotation.

    Parameters
    ----------
    items : sequence of VoiceItem
        Items to ask, each id once.
    setup : Setup
        Settings of the questions.
    """

    #: Name of the step within a stored run.
    step: ClassVar[str]

    def __init__(self, items: Sequence[VoiceItem], setup: Setup) -> None:
        self.items = tuple(items)
        self.setup = setup
        self.by_id = {item.item_id: item for item in self.items}
        if len(self.by_id) != len(self.items):
            raise ParameterError(
                f"item ids must be unique; {len(self.items) - len(self.by_id)} of {len(self.items)} are repeated"
            )
        check_rotations(self.items, setup.rotations)

    @abstractmethod
    def prompt_name(self, item: VoiceItem) -> str:
        """Return the name of the prompt for an item."""

    @abstractmethod
    def values(self, item: VoiceItem, rotation: int) -> Mapping[str, str]:
        """Fill the placeholders of the prompt: name to text."""

    @abstractmethod
    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read a reply."""

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """JSON schema of the reply; None for free text."""
        return None

    def prompt(self, item: VoiceItem) -> Prompt:
        """The prompt that an item gets."""
        return self.setup.prompts.prompt(self.prompt_package(item), self.prompt_name(item))

    @property
    def words(self) -> Words:
        """Words that are filled into prompts."""
        return self.setup.prompts.words

    def prompt_package(self, item: VoiceItem) -> str:
        """The package in whose folder ``prompts`` it is; the steps with one prompt a dimension override it."""
        return "truetwin.voice"

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """All settings in which two runs of the step may differ."""
        shared = {k: v for k, v in asdict(self.setup).items() if k not in ("rotations", "prompts")}
        return {"step": self.step, **shared, "prompts": self.describe_prompts()}

    def describe_prompts(self) -> list[dict[str, Any]]:
        """Return name, version and hash of each prompt of the step."""
        described = [self._prompts[name].describe() for name in sorted(self._prompts)]
        return [*described, *self.setup.prompts.describe_words()]

    @cached_property
    def _prompts(self) -> dict[str, Prompt]:
        one_of_each = {self.prompt_name(item): item for item in self.items}
        return {name: self.prompt(item) for name, item in one_of_each.items()}

    def asked(self, item: VoiceItem, rotation: int) -> bool:
        """Test whether an item is to be asked in a rotation."""
        return True

    def cell(self, item: VoiceItem, rotation: int = 0) -> Cell:
        """Return the cell of an item and rotation: its place in a run."""
        return Cell(item.persona.id, item.item_id, self.step, rotation)

    def cells(self) -> Iterable[Cell]:
        """Yield the cells of all items and rotations, item by item."""
        return self._cells()

    def _cells(self) -> Iterator[Cell]:
        for item in self.items:
            for rotation in range(self.setup.rotations):
                if self.asked(item, rotation):
                    yield self.cell(item, rotation)

    def request(self, cell: Cell) -> Request:
        """Build the request for a cell."""
        item = self.by_id[cell.item]
        prompt = self._prompts[self.prompt_name(item)]
        values = self.values(item, cell.replicate)
        left_out = OPTIONAL - prompt.placeholders
        return Request(
            prompt.messages({name: text for name, text in values.items() if name not in left_out}),
            self.setup.sampling,
            schema=self.schema if self.setup.structured else None,
            cell=cell,
        )


def fields_of(item: VoiceItem) -> dict[str, Any]:
    """Return the fields of an outcome that describe its item."""
    return {"dimension": item.dimension, "persona_id": item.persona.id, "group": item.group}

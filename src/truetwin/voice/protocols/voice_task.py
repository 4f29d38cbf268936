"""What all protocols share when items are put to a model: settings, prompts, cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from truetwin.errors import ParameterError
from truetwin.llm import Cell, Parsed, Reply, Request, Sampling, State
from truetwin.llm.prompts import Prompt, packaged_prompt
from truetwin.llm.task import digest_of
from truetwin.voice.items.voice_items import N_OPTIONS, VoiceItem

#: Turns of history that a model sees unless told otherwise (paper B, table 2: 30 in the interpersonal dimension).
HISTORY_TURNS = 30
#: States of a cell in which the machinery gave no reply.
NO_REPLY = frozenset({State.PROVIDER_ERROR, State.SKIPPED})


@dataclass(frozen=True)
class Setup:
    """How items are put to models.

    Parameters
    ----------
    history : int, default=30
        How many of the latest turns of the history are shown; 0 for none.
    rotations : int, default=1
        How often each item is asked, each time with the options moved on by one place: 4 puts each option once at each
        place, which measures position bias.
    seed : int, default=0
        Seed of the order of options.
    structured : bool, default=True
        Whether replies are asked for by a JSON schema besides the prompt; the reading does not depend on it.
    sampling : Sampling
        How the models decode; temperature 0 by default, as in paper B.
    items : mapping
        Where the items come from and what was done to them, for the record: see :func:`describe_items`.
    """

    history: int = HISTORY_TURNS
    rotations: int = 1
    seed: int = 0
    structured: bool = True
    sampling: Sampling = field(default_factory=lambda: Sampling(temperature=0.0))
    items: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.history < 0:
            raise ParameterError(f"the length of the history must be 0 or more turns; got {self.history}")
        if not 1 <= self.rotations <= N_OPTIONS:
            raise ParameterError(f"rotations must be 1 to {N_OPTIONS}; got {self.rotations}")


def describe_items(items: Sequence[VoiceItem], **about: Any) -> dict[str, Any]:
    """A record of items by which a run knows that it is continued with the same ones."""
    return {**about, "n": len(items), "digest": digest_of(item.to_record() for item in items)[:16]}


class VoiceTask(ABC):
    """One step of a protocol as a :class:`truetwin.llm.Task`; the cells are items times rotations.

    Parameters
    ----------
    items : sequence of VoiceItem
        What is asked, each id once.
    setup : Setup
        How it is asked.
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

    @abstractmethod
    def prompt_name(self, item: VoiceItem) -> str:
        """Name of the prompt that an item gets."""

    @abstractmethod
    def values(self, item: VoiceItem, rotation: int) -> Mapping[str, str]:
        """What goes into the prompt."""

    @abstractmethod
    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """What a reply says."""

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """JSON schema of the reply; None for free text."""
        return None

    def prompt(self, item: VoiceItem) -> Prompt:
        """The prompt that an item gets."""
        return packaged_prompt("truetwin.voice", self.prompt_name(item))

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """All that makes two runs of the step differ."""
        prompts = {prompt.name: prompt for prompt in map(self.prompt, self.items)}
        shared = {k: v for k, v in asdict(self.setup).items() if k != "rotations"}
        return {
            "step": self.step,
            **shared,
            "prompts": [prompts[name].describe() for name in sorted(prompts)],
        }

    def asked(self, item: VoiceItem, rotation: int) -> bool:
        """Whether a cell is to be asked at all."""
        return True

    def cell(self, item: VoiceItem, rotation: int = 0) -> Cell:
        """The place of an item's answer in a run."""
        return Cell(item.persona.id, item.item_id, self.step, rotation)

    def cells(self) -> Iterable[Cell]:
        """Items times rotations, item by item."""
        return self._cells()

    def _cells(self) -> Iterator[Cell]:
        for item in self.items:
            for rotation in range(self.setup.rotations):
                if self.asked(item, rotation):
                    yield self.cell(item, rotation)

    def request(self, cell: Cell) -> Request:
        """What is sent for a cell."""
        item = self.by_id[cell.item]
        return Request(
            self.prompt(item).messages(self.values(item, cell.replicate)),
            self.setup.sampling,
            schema=self.schema if self.setup.structured else None,
            cell=cell,
        )


def fields_of(item: VoiceItem) -> dict[str, Any]:
    """What an outcome says about its item."""
    return {"dimension": item.dimension, "persona_id": item.persona.id, "group": item.group}

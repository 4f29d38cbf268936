"""Pipeline from novels to benchmark items (paper B, section 4.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from truetwin.errors import DataError, ParameterError
from truetwin.io import file_hash
from truetwin.llm import Cell, ChatModel, RunOptions, State, Task
from truetwin.settings.voice_build_settings import NarrativeOptions, NarrativeSettings
from truetwin.voice_sets.common.datasheet import About
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.common.draft_records import DraftRecord, draft_record, stored_drafts
from truetwin.voice_sets.common.finishing import Built, finish_build, furnished
from truetwin.voice_sets.common.model_answers import Asker
from truetwin.voice_sets.common.stages import Progress, Stage, Stages, Tally
from truetwin.voice_sets.common.text_similarity import open_embedder
from truetwin.voice_sets.novels.attribution import Utterance, attribute, narration_of
from truetwin.voice_sets.novels.book import Book, read_book
from truetwin.voice_sets.novels.character_distractors import WritingTask, writing_settings
from truetwin.voice_sets.novels.character_profiles import ProfileTask, with_profile
from truetwin.voice_sets.novels.characters import Character, complete_cast, read_characters
from truetwin.voice_sets.novels.novel_drafts import ReadBook, drafts_of, pool_of
from truetwin.voice_sets.novels.quotations import Quotations, find_quotations
from truetwin.voice_sets.novels.script_names import name_owners
from truetwin.voice_sets.novels.spans import Span
from truetwin.voice_sets.novels.speaker_questions import SpeakerTask, doubtful, with_answers

#: From so many books on, a whole book is a group; below, its chapters are.
ENOUGH_BOOKS = 5
_NOTES = {
    "real": "Distractors are what other characters say elsewhere in the same book.",
    "written": "Distractors were written by a model as other characters.",
    "both": "Distractors are what other characters say elsewhere, or were written by a model as other characters.",
}


def build_narrative(
    books: Sequence[Path],
    output: Path,
    settings: NarrativeSettings | None = None,
    *,
    model: ChatModel | None = None,
    run_options: RunOptions | None = None,
    progress: Progress | None = None,
) -> Built:
    """Make benchmark items from plain-text books.

    Stages: "cast" and "utterances" (quotations and their speakers, by rules), "speakers" (a model's answers where the
    rules are not sure; only with a model), "profiles" (who the characters are, by the model; only if asked for),
    "drafts" (filters), "distractors", "balance"; then the gate. Each is counted, cached in the output folder and
    resumed; the same seed gives the same bytes.

    Parameters
    ----------
    books : sequence of Path
        Plain-text files.
    output : Path
        Folder for ``items.jsonl``, ``datasheet.md`` and ``datasheet.json``.
    settings : NarrativeSettings, optional
        Settings of the build.
    model : ChatModel, optional
        Model to ask for speakers the rules are not sure of, for profiles, and for written distractors.
    run_options : RunOptions, optional
        Options of asking the model: caps, retries, concurrency.
    progress : callable, optional
        Called with (stage, done, total).

    Raises
    ------
    FileFormatError, DataError
        If a book cannot be read, or marks no speech.
    GateError
        If the built set does not pass its gate.
    """
    settings = settings or NarrativeSettings()
    if settings.distractors != "real" and model is None:
        raise ParameterError(
            f"distractors {settings.distractors!r} are written by a model; name one, or take 'real' ones"
        )
    if settings.profiles != "listed" and model is None:
        raise ParameterError("profiles 'extracted' are written by a model; name one, or take 'listed' ones")
    material = _read_material(books, settings)
    stages = Stages(output, _inputs(material, settings), progress)
    speech = _speech(stages, material, settings)
    asker = Asker(model, output, run_options) if model else None
    if asker is not None:
        ask = partial(_asked, speech, settings.items.min_margin, asker)
        asked = {"model": dict(asker.model.describe()), "margin": settings.items.min_margin}
        speech = replace(speech, utterances=stages.run("speakers", ask, asked))
        if settings.profiles == "extracted":
            describe = partial(_profiled, speech, settings.items.min_margin, asker)
            speech = replace(speech, cast=stages.run("profiles", describe, asked))
    drafts = stages.run(
        "drafts", partial(_drafts, speech, settings.items), {"items": settings.items.model_dump()}
    )
    limit = settings.build.limit
    read_drafts = partial(stored_drafts, drafts, limit, settings.build.seed)
    pool = partial(_pool, speech, settings.items)
    if settings.distractors != "real" and asker is not None:
        people = speech.casts()
        write = partial(_written, read_drafts, pool, people, asker)
        asked = {"model": dict(asker.model.describe()), "limit": limit}
        if "profiles" in (shown := writing_settings(people)):
            asked |= shown
        written = stages.run("written lines", write, asked)
        pool = partial(_pool, speech if settings.distractors == "both" else None, settings.items, written)
    items = furnished(stages, read_drafts, pool, open_embedder(settings.build.embeddings), settings.build)
    return finish_build(
        stages,
        items,
        output,
        settings.build,
        _about(material, settings, model),
        n_candidates=min(drafts.n_out, limit) if limit else drafts.n_out,
        min_history=settings.items.min_history,
    )


def read_speech(
    book: Book, people: Sequence[Character] = (), *, language: str = "en"
) -> tuple[ReadBook, Quotations]:
    """Find what is said in a book and by whom, by rules alone."""
    quotations = find_quotations(book)
    narration = [" ".join(narration_of(book, quotations, p.index)) for p in book.paragraphs]
    owners, cued = name_owners(quotations.cues.values(), people, quotations.persons)
    cast = complete_cast(people, narration, cued)
    found = tuple(attribute(book, quotations, cast, owners))
    return ReadBook(book, found, {person.id: person for person in cast}, language), quotations


@dataclass(frozen=True)
class _Material:
    """Books and listed characters as they were read, and the files that they came from."""

    books: tuple[Book, ...]
    people: tuple[Character, ...]
    sources: tuple[Mapping[str, Any], ...]


def _read_material(paths: Sequence[Path], settings: NarrativeSettings) -> _Material:
    if not paths:
        raise DataError("a narrative build needs at least one book")
    names = [path.stem for path in paths]
    if len(set(names)) < len(names):
        raise DataError(f"books must have different file names; got {', '.join(names)}")
    books = tuple(read_book(path, encoding=settings.encoding) for path in paths)
    sources: list[Mapping[str, Any]] = [
        {"name": path.name, "sha256": file_hash(path), "words": book.n_words}
        for path, book in zip(paths, books, strict=True)
    ]
    people: list[Character] = []
    if settings.characters:
        listed = Path(settings.characters)
        people = read_characters(listed, novel=settings.novel)
        sources.append({"name": listed.name, "sha256": file_hash(listed)})
    return _Material(books, tuple(people), tuple(sources))


def _inputs(material: _Material, settings: NarrativeSettings) -> dict[str, str]:
    """Say what all stages depend on."""
    files = {f"{k} {source['name']}": source["sha256"] for k, source in enumerate(material.sources)}
    named = {"novel": settings.novel or "", "encoding": settings.encoding or ""}
    return {**files, **named, "seed": str(settings.build.seed)}


def _about(material: _Material, settings: NarrativeSettings, model: ChatModel | None) -> About:
    shown = {
        "items": settings.items.model_dump(),
        "novel": settings.novel,
        "language": settings.language,
        "distractors": settings.distractors,
        "profiles": settings.profiles,
        "model": dict(model.describe()) if model else None,
    }
    title = f"Narrative items from {', '.join(book.name for book in material.books)}"
    notes = [_NOTES[settings.distractors]]
    if settings.profiles == "extracted":
        notes.append(
            "Traits and goals of characters without a listed profile were drawn by a model from their lines in the "
            "whole book, later ones included; statements that repeat a line are left out."
        )
    return About(title, material.sources, shown, notes)


class _Person(TypedDict):
    """Record of a character of a book."""

    book: str
    person: dict[str, Any]


class _Said(TypedDict):
    """Record of an utterance of a book."""

    book: str
    utterance: dict[str, Any]


@dataclass(frozen=True)
class _Speech:
    """Books with the stages that hold what is said in them, and by whom."""

    books: tuple[Book, ...]
    cast: Stage[_Person]
    utterances: Stage[_Said]
    language: str

    def casts(self) -> dict[str, dict[str, Character]]:
        """Read the characters of each book, by id."""
        casts: dict[str, dict[str, Character]] = {book.name: {} for book in self.books}
        for record in self.cast.records():
            person = _character(record["person"])
            casts[record["book"]][person.id] = person
        return casts

    def read(self) -> Iterator[ReadBook]:
        """Put each book together with its characters and utterances."""
        casts = self.casts()
        said: dict[str, list[Utterance]] = {book.name: [] for book in self.books}
        for found in self.utterances.records():
            said[found["book"]].append(_utterance(found["utterance"]))
        for book in self.books:
            yield ReadBook(book, tuple(said[book.name]), casts[book.name], self.language)


def _speech(stages: Stages, material: _Material, settings: NarrativeSettings) -> _Speech:
    """Do the stages "cast" and "utterances"."""
    cast = stages.run("cast", partial(_cast, material))
    said = stages.run("utterances", partial(_utterances, material), {"language": settings.language})
    return _Speech(material.books, cast, said, settings.language)


def _cast(material: _Material, tally: Tally) -> Iterator[_Person]:
    for book in material.books:
        read, _ = read_speech(book, material.people)
        for person in read.cast.values():
            tally.n_in += 1
            tally.noted["not in the list" if material.people and not person.listed else "people"] += 1
            yield {"book": book.name, "person": asdict(person)}


def _utterances(material: _Material, tally: Tally) -> Iterator[_Said]:
    for k, book in enumerate(material.books):
        read, quotations = read_speech(book, material.people)
        tally.noted["paragraphs too long"] += book.n_skipped
        tally.noted["mentions, not speech"] += quotations.n_mentions
        tally.noted["quotations never closed"] += quotations.n_unclosed
        tally.noted[f"convention {quotations.convention.name}"] += 1
        yield from _said(read, read.utterances, tally)
        tally.tick(k + 1, len(material.books))


def _asked(speech: _Speech, margin: float, asker: Asker, tally: Tally) -> Iterator[_Said]:
    """Give all utterances, those that the rules are not sure of with a model's answer where it gave one."""
    for read in speech.read():
        answers: dict[int, str] = {}
        if asked := doubtful(read.utterances, margin):
            task = SpeakerTask(read.book, list(read.cast.values()), asked)
            valid = _valid(task, asker, f"speakers-{read.book.name}", tally)
            answers = {int(cell.item): str(value) for cell, value in valid.items()}
        yield from _said(read, with_answers(read.utterances, answers), tally)


def _profiled(speech: _Speech, margin: float, asker: Asker, tally: Tally) -> Iterator[_Person]:
    """Give all characters, those without a listed profile with what a model says of them."""
    for read in speech.read():
        valid = _valid(ProfileTask(read, margin), asker, f"profiles-{read.book.name}", tally)
        profiles = {cell.persona: value for cell, value in valid.items()}
        for person in read.cast.values():
            tally.n_in += 1
            yield {"book": read.book.name, "person": asdict(with_profile(person, profiles.get(person.id)))}


def _written(
    drafts: Callable[[], list[Draft]],
    pool: Callable[[], list[PoolReply]],
    people: Mapping[str, Mapping[str, Character]],
    asker: Asker,
    tally: Tally,
) -> Iterator[dict[str, Any]]:
    """Give the lines that a model writes as other characters."""
    task = WritingTask(drafts(), pool(), people)
    for reply in task.replies(_valid(task, asker, "written", tally)):
        tally.n_in += 1
        yield asdict(reply)


def _valid(task: Task, asker: Asker, name: str, tally: Tally) -> dict[Cell, Any]:
    """Ask for everything; give the valid answers by cell, and note every state in the tally."""
    found = asker.answers(task, name, tally)
    for parsed in found.values():
        tally.noted[f"asked: {parsed.state.value}"] += 1
    return {cell: parsed.value for cell, parsed in found.items() if parsed.state is State.VALID}


def _drafts(speech: _Speech, options: NarrativeOptions, tally: Tally) -> Iterator[DraftRecord]:
    few = len(speech.books) < ENOUGH_BOOKS
    for k, read in enumerate(speech.read()):
        for draft in drafts_of(read, options, tally, group_by_section=few):
            yield draft_record(draft)
        tally.tick(k + 1, len(speech.books))


def _pool(
    speech: _Speech | None, options: NarrativeOptions, written: Stage[dict[str, Any]] | None = None
) -> list[PoolReply]:
    """Read what characters say, and what a model wrote."""
    said = [reply for read in speech.read() for reply in pool_of(read, options)] if speech else []
    return [*said, *(PoolReply(**record) for record in (written.records() if written else ()))]


def _said(read: ReadBook, utterances: Iterable[Utterance], tally: Tally) -> Iterator[_Said]:
    for utterance in utterances:
        tally.n_in += 1
        yield {"book": read.book.name, "utterance": asdict(utterance)}


def _utterance(record: Mapping[str, Any]) -> Utterance:
    """Read an utterance back."""
    spans = tuple(Span(**span) for span in record["spans"])
    return Utterance(**{**record, "spans": spans})


def _character(record: Mapping[str, Any]) -> Character:
    """Read a character back."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
    return Character(**fields)

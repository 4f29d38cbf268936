"""The narrative pipeline: books in, benchmark items out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from truetwin.errors import DataError, ParameterError, RunError
from truetwin.io import file_hash
from truetwin.llm import Cell, ChatModel, RunOptions, State, Store, Task, run
from truetwin.voice.items.voice_items import Turn, VoicePersona
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.common.finishing import BuildOptions, Built, finish_build, furnished, limited
from truetwin.voice_sets.common.stages import Progress, Stage, Stages, Tally
from truetwin.voice_sets.common.text_similarity import open_embedder
from truetwin.voice_sets.novels.attribution import Utterance, attribute, narration_of
from truetwin.voice_sets.novels.book import Book, read_book
from truetwin.voice_sets.novels.character_distractors import WritingTask
from truetwin.voice_sets.novels.characters import Character, complete_cast, read_characters
from truetwin.voice_sets.novels.novel_drafts import NarrativeOptions, ReadBook, drafts_of, pool_of
from truetwin.voice_sets.novels.quotations import Quotations, Span, find_quotations
from truetwin.voice_sets.novels.speaker_questions import SpeakerTask, doubtful, with_answers

#: From so many books on, a whole book is a group; below, its chapters are.
ENOUGH_BOOKS = 5
_NOTES = {
    "real": "Distractors are what other characters say elsewhere in the same book.",
    "written": "Distractors were written by a model as other characters.",
    "both": "Distractors are what other characters say elsewhere, or were written by a model as other characters.",
}


@dataclass(frozen=True)
class NarrativeSettings:
    """Everything a narrative build depends on, the books aside.

    Parameters
    ----------
    items : NarrativeOptions
        Which utterances become items.
    build : BuildOptions
        What all builds share.
    characters : str, optional
        File with the list of characters; without one they are found by rules.
    novel : str, optional
        Which novel of the published list of characters.
    distractors : {"real", "written", "both"}, default="real"
        Other characters' real utterances, lines that a model writes for the scene, or whichever match.
    language : str, default="en"
        ISO 639-1 code. The rules of attribution are English.
    encoding : str, optional
        Of the books; UTF-8, or what a byte order mark says, by default.
    """

    items: NarrativeOptions = field(default_factory=NarrativeOptions)
    build: BuildOptions = field(default_factory=BuildOptions)
    characters: str | None = None
    novel: str | None = None
    distractors: Literal["real", "written", "both"] = "real"
    language: str = "en"
    encoding: str | None = None


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

    Stages: "utterances" (quotations and their speakers, by rules), "speakers" (a model's answers where the rules are
    not sure; only with a model), "drafts" (filters), "distractors", "balance"; then the gate. Each is counted, cached
    in the output folder and resumed; the same seed gives the same bytes.

    Parameters
    ----------
    books : sequence of Path
        Plain-text files.
    output : Path
        Folder for ``items.jsonl``, ``datasheet.md`` and ``datasheet.json``.
    settings : NarrativeSettings, optional
        How.
    model : ChatModel, optional
        Whom to ask for speakers the rules are not sure of.
    run_options : RunOptions, optional
        How it is asked.
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
    if not books:
        raise DataError("a narrative build needs at least one book")
    if settings.distractors != "real" and model is None:
        raise ParameterError(
            f"distractors {settings.distractors!r} are written by a model; name one, or take 'real' ones"
        )
    names = [path.stem for path in books]
    if len(set(names)) < len(names):
        raise DataError(f"books must have different file names; got {', '.join(names)}")
    return _NarrativeBuild(books, output, settings, model, run_options, progress).run()


def read_speech(
    book: Book, people: Sequence[Character] = (), *, language: str = "en"
) -> tuple[ReadBook, Quotations]:
    """A book with what is said in it and by whom, by rules alone."""
    quotations = find_quotations(book)
    narration = [" ".join(narration_of(book, quotations, p.index)) for p in book.paragraphs]
    cast = complete_cast(people, narration)
    found = tuple(attribute(book, quotations, cast))
    return ReadBook(book, found, {person.id: person for person in cast}, language), quotations


class _NarrativeBuild:
    def __init__(
        self,
        books: Sequence[Path],
        output: Path,
        settings: NarrativeSettings,
        model: ChatModel | None,
        run_options: RunOptions | None,
        progress: Progress | None,
    ) -> None:
        self.settings, self.output, self.model, self.run_options = settings, output, model, run_options
        self.books = [read_book(path, encoding=settings.encoding) for path in books]
        self.sources = [
            {"name": path.name, "sha256": file_hash(path), "words": book.n_words}
            for path, book in zip(books, self.books, strict=True)
        ]
        self.people: list[Character] = []
        inputs = {str(s["name"]): str(s["sha256"]) for s in self.sources}
        if settings.characters:
            listed = Path(settings.characters)
            self.people = read_characters(listed, novel=settings.novel)
            self.sources.append({"name": listed.name, "sha256": file_hash(listed)})
            inputs["characters"] = file_hash(listed)
        inputs |= {"seed": str(settings.build.seed), "novel": settings.novel or ""}
        self.stages = Stages(output, inputs, progress)

    def run(self) -> Built:
        settings = self.settings
        self.cast = self.stages.run("cast", self._cast)
        found = self.stages.run("utterances", self._utterances, {"language": settings.language})
        if self.model is not None:
            found = self._asked(found, self.model)
        stage = self.stages.run(
            "drafts", lambda tally: self._drafts(found, tally), {"items": asdict(settings.items)}
        )
        drafts = lambda: limited([_draft_of(r) for r in stage.records()], settings.build)  # noqa: E731
        pool = lambda: self._pool(found)  # noqa: E731
        if settings.distractors != "real" and self.model is not None:
            written = self._written(drafts, pool, self.model)
            real: Callable[[], list[PoolReply]] = pool if settings.distractors == "both" else list
            pool = lambda: [*real(), *(PoolReply(**r) for r in written.records())]  # noqa: E731
        items = furnished(
            self.stages,
            drafts,
            pool,
            open_embedder(settings.build.embeddings),
            settings.build,
        )
        limit = settings.build.limit
        return finish_build(
            self.stages,
            items,
            self.output,
            settings.build,
            title=f"Narrative items from {', '.join(book.name for book in self.books)}",
            sources=self.sources,
            settings={
                "items": asdict(settings.items),
                "novel": settings.novel,
                "language": settings.language,
                "distractors": settings.distractors,
                "model": dict(self.model.describe()) if self.model else None,
            },
            n_candidates=min(stage.n_out, limit) if limit else stage.n_out,
            min_history=settings.items.min_history,
            notes=[_NOTES[settings.distractors]],
        )

    def _cast(self, tally: Tally) -> Iterator[Mapping[str, Any]]:
        for book in self.books:
            read, _ = read_speech(book, self.people)
            for person in read.cast.values():
                tally.n_in += 1
                tally.noted["not in the list" if self.people and not person.listed else "people"] += 1
                yield {"book": book.name, "person": asdict(person)}

    def _utterances(self, tally: Tally) -> Iterator[Mapping[str, Any]]:
        for k, book in enumerate(self.books):
            read, quotations = read_speech(book, self.people)
            tally.noted["paragraphs too long"] += book.n_skipped
            tally.noted["mentions, not speech"] += quotations.n_mentions
            tally.noted["quotations never closed"] += quotations.n_unclosed
            tally.noted[f"convention {quotations.convention.name}"] += 1
            for u in read.utterances:
                tally.n_in += 1
                yield _utterance_record(book, u)
            tally.tick(k + 1, len(self.books))

    def _read(self, stage: Stage) -> Iterator[ReadBook]:
        """Books with what a stage of utterances found in them."""
        books = {book.name: book for book in self.books}
        casts: dict[str, dict[str, Character]] = {name: {} for name in books}
        for record in self.cast.records():
            person = _character(record["person"])
            casts[record["book"]][person.id] = person
        utterances: dict[str, list[Utterance]] = {name: [] for name in books}
        for record in stage.records():
            utterances[record["book"]].append(_utterance(record))
        for name, book in books.items():
            yield ReadBook(book, tuple(utterances[name]), casts[name], self.settings.language)

    def _asked(self, found: Stage, model: ChatModel) -> Stage:
        margin = self.settings.items.min_margin

        def ask(tally: Tally) -> Iterator[Mapping[str, Any]]:
            for read in self._read(found):
                cast = list(read.cast.values())
                asked = doubtful(read.utterances, margin)
                answers = self._answers(SpeakerTask(read.book, cast, asked), model, tally) if asked else {}
                for u in with_answers(read.utterances, answers):
                    tally.n_in += 1
                    yield _utterance_record(read.book, u)

        settings = {"model": dict(model.describe()), "margin": margin}
        return self.stages.run("speakers", ask, settings)

    def _answers(self, task: SpeakerTask, model: ChatModel, tally: Tally) -> dict[int, str]:
        found = self._run(task, model, f"speakers-{task.book.name}", tally)
        return {int(cell.item): str(value) for cell, value in found.items()}

    def _written(
        self, drafts: Callable[[], list[Draft]], pool: Callable[[], list[PoolReply]], model: ChatModel
    ) -> Stage:
        def write(tally: Tally) -> Iterator[Mapping[str, Any]]:
            task = WritingTask(drafts(), pool())
            for reply in task.replies(self._run(task, model, "written", tally)):
                tally.n_in += 1
                yield asdict(reply)

        settings = {"model": dict(model.describe()), "limit": self.settings.build.limit}
        return self.stages.run("written lines", write, settings)

    def _run(self, task: Task, model: ChatModel, name: str, tally: Tally) -> dict[Cell, Any]:
        """Valid answers by cell, in the order of the cells; the tally notes every state."""
        folder = self.output / name
        folder.mkdir(parents=True, exist_ok=True)
        with Store(folder) as store:
            summary = run(
                task,
                model,
                store,
                self.run_options,
                progress=lambda state: tally.tick(sum(state.counts.values()), state.total),
            )
            answers = {call.cell: call.parsed for call in store.calls()}
        if not summary.complete:
            raise RunError(
                f"the model must have been asked for everything; the run {folder} stopped early ({summary.stopped}). "
                "Run the same command again to go on."
            )
        found = [(cell, answers[cell]) for cell in task.cells() if cell in answers]
        for _, parsed in found:
            tally.noted[f"asked: {parsed.state.value}"] += 1
        return {cell: parsed.value for cell, parsed in found if parsed.state is State.VALID}

    def _drafts(self, found: Stage, tally: Tally) -> Iterator[Mapping[str, Any]]:
        few = len(self.books) < ENOUGH_BOOKS
        for k, read in enumerate(self._read(found)):
            for draft in drafts_of(read, self.settings.items, tally, group_by_section=few):
                yield _draft_record(draft)
            tally.tick(k + 1, len(self.books))

    def _pool(self, found: Stage) -> list[PoolReply]:
        return [reply for read in self._read(found) for reply in pool_of(read, self.settings.items)]


def _utterance_record(book: Book, u: Utterance) -> dict[str, Any]:
    spans = [[span.paragraph, span.start, span.end] for span in u.spans]
    return {"book": book.name, **{**u.__dict__, "spans": spans}}


def _utterance(record: Mapping[str, Any]) -> Utterance:
    fields = {k: v for k, v in record.items() if k not in ("book", "spans")}
    return Utterance(**fields, spans=tuple(Span(*span) for span in record["spans"]))


def _character(record: Mapping[str, Any]) -> Character:
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
    return Character(**fields)


def _draft_record(draft: Draft) -> dict[str, Any]:
    return {**asdict(draft), "own": sorted(draft.own)}


def _draft_of(record: Mapping[str, Any]) -> Draft:
    persona: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in record["persona"].items()
    }
    return Draft(
        **{
            **record,
            "persona": VoicePersona(**persona),
            "history": tuple(Turn(**turn) for turn in record["history"]),
            "names": tuple(record["names"]),
            "own": frozenset(record["own"]),
        }
    )

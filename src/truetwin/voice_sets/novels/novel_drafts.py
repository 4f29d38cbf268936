"""Make drafts of items from attributed utterances: context and history from before, at most one draft a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from truetwin.settings.voice_build_settings import NarrativeOptions
from truetwin.voice.items.item_faults import gives_away
from truetwin.voice.items.verbatim import length_in_words, stands_in
from truetwin.voice.items.voice_items import Turn, VoicePersona
from truetwin.voice_sets.common.distractors import Draft, PoolReply
from truetwin.voice_sets.common.stages import Tally
from truetwin.voice_sets.novels.attribution import Utterance
from truetwin.voice_sets.novels.book import Book, Chunk, chunks_of
from truetwin.voice_sets.novels.characters import Character


@dataclass(frozen=True)
class ReadBook:
    """Book with everything found in it."""

    book: Book
    utterances: tuple[Utterance, ...]
    cast: Mapping[str, Character]
    language: str = "en"


def pool_of(read: ReadBook, options: NarrativeOptions) -> list[PoolReply]:
    """Collect what is said by people whom the rules are sure of: candidates for distractors."""
    return [
        PoolReply(as_reply(u.text), u.speaker, read.book.name)
        for u in read.utterances
        if u.speaker in read.cast and u.margin >= options.min_margin
    ]


def as_reply(speech: str) -> str:
    """Make a speech a text of its own: a comma that led on to the narrator becomes a full stop, two hyphens a dash.

    Examples
    --------
    >>> as_reply("Wait--not yet,")
    'Wait—not yet.'
    """
    text = speech.replace("----", "——").replace("--", "—").strip()
    return text[:-1] + "." if text.endswith(",") else text


def drafts_of(
    read: ReadBook, options: NarrativeOptions, tally: Tally, *, group_by_section: bool
) -> Iterator[Draft]:
    """Make one draft a chunk, where an utterance passes every filter; the tally counts where not and why.

    Within a chunk, the utterance with the surest speaker is taken.
    """
    chunk_at = _chunk_of_paragraphs(list(chunks_of(read.book, words=options.chunk_words)))
    earlier: dict[str, list[Utterance]] = {}
    passed: dict[str, list[tuple[Utterance, tuple[Turn, ...], str]]] = {}
    for u in read.utterances:
        before = earlier.setdefault(u.speaker, [])
        stimulus = context_before(read.book, u, options.context_words)
        history = _history(read.book, before, u, options.max_history)
        if tally.keep(_fault(read, u, stimulus, history, options)):
            passed.setdefault(chunk_at[u.paragraph].id, []).append((u, history, stimulus))
        if u.margin >= options.min_margin and u.speaker in read.cast:
            before.append(u)
    for chunk, found in passed.items():
        tally.dropped["another utterance of its chunk is taken"] += len(found) - 1
        u, history, stimulus = max(found, key=lambda entry: (entry[0].margin, -entry[0].index))
        yield _draft(read, u, history, stimulus, chunk, group_by_section)


def context_before(book: Book, utterance: Utterance, words: int) -> str:
    """Cut out about ``words`` words of the book that end where the utterance begins; within its chapter."""
    here = book.paragraphs[utterance.paragraph]
    pieces = [here.text[: max(utterance.spans[0].start - 1, 0)].strip()]
    count = len(pieces[0].split())
    for paragraph in reversed(book.paragraphs[: utterance.paragraph]):
        if paragraph.section != here.section or paragraph.is_heading or count >= words:
            break
        text = paragraph.text
        room = words - count
        if len(text.split()) > room + 40:  # a long paragraph is cut at its beginning
            text = "... " + " ".join(text.split()[-room:])
        pieces.append(text)
        count += len(text.split())
    return "\n\n".join(piece for piece in reversed(pieces) if piece)


def _fault(
    read: ReadBook,
    u: Utterance,
    stimulus: str,
    history: Sequence[Turn],
    options: NarrativeOptions,
) -> str | None:
    words = length_in_words(u.text)
    if not u.speaker:
        return "speaker unknown"
    if u.speaker not in read.cast:
        return "speaker not in the cast"
    if u.margin < options.min_margin:
        return "speaker not sure"
    if words < options.min_words:
        return "too short"
    if words > options.max_words:
        return "too long"
    if len(stimulus.split()) < options.min_words:
        return "no context"
    if stands_in(u.text, stimulus):
        return "stands in its context"
    if len(history) < options.min_history:
        return "too little history"
    return None


def _history(book: Book, before: Sequence[Utterance], u: Utterance, most: int) -> tuple[Turn, ...]:
    turns = []
    for earlier in before[-most:]:
        context = book.paragraphs[earlier.paragraph - 1].text if earlier.paragraph else ""
        turn = Turn(as_reply(earlier.text), " ".join(context.split()[-60:]), f"{earlier.index:06d}")
        if not gives_away(u.text, turn):
            turns.append(turn)
    return tuple(turns)


def _draft(
    read: ReadBook, u: Utterance, history: tuple[Turn, ...], stimulus: str, chunk: str, group_by_section: bool
) -> Draft:
    person = read.cast[u.speaker]
    section = read.book.paragraphs[u.paragraph].section
    name = read.book.name
    return Draft(
        item_id=f"{name}-{u.index:06d}",
        dimension="narrative",
        language=read.language,
        persona=VoicePersona(f"{name}:{person.id}", person.name, person.traits, person.goals, person.details),
        stimulus=stimulus,
        reply=as_reply(u.text),
        history=history,
        group=f"{name}/{section:02d}" if group_by_section else name,
        scope=name,
        names=tuple(form.lower() for form in person.forms if len(form) > 3),
        own=frozenset({person.id}),
        provenance={
            "book": name,
            "chunk_id": chunk,
            "utterance": u.index,
            "paragraph": u.paragraph,
            "section": section,
            "speaker_basis": u.basis,
            "speaker_margin": u.margin,
        },
    )


def _chunk_of_paragraphs(chunks: Sequence[Chunk]) -> dict[int, Chunk]:
    return {k: chunk for chunk in chunks for k in range(chunk.first, chunk.last + 1)}

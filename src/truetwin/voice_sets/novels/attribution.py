"""Attribute speech to speakers: weigh clues together over a whole conversation.

Each utterance has clues (a name beside a verb of speech, a pronoun, a beat, somebody addressed); within a conversation,
people take turns. The likeliest sequence of speakers under both is found exactly, by dynamic programming over pairs of
successive speakers. Weights are plain numbers chosen on principle: what is said outright outweighs all else, genders
exclude, turn-taking decides the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from truetwin.voice_sets.novels.book import Book
from truetwin.voice_sets.novels.characters import Character
from truetwin.voice_sets.novels.clues import Clue, Names, Subject, clues_of
from truetwin.voice_sets.novels.quotations import Quotations
from truetwin.voice_sets.novels.script_names import Owners
from truetwin.voice_sets.novels.spans import Span, joined_text

CUED = 60.0
NAMED, LED, ACTING, MENTIONED = 12.0, 8.0, 5.0, 1.0
WRONG_GENDER, UNKNOWN_GENDER = -9.0, -1.0
ADDRESSED, SPEAKS_OF, SPEAKS_TO_PARENT = -12.0, -1.5, 3.0
STRANGER = -3.0
SAME_TURN, ALTERNATES, WAS_ADDRESSED = -4.0, 1.5, 2.0
#: Paragraphs of narration that end a conversation.
LONGEST_PAUSE = 6
#: Paragraphs after which a mention no longer counts.
FORGOTTEN = 12
MOST_CANDIDATES = 8


@dataclass(frozen=True)
class Utterance:
    """Utterance: what one person says at one place, possibly interrupted by the narrator.

    ``speaker`` is a character's id, ``"other:..."`` for somebody outside the cast, or empty if unknown. ``basis`` says
    by what it was attributed, ``margin`` by how much the next best speaker was worse.
    """

    index: int
    paragraph: int
    last_paragraph: int
    text: str
    spans: tuple[Span, ...]
    speaker: str = ""
    basis: str = ""
    margin: float = 0.0


@dataclass
class _Turn:
    """Utterance with its evidence, before it has a speaker."""

    utterance: Utterance
    clues: list[Clue]
    near: dict[str, float]
    addressed: set[str]
    spoken_of: set[str]
    parent: str
    pause: int = 0
    narration: str = ""
    scores: dict[str, float] = field(default_factory=dict)


def attribute(
    book: Book, quotations: Quotations, cast: Sequence[Character], owners: Owners | None = None
) -> list[Utterance]:
    """Find the utterances in order, each with its likeliest speaker.

    ``owners`` says whose the names are that open lines of a script.
    """
    names = Names(cast)
    turns = list(_turns(book, quotations, names, owners or {}))
    found: list[Utterance] = []
    for scene in _scenes(turns, book):
        found += _speakers(scene, names)
    return found


def narration_of(book: Book, quotations: Quotations, index: int) -> list[str]:
    """Cut out a paragraph's narration: before its first quotation, between them, after the last.

    In a line of a script these are the directions.
    """
    text, at, pieces = book.paragraphs[index].text, 0, []
    marks = quotations.convention
    opening, closing = (
        (len(marks.opening), len(marks.closing)) if index not in quotations.scripted else (0, 0)
    )
    if index in quotations.cues:
        at = quotations.cues[index].end
    for span in quotations.spans.get(index, ()):
        pieces.append(text[at : max(span.start - opening, at)])
        at = min(span.end + closing, len(text))
    pieces.append(text[at:])
    return pieces


def _turns(book: Book, quotations: Quotations, names: Names, owners: Owners) -> Iterator[_Turn]:
    recent: dict[str, float] = {}
    previous: _Turn | None = None
    number = 0
    for paragraph in book.paragraphs:
        k = paragraph.index
        pieces = narration_of(book, quotations, k)
        spans = quotations.spans.get(k, ())
        if spans and k in quotations.joined and previous is not None:
            old = previous.utterance
            merged = (*old.spans, *spans)
            previous.utterance = replace(old, spans=merged, last_paragraph=k, text=joined_text(book, merged))
            if k not in quotations.scripted:
                previous.clues += clues_of(names, ["", *pieces[1:]], "")
        elif spans:
            if previous is not None:
                yield previous
            cue = quotations.cues.get(k)
            groups = [(spans, pieces)] if cue else _split(names, spans, pieces)
            for group, around in groups:
                clues = None if cue is None else [Clue("cue", owners.get(cue.name, Subject(words=cue.name)))]
                turn = _turn(book, names, group, around, k, number, recent, clues)
                number += 1
                if group[-1] != spans[-1]:
                    yield turn
                previous = turn
        told = " ".join(pieces)
        for mention in names.mentions(told):
            recent[mention.person] = k + mention.at / (len(told) + 1) - mention.possessive
    if previous is not None:
        yield previous


def _split(
    names: Names, spans: Sequence[Span], pieces: list[str]
) -> Iterator[tuple[tuple[Span, ...], list[str]]]:
    """Group a paragraph's spans: one group, or several where different people are named as their speakers."""
    tags = [names.after(piece) for piece in pieces[1:]]
    cuts = [0]
    for k in range(1, len(spans)):
        here = tags[k]
        earlier = [t for t in tags[cuts[-1] : k] if t and t.person]
        if here and here.person and earlier and all(t.person != here.person for t in earlier):
            cuts.append(k)
    for start, end in zip(cuts, [*cuts[1:], len(spans)], strict=True):
        yield tuple(spans[start:end]), ["" if start else pieces[0], *pieces[start + 1 : end + 1]]


def _turn(
    book: Book,
    names: Names,
    spans: tuple[Span, ...],
    pieces: list[str],
    k: int,
    number: int,
    recent: dict[str, float],
    clues: list[Clue] | None,
) -> _Turn:
    text = joined_text(book, spans)
    before = book.paragraphs[k - 1].text if k else ""
    addressed = names.addressed(text)
    return _Turn(
        Utterance(number, k, k, text, spans),
        clues_of(names, pieces, before) if clues is None else clues,
        {p: 1.0 / (1 + k - at) for p, at in recent.items() if k - at <= FORGOTTEN},
        addressed,
        {m.person for m in names.mentions(text)} - addressed,
        names.parents_addressed(text),
        narration=" ".join(pieces),
    )


def _scenes(turns: Sequence[_Turn], book: Book) -> Iterator[list[_Turn]]:
    scene: list[_Turn] = []
    for turn in turns:
        if scene:
            last, here = scene[-1].utterance.last_paragraph, turn.utterance.paragraph
            turn.pause = max(here - last - 1, 0)
            if turn.pause > LONGEST_PAUSE or book.paragraphs[last].section != book.paragraphs[here].section:
                yield scene
                scene = []
                turn.pause = 0
        scene.append(turn)
    if scene:
        yield scene


def _speakers(scene: list[_Turn], names: Names) -> Iterator[Utterance]:
    candidates = _candidates(scene, names)
    for turn in scene:
        turn.scores = _evidence(turn, candidates, names)
    best, margins = _likeliest(scene, candidates)
    for turn, k, margin in zip(scene, best, margins, strict=True):
        speaker = candidates[k]
        yield replace(
            turn.utterance,
            speaker="" if speaker == "other:" else speaker,
            basis=_basis(turn, speaker),
            margin=round(float(margin), 3),
        )


def _candidates(scene: Sequence[_Turn], names: Names) -> list[str]:
    weights: Counter[str] = Counter()
    strangers: Counter[str] = Counter()
    for turn in scene:
        for clue in turn.clues:
            if clue.subject.person:
                weights[clue.subject.person] += 3
            elif clue.subject.relation:
                weights.update(dict.fromkeys(names.parents(clue.subject), 1))
            elif clue.kind != "beat" and _is_stranger(clue.subject):
                strangers[f"other:{clue.subject.words.lower()}"] += 1
        for person in turn.addressed:
            weights[person] += 2
        for person, nearness in turn.near.items():
            weights[person] += nearness  # type: ignore[assignment]
        for mention in names.mentions(turn.narration):
            weights[mention.person] += 1
    cued = {clue.subject.person for turn in scene for clue in turn.clues if clue.kind == "cue"} - {""}
    likely = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    people = [p for k, (p, _) in enumerate(likely) if k < MOST_CANDIDATES or p in cued]
    others = [s for s, _ in sorted(strangers.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_CANDIDATES]]
    return [*people, *others, "other:"]


def _is_stranger(subject: Subject) -> bool:
    """Tell whether a subject is somebody who is not in the cast, and no mere pronoun."""
    return bool(subject.words) and not subject.person and subject.words not in ("he", "she", "they")


def _evidence(turn: _Turn, candidates: Sequence[str], names: Names) -> dict[str, float]:
    return {c: _score(turn, c, names) for c in candidates}


def _score(turn: _Turn, candidate: str, names: Names) -> float:
    person = names.cast.get(candidate)
    total = MENTIONED * turn.near.get(candidate, 0.0) * 2
    if candidate.startswith("other:"):
        total += STRANGER
    seen_beat = False
    for clue in turn.clues:
        if clue.kind == "beat" and seen_beat:
            continue
        seen_beat |= clue.kind == "beat"
        weight = {"cue": CUED, "tag": NAMED, "lead": LED, "beat": ACTING}[clue.kind]
        total += _fit(clue.subject, candidate, person, weight, names)
    if candidate in turn.addressed:
        total += ADDRESSED
    if turn.parent and person is not None and names.parent_of(candidate, turn.parent):
        total += SPEAKS_TO_PARENT
    if candidate in turn.spoken_of:
        total += SPEAKS_OF
    return total


def _fit(subject: Subject, candidate: str, person: Character | None, weight: float, names: Names) -> float:
    if subject.person:
        return weight if candidate == subject.person else 0.0
    if subject.relation and person is not None:
        return weight if candidate in names.parents(subject) else WRONG_GENDER
    if candidate == f"other:{subject.words.lower()}":
        return weight if not subject.gender else weight / 3
    if _is_stranger(subject) and not subject.gender:
        return 0.0
    if not subject.gender or person is None:
        return 0.0
    if not person.gender:
        return UNKNOWN_GENDER * min(weight, NAMED) / NAMED
    return 0.0 if person.gender == subject.gender else WRONG_GENDER * weight / NAMED


def _likeliest(scene: Sequence[_Turn], candidates: Sequence[str]) -> tuple[list[int], list[float]]:
    """Viterbi algorithm over pairs of successive speakers: the best sequence, and each choice's margin."""
    c, n = len(candidates), len(scene)
    emission = np.array([[turn.scores[p] for p in candidates] for turn in scene])
    if n == 1:
        ranked = np.sort(emission[0])[::-1]
        return [int(emission[0].argmax())], [float(ranked[0] - ranked[1]) if c > 1 else NAMED]
    steps = [_step(scene, k, candidates) for k in range(n)]
    forward = np.zeros((n, c, c))  # best score that ends in speakers (i of turn k-1, j of turn k)
    back = np.zeros((n, c, c), dtype=int)
    forward[1] = emission[0][:, None] + emission[1][None, :] + steps[1][0]
    for k in range(2, n):
        pair, skip = steps[k]
        # paths[h, i, j]: speakers h, i, j of turns k-2, k-1, k
        paths = forward[k - 1][:, :, None] + pair[None, :, :] + skip * np.eye(c)[:, None, :]
        back[k] = paths.argmax(axis=0)
        forward[k] = paths.max(axis=0) + emission[k][None, :]
    backward = np.zeros((n, c, c))
    for k in range(n - 1, 1, -1):
        pair, skip = steps[k]
        paths = pair[None, :, :] + skip * np.eye(c)[:, None, :] + emission[k] + backward[k][None, :, :]
        backward[k - 1] = paths.max(axis=2)
    best = [0] * n
    best[n - 2], best[n - 1] = map(int, np.unravel_index(forward[n - 1].argmax(), (c, c)))
    for k in range(n - 1, 1, -1):
        best[k - 2] = int(back[k][best[k - 1], best[k]])
    margins = []
    for k in range(n):
        total = forward[max(k, 1)] + backward[max(k, 1)]
        marginal = np.sort(total.max(axis=1 if k == 0 else 0))[::-1]
        margins.append(float(marginal[0] - marginal[1]) if c > 1 else NAMED)
    return best, margins


def _step(scene: Sequence[_Turn], k: int, candidates: Sequence[str]) -> tuple[np.ndarray, float]:
    """Score (i, j) as speakers of turns k-1 and k, and what returning to the speaker before adds."""
    c = len(candidates)
    pair = np.zeros((c, c))
    if k == 0:
        return pair, 0.0
    turn, before = scene[k], scene[k - 1]
    fading = 1.0 / (1 + turn.pause)
    pair += SAME_TURN * fading * np.eye(c)
    for j, candidate in enumerate(candidates):
        if candidate in before.addressed:
            pair[:, j] += WAS_ADDRESSED * fading
    for i, candidate in enumerate(candidates):
        if candidate in turn.addressed:
            pair[i, :] += WAS_ADDRESSED * fading / 2
    return pair, ALTERNATES * fading


def _basis(turn: _Turn, speaker: str) -> str:
    if not speaker or speaker == "other:":
        return "none"
    for clue in turn.clues:
        if clue.subject.person == speaker or f"other:{clue.subject.words.lower()}" == speaker:
            return {"cue": "script", "tag": "named", "lead": "announced", "beat": "acts"}[clue.kind]
    if any(clue.kind != "beat" and clue.subject.gender for clue in turn.clues):
        return "pronoun"
    return "turn"

"""Made-up items and files in the published layouts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from truetwin.voice.items.voice_items import Option, Turn, VoiceItem, VoicePersona

WORDS = ("rain", "tea", "late trains", "a long walk home", "the old bridge")


def options(true_place: int, texts: Iterable[str]) -> tuple[Option, ...]:
    return tuple(
        Option(f"o{k + 1}", text, "true" if k == true_place else "other") for k, text in enumerate(texts)
    )


def item(number: int = 0, **changes: Any) -> VoiceItem:
    """An item whose true reply is by far the shortest; places of right answers take turns."""
    place = number % 4
    texts = [
        f"I would rather talk about {WORDS[(number + k) % 5]} and about nothing else today, number {k}."
        for k in range(4)
    ]
    texts[place] = f"Not {WORDS[number % 5]}!"
    fields: dict[str, Any] = {
        "item_id": f"i{number}",
        "dimension": "narrative",
        "language": "en",
        "persona": VoicePersona(f"p{number % 3}", f"Person {number % 3}"),
        "stimulus": f"What about {WORDS[number % 5]}, asked the guest for time {number}.",
        "options": options(place, texts),
        "answer": f"o{place + 1}",
        "history": (Turn(f"Never mind {number % 3}.", "A question.", "1"),),
        "group": f"book {number % 4}",
    }
    return VoiceItem(**{**fields, **changes})


def items(n: int = 40) -> list[VoiceItem]:
    return [item(k) for k in range(n)]


def write_lines(path: Path, records: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def social_record(k: int, **changes: Any) -> dict[str, Any]:
    record = {
        "user_id": str(100 + k % 4),
        "anchor_post": f"今天第{k}次下雨",
        "history": [f"AnchorPost: 旧帖{j} UserReply: 旧回复{j}" for j in range(3)],
        "choices": [f"回复{k}之{j}" for j in range(4)],
        "answer_idx": k % 4,
    }
    return {**record, **changes}


def interpersonal_record(k: int, **changes: Any) -> dict[str, Any]:
    record = {
        "user_id": f"u{k % 4}",
        "context": f"Кто придёт в {k}?",
        "history": [f"Context: Привет {j} UserReply: Ответ {j}" for j in range(3)],
        "choices": [f"Наверное {j} из {k}" for j in range(4)],
        "answer_idx": (k + 1) % 4,
    }
    return {**record, **changes}


def social_answer(k: int, predicted: int, **changes: Any) -> dict[str, Any]:
    record = {
        "line_idx": k,
        "user_id": str(100 + k % 4),
        "anchor_post": f"今天第{k}次下雨",
        "choices": [f"回复{k}之{j}" for j in range(4)],
        "ground_truth_index": k % 4,
        "predicted_index": predicted,
        "correct": int(predicted == k % 4),
        "reasoning": "",
    }
    return {**record, **changes}


def novel_record(novel: str, chunk: str, speaker: str, utterance: str, **changes: Any) -> dict[str, Any]:
    texts = {"A": f"Not {utterance}", "B": utterance, "C": "Perhaps so, my friend.", "D": "I cannot say now."}
    record = {
        "chunk_id": chunk,
        "speaker": speaker.split()[0],
        "speaker_match_key": speaker,
        "utterance": utterance,
        "context": f"In {novel}, at {chunk}, somebody speaks.",
        "mcq": {"options": texts, "answer": "B"},
        "distractor_by": ["X", "Y", "Z"],
        "source_novel": novel,
    }
    return {**record, **changes}


def profiles(*speakers: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Profiles whose histories are the records given."""
    return {
        "characterList": {
            f"CHAR_{k}": {
                "NameCanonical": name,
                "NameVariants": [name],
                "Personality Traits": ["Calm"],
                "Motivation and Goals": ["Rest"],
                "Additional Details": {"Occupation": "Miller", "relationship": ["Son of A", "Friend of B"]},
                "AppearInNovels": sorted({r["source_novel"] for r in records}),
                "UtteranceHistory": [
                    {n: r[n] for n in ("chunk_id", "utterance", "context")} for r in records
                ],
            }
            for k, (name, records) in enumerate(speakers, 1)
        }
    }

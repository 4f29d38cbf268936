"""The main jobs that ask a model, against a real one: what is asserted is the plumbing, not what the model thinks."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.cli import _run
from truetwin.llm import State, Store
from truetwin.llm.decoding_seeds import decoding_seed
from truetwin.llm.providers.embedding_endpoint import EmbeddingsEndpoint
from truetwin.voice.items.voice_items import Option, Turn, VoiceItem, VoicePersona, write_voice_items

PERSONAS = [
    {"id": f"p{k}", "text": f"I am {name}. I like {thing}."}
    for k, (name, thing) in enumerate([("Anna", "tea"), ("Ben", "trains")])
]
ITEMS = "item_id,text,low,high,labels\nQ1,How much do you like tea?,1,5,1=not at all|5=very much\n" + (
    "Q2,How much do you like trains?,1,5,1=not at all|5=very much\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = (json.dumps(persona) for persona in PERSONAS)
    (tmp_path / "personas.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "items.csv").write_text(ITEMS, encoding="utf-8")
    return tmp_path


def truetwin(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    code = _run([*arguments, "--json"], debug=True)
    captured = capsys.readouterr()
    return code, json.loads(captured.out) if captured.out else None, captured.err


def simulated(capsys: pytest.CaptureFixture[str], folder: Path, url: str, *options: str) -> str:
    """Simulate the survey. Returns what was said."""
    run = folder / "run"
    code, _, err = truetwin(
        capsys, "simulate", "--personas", str(folder / "personas.jsonl"), "--items", str(folder / "items.csv"),
        "--model", "smollm2", "--base-url", url, "--run", str(run), "--export", str(folder / "twin.csv"),
        "--max-tokens", "24", "--temperature", "0", *options,
    )  # fmt: skip
    assert code in (0, 1), err
    return err


def states(folder: Path) -> list[State]:
    with Store(folder / "run") as store:
        return [call.parsed.state for call in store.calls()]


@pytest.mark.parametrize(
    "options",
    [("--reply", "code"), ("--reply", "json"), ("--reply", "schema"), ("--elicit", "logprobs")],
    ids=lambda options: options[-1],
)
def test_every_cell_gets_a_state_and_nothing_is_asked_twice(
    capsys: pytest.CaptureFixture[str], folder: Path, chat_url: str, options: tuple[str, ...]
) -> None:
    simulated(capsys, folder, chat_url, *options)
    found = states(folder)
    assert len(found) == len(PERSONAS) * 2
    assert not {State.PROVIDER_ERROR, State.SKIPPED} & set(found)
    if options[-1] in ("schema", "logprobs"):
        assert set(found) == {State.VALID}
    with Store(folder / "run") as store:
        asked = store.totals().requests
    simulated(capsys, folder, chat_url, *options)
    with Store(folder / "run") as store:
        assert store.totals().requests == asked


def test_a_run_is_looked_ahead_of_seeded_and_gives_a_table_of_answers_on_the_scale(
    capsys: pytest.CaptureFixture[str], folder: Path, chat_url: str
) -> None:
    said = simulated(capsys, folder, chat_url, "--reply", "schema")
    told = "the endpoint serves smollm2 with a context of 2,048 tokens, and answers 4 requests at a time"
    assert said.count(told) == 1
    with Store(folder / "run") as store:
        seeds = {call.cell: store.request(call.cell).sampling.seed for call in store.calls()}
    assert seeds == {cell: decoding_seed(0, cell) for cell in seeds}
    with (folder / "twin.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["respondent_id"] for row in rows] == [p["id"] for p in PERSONAS]
    assert {float(row[item]) for row in rows for item in ("Q1", "Q2")} <= {1.0, 2.0, 3.0, 4.0, 5.0}


def test_a_prompt_too_long_for_the_model_is_one_failed_cell(
    capsys: pytest.CaptureFixture[str], folder: Path, chat_url: str
) -> None:
    long = {"id": "long", "text": "I like the sea. " * 4000}
    with (folder / "personas.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(long) + "\n")
    simulated(capsys, folder, chat_url, "--reply", "schema")
    with Store(folder / "run") as store:
        found = {(c.cell.persona, c.parsed.state): c.parsed.reason for c in store.calls()}
    assert all(state is State.VALID for persona, state in found if persona != "long")
    assert "context" in found["long", State.TOO_LONG]


def test_a_model_plays_a_voice_and_judges_itself(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, chat_url: str
) -> None:
    items = [
        VoiceItem(
            f"i{n}", "social", "en", VoicePersona(f"p{n}"), "It rains.",
            tuple(Option(f"o{k}", f"Reply {k}.", "true" if k == 2 else "other") for k in range(1, 5)), "o2",
            history=(Turn("Nice.", "The sun shines."),),
        )
        for n in range(2)
    ]  # fmt: skip
    write_voice_items(tmp_path / "items.jsonl", items)
    code, found, err = truetwin(
        capsys, "voice", "run", str(tmp_path / "items.jsonl"), "--model", "smollm2", "--base-url", chat_url,
        "--run", str(tmp_path / "run"), "--protocol", "choice", "--protocol", "judged", "--judge-model", "smollm2",
        "--judge-base-url", chat_url, "--max-tokens", "40",
    )  # fmt: skip
    assert code in (0, 1), err
    assert all(row["n"] == 2 for row in found["rows"])
    assert not any(row["n_failed"] for row in found["rows"])


@pytest.mark.filterwarnings(
    "ignore:The 'initial' parameter is deprecated:DeprecationWarning"
)  # of a library below
def test_inspect_asks_the_same_server(
    capsys: pytest.CaptureFixture[str], folder: Path, chat_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("inspect_ai", reason="needs the extra 'inspect'")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    run = folder / "run"
    code, _, err = truetwin(
        capsys, "simulate", "--personas", str(folder / "personas.jsonl"), "--items", str(folder / "items.csv"),
        "--model", "openai/smollm2", "--engine", "inspect", "--base-url", chat_url, "--run", str(run), "--max-tokens",
        "20",
    )  # fmt: skip
    assert code in (0, 1), err
    assert len(states(folder)) == len(PERSONAS) * 2
    with Store(run) as store:
        assert [c.parsed.reason for c in store.calls() if c.parsed.state is State.PROVIDER_ERROR] == []


def test_embeddings_are_vectors_of_one_length(embedding_url: str) -> None:
    found = np.array(EmbeddingsEndpoint("smollm2", base_url=embedding_url).vectors(["tea", "a train", ""]))
    assert found.shape[0] == 3
    assert found.shape[1] > 10
    assert np.isfinite(found).all()
    assert not np.allclose(found[0], found[1])
    assert not found[2].any()

"""Before a run, the endpoint is looked at; after it, the model that answered is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from truetwin.cli import _run
from truetwin.errors import ForbiddenSettingError, RunError, UnknownModelError
from truetwin.llm.providers.served_models import ServedModels
from truetwin.voice.items.voice_items import Option, Turn, VoiceItem, VoicePersona, write_voice_items

pytest.importorskip("openai", reason="needs the extra 'llm'")
pytest.importorskip("aiohttp", reason="needs the extra 'llm'")


class Asked:
    """`truetwin simulate` of two personas and one item, on the server of the tests."""

    def __init__(self, folder: Path, server: Any, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.server, self.capsys = folder, server, capsys
        lines = [json.dumps({"id": f"p{k}", "text": "I like the sea. " * (1 + 400 * k)}) for k in (0, 1)]
        (folder / "personas.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "items.csv").write_text("item_id,text,low,high\nQ1,How much tea?,1,5\n", encoding="utf-8")

    def simulate(self, *options: str, model: str = "small", code: int = 0, run: bool = True) -> Any:
        given = [
            "simulate", "--personas", str(self.folder / "personas.jsonl"), "--items", str(self.folder / "items.csv"),
            "--model", model, "--base-url", self.server.base_url, "--json", *options,
        ]  # fmt: skip
        given += ["--run", str(self.folder / "run")] if run else []
        found = _run(given, debug=True)
        captured = self.capsys.readouterr()
        self.err = captured.err
        assert found == code, captured.err
        return json.loads(captured.out)


@pytest.fixture
def asked(tmp_path: Path, llm_server: Any, capsys: pytest.CaptureFixture[str]) -> Asked:
    return Asked(tmp_path, llm_server, capsys)


def test_a_model_that_the_server_does_not_have_is_an_error_at_once(asked: Asked) -> None:
    asked.server.configure(models=["small-instruct", "large"])
    with pytest.raises(
        UnknownModelError, match=r"It serves small-instruct, large. Did you mean 'small-instruct'\?"
    ):
        asked.simulate(model="small-instrct")
    assert asked.server.stats()["requests"] == 1
    with pytest.raises(
        UnknownModelError, match=r"lists no model 'small-instrct'.*Did you mean 'small-instruct'\?"
    ):
        asked.simulate("--dry-run", "--preflight", model="small-instrct", run=False)
    assert asked.server.stats()["requests"] == 1


def test_a_name_that_the_list_lacks_and_that_answers_is_said_once(asked: Asked) -> None:
    asked.server.configure(models=None)  # it lists "any", and answers to every name
    asked.simulate()
    assert asked.err.count("the endpoint does not list small, and answers all the same. It serves any.") == 1


def test_context_and_slots_are_said(asked: Asked) -> None:
    asked.server.configure(models=["small"], context=1000)
    asked.simulate()
    assert "the endpoint serves small with a context of 1,000 tokens" in asked.err
    asked.server.configure(models=["any.gguf"], context=2048, props={"total_slots": 4})
    asked.simulate("--dry-run", "--preflight", model="whatever", run=False)
    assert "serves any.gguf with a context of 2,048 tokens, and answers 4 requests at a time" in asked.err


def test_a_dry_run_asks_nothing_unless_told_to(asked: Asked) -> None:
    asked.server.configure(models=["small"], context=1000)
    asked.simulate("--dry-run", run=False)
    assert "serves" not in asked.err


def test_what_a_server_names_is_said_on_one_line(asked: Asked) -> None:
    asked.server.configure(models=["large\nerror: your disk is full"], props={"total_slots": 4}, context=1000)
    asked.simulate()
    assert "the endpoint serves large error: your disk is full with a context of 1,000 tokens" in asked.err


def test_the_look_ahead_can_be_switched_off(asked: Asked) -> None:
    asked.server.configure(models=["small"], context=1000)
    asked.simulate("--no-preflight")
    assert "serves" not in asked.err


def test_a_schema_that_is_ignored_is_warned_of_and_costs_no_further_call(asked: Asked) -> None:
    asked.server.configure(reply="I like it.")
    asked.simulate("--reply", "schema", code=1)
    assert "takes a schema and does not keep to it" in asked.err
    assert asked.server.stats()["requests"] == 2


def test_a_run_for_log_probabilities_ends_where_there_are_none(asked: Asked) -> None:
    asked.server.configure(no_logprobs=True)
    with pytest.raises(ForbiddenSettingError, match="gives no log-probabilities"):
        asked.simulate("--elicit", "logprobs")
    assert asked.server.stats()["requests"] == 1
    asked.server.configure(no_logprobs=False)
    asked.simulate("--elicit", "logprobs", code=1)  # the first reply is kept, and has no answer


def test_another_model_than_asked_is_said_and_exported(asked: Asked) -> None:
    asked.simulate("--export", str(asked.folder / "twin.csv"))
    assert asked.err.count("the endpoint says that small-2024 answered") == 1
    assert json.loads((asked.folder / "twin.json").read_text(encoding="utf-8"))["reported_models"] == [
        "small-2024"
    ]


def test_a_voice_run_says_it_too(tmp_path: Path, llm_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    options = tuple(Option(f"o{k}", f"Reply {k}.", "true" if k == 2 else "other") for k in range(1, 5))
    items = [
        VoiceItem(
            "i1",
            "social",
            "en",
            VoicePersona("p"),
            "It rains.",
            options,
            "o2",
            history=(Turn("Nice.", "Sun."),),
        )
    ]
    write_voice_items(tmp_path / "items.jsonl", items)
    given = [
        "voice", "run", str(tmp_path / "items.jsonl"), "--model", "small", "--base-url", llm_server.base_url,
        "--run", str(tmp_path / "run"), "--protocol", "choice",
    ]  # fmt: skip
    llm_server.configure(models=["large"])
    with pytest.raises(UnknownModelError, match="It serves large"):
        _run(given, debug=True)
    llm_server.configure(models=["small"], context=1000)
    _run(given, debug=True)
    said = capsys.readouterr().err
    assert said.count("serves small with a context of 1,000 tokens") == 1
    assert said.count("the endpoint says that small-2024 answered") == 1


@pytest.mark.parametrize("owner", [["x"], {"name": "x"}, None, 3])
def test_an_owner_that_is_no_text_is_no_error(owner: Any) -> None:
    served = ServedModels.read({"data": [{"id": "small", "owned_by": owner}]})
    assert served.contexts == {"small": None}
    assert not served.is_llamacpp


def test_no_decoding_seed_sends_none_and_the_run_keeps_to_it(asked: Asked) -> None:
    options = ("--cap-requests", "1")
    asked.simulate("--no-decoding-seed", *options, code=1)
    assert "seed" not in asked.server.stats()["last_body"]
    asked.simulate()
    assert "seed" not in asked.server.stats()["last_body"]
    assert asked.err.count("the run was begun without decoding seeds, so the endpoint gets none") == 1


def test_a_run_with_decoding_seeds_is_not_continued_without(asked: Asked) -> None:
    asked.simulate("--cap-requests", "1", code=1)
    assert "seed" in asked.server.stats()["last_body"]
    with pytest.raises(RunError, match="Leave out --no-decoding-seed"):
        asked.simulate("--no-decoding-seed")
    assert asked.server.stats()["requests"] == 1


def test_files_of_requests_keep_to_seeds_address_and_roles_as_calls_do(asked: Asked) -> None:
    asked.simulate("--no-decoding-seed", "--no-system", "--cap-requests", "1", code=1)
    moved = asked.server.base_url.replace("127.0.0.1", "localhost")
    asked.simulate("--no-system", "--base-url", moved, "--moved", "--write-requests", code=1)
    (line,) = (asked.folder / "run" / "requests-0001.jsonl").read_text(encoding="utf-8").splitlines()
    body = json.loads(line)["body"]
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert body.keys() == {"model", "messages"}

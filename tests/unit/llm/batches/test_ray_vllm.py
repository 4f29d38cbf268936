"""A file of requests is answered on local GPUs. A stand-in plays the engine; Ray Data around it is the real one."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import MissingExtraError, ParameterError
from truetwin.llm import State, Store, Usage, scripted_model
from truetwin.llm.batches.batch_files import export_requests, import_replies
from truetwin.llm.batches.ray_vllm import answer_requests, main, to_reply, to_row

RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray Data (pip install 'ray[data]')"
)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path) as store:
        yield store


def test_requests_become_rows_and_rows_become_replies(survey: Any, store: Store, tmp_path: Path) -> None:
    (exported,) = export_requests(survey(1, 3), scripted_model({}), store, tmp_path)
    rows = [to_row(json.loads(line)) for line in exported.path.read_text().splitlines()]
    made = [
        {"generated_text": "3", "num_input_tokens": 20, "num_generated_tokens": 1, "__inference_error__": ""},
        {"generated_text": "4 and", "num_input_tokens": 20, "num_generated_tokens": 1024},
        {"__inference_error__": "out of memory"},
    ]
    replies = tmp_path / "replies.jsonl"
    lines = [json.dumps(to_reply(row | each)) for row, each in zip(rows, made, strict=True)]
    replies.write_text("\n".join(lines))
    imported = import_replies(survey(1, 3), store, replies)
    assert (imported.answered, imported.failed) == (2, 1)
    assert [call.reply and call.reply.finish_reason for call in store.calls()] == ["stop", "length", None]
    assert Usage(40, 1025) == store.totals().usage


def stand_in(row: dict[str, Any]) -> dict[str, Any]:
    """Answer as the engine does, with an error for one persona."""
    asked = row["messages"][-1]["content"]
    if "p2" in asked:
        return {**row, "generated_text": "", "num_input_tokens": 0, "num_generated_tokens": 0,
                "__inference_error__": "out of memory"}  # fmt: skip
    return {**row, "generated_text": "3", "num_input_tokens": len(asked), "num_generated_tokens": 1,
            "__inference_error__": ""}  # fmt: skip


def no_engine(model: str) -> Any:
    raise AssertionError(f"an engine for {model} was made")


@RAY
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray Data's own, about settings of its own
def test_ray_data_carries_requests_through_an_engine(survey: Any, store: Store, tmp_path: Path) -> None:
    import ray

    (exported,) = export_requests(survey(), scripted_model({}), store, tmp_path)
    models: list[str] = []

    def engine_of(model: str) -> Any:
        models.append(model)
        return lambda data: data.map(to_row).map(stand_in)

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        number = answer_requests(exported.path, tmp_path / "replies.jsonl", engine_of)
    finally:
        ray.shutdown()
    assert (number, models) == (12, ["scripted"])
    imported = import_replies(survey(), store, tmp_path / "replies.jsonl")
    assert (imported.answered, imported.failed, imported.unexpected) == (8, 4, 0)
    assert store.counts()[State.VALID] == 8


def test_what_only_an_endpoint_can_give_is_refused_before_the_engine_starts(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    line = {"custom_id": "a", "body": {"model": "m", "messages": [], "logprobs": True}}
    path.write_text(json.dumps(line))
    with pytest.raises(ParameterError, match="logprobs, which need an endpoint"):
        answer_requests(path, tmp_path / "replies.jsonl", no_engine)
    other = {"custom_id": "b", "body": {"model": "n", "messages": []}}
    path.write_text(json.dumps(line) + "\n" + json.dumps(other))
    with pytest.raises(ParameterError, match="for m, n"):
        answer_requests(path, tmp_path / "replies.jsonl", no_engine)


def test_without_ray_the_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    path = tmp_path / "requests.jsonl"
    path.write_text(json.dumps({"custom_id": "a", "body": {"model": "m", "messages": []}}))
    with pytest.raises(MissingExtraError, match=r"ray\[data,llm\]"):
        answer_requests(path, tmp_path / "replies.jsonl", no_engine)
    with pytest.raises(SystemExit, match="error: answering files on GPUs needs"):
        main([str(path), str(tmp_path / "replies.jsonl")])

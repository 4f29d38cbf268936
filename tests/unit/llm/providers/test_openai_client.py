"""An endpoint's replies and failures, each as what it means."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from truetwin.errors import (
    AccessError,
    EndpointError,
    ProviderError,
    RequestRefusedError,
    TransientError,
    UnknownModelError,
    UnknownNameError,
)
from truetwin.llm import Message, Reply, Request, RunOptions, Sampling, State, Store, Usage, open_model, run

pytest.importorskip("openai", reason="needs the extra 'llm'")
pytest.importorskip("aiohttp", reason="needs the extra 'llm'")

REQUEST = Request((Message("system", ("You are Anna.",)), Message("user", ("How much?",))))


def ask(server: Any, request: Request = REQUEST, *, timeout: float = 5.0, **options: Any) -> Reply:
    async def once() -> Reply:
        model = open_model(options.pop("name", "m"), base_url=server.base_url, **options)
        try:
            return await model.complete(request, timeout=timeout)
        finally:
            await model.close()

    return asyncio.run(once())


def test_a_reply_holds_text_usage_and_the_model_that_answered(llm_server: Any) -> None:
    llm_server.configure(reply="three", cached_tokens=4, reasoning_tokens=7)
    reply = ask(llm_server)
    assert (reply.text, reply.finish_reason, reply.model) == ("three", "stop", "m-2024")
    assert Usage(prompt_tokens=6, completion_tokens=9, reasoning_tokens=7, cached_tokens=4) == reply.usage
    assert reply.latency > 0


def test_everything_asked_for_is_sent(llm_server: Any) -> None:
    sampling = Sampling(0.5, 0.9, 10, 7, "low", 5, {"guided_choice": ["1"]})
    reply = ask(
        llm_server, Request(REQUEST.messages, sampling, {"type": "integer"}, "3"), extra={"user": "x"}
    )
    assert llm_server.stats()["last_body"] == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "You are Anna."},
            {"role": "user", "content": "How much?"},
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 10,
        "seed": 7,
        "reasoning_effort": "low",
        "logprobs": True,
        "top_logprobs": 5,
        "prediction": {"type": "content", "content": "3"},
        "guided_choice": ["1"],
        "user": "x",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": {"type": "integer"}, "strict": True},
        },
    }
    assert reply.logprobs is not None
    assert reply.logprobs[0]["other"] == -1.2


def test_nothing_else_is_sent(llm_server: Any) -> None:
    ask(llm_server)
    assert {"model", "messages"} == set(llm_server.stats()["last_body"])


def test_a_refusal_and_a_cut_reply_are_told_as_they_are(llm_server: Any) -> None:
    llm_server.configure(rules=[{"contains": "much", "refusal": "I cannot", "finish_reason": "length"}])
    reply = ask(llm_server)
    assert (reply.text, reply.refusal, reply.finish_reason) == ("", "I cannot", "length")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("429", "rate-limit"),
        ("500", "server"),
        ("503", "overloaded"),
        ("408", "timeout"),
        ("cut", "connection"),
        ("cut-body", "connection"),
        ("malformed", "malformed"),
        ("half-utf8", "malformed"),
        ("no-choices", "malformed"),
        ("timeout", "timeout"),
    ],
)
def test_a_failure_that_may_pass_is_transient(llm_server: Any, kind: str, expected: str) -> None:
    llm_server.configure(next=[kind], hang=6.0)
    with pytest.raises(TransientError) as raised:
        ask(llm_server, timeout=1.5 if kind == "timeout" else 5.0)
    assert expected == raised.value.kind
    assert llm_server.stats()["requests"] == 1  # the client itself does not retry


@pytest.mark.parametrize("kind", ["429", "429-date"])
def test_the_wait_asked_for_is_understood(llm_server: Any, kind: str) -> None:
    llm_server.configure(next=[kind], retry_after=7)
    with pytest.raises(TransientError) as raised:
        ask(llm_server)
    assert raised.value.retry_after is not None
    assert 5 <= raised.value.retry_after <= 7


def test_a_used_up_quota_is_not_waited_for(llm_server: Any) -> None:
    llm_server.configure(next=["quota"])
    with pytest.raises(AccessError, match="quota"):
        ask(llm_server)


def test_a_rejected_key_is_told_without_the_key(llm_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-quite-secret")
    llm_server.configure(key="right")
    with pytest.raises(AccessError, match=r"gives no access \(401\)") as raised:
        ask(llm_server, key_variable="SOME_KEY")
    assert "secret" not in str(raised.value)


def test_the_right_key_is_sent(llm_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "right")
    llm_server.configure(key="right")
    assert ask(llm_server, key_variable="SOME_KEY").text


def test_a_key_that_is_not_set_is_noticed_before_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(AccessError, match="OPENAI_API_KEY must hold the key"):
        open_model("gpt")
    with pytest.raises(AccessError, match="NO_SUCH_KEY must hold the key"):
        open_model("gpt", base_url="http://localhost/v1", key_variable="NO_SUCH_KEY")


def test_a_model_that_is_not_there_is_named(llm_server: Any) -> None:
    llm_server.configure(models=["other"])
    with pytest.raises(UnknownModelError, match=r"has no model 'llama3:8b' \(404\)"):
        ask(llm_server, name="llama3:8b")


def test_a_wrong_path_is_an_address_problem(llm_server: Any) -> None:
    class Wrong:
        base_url = llm_server.base_url + "/nowhere"

    with pytest.raises(EndpointError, match="usually ends in /v1"):
        ask(Wrong)


def test_an_address_where_nothing_listens_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    class Nobody:
        base_url = f"http://127.0.0.1:{port}/v1"

    with pytest.raises(EndpointError, match=f"nothing answers under http://127.0.0.1:{port}/v1"):
        ask(Nobody)


def test_a_prompt_too_long_for_the_model_is_rejected(llm_server: Any) -> None:
    llm_server.configure(max_chars=5)
    with pytest.raises(RequestRefusedError, match="context length"):
        ask(llm_server)


def test_half_a_surrogate_pair_is_rejected_before_it_is_sent(llm_server: Any) -> None:
    with pytest.raises(RequestRefusedError, match="surrogate"):
        ask(llm_server, Request((Message("user", ("\ud83d",)),)))
    assert llm_server.stats()["requests"] == 0


def test_an_endpoint_without_structured_output_is_asked_in_words_from_then_on(
    llm_server: Any, survey: Any, tmp_path: Path
) -> None:
    class Structured(survey):  # type: ignore[misc]
        def request(self, cell: Any) -> Request:
            plain = super().request(cell)
            return Request(plain.messages, Sampling(max_tokens=5), {"type": "integer"}, cell=cell)

    llm_server.configure(rejects_response_format=True, rejects_max_tokens=True)
    model: Any = open_model("m", base_url=llm_server.base_url)
    with Store(tmp_path) as store:
        summary = run(Structured(), model, store, RunOptions(concurrency=4))
    assert summary.counts[State.VALID] == 12
    assert llm_server.stats()["failed"] == {"rejected": 2}
    assert summary.notes[:2] == (
        "the endpoint rejects structured output; replies are asked for in words",
        "the limit on tokens is sent as max_completion_tokens",
    )
    assert llm_server.stats()["last_body"]["max_completion_tokens"] == 5


def test_secrets_in_an_address_are_not_described(monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_model("m", base_url="http://localhost:1/v1/?key=secret")
    assert model.describe() == {"engine": "openai", "name": "m", "base_url": "http://localhost:1/v1"}

    async def once() -> str:
        with pytest.raises(ProviderError) as raised:
            await model.complete(REQUEST, timeout=1.0)
        await model.close()
        return str(raised.value)

    assert "secret" not in asyncio.run(once())


@pytest.mark.parametrize("engine", ["openai", "inspect"])
@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@localhost:1/v1",
        "me:secret@localhost",
        "http://me:secret@localhost:x/v1",
        "http://me:secret@[bad/v1",
        "localhost:8000/v1",
        "http://localhost:x/v1",
        "ftp://localhost/v1",
        "http://",
        " ",
    ],
)
def test_what_is_no_address_is_refused_before_any_call(url: str, engine: str) -> None:
    if engine == "inspect":
        pytest.importorskip("inspect_ai", reason="needs the extra 'inspect'")
    with pytest.raises(EndpointError, match="a base URL must") as raised:
        open_model("openai/m", base_url=url, engine=engine)
    assert "secret" not in str(raised.value)


def test_a_key_that_cannot_be_sent_is_noticed_before_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "schlüssel")
    with pytest.raises(AccessError, match="SOME_KEY") as raised:
        open_model("m", base_url="http://localhost:1/v1", key_variable="SOME_KEY")
    assert "schl" not in str(raised.value)


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no engine named 'opnai'"):
        open_model("m", engine="opnai")


@pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning")
def test_inspect_asks_the_same_endpoint(
    llm_server: Any, survey: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    pytest.importorskip("inspect_ai", reason="needs the extra 'inspect'")
    monkeypatch.setenv("SOME_KEY", "x")
    model = open_model(
        "openai-api/local/m", base_url=llm_server.base_url, engine="inspect", key_variable="SOME_KEY"
    )
    llm_server.configure(next=["ok", "500"])
    with Store(tmp_path) as store:
        summary = run(survey(2, 2), model, store, RunOptions(concurrency=2, backoff=0.01))
        found = store.totals()
    stats = llm_server.stats()
    assert (summary.counts[State.VALID], summary.failed_attempts) == (4, {"server": 1})
    assert stats["requests"] == 5
    assert Usage(stats["prompt_tokens"], stats["completion_tokens"]) == found.usage

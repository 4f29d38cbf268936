"""Vectors come back in order, and failures of the endpoint mean what those of models mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from truetwin.errors import AccessError, EndpointError, ProviderError, TransientError, UnknownModelError
from truetwin.llm.providers.embedding_endpoint import BATCH, EmbeddingsEndpoint

pytest.importorskip("openai", reason="needs the extra 'llm'")
KEY = "sk-very-secret"


class Handler(BaseHTTPRequestHandler):
    """Answers by the name of the model: a vector with the length of each text, last text first, or a failure."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status, content = self.answer(body["model"], body["input"])
        sent = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def answer(self, model: str, texts: list[str]) -> tuple[int, dict[str, object]]:
        if model == "denied":
            return 401, {"error": {"message": f"no access with {KEY}"}}
        if model == "no blanks" and not all(text.strip() for text in texts):
            return 400, {"error": {"message": "input cannot be empty"}}
        if model == "busy":
            return 503, {"error": {"message": f"come back later, {KEY}"}}
        if model == "words":
            return 200, f"no vectors, {KEY}"  # type: ignore[return-value]
        if model == "endless":
            return 200, {"data": ["x" * 3_000_000]}
        if model == "numbers":
            return 200, {"data": [{"index": 5, "embedding": [1.0]} for _ in texts]}
        if model == "nan":
            return 200, {"data": [{"index": k, "embedding": [float("nan")]} for k, _ in enumerate(texts)]}
        if model == "sizes":
            return 200, {"data": [{"index": k, "embedding": [1.0] * (k + 1)} for k, _ in enumerate(texts)]}
        if model == "absent":
            return 404, {"error": {"message": "no such model", "code": "model_not_found"}}
        if model == "elsewhere":
            return 404, {}
        kept = texts[1:] if model == "short" else texts
        found = [
            {"object": "embedding", "index": k, "embedding": [float(len(text))]}
            for k, text in enumerate(kept)
        ]
        return 200, {"object": "list", "model": model, "data": found[::-1], "usage": {"prompt_tokens": 1}}

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


def test_vectors_come_in_the_order_of_their_texts(url: str) -> None:
    texts = ["a" * (k % 7) for k in range(BATCH + 3)]
    found = EmbeddingsEndpoint("m", base_url=url).vectors(texts)
    assert found == [[float(len(text))] for text in texts]


def test_an_empty_text_is_not_sent_and_becomes_zeros(url: str) -> None:
    endpoint = EmbeddingsEndpoint("no blanks", base_url=url)
    assert endpoint.vectors([]) == []
    assert endpoint.vectors(["", " \n"]) == [[0.0], [0.0]]  # the size is that of any text
    assert endpoint.vectors(["", "abc", " "]) == [[0.0], [3.0], [0.0]]


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ("denied", AccessError, "gives no access"),
        ("absent", UnknownModelError, "has no model 'absent'"),
        ("elsewhere", EndpointError, "has no embeddings"),
        ("short", ProviderError, "one vector a text; it returned 1 for 2"),
        ("busy", TransientError, "answers 503"),
        ("words", TransientError, "sent a body that cannot be read"),
        ("endless", TransientError, "more than 1,000,000 bytes"),
        ("numbers", TransientError, "must number its vectors"),
        ("nan", TransientError, "finite numbers"),
        ("sizes", TransientError, "vectors of 1 finite numbers; it returned one of 2"),
    ],
)
def test_failures_say_what_to_do_and_hold_no_key(
    url: str, monkeypatch: pytest.MonkeyPatch, model: str, error: type[ProviderError], words: str
) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    monkeypatch.setattr("truetwin.llm.providers.embedding_endpoint._ATTEMPTS_MORE", 0)
    monkeypatch.setattr("truetwin.llm.providers.embedding_endpoint.MOST_BYTES", 1_000_000)
    with pytest.raises(error, match=words) as caught:
        EmbeddingsEndpoint(model, base_url=url, key_variable="A_KEY").vectors(["one", "two"])
    assert KEY not in str(caught.value)


def test_an_address_with_a_password_is_refused() -> None:
    with pytest.raises(EndpointError, match="no user and no password"):
        EmbeddingsEndpoint("m", base_url="http://me:pass@localhost/v1")

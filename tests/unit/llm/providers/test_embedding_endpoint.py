"""Vectors come back in order, and failures of the endpoint mean what those of models mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from truetwin.errors import AccessError, EndpointError, ProviderError, UnknownModelError
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
    assert found == [[float(max(len(text), 1))] for text in texts]  # an empty text is sent as a blank


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ("denied", AccessError, "gives no access"),
        ("absent", UnknownModelError, "has no model 'absent'"),
        ("elsewhere", EndpointError, "has no embeddings"),
        ("short", ProviderError, "one vector a text; it returned 1 for 2"),
    ],
)
def test_failures_say_what_to_do_and_hold_no_key(
    url: str, monkeypatch: pytest.MonkeyPatch, model: str, error: type[ProviderError], words: str
) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    with pytest.raises(error, match=words) as caught:
        EmbeddingsEndpoint(model, base_url=url, key_variable="A_KEY").vectors(["one", "two"])
    assert KEY not in str(caught.value)


def test_an_address_with_a_password_is_refused() -> None:
    with pytest.raises(EndpointError, match="no user and no password"):
        EmbeddingsEndpoint("m", base_url="http://me:pass@localhost/v1")

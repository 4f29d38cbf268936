"""A process that forks runs on command, so that tests can kill real ones without paying for imports each time.

Reads JSON lines ``{"store", "base_url", "personas", "items", "concurrency"}`` from standard input, forks a child for
each, and answers with its process id. The child runs the task of ``conftest.Survey``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def work(order: dict[str, Any]) -> int:
    from conftest import Survey
    from truetwin.llm import RunOptions, Store, open_model, run

    model = open_model("m", base_url=order["base_url"])
    options = RunOptions(concurrency=order["concurrency"], backoff=0.01)
    with Store(order["store"]) as store:
        summary = run(Survey(order["personas"], order["items"]), model, store, options)
    return 0 if summary.complete else 1


def serve() -> None:
    import aiohttp
    import openai

    import conftest
    import truetwin.llm.providers.openai_client

    loaded = (aiohttp, conftest, openai.resources.chat, truetwin.llm.providers.openai_client)
    assert all(loaded)  # children find them imported
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.close(0)
            code = 2
            try:
                code = work(json.loads(line))
            finally:
                os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    serve()

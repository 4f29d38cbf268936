"""Answer a run's open requests on local GPUs, with vLLM under Ray Data.

Write the requests of a run to files, answer them where the GPUs are, and bring the replies back::

    from truetwin.llm import Store, open_model
    from truetwin.llm.batches.batch_files import export_requests, import_replies

    model = open_model("Qwen/Qwen2.5-7B-Instruct", base_url="http://not-used/v1")
    with Store("run") as store:
        export_requests(task, model, store, Path("run"))

    $ python examples/ray_vllm.py run/requests-0001.jsonl run/replies-0001.jsonl --gpus 4

    with Store("run") as store:
        import_replies(task, store, Path("run/replies-0001.jsonl"))

The model's name is taken from the requests: a name on the Hugging Face hub, or a folder. Requests of one persona stand
together and begin alike, so prefix caching is on. Needs ``pip install 'ray[data,llm]'`` on a machine with CUDA.
Structured output and log-probabilities are left to the endpoint mode (``vllm serve`` and ``--base-url``).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

DIRECT = ("temperature", "top_p", "max_tokens", "seed")


def to_row(line: dict[str, Any]) -> dict[str, Any]:
    """What the engine takes, from one line of requests."""
    body = line["body"]
    sampling = {name: body[name] for name in DIRECT if name in body}
    return {
        "custom_id": line["custom_id"],
        "messages": body["messages"],
        "sampling_params": {"max_tokens": 1024, **sampling},
    }


def to_reply(row: dict[str, Any]) -> dict[str, Any]:
    """One line of replies, from what the engine gives."""
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


def main(requests: Path, replies: Path, gpus: int, batch_size: int) -> None:
    """Answer the requests of one file."""
    import ray
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    with requests.open(encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    names = {line["body"]["model"] for line in lines}
    if len(names) != 1:
        raise SystemExit(
            f"requests must be for one model; {requests} is for {', '.join(sorted(names)) or 'none'}"
        )
    (model,) = names
    config = vLLMEngineProcessorConfig(
        model_source=model,
        engine_kwargs={"enable_prefix_caching": True},
        concurrency=gpus,  # one copy of the model a GPU
        batch_size=batch_size,
        should_continue_on_error=True,  # a failed request becomes a failed reply, and is asked again by the run
    )
    processor = build_processor(config, preprocess=to_row)
    with replies.open("w", encoding="utf-8") as stream:
        for row in processor(ray.data.from_items(lines)).iter_rows():
            stream.write(json.dumps(to_reply(row)) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("requests", type=Path, help="a file of requests")
    parser.add_argument("replies", type=Path, help="the file of replies to write")
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    asked = parser.parse_args()
    main(asked.requests, asked.replies, asked.gpus, asked.batch_size)

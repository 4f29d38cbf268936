"""TwinVoice: the published narrative items, and stored answers of the published models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from truetwin.datasets.pinned_dataset import Dataset, Repository, datasets
from truetwin.errors import UnknownNameError
from truetwin.io.json_lines import read_json_lines
from truetwin.registry import closest

CHOICES = "dataset/dimension_3/choices.jsonl"
PROFILES = "dataset/dimension_3/profiles.jsonl"


@dataclass(frozen=True)
class AnswerFile:
    """Published file of one model's answers.

    ``model`` is the model's name in table 3 of paper B, ``kind`` is ``"choice"`` or ``"reply"``.
    """

    path: str
    sha256: str
    model: str
    dimension: str
    kind: str


def _social(model: str, name: str, sha256: str) -> AnswerFile:
    folder = "result/discriminative/dimension_1"
    path = f"{folder}/pchatbot_pccd1_twin_{name}_merged_samples=1-2000_20.jsonl"
    return AnswerFile(path, sha256, model, "social", "choice")


ANSWERS = (
    _social(
        "GPT-3.5-Turbo", "gpt-3.5-turbo", "2c30c3f9ec714c1e2ebeaa6ab328f1c8f8dcf93d6063f7ab369e97820c063cd6"
    ),
    _social(
        "Qwen2.5-14B",
        "qwen2.5-14b-instruct",
        "f316bd133b84deaea8f3b89586bab2acfdd098b844966742389bc7101c5466df",
    ),
    _social("GPT-4o-mini", "gpt-4o-mini", "2d0bc16bf847b5cb45de5ca5e7b70bb45a1ad89fa10396c7dbbd780c1354a704"),
    _social("GPT-OSS-20B", "gpt-oss-20b", "7153fad7dede20da824860d4c832ed1f3cd6ffc8e4f9c1c3a98bdaaccd2e38cc"),
    _social("DeepSeek-V3", "deepseek-v3", "468ce6727db8f6e66ac19edb95b1980fd887175ed3f6ebbcb117c253af0f1bba"),
    _social("GPT-5-Chat", "gpt-5-chat", "3587b775a3c37ea206f4f29d0bac1638d80f088e51fdcfdb9652e45ccb1dd551"),
    _social(
        "Claude-Sonnet-4",
        "claude-sonnet-4-20250514",
        "f971292038b0403608bf2eb155fbe288c9b0e295a10cc5a13f6de6a28231f7ad",
    ),
    AnswerFile(
        "result/discriminative/dimension_3/results.jsonl",
        "0991063b74208a9d4662a930758c47daded7e53d6c4bcbf5a6fe710ac7fac2a9",
        "Qwen2.5-14B",
        "narrative",
        "choice",
    ),
    AnswerFile(
        "result/generative/dimension_3/step1_generations_lmut-Qwen2.5-14B-Instruct_choices.jsonl",
        "a2c5c8a326d06890e701a66bb49540b283a1b0d885ba85efd7dd0d9ff7850ade",
        "Qwen2.5-14B",
        "narrative",
        "reply",
    ),
)
SOCIAL_ANSWERS = tuple(file.path for file in ANSWERS if file.dimension == "social")
PARTS = ("choices", "profiles")


def load(part: str = "choices") -> list[dict[str, Any]]:
    """Load the records of one part as published.

    :func:`truetwin.voice.items.dimensions.narrative.load` turns them into items.

    Parameters
    ----------
    part : {"choices", "profiles"}
        Items, or profiles of the characters.
    """
    if part not in PARTS:
        raise UnknownNameError(f"twinvoice has no part {part!r}.{closest(part, list(PARTS))}")
    if part == "profiles":
        content = json.loads(twinvoice.fetch(PROFILES).read_text(encoding="utf-8"))
        return list(content["characterList"].values())
    return [record for _, record in read_json_lines(twinvoice.fetch(CHOICES))]


def available_answers() -> list[AnswerFile]:
    """List the published files of answers that can be read without a download."""
    return [file for file in ANSWERS if twinvoice.is_available(file.path)]


twinvoice = Dataset(
    name="twinvoice",
    title="TwinVoice: 1187 items on characters of eight novels, and published answers of models to 2000 social items",
    licence="no licence stated upstream",
    citation="Du et al., TwinVoice: A Multi-dimensional Benchmark Towards Digital Twins; paper B",
    repository=Repository(
        "TwinBench", "https://github.com/TwinVoice/TwinBench", "505dd456c2f4e3abb929b023ed25b97c94368620"
    ),
    files={
        CHOICES: "17cf63779e5025d57ed0cb4055bfbff4ba3427b2a58a83338e7117cb3779331e",
        PROFILES: "e01e3aa36d2639bc88ff45f25cf70e324f1b1fc4b41fe12830c7d1c8983aa282",
        **{file.path: file.sha256 for file in ANSWERS},
    },
    load=load,
    variants=PARTS,
)
datasets.add("twinvoice", twinvoice)

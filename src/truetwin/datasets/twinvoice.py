"""TwinVoice: the published items of the three dimensions, and stored answers of the published models."""

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
SOCIAL = "dataset/dimension_1/pchatbot_pccd_top_2000.jsonl"
INTERPERSONAL = "dataset/dimension_2/conversation_data.jsonl"


@dataclass(frozen=True)
class AnswerFile:
    """Published file of one model's answers.

    ``pin`` is the content's sha256 or git blob id, ``model`` the model's name in table 3 of paper B, ``kind`` is
    ``"choice"``, ``"reply"``, ``"ranking"`` or ``"marks"``.
    """

    path: str
    pin: str
    model: str
    dimension: str
    kind: str


_GENERATED = "lmut-qwen2.5-14b-instruct_judge-gpt-5-chat_range-1-2000"


def _social_generative(name: str, pin: str, kind: str) -> AnswerFile:
    return AnswerFile(f"result/generative/dimension_1/{name}.jsonl", pin, "Qwen2.5-14B", "social", kind)


def _social(model: str, name: str, pin: str) -> AnswerFile:
    folder = "result/discriminative/dimension_1"
    path = f"{folder}/pchatbot_pccd1_twin_{name}_merged_samples=1-2000_20.jsonl"
    return AnswerFile(path, pin, model, "social", "choice")


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
    _social_generative(
        f"step1_generations_{_GENERATED}", "7da8a1f5f8173ec2a97106cb3f7512703afde246", "reply"
    ),
    _social_generative(
        f"step2_judgements_{_GENERATED}", "689985618cabfe3e912c450a77546b589b874e77", "ranking"
    ),
    _social_generative(
        f"Score_judgements_on_step1_generations_{_GENERATED}_by_gpt-5-chat",
        "2fa70f2850f66d5780f3a6210393978273fa3b34",
        "marks",
    ),
)
SOCIAL_ANSWERS = tuple(file.path for file in ANSWERS if file.dimension == "social" and file.kind == "choice")
#: Published items by the part that loads them.
_ITEMS = {"choices": CHOICES, "social": SOCIAL, "interpersonal": INTERPERSONAL}
PARTS = (*_ITEMS, "profiles")


def load(part: str = "choices") -> list[dict[str, Any]]:
    """Load the records of one part as published.

    :mod:`truetwin.voice.items.dimensions` turns them into items.

    Parameters
    ----------
    part : {"choices", "social", "interpersonal", "profiles"}
        Narrative, social or interpersonal items, or profiles of the narrative characters.
    """
    if part not in PARTS:
        raise UnknownNameError(f"twinvoice has no part {part!r}.{closest(part, list(PARTS))}")
    if part == "profiles":
        content = json.loads(twinvoice.fetch(PROFILES).read_text(encoding="utf-8"))
        return list(content["characterList"].values())
    return [record for _, record in read_json_lines(twinvoice.fetch(_ITEMS[part]))]


def available_answers() -> list[AnswerFile]:
    """List the published files of answers that can be read without a download."""
    return [file for file in ANSWERS if twinvoice.is_available(file.path)]


twinvoice = Dataset(
    name="twinvoice",
    title="TwinVoice: 2000 social, 2500 interpersonal and 1187 narrative items, and published answers of models",
    licence="no licence stated upstream",
    citation="Du et al., TwinVoice: A Multi-dimensional Benchmark Towards Digital Twins; paper B",
    repository=Repository(
        "TwinBench", "https://github.com/TwinVoice/TwinBench", "505dd456c2f4e3abb929b023ed25b97c94368620"
    ),
    files={
        CHOICES: "17cf63779e5025d57ed0cb4055bfbff4ba3427b2a58a83338e7117cb3779331e",
        PROFILES: "e01e3aa36d2639bc88ff45f25cf70e324f1b1fc4b41fe12830c7d1c8983aa282",
        SOCIAL: "3e0570be2b62f43b7bdb685bb7a6c52fdb825350",
        INTERPERSONAL: "23b67094d11a1c6b895ae2ca9573b41350d0a598",
        **{file.path: file.pin for file in ANSWERS},
    },
    load=load,
    variants=PARTS,
)
datasets.add("twinvoice", twinvoice)

"""Distractors that give nothing away."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.errors import ParameterError
from truetwin.settings.voice_build_settings import Limits, MatchingOptions
from truetwin.voice.auditing.benchmark_audit import audit
from truetwin.voice.items.voice_items import Turn, VoiceItem, VoicePersona
from truetwin.voice_sets.common.distractors import Draft, PoolReply, balance, furnish
from truetwin.voice_sets.common.text_similarity import TfidfEmbedder

WORDS = [
    f"{a}{b}"
    for a in ("ka", "lo", "mi", "ne", "pu", "ra")
    for b in ("ber", "din", "fal", "gon", "hul", "jas")
]


def sentence(rng: np.random.Generator, length: int, mark: str = ".") -> str:
    return " ".join(rng.choice(WORDS, length)).capitalize() + mark


def material(n: int = 80, *, loud: bool = False) -> tuple[list[Draft], list[PoolReply]]:
    """Drafts whose replies repeat words of their context; ``loud``: and shout, which half of the pool does too."""
    rng = np.random.default_rng(5)
    pool = [
        PoolReply(sentence(rng, int(rng.integers(4, 16)), "!" if k % 2 else "."), f"p{k % 7}", "book")
        for k in range(600)
    ]
    drafts = []
    for k in range(n):
        stimulus = sentence(rng, 30)
        shared = f"{stimulus.split()[3]} {stimulus.split()[8]} ".capitalize()
        reply = shared + sentence(rng, int(rng.integers(3, 12))).lower()
        if loud or k % 2:
            reply = reply[:-1] + "!"
        drafts.append(
            Draft(
                f"i{k:03d}",
                "narrative",
                "en",
                VoicePersona(f"p{k % 7}", "Ann"),
                stimulus,
                reply,
                (Turn(sentence(rng, 6)),),
                f"g{k % 6}",
                "book",
                ("ann",),
            )
        )
    return drafts, pool


@pytest.fixture(scope="module")
def furnished() -> list[VoiceItem]:
    return furnish(*material(), TfidfEmbedder(), MatchingOptions(rounds=2, triples=120), seed=1).items


def test_no_persona_free_rule_gains_from_what_the_true_reply_shares_with_its_context(
    furnished: list[VoiceItem],
) -> None:
    report = audit(furnished)
    accuracy = {r["predictor"]: r["accuracy"] for r in report.rows() if r["persona_free"]}
    assert {name: a for name, a in accuracy.items() if abs(a - 25) > 12} == {}
    assert max(report.balance.counts) - min(report.balance.counts) <= 1


def test_distractors_are_others_real_replies_of_like_length(furnished: list[VoiceItem]) -> None:
    _, pool = material()
    real = {(reply.text, reply.person) for reply in pool}
    for item in furnished:
        true = len(item.true_option.text)
        for option in item.distractors:
            assert (option.text, option.source) in real
            assert option.source != item.persona.id
            ratio = max(len(option.text), true) / min(len(option.text), true)
            assert ratio <= 1.4 or abs(len(option.text) - true) <= 12


def test_a_style_that_others_have_too_is_matched() -> None:
    items = furnish(
        *material(40, loud=True), TfidfEmbedder(), MatchingOptions(rounds=1, triples=120), seed=1
    ).items
    shouted = np.mean([option.text.endswith("!") for item in items for option in item.distractors])
    assert shouted > 0.7


def test_the_same_seed_gives_the_same_items_and_another_seed_others(furnished: list[VoiceItem]) -> None:
    drafts, pool = material(30)
    options = MatchingOptions(rounds=1, triples=60)
    one, two, other = (
        [i.to_record() for i in furnish(drafts, pool, TfidfEmbedder(), options, seed=s).items]
        for s in (3, 3, 4)
    )
    assert one == two
    assert one != other


def test_replies_that_would_give_themselves_away_are_never_offered() -> None:
    draft = Draft(
        "i", "narrative", "en", VoicePersona("p", "Ann"), "He said go away now.", "Come in please.",
        (Turn("Well then.", "Sit down please."),), names=("ann",),
    )  # fmt: skip
    shown = [
        "Go away now.",
        "Sit down please.",
        "Come in please!",
        "Dear Ann please.",
        "[a name]",
        "Mine own words.",
    ]
    fine = ["Stay there please.", "Look at that.", "Open the door."]
    pool = [*(PoolReply(text, "q") for text in shown[:-1]), PoolReply(shown[-1], "p")]
    pool += [PoolReply(text, "q") for text in fine]
    (item,) = furnish([draft], pool, TfidfEmbedder()).items
    assert sorted(fine) == sorted(option.text for option in item.distractors)


def test_too_few_candidates_are_a_counted_reason() -> None:
    drafts, pool = material(2)
    found = furnish(drafts, pool[:2], TfidfEmbedder())
    assert found.items == []
    assert {"i000", "i001"} == set(found.refused)


def test_balance_leaves_out_what_a_baseline_finds_and_no_more_than_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = furnish(*material(), TfidfEmbedder(), MatchingOptions(rounds=0, triples=60), seed=2).items
    longest = [i for i in items if len(i.true_option.text) == max(len(o.text) for o in i.options)]
    skewed = longest + [i for i in items if i not in longest][: len(longest)]
    assert (
        balance(skewed, Limits(), least_share=0.4, seed=0)[1] == {}
    )  # too few to tell a shortcut from chance
    monkeypatch.setattr("truetwin.voice_sets.common.distractors.FEWEST_JUDGED", 10)
    kept, out = balance(skewed, Limits(), least_share=0.4, seed=0)
    assert len(skewed) == len(kept) + len(out)
    assert len(kept) >= 0.4 * len(skewed)
    before, after = (next(r for r in audit(x).rows() if r["predictor"] == "longest") for x in (skewed, kept))
    assert abs(after["accuracy"] - 25) < abs(before["accuracy"] - 25)


@pytest.mark.parametrize(
    "wrong", [{"length_ratio": 1.0}, {"nearest": 2}, {"triples": 0}, {"most_alike": 0.0}, {"rounds": -1}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        MatchingOptions(**wrong)  # type: ignore[arg-type]

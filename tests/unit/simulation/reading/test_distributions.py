from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.data import Item, Scale
from truetwin.errors import ParameterError
from truetwin.llm import Reply, State
from truetwin.simulation.questions.question import ask
from truetwin.simulation.reading.distributions import check_first_tokens, read_distribution, read_logprobs

MOOD = Item(
    "Q1", "How?", Scale.ordinal(1, 3, labels={1: "bad", 2: "so-so", 3: "good"}, off_scale={9: "unsure"})
)
QUESTION = ask(MOOD, markers="letters", offer_off_scale=True)


def logs(**shares: float) -> dict[str, float]:
    return {token: math.log(share) for token, share in shares.items()}


def test_shares_are_normalised_over_the_answers_and_the_rest_is_counted() -> None:
    tokens = {**logs(A=0.1, B=0.2, D=0.05, As=0.3), " B": math.log(0.1)}
    parsed = read_logprobs(Reply("A", "length", logprobs=(tokens,)), QUESTION)
    assert parsed.state is State.VALID
    assert parsed.value == {"shares": {"1": 0.25, "2": 0.75, "3": 0.0}, "outside": 0.6}


def test_blank_tokens_before_the_answer_are_passed_over() -> None:
    first = {"\n": math.log(0.9), "A": math.log(0.1)}
    parsed = read_logprobs(Reply("\nC", logprobs=(first, logs(C=0.5))), QUESTION)
    assert parsed.value["shares"] == {"1": 0.0, "2": 0.0, "3": 1.0}


def test_spaces_of_other_vocabularies_are_spaces() -> None:
    tokens = {"▁A": math.log(0.3), "ĠB": math.log(0.3), "Ġ": math.log(0.1)}
    parsed = read_logprobs(Reply("A", logprobs=(tokens,)), QUESTION)
    assert parsed.value == {"shares": {"1": 0.5, "2": 0.5, "3": 0.0}, "outside": 0.4}


def test_no_log_probabilities_is_said() -> None:
    parsed = read_logprobs(Reply("A"), QUESTION)
    assert (parsed.state, parsed.reason) == (State.UNPARSEABLE, "the endpoint returned no log-probabilities")


def test_no_answer_among_the_tokens() -> None:
    assert State.UNPARSEABLE is read_logprobs(Reply("Well", logprobs=(logs(Well=0.9),)), QUESTION).state
    refused = Reply("I'm sorry, but I can't", logprobs=({"I": -0.1},))
    assert State.REFUSED is read_logprobs(refused, QUESTION).state


def test_answers_that_begin_alike_are_refused_before_anything_is_paid() -> None:
    stars = Item("Q2", "Rate it.", Scale.ordinal(1, 10))
    with pytest.raises(ParameterError, match="'1' and '10'"):
        check_first_tokens(ask(stars))
    check_first_tokens(ask(stars, markers="letters"))
    with pytest.raises(ParameterError, match="takes any number"):
        check_first_tokens(ask(Item("Q3", "Age?", Scale.numeric(0, 100))))


@given(st.lists(st.floats(0.001, 1.0), min_size=3, max_size=3), st.sampled_from([1.0, 100.0]))
def test_shares_in_words_are_divided_by_their_sum(amounts: list[float], whole: float) -> None:
    total = sum(amounts)
    given_shares = {m: a / total * whole for m, a in zip("ABC", amounts, strict=True)}
    parsed = read_distribution(given_shares, QUESTION)
    assert parsed.state is State.VALID
    assert math.isclose(1.0, sum(parsed.value["shares"].values()), abs_tol=1e-5)


def test_rounding_errors_are_forgiven_and_larger_ones_are_not() -> None:
    assert read_distribution({"A": 33, "B": 33, "C": 33}, QUESTION).value["shares"] == {
        "1": 0.333333,
        "2": 0.333333,
        "3": 0.333333,
    }
    parsed = read_distribution({"A": 30, "B": 30, "C": 30}, QUESTION)
    assert (parsed.state, parsed.reason) == (State.UNPARSEABLE, "the shares add up to 90, neither 100 nor 1")


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ({"A": 50, "B": 50}, State.UNPARSEABLE),
        ({"A": 50, "B": 50, "C": None}, State.UNPARSEABLE),
        ({"A": True, "B": 0, "C": 0}, State.UNPARSEABLE),
        ({"A": "50", "B": 50, "C": 0}, State.UNPARSEABLE),
        ({"A": 150, "B": -50, "C": 0}, State.UNPARSEABLE),
        ({"A": 50, "a": 0, "B": 50, "C": 0}, State.UNPARSEABLE),
        ({"A": 50, "B": 25, "C": 25, "E": 0}, State.OFF_SCALE),
        ({"A": 0, "B": 0, "C": 0, "D": 100}, State.OFF_SCALE),
        ([50, 50, 0], State.UNPARSEABLE),
        (4, State.UNPARSEABLE),
    ],
)
def test_distributions_that_are_none(value: Any, state: State) -> None:
    assert state is read_distribution(value, QUESTION).state


def test_what_off_scale_answers_get_is_outside() -> None:
    parsed = read_distribution({"A": 40, "B": 40, "C": 0, "D": 20}, QUESTION)
    assert parsed.value == {"shares": {"1": 0.5, "2": 0.5, "3": 0.0}, "outside": 0.2}

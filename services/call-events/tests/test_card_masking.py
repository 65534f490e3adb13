"""Card numbers in words of people: found however they are written, and nothing else taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_events.record.card_masking import MASK, is_card_number, masked

CARDS = [
    "4111111111111111",
    "4222222222222",
    "5555555555554444",
    "2221000000000009",
    "378282246310005",
    "30569309025904",
    "6011111111111117",
    "3530111333300000",
    "6200000000000005",
    "6759649826438453",
    "2200000000000004",
    "6304000000000000000",
]
NOT_CARDS = [
    ("4111111111111112", "fails Luhn"),
    ("1234567812345670", "passes Luhn, no issuer"),
    ("411111111111116", "an issuer's beginning, no length of theirs"),
    ("41111111111111111111", "too long"),
    ("411111111111", "too short"),
]


@pytest.mark.parametrize("card", CARDS)
def test_a_card_number_is_masked_and_the_words_around_it_stay(card: str) -> None:
    assert masked(f"he read {card} to me, twice") == f"he read {MASK} to me, twice"


@pytest.mark.parametrize("separator", [" ", "-", ".", " - "[:2], "\u00a0", "\u2013"])
@pytest.mark.parametrize("card", CARDS)
def test_separators_between_groups_do_not_hide_it(card: str, separator: str) -> None:
    groups = separator.join(card[place : place + 4] for place in range(0, len(card), 4))
    assert masked(groups) == MASK


@pytest.mark.parametrize(("digits", "why"), NOT_CARDS, ids=[why for _, why in NOT_CARDS])
def test_other_digits_stay_as_they_are(digits: str, why: str) -> None:
    assert masked(f"ref {digits}") == f"ref {digits}", why


def test_what_follows_a_card_stays() -> None:
    assert masked("4111 1111 1111 1111 12 27 123") == f"{MASK} 12 27 123"


def test_several_cards_are_masked() -> None:
    assert masked("4111111111111111, 5555-5555-5555-4444") == f"{MASK}, {MASK}"


def test_digits_of_other_scripts_do_not_hide_it() -> None:
    assert masked("٤١١١١١١١١١١١١١١١") == MASK


def test_a_text_without_a_card_is_the_same_object() -> None:
    text = "called on 2026-11-23 at 10:15 about order 88"
    assert masked(text) is text


@given(st.text(alphabet="0123456789 -.x", max_size=60))
def test_nothing_but_runs_of_digits_changes_and_no_card_is_left(text: str) -> None:
    result = masked(text)
    assert masked(result) == result
    assert result.replace(MASK, "").count("x") == text.count("x")
    assert not any(is_card_number(word) for word in result.split())

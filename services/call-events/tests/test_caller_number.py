"""What a told number is worth as a mark of a caller."""

import pytest

from call_events.customer.caller_number import judge, normal_form
from holdfast.call_events.v1 import observation_pb2 as pb

USABLE, WITHHELD, PLACEHOLDER = pb.NUMBER_QUALITY_USABLE, pb.NUMBER_QUALITY_WITHHELD, pb.NUMBER_QUALITY_PLACEHOLDER


@pytest.mark.parametrize(
    "told",
    [
        "+4930901820",
        "+49 30 90 18 20",
        "+49(30)90-18-20",
        "004930901820",
        "tel:+49-30-901820",
        "+49 (0)30 901820",
        "sip:+4930901820@host;x=1",
    ],
)
def test_spellings_of_one_number_meet(told: str) -> None:
    assert judge(told).number == "+4930901820"
    assert judge(told).quality == USABLE


@pytest.mark.parametrize(
    "told",
    ["", " ", "anonymous", "Anonymous", "<unknown>", "Restricted", "+266696687", "sip:anonymous@anonymous.invalid"],
)
def test_a_hidden_number_stands_for_nobody(told: str) -> None:
    assert (judge(told).number, judge(told).quality) == ("", WITHHELD)


@pytest.mark.parametrize(
    "told", ["Alice Smith", "0000000", "1234567", "987654321", "100", "s", "+11111111", "9" * 30, "1" * 300]
)
def test_a_placeholder_stands_for_nobody(told: str) -> None:
    assert (judge(told).number, judge(told).quality) == ("", PLACEHOLDER)


def test_the_tenants_own_numbers_stand_for_nobody() -> None:
    own = ["+49 800 1234", "+49309018*"]
    assert judge("+498001234", own).quality == PLACEHOLDER
    assert judge("+4930901820", own).quality == PLACEHOLDER
    assert judge("+4930901920", own).quality == USABLE


def test_an_address_without_a_number_may_stand_for_a_caller() -> None:
    assert judge("sip:Alice.Smith@example.com;transport=tcp").number == "alice.smith@example.com"
    assert judge("alicesmith@example.com").number != judge("alice.smith@example.com").number


def test_a_national_number_stays_national() -> None:
    assert normal_form("030 901820") == "030901820"

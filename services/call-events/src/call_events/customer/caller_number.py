"""What a told number is worth as a mark of a caller, and the one form in which two tellers' spellings meet. Pure.

The form of a number: visual separators and a trunk prefix in brackets gone, a leading 00 written as +; of an address
that is no number: small letters, without scheme and parameters. A national number stays national: whether 030… and
+4930… are one line only the phone system knows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.call_events.v1 import observation_pb2 as pb

SHORTEST, LONGEST = 6, 20
"""Digits that a caller's number has: fewer is an extension or a short code, more is no number."""
LONGEST_TOLD: Final = 256
_SCHEME: Final = re.compile(r"^(?:sips?|tel):", re.IGNORECASE)
_PARAMETERS: Final = re.compile(r"[;?>].*$", re.DOTALL)
_SEPARATORS: Final = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
_NUMBER: Final = re.compile(r"\+?[0-9]+")
_WITHHELD_WORDS: Final = frozenset(
    (
        *("anonymous", "private", "privat", "withheld", "restricted", "blocked", "unavailable", "unknown", "hidden"),
        *("noid", "nocallerid", "asserted", "unbekannt", "anonym", "p", "o", "null", "none", "na"),
    )
)
_WITHHELD_NUMBERS: Final = frozenset({"266696687", "7378742833", "2562533", "8656696", "86282452253", "7748483"})
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE and PRIVATE as carriers spell them on the keys of a phone."""
_COUNTING: Final = ("01234567890123456789", "98765432109876543210")


@dataclass(frozen=True, slots=True)
class Judged:
    """A number in its one form (empty unless usable) and what it is worth."""

    number: str
    quality: pb.NumberQuality.ValueType


WITHHELD: Final = Judged("", pb.NUMBER_QUALITY_WITHHELD)
PLACEHOLDER: Final = Judged("", pb.NUMBER_QUALITY_PLACEHOLDER)


def judge(told: str, own_numbers: Sequence[str] = ()) -> Judged:
    """What a told number is worth; `own_numbers` are the tenant's, whole or as a prefix that ends with *."""
    if len(told) > LONGEST_TOLD:
        return PLACEHOLDER
    form = normal_form(told)
    if not form or _SEPARATORS.sub("", form.partition("@")[0]) in _WITHHELD_WORDS:
        return WITHHELD
    if not _NUMBER.fullmatch(form):
        return Judged(form, pb.NUMBER_QUALITY_USABLE) if "@" in form else PLACEHOLDER
    digits = form.lstrip("+")
    if digits in _WITHHELD_NUMBERS:
        return WITHHELD
    if not _stands_for_a_caller(digits) or _is_own(form, own_numbers):
        return PLACEHOLDER
    return Judged(form, pb.NUMBER_QUALITY_USABLE)


def normal_form(told: str) -> str:
    """The number or address in its one form, whatever it is worth."""
    text = _PARAMETERS.sub("", _SCHEME.sub("", told.strip().strip("<>\"'"))).strip()
    number = text.partition("@")[0]
    if number.startswith("+"):
        number = number.replace("(0)", "")
    number = _SEPARATORS.sub("", number)
    if not _NUMBER.fullmatch(number):
        return text.lower()
    return f"+{number[2:]}" if number.startswith("00") and len(number) > SHORTEST else number


def _stands_for_a_caller(digits: str) -> bool:
    if not SHORTEST <= len(digits) <= LONGEST or len(set(digits)) == 1:
        return False
    return not any(digits in run for run in _COUNTING)


def _is_own(form: str, own_numbers: Sequence[str]) -> bool:
    for own in own_numbers:
        known = normal_form(own.rstrip("*"))
        if form == known or (own.endswith("*") and form.startswith(known)):
            return True
    return False

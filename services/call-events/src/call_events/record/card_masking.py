"""Card numbers out of text that somebody typed, said or copied.

A card number is 13 to 19 digits that pass the Luhn check *and* begin as an issuer's numbers do, with or without spaces,
full stops or hyphens between groups. Both tests are needed: a tenth of all digit runs pass Luhn, and most identifiers
begin like some card. What is found is replaced in its field; the rest of the text stays. Pure.
"""

import re
from typing import Final

MASK: Final = "[card]"
"""What stands where a card number stood."""

SHORTEST, LONGEST = 13, 19
_SEPARATORS: Final = " .\\-\u00a0\u2007\u2009\u202f\u2010-\u2015"
_RUN: Final = re.compile(rf"\d(?:[{_SEPARATORS}]{{0,2}}\d){{{SHORTEST - 1},}}")
_GROUP: Final = re.compile(r"\d+")
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_LENGTHS: Final[tuple[tuple[range, frozenset[int]], ...]] = (
    (range(4_000, 5_000), frozenset({13, 16, 19})),  # Visa
    (range(5_100, 5_600), frozenset({16})),  # Mastercard
    (range(2_221, 2_721), frozenset({16})),  # Mastercard
    (range(3_400, 3_500), frozenset({15})),  # American Express
    (range(3_700, 3_800), frozenset({15})),  # American Express
    (range(3_000, 3_060), frozenset(range(14, 20))),  # Diners Club
    (range(3_095, 3_096), frozenset(range(14, 20))),  # Diners Club
    (range(3_600, 3_700), frozenset(range(14, 20))),  # Diners Club
    (range(3_800, 4_000), frozenset(range(14, 20))),  # Diners Club
    (range(6_011, 6_012), frozenset(range(16, 20))),  # Discover
    (range(6_440, 6_600), frozenset(range(16, 20))),  # Discover
    (range(3_528, 3_590), frozenset(range(16, 20))),  # JCB
    (range(6_200, 6_300), frozenset(range(16, 20))),  # UnionPay
    (range(8_100, 8_200), frozenset(range(16, 20))),  # UnionPay, RuPay
    (range(5_000, 5_100), frozenset(range(13, 20))),  # Maestro
    (range(5_600, 5_900), frozenset(range(13, 20))),  # Maestro
    (range(6_300, 6_400), frozenset(range(13, 20))),  # Maestro
    (range(6_700, 6_800), frozenset(range(13, 20))),  # Maestro
    (range(2_200, 2_206), frozenset(range(16, 20))),  # Mir
    (range(6_000, 6_100), frozenset({16})),  # RuPay
    (range(8_200, 8_300), frozenset({16})),  # RuPay
    (range(9_792, 9_793), frozenset({16})),  # Troy
)


def masked(text: str) -> str:
    """The text with every card number replaced by MASK; the same object if it holds none."""
    return _RUN.sub(_mask_run, text) if len(text) >= SHORTEST else text


def is_card_number(digits: str) -> bool:
    """Whether digits without separators are a card number."""
    return digits.isdecimal() and SHORTEST <= len(digits) <= LONGEST and _of_an_issuer(digits) and _passes_luhn(digits)


def _mask_run(found: re.Match[str]) -> str:
    """A run of groups with every card in it masked; a card fills whole groups (an expiry date may follow it)."""
    run = found[0]
    groups = [match.span() for match in _GROUP.finditer(run)]
    parts: list[str] = []
    done = first = 0
    while first < len(groups):
        last = _card_from(run, groups, first)
        if last is not None:
            parts += [run[done : groups[first][0]], MASK]
            done = groups[last][1]
            first = last
        first += 1
    return "".join([*parts, run[done:]])


def _card_from(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest card number that begins with group `first`; None if none does."""
    best = None
    digits = ""
    for last in range(first, len(groups)):
        begin, end = groups[last]
        digits += run[begin:end]
        if len(digits) > LONGEST:
            break
        if is_card_number(digits):
            best = last
    return best


def _of_an_issuer(digits: str) -> bool:
    prefix, length = int(digits[:4]), len(digits)
    return any(prefix in prefixes and length in lengths for prefixes, lengths in _LENGTHS)


def _passes_luhn(digits: str) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0

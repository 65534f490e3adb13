"""Tells digits that look like a payment card's number, which nothing may keep."""

from __future__ import annotations

import re
from typing import Final

_FORM: Final = re.compile(r"[2-6]\d{12,18}")
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def looks_like_card(digits: str) -> bool:
    """Whether digits have an issuer's first digit, 13 to 19 places, and a right check digit (Luhn)."""
    if not _FORM.fullmatch(digits):
        return False
    odd = sum(map(int, digits[-1::-2]))
    return (odd + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10 == 0

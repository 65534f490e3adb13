"""Texts inside statements that take no parameters (COPY): as hexadecimal digits, which cannot end a quotation."""

from collections.abc import Sequence
from functools import lru_cache


@lru_cache(maxsize=10_000)
def as_text(value: str) -> str:
    """Return an SQL expression that is the text."""
    return f"convert_from('\\x{value.encode().hex()}', 'UTF8')"


def as_texts(values: Sequence[str]) -> str:
    """Return an SQL expression that is an array of the texts."""
    return f"array[{', '.join(map(as_text, values))}]"

"""What is asked of a caller at a node that waits for digits, and what of the digits is an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ivr_routing.flow.document import CallbackOffer, Collect, Menu
from ivr_routing.flow.step import Ask

CHOICE: Final = "choice"
"""Name of a menu's input in facts, unless the menu names it."""
_DIGITS: Final = frozenset("0123456789*#")

Asker = Menu | Collect | CallbackOffer


def question(name: str, node: Asker) -> Ask:
    """Return what the phone system is to collect at a node."""
    first = timedelta(seconds=node.first_digit_timeout_seconds)
    if isinstance(node, Collect):
        return Ask(
            node=name,
            name=node.input,
            min_digits=node.min_digits,
            max_digits=node.max_digits,
            finish_on=node.finish_on,
            first_digit_timeout=first,
            next_digit_timeout=timedelta(seconds=node.next_digit_timeout_seconds),
            sensitive=node.sensitive,
        )
    asked = (node.input if isinstance(node, Menu) else None) or CHOICE
    return Ask(name, asked, 1, 1, "", first, first, sensitive=False)


def typed(node: Collect, digits: str) -> str | None:
    """Return the digits without the one that ended them; None if they are not as asked for."""
    found = digits.removesuffix(node.finish_on) if node.finish_on else digits
    fits = node.min_digits <= len(found) <= node.max_digits
    return found if fits and _DIGITS.issuperset(found) else None

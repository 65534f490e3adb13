"""What a lookup's answer amounts to: the attributes it stores, or nothing usable."""

from __future__ import annotations

import json
from typing import Final

from ivr_routing.flow.document import Document, Lookup
from ivr_routing.flow.expression import Value, converted
from ivr_routing.flow.step import LookupAnswered

MOST_BYTES: Final = 65_536
_SUCCESS: Final = range(200, 300)


def stored(document: Document, node: Lookup, answer: LookupAnswered) -> dict[str, Value] | None:
    """Return the attributes that an answer gives; None unless all are there and of their kinds."""
    if answer.status not in _SUCCESS or len(answer.body) > MOST_BYTES:
        return None
    if not node.store:
        return {}
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    found = {name: converted(_part(body, place), document.attributes[name].type) for name, place in node.store.items()}
    usable = {name: value for name, value in found.items() if value is not None}
    return usable if len(usable) == len(found) else None


def _part(body: object, place: str) -> object:
    """Return what stands at a place such as account.balance; None if nothing does."""
    for name in place.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body

"""Ids of many events of one record, at the price of one hash each.

The ids are those of `contact_life.identity.event_id`; the hash of what all events of a record share is computed once
and continued for each, because a month makes hundreds of thousands of them. A test holds the two equal.
"""

import hashlib
from typing import Final

from contact_life.identity import NAMESPACE, key_of

_START: Final = hashlib.sha1(key_of(NAMESPACE) + b"5:event,", usedforsecurity=False)
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def _netstring(field: str) -> bytes:
    encoded = field.encode()
    return b"%d:%b," % (len(encoded), encoded)


class EventIds:
    """Makes the ids of the events that one record of a source stands for."""

    __slots__ = ("_shared",)

    def __init__(self, source_id: str, native_id: str) -> None:
        """Begin with what the events share: the source and its own id of the record."""
        self._shared = _START.copy()
        self._shared.update(_netstring(source_id) + _netstring(native_id))

    def of(self, kind: str, revision: str) -> str:
        """Return the id of the event of a type; `revision` is what the source told of it, so that it tells it apart."""
        digest = self._shared.copy()
        told = revision.encode()
        digest.update(b"%d:%b,%d:%b," % (len(kind), kind.encode(), len(told), told))
        digits = digest.hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"

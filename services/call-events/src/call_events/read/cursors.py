"""Opaque cursors and page tokens: what a tenant may hold of our positions without learning anything from them.

A position counts the events of all tenants, so it never leaves in clear: a token is AES-GCM under the tenant's own key.
It cannot be read, altered, made up, or used by another tenant or for another purpose. Pure, but for the nonce.
"""

import hashlib
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag

from call_events.customer.master_key import TenantKeys
from call_events.errors import WrongCursor
from event_log.model import Cursor
from service_host.chance import random_bytes

LONGEST_TOKEN: Final = 512
_NONCE_BYTES: Final = 12
_EVENTS: Final = b"events 1"
_CONTACTS: Final = b"contacts 1"
_POSITION: Final = struct.Struct(">qq")
_KEYSET: Final = struct.Struct(">q16s16s")


@dataclass(frozen=True, slots=True)
class Keyset:
    """Where a page of contacts ended: the arrival (microseconds) and key of its last row."""

    arrived_time_us: int
    contact_key: bytes


def events_cursor(keys: TenantKeys, cursor: Cursor) -> str:
    """A place in the log, for ReadEvents and SubscribeEvents and as `as_of`."""
    return _seal(keys, _EVENTS, _POSITION.pack(cursor.incarnation, cursor.position) + cursor.log_id.encode())


def read_events_cursor(keys: TenantKeys, token: str) -> Cursor:
    """The place a token stands for; WrongCursor if it is not one of this tenant's."""
    plain = _open(keys, _EVENTS, token)
    incarnation, position = _POSITION.unpack_from(plain)
    return Cursor(plain[_POSITION.size :].decode(), incarnation, position)


def page_token(keys: TenantKeys, keyset: Keyset, filters: Sequence[object]) -> str:
    """Where the next page of a list begins; good only for a list with the same filters."""
    return _seal(keys, _CONTACTS, _KEYSET.pack(keyset.arrived_time_us, keyset.contact_key, _digest(filters)))


def read_page_token(keys: TenantKeys, token: str, filters: Sequence[object]) -> Keyset:
    """Where to go on; WrongCursor if the token is not this tenant's or the filters have changed."""
    plain = _open(keys, _CONTACTS, token)
    arrived_time_us, contact_key, digest = _KEYSET.unpack(plain)
    if digest != _digest(filters):
        raise WrongCursor("The page token belongs to a list with other filters.")
    return Keyset(arrived_time_us, contact_key)


def _digest(filters: Sequence[object]) -> bytes:
    return hashlib.blake2b(repr(tuple(filters)).encode(), digest_size=16).digest()


def _seal(keys: TenantKeys, use: bytes, plain: bytes) -> str:
    nonce = random_bytes(_NONCE_BYTES)
    return urlsafe_b64encode(nonce + keys.cursors.encrypt(nonce, plain, use)).rstrip(b"=").decode()


def _open(keys: TenantKeys, use: bytes, token: str) -> bytes:
    if len(token) > LONGEST_TOKEN:
        raise WrongCursor("The cursor was not given by this service.")
    try:
        sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return keys.cursors.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], use)
    except (InvalidTag, NotBase64, ValueError):
        raise WrongCursor("The cursor was not given to you by this service for this use.") from None

"""Customers' numbers sealed under a key of their own, and those keys wrapped under the master key.

AES-256-GCM both times. Erasing a customer destroys the wrapped key; what was sealed under it stays in the log,
unreadable for ever. Each sealed value is bound to its tenant and caller_ref: it does not open for another caller.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from call_events.errors import CannotUnseal
from holdfast.call_events.v1.observation_pb2 import SealedValue
from service_host.chance import random_bytes

NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class CallerKey:
    """A caller_ref and the key of everything sealed for it."""

    caller_ref: str
    key: bytes
    cipher: AESGCM


def new_caller(caller_ref: str) -> CallerKey:
    """A caller with a random key."""
    key = random_bytes(KEY_BYTES)
    return CallerKey(caller_ref, key, AESGCM(key))


def wrap(wrapping: AESGCM, tenant: str, caller: CallerKey) -> bytes:
    """A customer's key as it is stored: nonce and ciphertext."""
    nonce = random_bytes(NONCE_BYTES)
    return nonce + wrapping.encrypt(nonce, caller.key, _bound_to("key", tenant, caller.caller_ref))


def unwrap(wrapping: AESGCM, tenant: str, caller_ref: str, wrapped: bytes) -> CallerKey:
    """The key of a stored row; CannotUnseal if it was wrapped under another master key or for another caller."""
    try:
        key = wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bound_to("key", tenant, caller_ref))
    except InvalidTag:
        raise CannotUnseal("A customer's key does not open with this master key.") from None
    return CallerKey(caller_ref, key, AESGCM(key))


def seal(caller: CallerKey, tenant: str, number: str) -> SealedValue:
    """A number as the log keeps it."""
    nonce = random_bytes(NONCE_BYTES)
    ciphertext = caller.cipher.encrypt(nonce, number.encode(), _bound_to("number", tenant, caller.caller_ref))
    return SealedValue(key_id=caller.caller_ref, nonce=nonce, ciphertext=ciphertext)


def unseal(caller: CallerKey, tenant: str, sealed: SealedValue) -> str:
    """The number; CannotUnseal if it was sealed under another key."""
    try:
        return caller.cipher.decrypt(
            sealed.nonce, sealed.ciphertext, _bound_to("number", tenant, caller.caller_ref)
        ).decode()
    except (InvalidTag, ValueError):
        raise CannotUnseal("A sealed value does not open with this key.") from None


def _bound_to(what: str, tenant: str, caller_ref: str) -> bytes:
    return f"{what}\0{tenant}\0{caller_ref}".encode()

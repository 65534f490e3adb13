"""The one secret of the service: 32 random bytes in a file outside the database, and every key that is made from it.

The database alone opens nothing: without this file numbers cannot be found by trying them all, customers' keys cannot
be unwrapped, cursors cannot be made. Losing it loses the way from numbers to caller_refs, never an event. Keys are
derived by HKDF-SHA256, one for each purpose and tenant.
"""

import hashlib
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from call_events.errors import WrongMasterKey

KEY_BYTES: Final = 32
_MAC_BYTES: Final = 16
TENANTS_REMEMBERED: Final = 1_024


class TenantKeys:
    """What is made from the master key for one tenant; no key leaves it."""

    __slots__ = ("_mac", "_mac_key", "_number_key", "cursors", "tenant")

    def __init__(self, tenant: str, mac_key: bytes, number_key: bytes, cursor_key: bytes) -> None:
        self.tenant = tenant
        self._mac_key = mac_key
        self._mac = hashlib.blake2b(key=mac_key, digest_size=_MAC_BYTES)
        self._number_key = number_key
        self.cursors = AESGCM(cursor_key)

    def body_mac(self, told: bytes, customer_key: bytes = b"") -> bytes:
        """The keyed MAC (BLAKE2b, 16 bytes) of an event as it was told.

        With a number in it the customer's own key takes part: once that is erased, nobody can find the number by
        trying all of them against the MAC, not even with the master key.
        """
        if customer_key:
            key = hashlib.blake2b(customer_key, key=self._mac_key, digest_size=32).digest()
            return hashlib.blake2b(told, key=key, digest_size=_MAC_BYTES).digest()
        mac = self._mac.copy()
        mac.update(told)
        return mac.digest()

    def number_mac(self, number: str) -> bytes:
        """The keyed MAC (16 bytes) under which a number in its one form stands in the table of callers."""
        return hashlib.blake2b(number.encode(), key=self._number_key, digest_size=_MAC_BYTES).digest()


class MasterKey:
    """The secret of this service."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise WrongMasterKey("The master key must have 32 bytes.")
        self._secret = secret
        self.wrapping = AESGCM(self._derive("wrapping"))
        self.tenant = lru_cache(TENANTS_REMEMBERED)(self._tenant)

    @property
    def fingerprint(self) -> bytes:
        """What tells this key from others and says nothing of it; kept in the database."""
        return self._derive("fingerprint")[:16]

    def _tenant(self, name: str) -> TenantKeys:
        return TenantKeys(
            name, self._derive("event mac", name), self._derive("number mac", name), self._derive("cursors", name)
        )

    def _derive(self, purpose: str, tenant: str = "") -> bytes:
        info = f"holdfast call-events {purpose}\0{tenant}".encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._secret)


def read(path: Path) -> MasterKey:
    """Read the key file; raise WrongMasterKey if it is not there, is open to others, or holds something else."""
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
    except FileNotFoundError:
        message = "The master key's file is not there: put back the one of this database (the first migrate makes it)."
        raise WrongMasterKey(message) from None
    except (OSError, UnicodeDecodeError):
        raise WrongMasterKey("The master key's file cannot be read.") from None
    if mode & 0o077:
        raise WrongMasterKey("The master key's file is open to others: chmod 600 it.")
    try:
        return MasterKey(bytes.fromhex(text.strip()))
    except ValueError:
        raise WrongMasterKey("The master key's file must hold 64 hexadecimal digits.") from None


def create(path: Path) -> None:
    """Make a key file (mode 0600, whole from its first moment); one that is there stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{secrets.token_hex(KEY_BYTES)}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(scratch, path)
    except FileExistsError:
        pass
    finally:
        scratch.unlink()

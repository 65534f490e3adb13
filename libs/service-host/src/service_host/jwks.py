"""The public keys tokens are checked with: a JWKS file or URL, read again when old or when a key is unknown.

The algorithm belongs to the key, never to the token: a token that names another one is refused, symmetric keys are not
taken at all. Unknown key ids cause at most one reading per ``RELOAD_SECONDS``: made-up ids cannot make us ask forever.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt

from service_host.settings import ASYMMETRIC

RELOAD_SECONDS = 10.0
LONGEST_AGE_SECONDS = 300.0
LONGEST_KEY_SET = 1_000_000
FETCH_SECONDS = 5.0


class UnknownKey(Exception):
    """No key of the set has this id and algorithm."""


class UnreadableKeys(Exception):
    """The key set cannot be read, or holds no key that may be used."""


@dataclass(frozen=True, slots=True)
class Key:
    """One public key with the single algorithm it is for."""

    key: Any
    algorithm: str


class KeySet:
    """The keys of one issuer; ``generation`` grows whenever they change."""

    def __init__(
        self, place: str, algorithms: tuple[str, ...], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._place = place
        self._algorithms = frozenset(algorithms) & ASYMMETRIC
        self._monotonic = monotonic
        self._keys: Mapping[str, Key] = {}
        self._text: bytes | None = None
        self._asked_at = float("-inf")
        self._old_at = float("-inf")
        self._lock = asyncio.Lock()
        self._reloading: asyncio.Task[None] | None = None
        self.generation = 0

    async def load(self) -> None:
        """Read the keys; UnreadableKeys with a sentence if that fails. Call it once at start to fail early."""
        async with self._lock:
            await self._load()

    async def key(self, key_id: object, algorithm: object) -> Key:
        """The key with this id, if it is for this algorithm; UnknownKey otherwise."""
        if key_id not in self._keys:
            await self._reload()
        key = self._keys.get(str(key_id))
        if key is None or key.algorithm != algorithm:
            raise UnknownKey
        return key

    def refresh_if_old(self) -> None:
        """Begin to read again what is old; nobody waits for it, and while it fails the old keys stay in use."""
        if self._monotonic() >= self._old_at and (self._reloading is None or self._reloading.done()):
            self._reloading = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        async with self._lock:
            if self._monotonic() - self._asked_at < RELOAD_SECONDS:
                return
            with suppress(UnreadableKeys):
                await self._load()

    async def _load(self) -> None:
        self._asked_at = self._monotonic()
        self._old_at = self._asked_at + RELOAD_SECONDS
        text = await asyncio.to_thread(_read, self._place)
        if text != self._text:
            self._keys, self._text = _parse(text, self._algorithms), text
            self.generation += 1
        self._old_at = self._asked_at + LONGEST_AGE_SECONDS


def _read(place: str) -> bytes:
    try:
        return _fetch(place) if "://" in place else Path(place).read_bytes()[: LONGEST_KEY_SET + 1]
    except (OSError, ValueError) as error:
        sentence = (
            f"The key set cannot be read ({type(error).__name__}): JWKS must be a file or an http(s) URL that answers."
        )
        raise UnreadableKeys(sentence) from None


def _fetch(url: str) -> bytes:
    if urlsplit(url).scheme not in {"http", "https"}:
        sentence = "only http and https"
        raise ValueError(sentence)
    with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as answer:  # noqa: S310  # the scheme is checked above
        return bytes(answer.read(LONGEST_KEY_SET + 1))


def _parse(text: bytes, algorithms: frozenset[str]) -> Mapping[str, Key]:
    try:
        found = json.loads(text)["keys"] if len(text) <= LONGEST_KEY_SET else []
        keys = dict(_usable(entry, algorithms) for entry in found if _is_signing(entry))
    except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError):
        keys = {}
    usable = {key_id: key for key_id, key in keys.items() if key is not None}
    if not usable:
        sentence = f"The key set holds no signing key with an id for any of {', '.join(sorted(algorithms))}."
        raise UnreadableKeys(sentence)
    return usable


def _is_signing(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("kid")) and entry.get("use", "sig") == "sig" and entry.get("kty") != "oct"


def _usable(entry: Mapping[str, Any], algorithms: frozenset[str]) -> tuple[str, Key | None]:
    key = jwt.PyJWK(dict(entry))
    usable = key.algorithm_name in algorithms
    return str(entry["kid"]), Key(key, key.algorithm_name) if usable else None

"""Tokens for one's own machine: a key in a folder, its public half beside it, tokens minted from it.

For ``holdfast up``, tests and measurements. Whoever can read the folder can be anyone, so it is mode 0700 and the key
0600. In production tokens come from the organisation's own identity provider.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ISSUER = "holdfast-local"
AUDIENCE = "holdfast"
ALGORITHM = "ES256"
_KEY_FILE = "issuer-key.pem"
_JWKS_FILE = "jwks.json"


class LocalIssuer:
    """Makes (once) and keeps an ES256 key in ``folder``; ``jwks`` is the file services read."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.jwks = folder / _JWKS_FILE
        self._key = _key(folder / _KEY_FILE)
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self._key_id = hashlib.sha256(json.dumps(public, sort_keys=True).encode()).hexdigest()[:16]
        document = {"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": ALGORITHM}]}
        _write(self.jwks, json.dumps(document).encode(), 0o644)

    def mint(
        self,
        tenant: str,
        subject: str,
        *,
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        sources: Iterable[str] = (),
        ttl: timedelta = timedelta(hours=12),
        claims: Mapping[str, object] | None = None,
    ) -> str:
        """A signed token. ``claims`` adds others (agent, team) or replaces any; with None it takes one away."""
        now = int(time.time())
        body: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "tenant": tenant,
            "scope": " ".join(sorted(scopes)),
            "roles": sorted(roles),
            "sources": sorted(sources),
            "iat": now,
            "nbf": now,
            "exp": now + int(ttl.total_seconds()),
        }
        told = {name: value for name, value in {**body, **(claims or {})}.items() if value is not None}
        return jwt.encode(told, self._key, ALGORITHM, headers={"kid": self._key_id})


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    with suppress(FileExistsError):
        made = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        _write_once(path, made.private_bytes(*form))
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        sentence = "The local issuer's key file holds another kind of key; remove it to have one made."
        raise TypeError(sentence)
    return key


def _write_once(path: Path, content: bytes) -> None:
    """Whole and 0600 from its first moment; FileExistsError if another was first."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    _write(scratch, content, 0o600)
    try:
        os.link(scratch, path)
    finally:
        scratch.unlink()


def _write(path: Path, content: bytes, mode: int) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    scratch.replace(path)

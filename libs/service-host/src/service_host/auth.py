"""Who is calling: tokens verified once, remembered until they expire.

:class:`TokenVerifier` checks JWTs against a key set with an allow-list of algorithms; :class:`InsecureDev` lets
everyone in as one tenant, on loopback only; :func:`verifier` picks by settings.
:class:`~service_host.local_issuer.LocalIssuer` makes tokens for one's own machine.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import jwt

from service_host.addresses import is_loopback
from service_host.call import Caller
from service_host.errors import Unauthenticated
from service_host.jwks import KeySet, UnknownKey
from service_host.local_issuer import LocalIssuer
from service_host.settings import HostSettings, WrongSettings

if TYPE_CHECKING:
    from service_host.authorisation import Policy

__all__ = ["Caller", "InsecureDev", "LocalIssuer", "TokenVerifier", "Verified", "Verifier", "verifier"]

LONGEST_TOKEN = 8192
REMEMBERED_TOKENS = 10_000
LEEWAY_SECONDS = 5
_REQUIRED = ["exp", "iss", "aud", "sub", "tenant"]


@dataclass(frozen=True, slots=True)
class Verified:
    """A caller and the instant (Unix seconds) at which their token ends."""

    caller: Caller
    expires: float


class Verifier(Protocol):
    """Whatever can say who calls."""

    async def open(self) -> None:
        """Get ready; raises what should end the start."""

    def remembered(self, credentials: str | None) -> Verified | None:
        """The caller if these credentials were verified before and still hold; costs a dictionary look-up."""

    async def verify(self, credentials: str | None) -> Verified:
        """The caller; raises Unauthenticated with a reason. ``credentials`` is the Authorization header."""


class TokenVerifier:
    """Verifies JWTs: signature by the key set, allow-listed algorithm bound to the key, iss, aud, exp, nbf.

    A verified token is remembered until it expires or the key set changes, so that a removed key ends its tokens.
    """

    def __init__(self, keys: KeySet, *, issuer: str, audience: str, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._remembered: OrderedDict[str, Verified] = OrderedDict()
        self._generation = keys.generation

    async def open(self) -> None:
        """Read the keys; UnreadableKeys if there are none."""
        await self._keys.load()

    def remembered(self, credentials: str | None) -> Verified | None:
        """The caller if these very credentials were verified before and still hold."""
        self._keys.refresh_if_old()
        found = self._remembered.get(credentials or "")
        if found is None or found.expires <= self._clock() or self._generation != self._keys.generation:
            return None
        return found

    async def verify(self, credentials: str | None) -> Verified:
        """The caller the token names; Unauthenticated (TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED) otherwise."""
        token = _bearer(credentials)
        claims = await self._claims(token)
        verified = Verified(_caller(claims), float(claims["exp"]))
        self._remember(f"{credentials}", verified)
        return verified

    async def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = await self._keys.key(header.get("kid"), header.get("alg"))
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED, "strict_aud": False, "enforce_minimum_key_length": True},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("TOKEN_EXPIRED", "The token has expired.") from None
        except (jwt.PyJWTError, UnknownKey, ValueError):
            raise Unauthenticated("TOKEN_INVALID", "The token is not valid here.") from None

    def _remember(self, credentials: str, verified: Verified) -> None:
        if self._generation != self._keys.generation:
            self._remembered.clear()
            self._generation = self._keys.generation
        self._remembered[credentials] = verified
        self._remembered.move_to_end(credentials)
        while len(self._remembered) > REMEMBERED_TOKENS:
            self._remembered.popitem(last=False)


class InsecureDev:
    """Everyone is one developer who may do everything; refuses to exist for an address others can reach."""

    def __init__(self, settings: HostSettings, policy: Policy, tenant: str = "dev") -> None:
        if not all(is_loopback(address) for address in settings.addresses):
            raise WrongSettings(["INSECURE_DEV is only for loopback addresses."])
        caller = Caller(tenant, "developer", policy.every_scope(), policy.every_role(), frozenset({"*"}))
        self._verified = Verified(caller, float("inf"))

    async def open(self) -> None:
        """Nothing to read."""

    def remembered(self, credentials: str | None) -> Verified | None:
        """The developer, whatever the credentials."""
        del credentials
        return self._verified

    async def verify(self, credentials: str | None) -> Verified:
        """The developer, whatever the credentials."""
        del credentials
        return self._verified


def verifier(settings: HostSettings, policy: Policy) -> Verifier:
    """The verifier these settings ask for; WrongSettings if they name neither keys nor insecure_dev."""
    if settings.insecure_dev:
        return InsecureDev(settings, policy)
    if not settings.jwks:
        raise WrongSettings(["JWKS must name the keys that tokens are checked with."])
    keys = KeySet(settings.jwks, settings.algorithms)
    return TokenVerifier(keys, issuer=settings.issuer, audience=settings.audience)


def _bearer(credentials: str | None) -> str:
    scheme, _, token = (credentials or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("TOKEN_MISSING", "Send a token: authorization: Bearer <token>.")
    if len(token) > LONGEST_TOKEN:
        raise Unauthenticated("TOKEN_INVALID", "The token is not valid here.")
    return token


def _caller(claims: Mapping[str, Any]) -> Caller:
    return Caller(
        tenant=_word(claims, "tenant"),
        subject=_word(claims, "sub"),
        scopes=frozenset(str(claims.get("scope", "")).split()),
        roles=_words(claims, "roles"),
        sources=_words(claims, "sources"),
        agent=_word(claims, "agent") if "agent" in claims else None,
        team=_word(claims, "team") if "team" in claims else None,
    )


def _word(claims: Mapping[str, Any], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str) or not value.strip():
        raise Unauthenticated("TOKEN_INVALID", "The token is not valid here.")
    return value


def _words(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    value = claims.get(name, [])
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise Unauthenticated("TOKEN_INVALID", "The token is not valid here.")
    return frozenset(value)

"""What every call passes on its way in, whatever the door: who, may they, how long, how many.

One object per process; its gRPC and HTTP doors share it, so that they cannot come to differ. It also knows how much is
under way, which is what draining waits for.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from opentelemetry.trace import SpanKind

from service_host import telemetry
from service_host.auth import Caller, Verified, Verifier, verifier
from service_host.authorisation import Policy, Rule
from service_host.call import Call
from service_host.errors import DeadlineExceeded, ErrorTable, Refused, Unauthenticated
from service_host.gates import Gate
from service_host.guard import Guard
from service_host.settings import HostSettings, Limits

CALLS = telemetry.Counter("holdfast.calls", "Calls answered, by door, method and status.", "door", "method", "code")
DURATION = telemetry.Histogram("holdfast.call.duration", "How long calls took, in seconds.", "door", "method")
CALL = telemetry.Span(
    "holdfast.call", "One call, from its arrival to its answer.", "method", "code", "door", kind=SpanKind.SERVER
)

ANONYMOUS = Caller("", "", frozenset())
LONGEST_REQUEST_ID = 64
_QUIET_CHECK_SECONDS = 0.02
_PROCESS = secrets.token_hex(4)
_numbers = itertools.count(1)


class HasPeer(Protocol):
    """What knows where a call came from, as ``scheme:host:port``."""

    def peer(self) -> str:
        """The address."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method as the edge sees it. Without a rule it is open to all; with ``any_token``, to all who have one."""

    name: str
    rule: Rule | None
    any_token: bool = False


class Edge:
    """Admits calls, counts them, explains their failures."""

    def __init__(
        self,
        settings: HostSettings,
        policy: Policy,
        errors: ErrorTable | None = None,
        *,
        verify: Verifier | None = None,
    ) -> None:
        self.settings = settings
        self.policy = policy
        self.limits: Limits = settings.limits
        self.verifier = verify if verify is not None else verifier(settings, policy)
        self.guard = Guard(errors or ErrorTable())
        self.unary = Gate("calls", self.limits.unary_per_caller, self.limits.unary_total)
        self.streams = Gate("streams", self.limits.streams_per_caller, self.limits.streams_total)
        self.last_arrival = time.monotonic()
        self.draining = False
        self._default_seconds = self.limits.default_deadline.total_seconds()
        self._maximum_seconds = self.limits.maximum_deadline.total_seconds()

    async def identify(self, method: Method, credentials: str | None) -> Verified:
        """Who calls, if they may call ``method``; Unauthenticated or PermissionDenied otherwise."""
        if method.rule is None and not method.any_token:
            return Verified(ANONYMOUS, float("inf"))
        verified = self.verifier.remembered(credentials) or await self.verifier.verify(credentials)
        if method.rule is not None:
            method.rule.check(verified.caller)
        return verified

    def allowed_seconds(self, method: Method, asked: float | None) -> float:
        """How long a call may take: what was asked for, but no longer than the maximum."""
        rule = method.rule
        longest = rule.deadline.total_seconds() if rule and rule.deadline else self._maximum_seconds
        return min(longest, self._default_seconds if asked is None else asked)

    def stream_seconds(self, verified: Verified, asked: float | None) -> float:
        """How long a stream may last: no longer than its token."""
        longest = min(self.limits.stream_life.total_seconds(), verified.expires - time.time())
        return longest if asked is None else min(longest, asked)

    def begin(self, method: Method, verified: Verified, seconds: float, headers: Mapping[str, str]) -> Call:
        """The call as its handler will see it."""
        self.last_arrival = now = time.monotonic()
        given = headers.get("x-request-id", "")
        request_id = given if _usable(given) else f"{_PROCESS}-{next(_numbers)}"
        return Call(method.name, verified.caller, request_id, now + seconds, headers.get("traceparent", ""))

    def ended(self, verified: Verified) -> Refused:
        """Why a stream's time is over."""
        if verified.expires <= time.time():
            return Unauthenticated("TOKEN_EXPIRED", "The token has expired.")
        return DeadlineExceeded("STREAM_OVER", "The stream has lasted as long as one may; resume with a new one.")

    async def quiet(self) -> None:
        """Return when no call has arrived, and none is under way, for ``drain_quiet``; the caller bounds the wait."""
        quiet_seconds = self.limits.drain_quiet.total_seconds()
        while self.unary.count or time.monotonic() - self.last_arrival < quiet_seconds:  # noqa: ASYNC110 - calls tell nothing
            await asyncio.sleep(_QUIET_CHECK_SECONDS)


def gate_key(verified: Verified, context: HasPeer) -> str:
    """What a caller's share is counted by: tenant and subject, or the peer's host for those without a token."""
    caller = verified.caller
    return f"{caller.tenant}\0{caller.subject}" if caller.tenant else context.peer().rpartition(":")[0]


class Meter:
    """The metrics of one method, found once."""

    def __init__(self, door: str, method: str) -> None:
        self._labels = (door, method)
        self._duration = DURATION.bound(door, method)
        self._codes: dict[str, telemetry.Bound] = {}

    def record(self, code: str, seconds: float) -> None:
        """One more call, answered with ``code`` after ``seconds``."""
        count = self._codes.get(code)
        if count is None:
            count = self._codes[code] = CALLS.bound(*self._labels, code)
        count(1)
        self._duration(seconds)


def _usable(request_id: str) -> bool:
    return 0 < len(request_id) <= LONGEST_REQUEST_ID and request_id.isascii() and request_id.replace("-", "").isalnum()

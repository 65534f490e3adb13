"""The call being answered: who asks, and until when. Set once by the edge, read by whoever answers."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass

from service_host.errors import PermissionDenied


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as their verified token says and by nothing else.

    ``sources`` are the tellers of facts this token may speak for; ``"*"`` stands for all of the tenant's and is
    there only if the token itself says so (imports). ``agent`` and ``team`` are set for people's tokens.
    """

    tenant: str
    subject: str
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    agent: str | None = None
    team: str | None = None

    def speaks_for(self, source: str) -> bool:
        """Whether the token names this source."""
        return source in self.sources or "*" in self.sources

    def require_source(self, source: str) -> None:
        """Raise PermissionDenied unless the token names this source."""
        if not self.speaks_for(source):
            raise PermissionDenied("SOURCE_NOT_YOURS", "The token does not speak for this source.")


@dataclass(frozen=True, slots=True)
class Call:
    """One call under way: its method, caller, id for logs, and the instant (monotonic, seconds) it must end by.

    ``traceparent`` is the W3C header as it arrived, or empty.
    """

    method: str
    caller: Caller
    request_id: str
    deadline: float
    traceparent: str = ""


_current: ContextVar[Call] = ContextVar("service_host_call")


def begin(call: Call) -> None:
    """Make this the call of the running task; only an edge does this."""
    _current.set(call)


def current() -> Call:
    """The call being answered; LookupError outside of one."""
    return _current.get()


def caller() -> Caller:
    """Who asks; LookupError outside of a call."""
    return _current.get().caller


def seconds_left(default: float = 30.0) -> float:
    """How long the call may still take, never negative; ``default`` outside of a call."""
    call = _current.get(None)
    return default if call is None else max(0.0, call.deadline - time.monotonic())

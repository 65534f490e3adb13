"""What a caller is told when the answer is no, in one form for gRPC and HTTP.

::

    Refused                    the answer is no; ``reason`` is a word a program can switch on
    ├── InvalidArgument        the caller: the request is malformed
    ├── TooLarge               the caller: the request is longer than the limit
    ├── Unauthenticated        the caller: no valid token
    ├── PermissionDenied       the caller: the token does not reach so far
    ├── NotFound               the caller: no such thing, or not theirs (the two look alike)
    ├── AlreadyExists          the caller: the same name with another content
    ├── FailedPrecondition     the caller: something must be done first
    ├── Conflict               another writer: read again, decide again
    ├── ResourceExhausted      the world: too much at once, try again after ``retry_after``
    ├── Unavailable            the world: a part is away, try again after ``retry_after``
    ├── DeadlineExceeded       the world: it took too long; whether it was done is unknown
    ├── Unimplemented          the caller: there is no such method
    └── Bug                    us: told with an id under which the log has the place

A package's own exceptions know none of this: each edge maps them by one :class:`ErrorTable`. Messages and
metadata leave the house, so neither may hold a number, a name or the text of a foreign exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, TypeAlias

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc_status import rpc_status

DOMAIN = "holdfast"
Trailers: TypeAlias = tuple[tuple[str, str | bytes], ...]


class Refused(Exception):
    """The answer is no.

    ``reason`` is UPPER_SNAKE and never changes its meaning; ``message`` is one sentence for a person;
    ``metadata`` are values a program may need, as strings.
    """

    status: ClassVar[StatusCode] = StatusCode.UNKNOWN
    http_status: ClassVar[int] = 500

    def __init__(
        self, reason: str, message: str, /, *, retry_after: timedelta | None = None, **metadata: object
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.metadata = {key: str(value) for key, value in metadata.items()}


class InvalidArgument(Refused):
    """The request is malformed; sending it again changes nothing."""

    status = StatusCode.INVALID_ARGUMENT
    http_status = 400


class TooLarge(Refused):
    """The request is longer than the limit."""

    status = StatusCode.RESOURCE_EXHAUSTED
    http_status = 413


class Unauthenticated(Refused):
    """There is no valid token with the call."""

    status = StatusCode.UNAUTHENTICATED
    http_status = 401


class PermissionDenied(Refused):
    """The token is valid and does not reach so far."""

    status = StatusCode.PERMISSION_DENIED
    http_status = 403


class NotFound(Refused):
    """There is no such thing, or it is not the caller's: the two answers are the same."""

    status = StatusCode.NOT_FOUND
    http_status = 404


class AlreadyExists(Refused):
    """The same name is taken by something else."""

    status = StatusCode.ALREADY_EXISTS
    http_status = 409


class FailedPrecondition(Refused):
    """Something else must be done first."""

    status = StatusCode.FAILED_PRECONDITION
    http_status = 400


class Conflict(Refused):
    """Another writer was first: read again and decide again."""

    status = StatusCode.ABORTED
    http_status = 409


class ResourceExhausted(Refused):
    """Too much at once; try again after ``retry_after``."""

    status = StatusCode.RESOURCE_EXHAUSTED
    http_status = 429


class Unavailable(Refused):
    """A part is away; try again after ``retry_after``."""

    status = StatusCode.UNAVAILABLE
    http_status = 503


class DeadlineExceeded(Refused):
    """It took too long; whether it was done is unknown."""

    status = StatusCode.DEADLINE_EXCEEDED
    http_status = 504


class Unimplemented(Refused):
    """There is no such method here."""

    status = StatusCode.UNIMPLEMENTED
    http_status = 501


class Bug(Refused):
    """We are wrong. The caller learns an id, the log has the place under that id."""

    status = StatusCode.INTERNAL
    http_status = 500

    def __init__(self, error_id: str) -> None:
        super().__init__("INTERNAL", "Something went wrong on our side.", error_id=error_id)
        self.error_id = error_id


@dataclass(frozen=True, slots=True)
class Row:
    """How one class of a package's own exceptions is told at an edge.

    The message is the exception's own docstring (first line) unless ``message`` makes one; the exception's
    text is never used, since it may hold what must not leave.
    """

    refusal: type[Refused]
    reason: str
    message: Callable[[Any], str] | None = None
    metadata: Callable[[Any], Mapping[str, object]] = field(default=lambda _: {})
    retry_after: timedelta | None = None

    def refuse(self, error: Exception) -> Refused:
        """The refusal that stands for ``error``."""
        message = self.message(error) if self.message else _first_line(type(error))
        return self.refusal(self.reason, message, retry_after=self.retry_after, **self.metadata(error))


class ErrorTable:
    """One edge's table from exception class to what the caller is told; the nearest base class wins."""

    def __init__(self, rows: Mapping[type[Exception], Row] | None = None) -> None:
        self._rows = dict(rows or {})

    def refusal(self, error: Exception) -> Refused | None:
        """The refusal for ``error``, or nothing if the table does not know its class: then it is our bug."""
        if isinstance(error, Refused):
            return error
        for base in type(error).__mro__:
            row = self._rows.get(base)
            if row is not None:
                return row.refuse(error)
        return None


def trailers(refusal: Refused) -> Trailers:
    """The ``google.rpc.Status`` of a refusal, with ErrorInfo and RetryInfo, as gRPC trailing metadata."""
    details = [_pack(_error_info(refusal))]
    if refusal.retry_after is not None:
        details.append(_pack(_retry_info(refusal.retry_after)))
    status = status_pb2.Status(code=refusal.status.value[0], message=refusal.message, details=details)
    metadata: Trailers = tuple(rpc_status.to_status(status).trailing_metadata)
    return metadata


def problem(refusal: Refused) -> dict[str, object]:
    """The same as JSON: ``{code, reason, message, metadata}`` and, if known, ``retry_after_ms``."""
    body: dict[str, object] = {
        "code": refusal.status.name,
        "reason": refusal.reason,
        "message": refusal.message,
        "metadata": refusal.metadata,
    }
    if refusal.retry_after is not None:
        body["retry_after_ms"] = round(refusal.retry_after.total_seconds() * 1000)
    return body


def _error_info(refusal: Refused) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=refusal.metadata)


def _retry_info(after: timedelta) -> error_details_pb2.RetryInfo:
    delay = duration_pb2.Duration()
    delay.FromTimedelta(after)
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _pack(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _first_line(kind: type[Exception]) -> str:
    text = (kind.__doc__ or "").strip()
    return text.splitlines()[0] if text else "The request was refused."

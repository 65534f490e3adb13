"""The one table between a log's errors and gRPC statuses with google.rpc.ErrorInfo, for both ends of the wire."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from event_log.errors import (
    AppendRefused,
    Busy,
    EventLogError,
    IncarnationChanged,
    InvalidRead,
    LogUnavailable,
    NotAllowed,
)
from event_log.model import Cursor

DOMAIN = "holdfast"
DEFAULT_RETRY = timedelta(milliseconds=200)
_DETAILS = "grpc-status-details-bin"
_STATUS: Mapping[type[EventLogError], tuple[grpc.StatusCode, str]] = {
    AppendRefused: (grpc.StatusCode.FAILED_PRECONDITION, "APPEND_REFUSED"),
    InvalidRead: (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_READ"),
    IncarnationChanged: (grpc.StatusCode.FAILED_PRECONDITION, "INCARNATION_CHANGED"),
    NotAllowed: (grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED"),
    Busy: (grpc.StatusCode.RESOURCE_EXHAUSTED, "LOG_BUSY"),
    LogUnavailable: (grpc.StatusCode.UNAVAILABLE, "LOG_UNAVAILABLE"),
}
_CLOSED_DOOR = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


async def abort(context: "grpc.aio.ServicerContext[Any, Any]", error: EventLogError) -> NoReturn:
    """End a call with what the table says of an error."""
    code, reason = next(row for kind in type(error).__mro__ if (row := _STATUS.get(kind)))
    details = [_packed(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=_metadata(error)))]
    if isinstance(error, Busy):
        delay = duration_pb2.Duration()
        delay.FromTimedelta(error.retry_after)
        details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    status = status_pb2.Status(code=code.value[0], message=str(error), details=details)
    await context.abort(code, str(error), tuple(rpc_status.to_status(status).trailing_metadata))
    raise AssertionError("abort returned")


def raised_by(error: grpc.aio.AioRpcError) -> EventLogError:
    """Return the error that a failed call stands for; what the table does not know is the world's."""
    info, retry = _details(error)
    match info.reason:
        case "INCARNATION_CHANGED":
            return IncarnationChanged(_cursor(info.metadata, "held"), _cursor(info.metadata, "actual"))
        case "INVALID_READ":
            return InvalidRead(error.details() or "")
        case "LOG_BUSY":
            after = retry.retry_delay.ToTimedelta() if retry.HasField("retry_delay") else DEFAULT_RETRY
            return Busy(after)
        case _ if error.code() in _CLOSED_DOOR:
            return NotAllowed(f"the log refuses this token: {info.reason or error.code().name}")
        case _:
            return LogUnavailable(f"the log's service answered {error.code().name}")


def _details(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo]:
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    status = status_pb2.Status()
    trailing: Iterable[tuple[str, str | bytes]] = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == _DETAILS and isinstance(value, bytes):
            status.ParseFromString(value)
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(retry)
    return info, retry


def _metadata(error: EventLogError) -> dict[str, str]:
    if not isinstance(error, IncarnationChanged):
        return {}
    return _told("held", error.held) | _told("actual", error.actual)


def _told(which: str, cursor: Cursor) -> dict[str, str]:
    return {
        f"{which}_log_id": cursor.log_id,
        f"{which}_incarnation": str(cursor.incarnation),
        f"{which}_position": str(cursor.position),
    }


def _cursor(metadata: Mapping[str, str], which: str) -> Cursor:
    return Cursor(
        metadata[f"{which}_log_id"],
        int(metadata[f"{which}_incarnation"]),
        int(metadata[f"{which}_position"]),
    )


def _packed(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed

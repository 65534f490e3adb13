"""Channels to our own services: token and deadline with every call, retries only where they do no harm.

The channel is thin: token and deadline are added as each call is made, without gRPC's interceptors (which cost more
than the call). Methods whose descriptor says NO_SIDE_EFFECTS or IDEMPOTENT are tried again on UNAVAILABLE,
others never. With several addresses calls go round those whose health is SERVING, so that nobody notices the restart of
one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeAlias

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.rpc import error_details_pb2, status_pb2
from grpc.aio import AioRpcError, Channel

from service_host import errors, telemetry
from service_host.addresses import is_loopback
from service_host.errors import Refused

Token: TypeAlias = str | Callable[[], str] | None
Metadata: TypeAlias = tuple[tuple[str, str], ...]
DEFAULT_DEADLINE = timedelta(seconds=10)
LONGEST_MESSAGE_BYTES = 16 * 1024 * 1024
_KEEPALIVE_MS = 30_000
_CONNECT_MS = 5_000
"""How long connecting may take (what gRPC names after the pause between two attempts, which it is not)."""
_DETAILS = "grpc-status-details-bin"
_RETRY = {
    "maxAttempts": 4,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_SAFE = frozenset({descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS, descriptor_pb2.MethodOptions.IDEMPOTENT})


def connect(
    address: str,
    *,
    token: Token = None,
    services: Iterable[ServiceDescriptor] = (),
    deadline: timedelta = DEFAULT_DEADLINE,
    ca_certificate: Path | None = None,
    plaintext: bool = False,
) -> ServiceChannel:
    """A channel for generated stubs. ``address`` is host:port, or several joined by commas.

    ``token`` may be a function, asked for each call. ``services`` are those whose idempotent methods may be retried.
    ``deadline`` is for unary calls that say no ``timeout``; streams last until ended. Beyond loopback the
    channel is encrypted (``ca_certificate``, or the system's) unless ``plaintext`` says that something else does it.
    """
    addresses = address.split(",")
    local = plaintext or all(is_loopback(one) for one in addresses)
    if local and ca_certificate is None:
        opened = grpc.aio.insecure_channel(_target(addresses), options=_options(services, len(addresses)))
    else:
        roots = ca_certificate.read_bytes() if ca_certificate else None
        credentials = grpc.ssl_channel_credentials(roots)
        opened = grpc.aio.secure_channel(_target(addresses), credentials, _options(services, len(addresses)))
    return ServiceChannel(opened, token, deadline.total_seconds())


def refusal(error: AioRpcError) -> Refused:
    """What the service said no with: the same class, reason, message, metadata and retry time as it raised."""
    status = status_pb2.Status()
    trailing: Iterable[tuple[str, str | bytes]] = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == _DETAILS and isinstance(value, bytes):
            status.ParseFromString(value)
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(retry)
    after = retry.retry_delay.ToTimedelta() if retry.HasField("retry_delay") else None
    made = _class(error.code())(info.reason or error.code().name, error.details() or "", retry_after=after)
    made.metadata.update(info.metadata)
    return made


class ServiceChannel(Channel):
    """A channel that adds token, deadline and trace to every call."""

    def __init__(self, channel: Channel, token: Token, seconds: float) -> None:
        self._channel = channel
        self._token = token
        self._seconds = seconds

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:  # as grpc has it
        """A callable for one method."""
        return self._with(self._channel.unary_unary(method, *args, **kwargs), self._seconds)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """A callable for one method."""
        return self._with(self._channel.unary_stream(method, *args, **kwargs), None)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """A callable for one method."""
        return self._with(self._channel.stream_unary(method, *args, **kwargs), None)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """A callable for one method."""
        return self._with(self._channel.stream_stream(method, *args, **kwargs), None)

    async def close(self, grace: float | None = None) -> None:
        """Close; calls under way have ``grace`` seconds."""
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002
        """As grpc has it."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """As grpc has it."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until connected."""
        await self._channel.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _with(self, call: Callable[..., Any], seconds: float | None) -> Callable[..., Any]:
        def begin(request: Any = None, *, timeout: float | None = None, metadata: Any = (), **rest: Any) -> Any:
            sent = (*metadata, *self._metadata())
            positional = () if request is None else (request,)
            return call(*positional, timeout=timeout or seconds, metadata=sent, **rest)

        return begin

    def _metadata(self) -> Metadata:
        token = self._token() if callable(self._token) else self._token
        bearer = (("authorization", f"Bearer {token}"),) if token else ()
        trace = telemetry.traceparent() if telemetry.tracing() else ""
        return (*bearer, ("traceparent", trace)) if trace else bearer


def _target(addresses: list[str]) -> str:
    return f"ipv4:{','.join(addresses)}" if len(addresses) > 1 else addresses[0]


def _options(services: Iterable[ServiceDescriptor], addresses: int) -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", LONGEST_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_MS // 3),
        ("grpc.min_reconnect_backoff_ms", _CONNECT_MS),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.service_config", json.dumps(_service_config(services, several=addresses > 1))),
    ]


def _service_config(services: Iterable[ServiceDescriptor], *, several: bool) -> Mapping[str, Any]:
    names = [
        {"service": service.full_name, "method": method.name}
        for service in services
        for method in service.methods
        if _may_be_repeated(method)
    ]
    config: dict[str, Any] = {"methodConfig": [{"name": names, "retryPolicy": _RETRY}]} if names else {}
    if several:
        config |= {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}
    return config


def _may_be_repeated(method: MethodDescriptor) -> bool:
    return method.GetOptions().idempotency_level in _SAFE


def _class(code: grpc.StatusCode) -> type[Refused]:
    kinds: tuple[type[Refused], ...] = (errors.ResourceExhausted, *Refused.__subclasses__())
    for kind in kinds:
        if kind.status is code and kind is not errors.Bug:
            return kind
    return Refused

"""The gRPC door of a process (grpc.aio): servicers behind one edge, health, reflection, a quiet end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from grpc_reflection.v1alpha._async import ReflectionServicer

from service_host.addresses import split_address
from service_host.edge import Edge, Method
from service_host.grpc_edge import wrap
from service_host.grpc_handler import Handler, handler
from service_host.grpc_streams import Streams
from service_host.health import METHODS, Health
from service_host.settings import HostSettings, Limits

Handlers: TypeAlias = Mapping[str, Handler]
_STREAMS_PER_CONNECTION = 1024
_METADATA_BYTES = 16 * 1024


class GrpcHost:
    """Serves gRPC at ``address`` (default: ``settings.grpc_address``); ``door`` names it in the ready line.

    Every method of every servicer added must have a rule in the edge's policy (health is open, reflection needs any
    valid token). Handlers are coroutines, or async generators for streams of answers; they raise
    :mod:`service_host.errors` or whatever the edge's table maps.
    """

    def __init__(self, edge: Edge, *, address: str | None = None, door: str = "grpc") -> None:
        self.edge = edge
        self.door = door
        self.address = address or edge.settings.grpc_address
        self._settings = edge.settings
        self._policy = edge.policy
        self._streams = Streams()
        self._services: dict[str, Handlers] = {}
        self._server: grpc.aio.Server | None = None
        self._health: Health | None = None

    def add(self, register: Callable[[Any, Any], object], servicer: object) -> None:
        """Add a servicer by the function generated for it (``add_…Servicer_to_server``)."""
        register(servicer, _Recorder(self._services))

    async def start(self) -> None:
        """Check the policy, bind, and answer. Raises UndeclaredMethods before anything listens."""
        self._policy.check_grpc(_names(self._services))
        self._health = Health(self._services)
        self.add(health_pb2_grpc.add_HealthServicer_to_server, self._health)
        self.add(reflection_pb2_grpc.add_ServerReflectionServicer_to_server, ReflectionServicer(self._services))
        await self.edge.verifier.open()
        self._server = grpc.aio.server(options=_options(self.edge.limits))
        for service, handlers in self._services.items():
            self._register(self._server, service, handlers)
        self._bind(self._server)
        await self._server.start()

    def set_serving(self, *, serving: bool) -> None:
        """What health answers."""
        if self._health is not None:
            self._health.set_serving(serving=serving)

    async def stop(self, grace: timedelta | None = None) -> None:
        """End streams, take no further call, wait ``grace`` (default: the limit) for those under way."""
        self._streams.drain()
        if self._server is not None:
            seconds = self.edge.limits.drain_grace if grace is None else grace
            await self._server.stop(seconds.total_seconds())
            self._server = None

    def _register(self, server: grpc.aio.Server, service: str, handlers: Handlers) -> None:
        wrapped = {
            name: wrap(self.edge, self._streams, self._method(f"/{service}/{name}"), found)
            for name, found in handlers.items()
        }
        server.add_registered_method_handlers(service, wrapped)

    def _method(self, name: str) -> Method:
        if name in METHODS:
            return Method(name, None)
        if name.startswith(f"/{reflection.SERVICE_NAME}/"):
            return Method(name, None, any_token=True)
        return Method(name, self._policy.rule(name))

    def _bind(self, server: grpc.aio.Server) -> None:
        host, _ = split_address(self.address)
        if self._settings.tls_certificate:
            port = server.add_secure_port(self.address, _credentials(self._settings))
        else:
            port = server.add_insecure_port(self.address)
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Recorder:
    """Stands where generated code expects a server and keeps what it registers."""

    def __init__(self, services: dict[str, Handlers]) -> None:
        self._services = services

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Taken from the other call, which names the methods."""

    def add_registered_method_handlers(
        self, service: str, registered: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """One service with its methods; refuses what is not asynchronous."""
        self._services[service] = {name: handler(f"/{service}/{name}", found) for name, found in registered.items()}


def _names(services: Mapping[str, Handlers]) -> list[str]:
    return [f"/{service}/{name}" for service, handlers in services.items() for name in handlers]


def _credentials(settings: HostSettings) -> grpc.ServerCredentials:
    key, certificate = Path(settings.tls_key).read_bytes(), Path(settings.tls_certificate).read_bytes()
    return grpc.ssl_server_credentials([(key, certificate)])


def _options(limits: Limits) -> list[tuple[str, int]]:
    """Channel arguments: bounds on sizes, ages and pings, and a port nobody else may share."""
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", limits.message_bytes),
        ("grpc.max_send_message_length", limits.answer_bytes),
        ("grpc.max_metadata_size", _METADATA_BYTES),
        ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION),
        ("grpc.keepalive_time_ms", _ms(limits.keepalive)),
        ("grpc.keepalive_timeout_ms", _ms(limits.keepalive) // 3),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _ms(limits.keepalive) // 3),
        ("grpc.max_connection_age_ms", _ms(limits.connection_age)),
        ("grpc.max_connection_age_grace_ms", _ms(limits.connection_age_grace)),
    ]


def _ms(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)

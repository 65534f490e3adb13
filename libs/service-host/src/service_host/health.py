"""The standard health service (grpc.health.v1), with one truth for all services of a process.

Written out rather than taken from grpcio-health-checking, whose ``Watch`` holds a lock while it writes: one watcher
that does not read would keep everybody's health from changing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

from service_host.errors import NotFound

METHODS = frozenset(f"/grpc.health.v1.Health/{name}" for name in ("Check", "List", "Watch"))
_Response = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):
    """Answers for ``""`` and every service named; ``set_serving`` changes them all."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset({"", *services})
        self._serving = False
        self._changed = asyncio.Event()

    def set_serving(self, *, serving: bool) -> None:
        """Tell everyone, those who watch included."""
        self._serving = serving
        self._changed.set()
        self._changed = asyncio.Event()

    async def Check(  # noqa: N802  # the service's word
        self, request: health_pb2.HealthCheckRequest, context: object
    ) -> health_pb2.HealthCheckResponse:
        """SERVING or NOT_SERVING; NotFound for a service that is not here."""
        del context
        if request.service not in self._services:
            raise NotFound("SERVICE_UNKNOWN", "This process does not serve that.")
        return _Response(status=self._status(request.service))

    async def List(  # noqa: N802  # the service's word
        self, request: Any, context: object
    ) -> Any:
        """The status of every service."""
        del request, context
        answers = {name: _Response(status=self._status(name)) for name in self._services}
        return health_pb2.HealthListResponse(statuses=answers)  # type: ignore[attr-defined] # newer than its types

    async def Watch(  # noqa: N802  # the service's word
        self, request: health_pb2.HealthCheckRequest, context: object
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The status now and at every change."""
        del context
        told = None
        while True:
            changed, status = self._changed, self._status(request.service)
            if status != told:
                yield _Response(status=status)
                told = status
            await changed.wait()

    def _status(self, service: str) -> int:
        if service not in self._services:
            return _Response.SERVICE_UNKNOWN
        return _Response.SERVING if self._serving else _Response.NOT_SERVING

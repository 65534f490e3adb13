"""uvicorn as one part of a process that has others: no signals of its own, a socket bound by us, an awaited end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import uvicorn
from starlette.types import ASGIApp

from service_host.addresses import split_address

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

KEEP_ALIVE_SECONDS = 30
CONNECTIONS = 4096
_BACKLOG = 512
_POLL_SECONDS = 0.005


class AsgiServer:
    """Serves one ASGI app at one address."""

    def __init__(self, app: ASGIApp, address: str, *, certificate: str = "", key: str = "") -> None:
        self.address = address
        self._config = uvicorn.Config(
            cast("ASGI3Application", app),
            http="h11",
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            limit_concurrency=CONNECTIONS,
            ssl_certfile=certificate or None,
            ssl_keyfile=key or None,
        )
        self._server = _WithoutSignals(self._config)
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind and answer; OSError when the address is taken."""
        host, port = split_address(self.address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        bound.settimeout(0)
        port = bound.getsockname()[1]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._running = asyncio.create_task(self._server.serve([bound]), name=f"http {self.address}")
        while not self._server.started and not self._running.done():  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self, grace: timedelta) -> None:
        """Take no further connection; requests under way have ``grace`` to end. May be called again with less."""
        if self._running is None:
            return
        self._config.timeout_graceful_shutdown = max(1, round(grace.total_seconds()))
        self._server.force_exit = not grace
        self._server.should_exit = True
        await asyncio.wait({self._running})


class _WithoutSignals(uvicorn.Server):
    """Signals belong to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

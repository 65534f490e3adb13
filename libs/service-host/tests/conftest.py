"""A local issuer, and the echo service really served on a loopback port."""

import io
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest
import structlog

from service_host import echo, logs
from service_host.auth import LocalIssuer
from service_host.edge import Edge
from service_host.errors import ErrorTable
from service_host.grpc_host import GrpcHost
from service_host.local_issuer import ISSUER
from service_host.settings import HostSettings, Limits
from service_host_testing import Credentials, Echoing, Lines, Serve


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> LocalIssuer:
    return LocalIssuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture
def settings(issuer: LocalIssuer) -> HostSettings:
    return HostSettings(jwks=str(issuer.jwks), issuer=ISSUER)


@pytest.fixture
def credentials(issuer: LocalIssuer) -> Credentials:
    """Metadata with a token of the echo's scope; arguments as ``LocalIssuer.mint``."""

    def give(tenant: str = "acme", subject: str = "tester", **claims: Any) -> tuple[tuple[str, str], ...]:
        token = issuer.mint(tenant, subject, **{"scopes": [echo.SCOPE], **claims})
        return (("authorization", f"Bearer {token}"),)

    return give


@pytest.fixture
def serve(settings: HostSettings) -> Serve:
    """Serve the echo with these limits for as long as a context lasts."""

    @asynccontextmanager
    async def serving(errors: ErrorTable | None = None, **limits: Any) -> AsyncIterator[Echoing]:
        chosen = settings.model_copy(update={"limits": Limits(**limits)})
        host = GrpcHost(Edge(chosen, echo.POLICY, errors))
        host.add(echo.add_echo_to_server, echo.Echo())
        await host.start()
        host.set_serving(serving=True)
        async with grpc.aio.insecure_channel(host.address) as channel:
            yield Echoing(host, channel)
        await host.stop(timedelta(0))

    return serving


@pytest.fixture
async def echoing(serve: Serve) -> AsyncIterator[Echoing]:
    async with serve() as found:
        yield found


@pytest.fixture
def captured_logs() -> Iterator[Lines]:
    """Every line logged meanwhile, ours and the libraries', as it was written."""
    stream = io.StringIO()
    kept, level = list(logging.getLogger().handlers), logging.getLogger().level
    logs.configure("test", "debug", stream)
    yield Lines(stream)
    structlog.reset_defaults()
    logging.getLogger().handlers = kept
    logging.getLogger().setLevel(level)

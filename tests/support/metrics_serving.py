"""The metrics service's doors as tests use them: really served, over facts of a test and a log of a test."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from event_log.feed import Feed
from event_log.log import Log
from fact_rows import TENANT
from holdfast.metrics.v1 import metrics_service_pb2_grpc
from metrics import clock
from metrics.answer.doors import hosts
from metrics.answer.rebuilding import rebuilding
from metrics.facts import Facts
from metrics.settings import Settings
from service_host import client
from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer
from service_host.postgres import connect

EVERYTHING = ("figures:read", "people:read", "log:read", "operator")


@dataclass(frozen=True)
class Metrics:
    """A served metrics: stubs and REST for tokens made on demand."""

    grpc_address: str
    http_address: str
    issuer: LocalIssuer

    def token(self, *scopes: str, tenant: str = TENANT, roles: Iterable[str] = (), **claims: str) -> str:
        """Make a token; without scopes one that may do everything. Claims say whose: agent, team."""
        return self.issuer.mint(tenant, "tester", scopes=scopes or EVERYTHING, roles=roles, claims=claims)

    async def call(self, method: str, request: Any, token: str | None = None) -> Any:
        """Call a method by gRPC, once; a stream of answers is given as a list."""
        async with client.connect(self.grpc_address, token=token or self.token()) as channel:
            answer = getattr(metrics_service_pb2_grpc.MetricsServiceStub(channel), method)(request)
            return [one async for one in answer] if hasattr(answer, "read") else await answer

    async def get(self, path: str, token: str | None = None, **query: Any) -> httpx.Response:
        """GET a path of REST; `from_` stands for from."""
        params = {name.rstrip("_"): value for name, value in query.items()}
        headers = {"authorization": f"Bearer {token or self.token()}"}
        async with httpx.AsyncClient(base_url=f"http://{self.http_address}", trust_env=False, timeout=30) as http:
            return await http.get(path, params=params, headers=headers)


@asynccontextmanager
async def serving(
    address: str, folder: Path, log: Log, decisions: Log | None = None, **settings: Any
) -> AsyncIterator[Metrics]:
    """Serve both doors over a database whose facts are live, explaining from a log."""
    issuer = LocalIssuer(folder)
    given = Settings(
        grpc_address="127.0.0.1:0",
        http_address="127.0.0.1:0",
        jwks=str(issuer.jwks),
        issuer=ISSUER,
        audience=AUDIENCE,
        database_url=address,
        **settings,
    )
    async with connect(address, maximum=4) as database:
        facts = Facts(database, Feed("memory", log))
        doors = hosts(given, database, log, clock.now_us, rebuilding(facts), decisions)
        for host in doors:
            await host.start()
            host.set_serving(serving=True)
        try:
            yield Metrics(doors[0].address or "", doors[1].address or "", issuer)
        finally:
            for host in reversed(doors):
                await host.stop()


def named(figures: Iterable[Any]) -> dict[str, Any]:
    """Give figures by name@version."""
    return {f"{figure.name}@{figure.formula_version}": figure for figure in figures}

"""Fixtures of routing's tests: the real service with its feed, on the database of the test module."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from routing_service import TENANT, Centre, Doors, Facts, Running, environment, serving_facts
from service_host.local_issuer import LocalIssuer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def facts_at() -> AsyncIterator[tuple[Facts, int]]:
    """The feed of call-events, and its port."""
    async with serving_facts() as served:
        yield served


@pytest.fixture(scope="module")
def facts(facts_at: tuple[Facts, int]) -> Facts:
    """The feed of call-events."""
    return facts_at[0]


@pytest.fixture(scope="module")
def service(
    database: str, facts_at: tuple[Facts, int], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Running]:
    """The service, serving; with the SETTINGS of the test module, if it has any."""
    folder = tmp_path_factory.mktemp("routing")
    issuer = LocalIssuer(folder / "issuer")
    token_file = folder / "feed.token"
    token_file.write_text(issuer.mint(TENANT, "routing", scopes=("log:read",)))
    told = environment(database, issuer, facts_at[1], token_file) | getattr(request.module, "SETTINGS", {})
    running = Running(os.environ | told, issuer)
    running.migrate()
    running.start()
    yield running
    assert running.stop() == 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(service: Running) -> AsyncIterator[Doors]:
    """Every door, with a token that may do everything in the tenant."""
    async with service.connect() as channel:
        yield Doors(channel)


@pytest.fixture
def centre(doors: Doors, facts: Facts) -> Centre:
    """A small contact centre of the test's own."""
    return Centre(doors, facts)

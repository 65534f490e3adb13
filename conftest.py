"""Fixtures of every test: one real Postgres a run, one fresh database a module, chance that can be repeated."""

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from holdfast_testing import GivenPostgres, PostgresServer, fresh_name
from holdfast_testing import eventually as eventually_
from service_host.embedded_postgres import EmbeddedPostgres

_SLOW = [hypothesis.HealthCheck.too_slow]  # says that the machine is busy, not that a test is wrong
hypothesis.settings.register_profile("holdfast", deadline=None, print_blob=True, suppress_health_check=_SLOW)
hypothesis.settings.load_profile("holdfast")

SEED = int(os.environ.setdefault("HOLDFAST_SEED", str(random.SystemRandom().randrange(1 << 32))))
"""Of the whole run: the processes that share its tests are told it by their environment."""


def pytest_report_header() -> str:
    """Print what repeats this run's chance; hypothesis prints its own beside each failure."""
    return f"seed: {SEED} (HOLDFAST_SEED={SEED} repeats it)"


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Give a source of chance for one test: the run's seed and the test's name decide all of it."""
    return random.Random(f"{SEED} {request.node.nodeid}")  # noqa: S311  tests want chance that can be repeated


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Give the server of this run: that of HOLDFAST_DATABASE_URL when set, else an embedded one in a folder of its own.

    It is everybody's: a test that kills or freezes a server starts an ``EmbeddedPostgres`` for itself.
    """
    if url := os.environ.get("HOLDFAST_DATABASE_URL"):
        yield GivenPostgres(url)
        return
    folder = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    folder.chmod(0o711)  # the server's account passes through
    try:
        with EmbeddedPostgres(folder / "postgres") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def database(postgres: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a database that is empty at the module's first test and gone after its last."""
    name = fresh_name(request.path.stem)
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture
def fresh_database(postgres: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a database of this one test, empty."""
    name = fresh_name(request.path.stem)
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """Give the address of this run's broker, a real one wherever it comes from; where none can be had the test fails.

    It is everybody's: topics have names of their own, and who kills a broker starts a ``LocalBroker`` of his own.
    """
    from event_log.kafka.broker import found_broker  # noqa: PLC0415  # costs half a second that most runs can spare

    folder = Path(tempfile.mkdtemp(prefix="holdfast-kafka-"))
    try:
        with found_broker(folder) as broker:
            yield broker.bootstrap
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def eventually() -> Callable[..., object]:
    """Give ``holdfast_testing.eventually``; a test that wants its types imports it from there."""
    return eventually_

"""What tests of every member share: waiting with a deadline, and a real Postgres.

Import from here by name (``from holdfast_testing import eventually``); the fixtures stand in the root conftest.py.
Nothing of ours is imitated here: a test talks to the real thing.
"""

import asyncio
import inspect
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeVar, overload
from urllib.parse import urlsplit, urlunsplit

import asyncpg

T = TypeVar("T")
DEADLINE = timedelta(seconds=60)
"""Of what is about to happen: long enough for a machine that has other work; nothing waits longer than it must."""
PAUSE_SECONDS = 0.01


class PostgresServer(Protocol):
    """A server on which a test may make databases: embedded, or the one of HOLDFAST_DATABASE_URL."""

    def dsn(self, database: str = ...) -> str:
        """Return the address of a database."""

    def create_database(self, name: str) -> str:
        """Create an empty database and return its address."""

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there, cutting off whoever uses it."""


class GivenPostgres:
    """The server behind an address given from outside; its user must be allowed to create databases."""

    def __init__(self, url: str) -> None:
        self._url = url

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of a database on this server."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    def create_database(self, name: str) -> str:
        """Create an empty database and return its address."""
        asyncio.run(self._execute(f'CREATE DATABASE "{name}"'))
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there, cutting off whoever uses it."""
        asyncio.run(self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._url, timeout=10)
        try:
            await connection.execute(statement, timeout=60)
        finally:
            await connection.close()


def fresh_name(hint: str) -> str:
    """Return a database name that no other test has: readable, lower case, at most 63 characters."""
    readable = re.sub(r"\W+", "_", hint.lower())[-40:].strip("_")
    return f"test_{readable}_{secrets.token_hex(4)}"


@overload
async def eventually(check: Callable[[], Awaitable[T]], *, within: timedelta = ...) -> T: ...
@overload
async def eventually(check: Callable[[], T], *, within: timedelta = ...) -> T: ...
async def eventually(check: Callable[[], object], *, within: timedelta = DEADLINE) -> object:
    """Ask until the answer is truthy, and return it; for what another task or process brings about.

    ``check`` may be sync or async, and may fail with AssertionError until it holds. After ``within`` the last
    AssertionError is raised as it was, or TimeoutError with the last answer.
    """
    deadline = time.monotonic() + within.total_seconds()
    while True:
        late = time.monotonic() >= deadline
        try:
            answer = check()
            value = await answer if inspect.isawaitable(answer) else answer
        except AssertionError:
            if late:
                raise
        else:
            if value:
                return value
            if late:
                message = f"still {value!r} after {within}"
                raise TimeoutError(message)
        await asyncio.sleep(PAUSE_SECONDS)


def eventually_blocking(check: Callable[[], T], *, within: timedelta = DEADLINE) -> T:
    """Ask like ``eventually``, in a test that has no event loop."""
    return asyncio.run(eventually(check, within=within))

"""What every other test leans on: waiting that ends, names that never meet, a given server as good as our own."""

import asyncio
import random
from datetime import timedelta

import pytest

from holdfast_testing import GivenPostgres, PostgresServer, eventually, eventually_blocking, fresh_name

SOON = timedelta(milliseconds=50)


async def test_waiting_returns_the_first_answer_that_holds() -> None:
    answers = iter([0, None, "", "here"])
    assert await eventually(lambda: next(answers)) == "here"


async def test_waiting_lets_other_tasks_bring_it_about() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, event.set)

    async def is_set() -> bool:
        return event.is_set()

    assert await eventually(is_set)


async def test_what_never_comes_is_a_timeout_with_the_last_answer() -> None:
    with pytest.raises(TimeoutError, match="still 0"):
        await eventually(lambda: 0, within=SOON)


async def test_an_assertion_that_never_holds_is_shown_as_it_was() -> None:
    def check() -> bool:
        assert [1] == [2], "the two differ"
        return True

    with pytest.raises(AssertionError, match="the two differ"):
        await eventually(check, within=SOON)


def test_waiting_without_a_loop_ends_too() -> None:
    with pytest.raises(TimeoutError):
        eventually_blocking(lambda: False, within=SOON)


def test_names_of_databases_are_short_and_never_meet() -> None:
    names = {fresh_name("Test-Of Something " * 9) for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) <= 63 and name.isidentifier() for name in names)


def test_a_given_server_makes_and_drops_databases_like_ours(postgres: PostgresServer) -> None:
    given = GivenPostgres(postgres.dsn())
    name = fresh_name("given")
    assert given.create_database(name) == given.dsn(name) == postgres.dsn(name)
    given.drop_database(name)
    given.drop_database(name)


def test_a_tests_chance_comes_from_the_runs_seed_and_its_name(
    chance: random.Random, request: pytest.FixtureRequest
) -> None:
    assert chance.random() != random.Random(request.node.nodeid).random()  # noqa: S311  the seed must matter

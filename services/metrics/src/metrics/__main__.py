"""``python -m metrics migrate`` prepares the database, ``… serve`` serves.

Settings come from the environment (`metrics.settings`). When it serves, a line of JSON on standard output says so.
"""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import grpc

from event_log.errors import Unavailable as LogAway
from event_log.feed import Feed, open_feed
from holdfast.log.v1 import log_service_pb2
from metrics.answer.doors import hosts
from metrics.answer.rebuilding import rebuilding
from metrics.clock import now_us
from metrics.facts import Facts
from metrics.follow.follower import FollowingStopped
from metrics.schema import bring_up_to_date
from metrics.serving_role import grant_serving
from metrics.settings import Settings
from service_host import client, postgres, process
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.settings import WrongSettings, load

NAME: Final = "metrics"
USAGE: Final = "usage: python -m metrics migrate|serve"
FOLD_CONNECTIONS: Final = 8
AGAIN_SECONDS: Final = 1.0
_MIGRATION_SECONDS: Final = 300.0


async def open_service(settings: Settings, service: process.Service) -> None:
    """Open what the service needs and wire it: facts that follow the log, and the doors that answer from them."""
    database = await service.enter(postgres.connect(settings.session_url, application_name=NAME))
    folding = await service.enter(
        postgres.connect(settings.session_url, maximum=FOLD_CONNECTIONS, application_name=f"{NAME} facts")
    )
    feed = await service.enter(open_feed(settings.feed, lambda address: _channel(settings.feed_token, address)))
    decisions = await _decisions(settings, service)
    member = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"
    facts = Facts(folding, feed, member=member, decisions=decisions)
    await facts.prepare()
    service.background("facts", _following(facts.follow))
    if decisions is not None:
        service.background("decisions", _following(facts.follow_decisions))
    service.background("hearing of logs", facts.hear())
    service.background("parked events", facts.retry_of_other_code())
    service.background("readers of bi", facts.end_overlong_readers())
    service.ready_when("database", database.ready)
    decided = decisions.log if decisions else None
    service.serve(*hosts(settings, database, feed.log, now_us, rebuilding(facts), decided))


async def _decisions(settings: Settings, service: process.Service) -> Feed | None:
    """Return the feed of routing's log, if one is named."""
    if not settings.routing_feed:
        return None
    return await service.enter(
        open_feed(settings.routing_feed, lambda address: _channel(settings.routing_feed_token, address))
    )


async def _following(follow: Callable[[], Awaitable[None]]) -> None:
    """Follow for as long as the process lives: a log that is away is waited for, and figures go on while it is.

    Facts that stopped following say so in every answer; a rebuild, from here or elsewhere, makes them follow again.
    """
    while True:
        with suppress(Unavailable, LogAway, DeadlineExceeded, FollowingStopped):
            await follow()
        await asyncio.sleep(AGAIN_SECONDS)


def _channel(token: Callable[[], str], address: str) -> grpc.aio.Channel:
    service = log_service_pb2.DESCRIPTOR.services_by_name["LogService"]
    return client.connect(address, token=token, services=[service])


def migrate() -> None:
    """Bring the database up to date and end."""
    try:
        asyncio.run(_migrated(load(Settings)))
    except WrongSettings as wrong:
        sys.exit(str(wrong))


async def _migrated(settings: Settings) -> None:
    async with (
        postgres.connect(settings.database_url, maximum=1) as database,
        database.acquire(_MIGRATION_SECONDS) as connection,
    ):
        await bring_up_to_date(connection)
        await grant_serving(connection, settings.role)


def main() -> None:
    """Do what the first argument says."""
    match sys.argv[1:2]:
        case ["migrate"]:
            migrate()
        case ["serve"]:
            del sys.argv[1]
            process.run(NAME, Settings, open_service)
        case _:
            sys.exit(USAGE)


if __name__ == "__main__":
    main()

"""``python -m call_events migrate`` prepares the database, ``… serve`` serves, ``… relay`` fills the topic in Kafka.

Settings come from the environment (`call_events.settings`, `call_events.relay`). When it serves or relays, a line of
JSON on standard output says so.
"""

import asyncio
import gc
import os
import secrets
import sys
from typing import Final

from call_events import http_api, schema
from call_events.customer import master_key
from call_events.customer.callers import Callers
from call_events.customer.erasure import Erasures
from call_events.customer.forgetting import Forgetting
from call_events.errors import WrongMasterKey
from call_events.grpc_api import CallEventsApi, Parts
from call_events.log_watch import LogWatch
from call_events.policy import ERRORS, LOG_POLICY, POLICY
from call_events.read.contact_index import ContactIndex
from call_events.record.aliases import Aliases
from call_events.record.recorder import Recorder
from call_events.settings import Settings
from call_events.turn import Turn
from event_log.grpc_service import LogServicer
from event_log.memory import clock_us
from event_log.postgres import open_log
from holdfast.call_events.v1 import call_events_service_pb2_grpc as stubs
from holdfast.log.v1.log_service_pb2_grpc import add_LogServiceServicer_to_server
from service_host import call, postgres, process
from service_host.edge import Edge
from service_host.grpc_host import GrpcHost
from service_host.http_host import HttpHost
from service_host.settings import WrongSettings, load

NAME: Final = "call-events"
YOUNG_OBJECTS: Final = 50_000
USAGE: Final = "usage: python -m call_events migrate|serve|relay"


async def open_service(settings: Settings, service: process.Service) -> None:
    """Open what the service needs and wire it."""
    try:
        master = master_key.read(settings.master_key_file)
        database = await service.enter(postgres.connect(settings.session_url, application_name=NAME))
        early = await service.enter(postgres.connect(settings.early_url, application_name=NAME))
        await schema.check_key(database, master)
    except WrongMasterKey as wrong:
        raise WrongSettings([str(wrong)]) from None
    log = await service.enter(open_log(settings.session_url, settings.db_schema, caller=_caller, watch=LogWatch()))
    callers = Callers(early, master)
    aliases = Aliases(early)
    erasures = Erasures(database, callers, master)
    recorder = Recorder(log, aliases, callers, master, clock_us, settings.own_numbers)
    identity = await log.head()
    parts = Parts(log, database, master, aliases, callers, recorder, erasures, settings.own_numbers, identity)
    index = ContactIndex(
        log, database, f"{os.getpid()}-{secrets.token_hex(4)}", settings.index_duty, lambda: recorder.under_way
    )
    service.background("forgetting", Forgetting(settings.session_url, callers.hear).run())
    service.background("erasures", erasures.run())
    service.background("contact index", index.run())
    service.ready_when("database", database.ready)
    service.welcome_while("appending", Turn(log, settings.succession).ours_or_near)
    _serve(settings, service, parts)
    _spare_the_collector()


def _serve(settings: Settings, service: process.Service, parts: Parts) -> None:
    """Open the doors: gRPC and its JSON twin for tenants, the log for services."""
    edge = Edge(settings, POLICY, ERRORS)
    api = CallEventsApi(parts)
    grpc = GrpcHost(edge)
    grpc.add(stubs.add_CallEventsServiceServicer_to_server, api)
    http = HttpHost(edge, title=NAME)
    http_api.serve_on(http.app, api)
    log = GrpcHost(Edge(settings.log_settings, LOG_POLICY, ERRORS))
    log.door = "log"
    log.add(add_LogServiceServicer_to_server, LogServicer(parts.log))
    service.serve(grpc, http, log)


def _caller() -> str:
    """Return who reads the log or appends: callers share it with each other, and with what goes on beside all calls."""
    try:
        return f"{call.caller().tenant} {call.caller().subject}"
    except LookupError:
        return ""


def _spare_the_collector() -> None:
    """Look for circles of garbage seldom: each event leaves dozens of objects that need no looking for."""
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)


def migrate() -> None:
    """Bring the database up to date and end."""
    try:
        asyncio.run(schema.bring_up_to_date(load(Settings)))
    except (WrongSettings, WrongMasterKey) as wrong:
        sys.exit(str(wrong))


def main() -> None:
    """Do what the first argument says."""
    verb = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if verb == "migrate":
        migrate()
    elif verb == "serve":
        sys.argv.insert(1, "--ready-json")
        process.run(NAME, Settings, open_service)
    elif verb == "relay":
        from call_events import relay  # noqa: PLC0415  # Kafka's client costs half a second that serving can spare

        sys.argv.insert(1, "--ready-json")
        process.run(relay.NAME, relay.Settings, relay.open_service)
    else:
        sys.exit(USAGE)


if __name__ == "__main__":
    main()

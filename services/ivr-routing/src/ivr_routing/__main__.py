"""``python -m ivr_routing migrate`` prepares the database, ``… serve`` serves.

Settings come from the environment (`ivr_routing.settings`). When it serves, a line of JSON on standard output says so;
of several processes on one database one decides, and the others stand by.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import grpc

from event_log.connections import Connections
from event_log.feed import open_feed
from event_log.grpc_service import LogServicer
from event_log.limits import WriterLimits
from event_log.log import Log
from event_log.memory import clock_us
from event_log.postgres import open_log
from holdfast.ivr_routing.v1 import (
    administration_service_pb2_grpc,
    agent_service_pb2_grpc,
    overview_service_pb2_grpc,
    phone_system_service_pb2_grpc,
)
from holdfast.log.v1 import log_service_pb2
from holdfast.log.v1.log_service_pb2_grpc import add_LogServiceServicer_to_server
from ivr_routing import schema
from ivr_routing.doors import http_api
from ivr_routing.doors.administration_api import AdministrationApi
from ivr_routing.doors.agent_api import AgentApi
from ivr_routing.doors.explaining import Explaining
from ivr_routing.doors.overview_api import OverviewApi
from ivr_routing.doors.phone_system_api import PhoneSystemApi
from ivr_routing.doors.policy import ERRORS, LOG_POLICY, POLICY
from ivr_routing.lead import collector
from ivr_routing.lead.facts_feed import FactsFeed
from ivr_routing.lead.flow_facts import FlowFacts
from ivr_routing.lead.leadership import Leadership
from ivr_routing.lead.leading import Leading
from ivr_routing.lead.log_watch import LogWatch
from ivr_routing.lead.lookups import Lookups
from ivr_routing.lead.snapshots import Snapshots
from ivr_routing.settings import Settings
from service_host import client, postgres, process
from service_host.chance import random_bytes
from service_host.edge import Edge
from service_host.grpc_host import GrpcHost
from service_host.http_host import HttpHost
from service_host.settings import WrongSettings, load

NAME: Final = "ivr-routing"
LED: Final = WriterLimits(lease=None)
"""Who leads writes, and nobody else: a second lease, of the log's own, could be with a process that leads no more."""
_REGISTER: Final[dict[str, Callable[[Any, Any], object]]] = {
    "PhoneSystemService": phone_system_service_pb2_grpc.add_PhoneSystemServiceServicer_to_server,
    "AgentService": agent_service_pb2_grpc.add_AgentServiceServicer_to_server,
    "AdministrationService": administration_service_pb2_grpc.add_AdministrationServiceServicer_to_server,
    "OverviewService": overview_service_pb2_grpc.add_OverviewServiceServicer_to_server,
}
USAGE: Final = "usage: python -m ivr_routing migrate|serve"


async def open_service(settings: Settings, service: process.Service) -> None:
    """Open what the service needs and wire it."""
    database = await service.enter(postgres.connect(settings.session_url, application_name=NAME))
    log = await service.enter(open_log(settings.session_url, settings.db_schema, limits=LED, watch=LogWatch()))
    feed = await service.enter(open_feed(settings.feed, lambda address: _channel(settings, address)))
    lookups = await service.enter(Lookups(settings.lookup_hosts))
    leadership = Leadership(Connections(settings.session_url, settings.db_schema), settings.lease)
    facts = FactsFeed(feed, database, leadership)
    snapshots = Snapshots(database)
    leading = Leading(settings, log, leadership, snapshots, facts, clock_us, new_id)
    leading.on_lookup = lookups.begin
    if settings.call_events and settings.call_events_tokens:
        leading.beside = FlowFacts(log, database, settings.call_events, settings.call_events_tokens).run
    service.background("leading", leading.run())
    service.ready_when("database", database.ready)
    service.ready_when("leading", leading.leads)
    _serve(settings, service, leading, log, Explaining(log, snapshots))
    collector.spare_callers()
    service.background("putting away what is old", collector.put_away_for_ever())


def _serve(settings: Settings, service: process.Service, leading: Leading, log: Log, explaining: Explaining) -> None:
    """Open the doors: for phone systems, agents and administrators, and the log for services."""
    edge = Edge(settings, POLICY, ERRORS)
    grpc_host, http_host = GrpcHost(edge), HttpHost(edge, title=NAME)
    apis: dict[str, Any] = {
        "PhoneSystemService": PhoneSystemApi(leading, settings.silence),
        "AgentService": AgentApi(leading, settings.heartbeat),
        "AdministrationService": AdministrationApi(leading, log),
        "OverviewService": OverviewApi(leading, explaining),
    }
    for name, register in _REGISTER.items():
        grpc_host.add(register, apis[name])
    http_api.serve_on(http_host.app, apis)
    log_host = GrpcHost(Edge(settings.log_settings, LOG_POLICY, ERRORS))
    log_host.door = "log"
    log_host.add(add_LogServiceServicer_to_server, LogServicer(log))
    service.serve(grpc_host, http_host, log_host)


def new_id() -> UUID:
    """An id that nobody has."""
    return UUID(bytes=random_bytes(16), version=4)


def _channel(settings: Settings, address: str) -> grpc.aio.Channel:
    service = log_service_pb2.DESCRIPTOR.services_by_name["LogService"]
    return client.connect(address, token=settings.feed_token, services=[service])


def migrate() -> None:
    """Bring the database up to date and end."""
    try:
        asyncio.run(schema.bring_up_to_date(load(Settings)))
    except WrongSettings as wrong:
        sys.exit(str(wrong))


def main() -> None:
    """Do what the first argument says."""
    verb = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if verb == "migrate":
        migrate()
    elif verb == "serve":
        sys.argv.insert(1, "--ready-json")
        process.run(NAME, Settings, open_service)
    else:
        sys.exit(USAGE)


if __name__ == "__main__":
    main()

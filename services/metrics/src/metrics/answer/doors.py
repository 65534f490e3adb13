"""Both doors of the service, wired: what answers behind gRPC and REST alike."""

from collections.abc import Callable

from event_log.log import Log
from holdfast.metrics.v1 import metrics_service_pb2_grpc
from metrics.answer.access import ERRORS, POLICY
from metrics.answer.answers import Answers
from metrics.answer.explanations import Explanations
from metrics.answer.grpc_api import Answering, MetricsApi, Rebuild
from metrics.answer.parked_events import ParkedEvents
from metrics.answer.rest_api import Doors, router
from metrics.answer.scorecards import Scorecards
from metrics.answer.status import Status
from metrics.explain.events import Events
from metrics.follow.retrying import Retrying
from metrics.settings import Settings
from service_host.edge import Edge
from service_host.grpc_host import GrpcHost
from service_host.http_host import HttpHost
from service_host.postgres import Database


def hosts(
    settings: Settings,
    database: Database,
    log: Log,
    clock: Callable[[], int],
    rebuild: Rebuild,
    decisions: Log | None = None,
) -> tuple[GrpcHost, HttpHost]:
    """Return the two doors, not yet open; `clock` tells microseconds since 1970.

    `log` and `decisions`, those of call-events and of routing, are read by explanations.
    """
    events, answers = Events(log, decisions), Answers(database, clock)
    scorecards = Scorecards(database, answers, events)
    explanations = Explanations(database, answers, events, settings.recomputed_contacts)
    status = Status(database, log, clock)
    edge = Edge(settings, POLICY, ERRORS)
    grpc = GrpcHost(edge)
    parked = ParkedEvents(database, Retrying(database, log, decisions))
    api = MetricsApi(Answering(answers, scorecards, explanations, status, parked, rebuild))
    grpc.add(metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server, api)
    http = HttpHost(edge, title="metrics")
    http.app.include_router(router(Doors(answers, scorecards, explanations, status)))
    return grpc, http

"""The running system as a command reaches it: found by its data folder or by addresses, asked by REST or gRPC."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import grpc
import httpx
import jwt
from google.protobuf.descriptor import ServiceDescriptor

from holdfast.call_events.v1 import call_events_service_pb2
from holdfast.ivr_routing.v1 import administration_service_pb2
from holdfast.log.v1 import log_service_pb2
from holdfast.metrics.v1 import metrics_service_pb2
from holdfast_cli.home import Addresses, Home, Running
from holdfast_cli.options import Where
from holdfast_cli.output import CommandFailed
from service_host import client
from service_host.client import ServiceChannel

ANSWER_SECONDS = 60.0
"""How long a report may take."""
PAUSES_SECONDS = (0.1, 0.4, 1.0)
"""Before a question that nobody could answer is asked again."""
CALL_DEADLINE = timedelta(seconds=30)

_Answer = TypeVar("_Answer")


def find(where: Where) -> Running:
    """Return the system named by addresses and token if any is given, else the one that serves on the data folder."""
    if not (where.call_events or where.log or where.metrics or where.metrics_rest or where.ivr_routing):
        return Home(where.data).running()
    if not where.token:
        message = "An address needs a token too: give --token or set HOLDFAST_TOKEN."
        raise CommandFailed(message)
    addresses = Addresses(
        call_events_grpc=where.call_events,
        call_events_log=where.log,
        metrics_grpc=where.metrics,
        metrics_http=where.metrics_rest,
        ivr_routing_grpc=where.ivr_routing,
    )
    return Running(addresses, _tenant(where.token), where.token)


def get(running: Running, path: str, query: Mapping[str, object]) -> dict[str, Any]:
    """GET a JSON document from metrics; CommandFailed with the service's own sentence if it refuses."""
    address = _known(running.addresses.metrics_http, "metrics", "--metrics-rest")
    given = {name: str(value) for name, value in query.items() if value not in (None, "")}
    headers = {"authorization": f"Bearer {running.token}"}
    try:
        with httpx.Client(trust_env=False, timeout=ANSWER_SECONDS) as http:
            answer = _patiently(lambda: http.get(f"http://{address}{path}", params=given, headers=headers))
    except httpx.TransportError as error:
        message = f"metrics does not answer at {address} ({type(error).__name__}): `holdfast doctor` tells more."
        raise CommandFailed(message) from None
    if answer.is_error:
        raise CommandFailed(_refused(answer))
    document: dict[str, Any] = answer.json()
    return document


def _patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask again where nobody could answer just now, as the gRPC doors are asked; a question may be asked often."""
    for pause in PAUSES_SECONDS:
        try:
            answer = ask()
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            answer = None
        if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return answer
        time.sleep(pause)
    return ask()


def call_events(running: Running) -> ServiceChannel:
    """Open a channel to call-events."""
    address = _known(running.addresses.call_events_grpc, "call-events", "--call-events")
    return _channel(running, address, call_events_service_pb2.DESCRIPTOR.services_by_name["CallEventsService"])


def log(running: Running) -> ServiceChannel:
    """Open a channel to the log of call-events."""
    address = _known(running.addresses.call_events_log, "the log of call-events", "--log")
    return _channel(running, address, log_service_pb2.DESCRIPTOR.services_by_name["LogService"])


def metrics(running: Running) -> ServiceChannel:
    """Open a channel to metrics."""
    address = _known(running.addresses.metrics_grpc, "metrics", "--metrics")
    return _channel(running, address, metrics_service_pb2.DESCRIPTOR.services_by_name["MetricsService"])


def ivr_routing(running: Running) -> ServiceChannel:
    """Open a channel to the administration of ivr-routing."""
    address = _known(running.addresses.ivr_routing_grpc, "ivr-routing", "--ivr-routing")
    service = administration_service_pb2.DESCRIPTOR.services_by_name["AdministrationService"]
    return _channel(running, address, service)


def run(work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Run what asks services; CommandFailed with a sentence if one refuses or is away."""
    with told():
        return asyncio.run(work)


@contextmanager
def told() -> Iterator[None]:
    """Tell a refused call as a sentence for people."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise CommandFailed(sentence(error)) from None


def sentence(error: grpc.aio.AioRpcError) -> str:
    """Say why a call was refused, and what to do if the service is away."""
    refused = client.refusal(error)
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return "The service does not answer: `holdfast doctor` tells more."
    return f"{refused.message or 'The call failed.'} ({refused.reason})"


def _channel(running: Running, address: str, service: ServiceDescriptor) -> ServiceChannel:
    return client.connect(address, token=running.token, services=[service], deadline=CALL_DEADLINE)


def _known(address: str, service: str, option: str) -> str:
    if not address:
        message = f"Where {service} serves is not known: give {option} too."
        raise CommandFailed(message)
    return address


def _tenant(token: str) -> str:
    """Return whose token it is; the services check it, here it only names contacts."""
    try:
        return str(jwt.decode(token, options={"verify_signature": False})["tenant"])
    except (jwt.InvalidTokenError, KeyError):
        message = "The token is none of ours: it must be a JWT that names a tenant."
        raise CommandFailed(message) from None


def _refused(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"metrics answered {answer.status_code}: `holdfast doctor` tells more."
    return f"{problem.get('message', 'metrics refused.')} ({problem.get('reason', answer.status_code)})"

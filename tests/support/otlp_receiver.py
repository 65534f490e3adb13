"""A collector of OTLP in the test's own process: it takes what real exporters send, and remembers every span."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


@dataclass(frozen=True, slots=True)
class Link:
    """What a span leads to in another trace; ids in hexadecimal, as a traceparent has them."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Received:
    """A span that a process has sent."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[Link, ...]


class Receiver(trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer):
    """Takes spans and metrics; keeps the spans."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.address = ""

    def named(self, name: str, service: str) -> list[Received]:
        """Return the spans of a name that a service has sent."""
        return [span for span in tuple(self.spans) if (span.name, span.service) == (name, service)]

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  # as the protocol names it
        """Take what one exporter sends; both services name their method alike."""
        del context
        if isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest):
            return metrics_service_pb2.ExportMetricsServiceResponse()
        for one in request.resource_spans:
            service = next(pair.value.string_value for pair in one.resource.attributes if pair.key == "service.name")
            self.spans += [_received(service, span) for scope in one.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Give a receiver that listens at its address for as long as the context lasts."""
    receiver = Receiver()
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]  # brings no types
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]  # brings no types
    receiver.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(None).wait()


def _received(service: str, span: Any) -> Received:
    links = tuple(Link(link.trace_id.hex(), link.span_id.hex()) for link in span.links)
    return Received(service, span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), links)

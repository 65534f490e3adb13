"""Where telemetry goes: nowhere, the console, an OTLP collector, or the memory of a test.

Queues are bounded and drop what does not fit; threads of the SDK do the sending. Closing waits a moment, not longer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    InMemoryMetricReader,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service_host import telemetry
from service_host.addresses import is_loopback
from service_host.settings import HostSettings

SEND_SECONDS = 5
CLOSE_SECONDS = 2.0
METRICS_EVERY_MS = 15_000
SPANS_KEPT = 4096
_library = logging.getLogger("opentelemetry")


@dataclass(frozen=True, slots=True)
class InMemory:
    """What a test reads: finished spans and metrics as they stand."""

    spans: InMemorySpanExporter
    metrics: InMemoryMetricReader


@asynccontextmanager
async def exporting(settings: HostSettings, service: str) -> AsyncIterator[None]:
    """Send telemetry to the console or the collector, as the settings say, for as long as the context lasts."""
    processor, reader = _console() if settings.telemetry == "console" else _otlp(settings.otlp_endpoint)
    close = _connect(service, processor, reader)
    try:
        yield
    finally:
        await asyncio.to_thread(_within, CLOSE_SECONDS, close)


@contextmanager
def in_memory(service: str = "test") -> Iterator[InMemory]:
    """Keep telemetry in memory for as long as the context lasts; for tests."""
    kept = InMemory(InMemorySpanExporter(), InMemoryMetricReader())
    close = _connect(service, SimpleSpanProcessor(kept.spans), kept.metrics)
    try:
        yield kept
    finally:
        close()


def _connect(service: str, processor: SpanProcessor, reader: MetricReader) -> Callable[[], None]:
    _library.setLevel(logging.NOTSET)
    resource = Resource({"service.name": service, "service.namespace": "holdfast", "process.pid": os.getpid()})
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(processor)
    meters = MeterProvider([reader], resource, shutdown_on_exit=False)
    telemetry.connect(meters.get_meter("holdfast"), tracers.get_tracer("holdfast"))

    def close() -> None:
        telemetry.connect(None, None)
        _library.setLevel(logging.CRITICAL + 1)  # what a closed exporter still has to say interests nobody
        tracers.shutdown()
        meters.shutdown(timeout_millis=CLOSE_SECONDS * 1000)

    return close


def _console() -> tuple[SpanProcessor, MetricReader]:
    spans = BatchSpanProcessor(ConsoleSpanExporter(out=sys.stderr), max_queue_size=SPANS_KEPT)
    metrics = ConsoleMetricExporter(out=sys.stderr)
    return spans, PeriodicExportingMetricReader(metrics, METRICS_EVERY_MS)


def _otlp(endpoint: str) -> tuple[SpanProcessor, MetricReader]:
    plain = endpoint.startswith("http://") or ("://" not in endpoint and is_loopback(endpoint))
    spans = OTLPSpanExporter(endpoint, insecure=plain, timeout=SEND_SECONDS)
    metrics = OTLPMetricExporter(endpoint, insecure=plain, timeout=SEND_SECONDS)
    return (
        BatchSpanProcessor(spans, max_queue_size=SPANS_KEPT, export_timeout_millis=SEND_SECONDS * 1000),
        PeriodicExportingMetricReader(metrics, METRICS_EVERY_MS, SEND_SECONDS * 1000),
    )


def _within(seconds: float, work: Callable[[], None]) -> None:
    """Do ``work``, but wait for it no longer than ``seconds``: a dead backend must not hold up the end."""
    thread = threading.Thread(target=work, daemon=True, name="telemetry-close")
    thread.start()
    thread.join(seconds)

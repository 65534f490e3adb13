"""What a process tells about itself: every metric, span and log event, declared once with a sentence.

Metrics are counted in process and read at the admin port; with OpenTelemetry on they are sent on as well. Nothing here
waits for anybody: exporters have bounded queues and threads of their own, so a dead backend costs no call its time.
Labels and keys are those declared and no others; what can name a person is never one of them.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, Literal, TypeAlias

import prometheus_client
import structlog
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.metrics import Meter

Kind: TypeAlias = Literal["counter", "gauge", "histogram", "span", "event"]
Tell: TypeAlias = Callable[[float, Mapping[str, str]], None]

MOST_LINKS = 32
"""Links that one span carries: a batch goes on with many requests, and one of them is enough to find the batch."""
REGISTRY = prometheus_client.CollectorRegistry()
SIZE_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0)
DURATION_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Undeclared(Exception):
    """A name was declared twice, or has no sentence; a programmer's mistake."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One name a process may emit, what it means, and the labels, attributes or keys it may carry."""

    kind: Kind
    name: str
    sentence: str
    keys: tuple[str, ...]


_declared: dict[tuple[Kind, str], Declared] = {}
_metrics: list[Metric] = []
_meter: Meter | None = None
_tracer: trace.Tracer | None = None


def declare(kind: Kind, name: str, sentence: str, *keys: str) -> Declared:
    """Make a name known; Undeclared if it is taken or says nothing about itself."""
    if (kind, name) in _declared:
        raise Undeclared(f"{kind} {name} is declared twice.")
    if not sentence.endswith(".") or len(sentence.split()) < 3:  # noqa: PLR2004  # a sentence has some words
        raise Undeclared(f"{kind} {name} needs a sentence.")
    made = Declared(kind, name, sentence, keys)
    _declared[kind, name] = made
    return made


def declared() -> tuple[Declared, ...]:
    """Everything declared so far, by kind and name."""
    return tuple(_declared[key] for key in sorted(_declared))


class Metric(ABC):
    """A number told to Prometheus always and to OpenTelemetry when it is on; one per name."""

    kind: ClassVar[Kind]

    def __init__(self, name: str, sentence: str, *labels: str) -> None:
        self.declared = declare(self.kind, name, sentence, *labels)
        self._bound: dict[tuple[str, ...], Bound] = {}
        self._prometheus = self._make(name.replace(".", "_").replace("-", "_"), sentence, labels)
        self._otel: Tell | None = None
        self.send_to(_meter)
        _metrics.append(self)

    def bound(self, *values: str) -> Bound:
        """The metric under these label values (in the order declared), to be called with each number."""
        found = self._bound.get(values)
        if found is None:
            child = self._prometheus.labels(*values) if values else self._prometheus
            attributes = dict(zip(self.declared.keys, values, strict=True))
            found = self._bound[values] = Bound(self._told(child), attributes, self._otel)
        return found

    def send_to(self, meter: Meter | None) -> None:
        """From now on tell OpenTelemetry too, or no longer."""
        self._otel = None if meter is None else self._instrument(meter)
        for bound in self._bound.values():
            bound.otel = self._otel

    @abstractmethod
    def _make(self, name: str, sentence: str, labels: Sequence[str]) -> Any:  # three classes
        """The Prometheus metric."""

    @abstractmethod
    def _told(self, child: Any) -> Callable[[float], None]:  # of three classes
        """How Prometheus is told a number."""

    @abstractmethod
    def _instrument(self, meter: Meter) -> Tell:
        """How OpenTelemetry is told a number."""


class Bound:
    """A metric with its label values, ready to be told numbers; cheap enough for every call."""

    __slots__ = ("_attributes", "_prometheus", "otel")

    def __init__(self, prometheus: Callable[[float], None], attributes: dict[str, str], otel: Tell | None) -> None:
        self._prometheus = prometheus
        self._attributes = attributes
        self.otel = otel

    def __call__(self, value: float) -> None:
        self._prometheus(value)
        if self.otel is not None:
            self.otel(value, self._attributes)


class Counter(Metric):
    """Counts upward, by labels."""

    kind = "counter"

    def add(self, amount: float = 1, *values: str) -> None:
        """Add ``amount`` under these label values."""
        self.bound(*values)(amount)

    def _make(self, name: str, sentence: str, labels: Sequence[str]) -> prometheus_client.Counter:
        return prometheus_client.Counter(name, sentence, labels, registry=REGISTRY)

    def _told(self, child: prometheus_client.Counter) -> Callable[[float], None]:
        return child.inc

    def _instrument(self, meter: Meter) -> Tell:
        return meter.create_counter(self.declared.name, description=self.declared.sentence).add


class Gauge(Metric):
    """A value that goes up and down, by labels."""

    kind = "gauge"

    def set(self, value: float, *values: str) -> None:
        """The value under these label values now."""
        self.bound(*values)(value)

    def _make(self, name: str, sentence: str, labels: Sequence[str]) -> prometheus_client.Gauge:
        return prometheus_client.Gauge(name, sentence, labels, registry=REGISTRY)

    def _told(self, child: prometheus_client.Gauge) -> Callable[[float], None]:
        return child.set

    def _instrument(self, meter: Meter) -> Tell:
        return meter.create_gauge(self.declared.name, description=self.declared.sentence).set


class Histogram(Metric):
    """How a length in seconds is spread, by labels."""

    kind = "histogram"
    unit: ClassVar[str] = "s"
    buckets: ClassVar[Sequence[float]] = DURATION_BUCKETS

    def record(self, value: float, *labels: str) -> None:
        """One more length under these label values."""
        self.bound(*labels)(value)

    def _make(self, name: str, sentence: str, labels: Sequence[str]) -> prometheus_client.Histogram:
        return prometheus_client.Histogram(name, sentence, labels, registry=REGISTRY, buckets=self.buckets)

    def _told(self, child: prometheus_client.Histogram) -> Callable[[float], None]:
        return child.observe

    def _instrument(self, meter: Meter) -> Tell:
        name, sentence = self.declared.name, self.declared.sentence
        boundaries = list(self.buckets)
        return meter.create_histogram(name, self.unit, sentence, explicit_bucket_boundaries_advisory=boundaries).record


class Sizes(Histogram):
    """How a number of things is spread, by labels."""

    unit = "1"
    buckets = SIZE_BUCKETS


class Span:
    """A stretch of work seen in traces; costs nothing while tracing is off."""

    def __init__(
        self, name: str, sentence: str, *attributes: str, kind: trace.SpanKind = trace.SpanKind.INTERNAL
    ) -> None:
        self.declared = declare("span", name, sentence, *attributes)
        self._kind = kind

    @contextmanager
    def start(
        self, traceparent: str = "", *, links: Iterable[str] = (), **attributes: str | float
    ) -> Iterator[trace.Span]:
        """Trace the block, under ``traceparent`` if given. An exception's text never enters the span.

        ``links`` are traceparents of what the block goes on with, told in other traces; a few of them are kept.
        """
        if _tracer is None:
            yield trace.INVALID_SPAN
            return
        parent = propagate.extract({"traceparent": traceparent}) if traceparent else otel_context.get_current()
        with _tracer.start_as_current_span(
            self.declared.name,
            parent,
            self._kind,
            links=_links(links),
            attributes={key: value for key, value in attributes.items() if key in self.declared.keys},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span


class Event:
    """One kind of log line: its name, and the only keys it may carry (others are dropped, and said to be)."""

    def __init__(self, name: str, sentence: str, *keys: str) -> None:
        self.declared = declare("event", name, sentence, *keys)

    def info(self, **keys: object) -> None:
        """Something worth knowing happened."""
        self._log(logging.INFO, keys)

    def warning(self, **keys: object) -> None:
        """Something is odd and goes on."""
        self._log(logging.WARNING, keys)

    def error(self, **keys: object) -> None:
        """Something failed that should not."""
        self._log(logging.ERROR, keys)

    def _log(self, level: int, keys: dict[str, object]) -> None:
        kept = {key: value for key, value in keys.items() if key in self.declared.keys}
        if len(kept) < len(keys):
            kept["undeclared_keys"] = sorted(set(keys) - set(kept))
        structlog.get_logger().log(level, self.declared.name, **kept)


def _links(traceparents: Iterable[str]) -> list[trace.Link]:
    """Links to spans of other traces, each once."""
    links: list[trace.Link] = []
    for traceparent in islice(dict.fromkeys(filter(None, traceparents)), MOST_LINKS):
        context = trace.get_current_span(propagate.extract({"traceparent": traceparent})).get_span_context()
        if context.is_valid:
            links.append(trace.Link(context))
    return links


def tracing() -> bool:
    """Whether spans go anywhere."""
    return _tracer is not None


def traceparent() -> str:
    """The W3C traceparent of the running span, or an empty string."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent", "")


def exposition() -> bytes:
    """All metrics in Prometheus' text form."""
    return prometheus_client.generate_latest(REGISTRY)


def connect(meter: Meter | None, tracer: trace.Tracer | None) -> None:
    """Send metrics to ``meter`` and spans to ``tracer`` from now on; ``None`` stops it."""
    global _meter, _tracer  # one process tells of itself to one place
    _meter, _tracer = meter, tracer
    for metric in _metrics:
        metric.send_to(meter)

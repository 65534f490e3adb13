import asyncio
import importlib
import logging
import pkgutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from opentelemetry.trace import SpanKind

import service_host
from holdfast_testing import eventually
from service_host import exporters, telemetry
from service_host.logs import redacted
from service_host.settings import HostSettings
from service_host.telemetry import Counter, Event, Gauge, Histogram, Sizes, Span, Undeclared
from service_host_testing import Credentials, Echoing, Lines, Serve, refused

HELLO = BytesValue(value=b"hello")
SAMPLE_COUNTER = Counter("test.sample.counted", "How many samples were counted.", "kind")
SAMPLE_GAUGE = Gauge("test.sample.level", "How full the sample is.")
SAMPLE_LENGTH = Histogram("test.sample.duration", "How long the sample took.", "kind")
SAMPLE_SIZE = Sizes("test.sample.size", "How many things a sample has.")
SAMPLE_SPAN = Span("test.sample", "A sample being taken.", "kind")
SAMPLE_EVENT = Event("test_sample_taken", "A sample was taken.", "kind", "text")


@pytest.fixture
def kept() -> Iterator[exporters.InMemory]:
    with exporters.in_memory() as found:
        yield found


def numbers(kept: exporters.InMemory, name: str) -> list[Any]:
    data = kept.metrics.get_metrics_data()
    assert data is not None
    metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
    return [point for metric in metrics if metric.name == name for point in metric.data.data_points]


def test_every_name_of_this_package_is_declared_once_with_a_sentence() -> None:
    for module in pkgutil.iter_modules(service_host.__path__):
        importlib.import_module(f"service_host.{module.name}")
    ours = [found for found in telemetry.declared() if not found.name.startswith("test")]
    assert {"counter", "histogram", "span", "event"} <= {found.kind for found in ours}
    for found in ours:
        assert found.sentence[0].isupper()
        assert found.sentence.endswith(".")
        assert found.kind == "event" or found.name.startswith("holdfast.")


def test_a_name_declared_twice_or_without_a_sentence_is_a_mistake() -> None:
    with pytest.raises(Undeclared, match="declared twice"):
        Counter("test.sample.counted", "How many samples were counted.")
    with pytest.raises(Undeclared, match="needs a sentence"):
        Counter("test.sample.other", "samples")


def test_numbers_are_read_at_the_admin_port_whether_or_not_they_are_sent_on() -> None:
    SAMPLE_COUNTER.add(2, "a")
    SAMPLE_GAUGE.set(7)
    SAMPLE_LENGTH.record(0.2, "a")
    text = telemetry.exposition().decode()
    assert 'test_sample_counted_total{kind="a"} 2.0' in text
    assert "test_sample_level 7.0" in text
    assert 'test_sample_duration_bucket{kind="a",le="0.25"} 1.0' in text
    assert "# HELP test_sample_counted_total How many samples were counted." in text


def test_numbers_are_sent_on_when_telemetry_is_on(kept: exporters.InMemory) -> None:
    SAMPLE_COUNTER.add(3, "sent")
    SAMPLE_LENGTH.record(0.5, "sent")
    SAMPLE_GAUGE.set(1)
    (point,) = numbers(kept, "test.sample.counted")
    assert (point.value, dict(point.attributes)) == (3, {"kind": "sent"})
    assert numbers(kept, "test.sample.duration")[0].sum == 0.5
    assert numbers(kept, "test.sample.level")[0].value == 1


def test_how_many_things_there_were_is_spread_over_numbers_not_seconds(kept: exporters.InMemory) -> None:
    SAMPLE_SIZE.record(150)
    assert 'test_sample_size_bucket{le="200.0"} 1.0' in telemetry.exposition().decode()
    (point,) = numbers(kept, "test.sample.size")
    assert (point.explicit_bounds, point.sum) == (telemetry.SIZE_BUCKETS, 150)


def test_a_span_holds_declared_attributes_and_never_an_exceptions_text(kept: exporters.InMemory) -> None:
    with pytest.raises(ValueError, match="0170"), SAMPLE_SPAN.start(kind="a", number="0170 1234567"):
        raise ValueError("0170 1234567")
    (span,) = kept.spans.get_finished_spans()
    assert dict(span.attributes or {}) == {"kind": "a"}
    assert "0170" not in span.to_json()


def test_a_span_costs_nothing_while_tracing_is_off() -> None:
    with SAMPLE_SPAN.start(kind="a") as span:
        assert not span.is_recording()


async def test_a_call_is_traced_under_its_callers_trace(
    kept: exporters.InMemory, serve: Serve, credentials: Credentials
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with serve() as echoing:
        await echoing.method("Say")(HELLO, metadata=(*credentials(), ("traceparent", trace)))
        await refused(echoing.method("Fail")(BytesValue(value=b"0170 1234567"), metadata=credentials()))
    first, second = kept.spans.get_finished_spans()
    assert f"{first.context.trace_id:032x}" == trace.split("-")[1]
    assert dict(first.attributes or {}) == {"method": "/holdfast.echo.v1.EchoService/Say", "door": "grpc", "code": "OK"}
    assert (second.attributes or {})["code"] == "INTERNAL"
    assert first.kind is SpanKind.SERVER
    assert "1234567" not in second.to_json()


async def test_calls_are_counted_by_method_and_status(echoing: Echoing, credentials: Credentials) -> None:
    before = _counted("OK"), _counted("UNAUTHENTICATED")
    await echoing.method("Say")(HELLO, metadata=credentials())
    await refused(echoing.method("Say")(HELLO))
    await eventually(lambda: (_counted("OK"), _counted("UNAUTHENTICATED")) == (before[0] + 1, before[1] + 1))


def _counted(code: str) -> float:
    labels = {"door": "grpc", "method": "/holdfast.echo.v1.EchoService/Say", "code": code}
    return telemetry.REGISTRY.get_sample_value("holdfast_calls_total", labels) or 0.0


async def test_no_call_waits_for_a_collector_that_does_not_answer(serve: Serve, credentials: Credentials) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = HostSettings(insecure_dev=True, telemetry="otlp", otlp_endpoint=endpoint)
        async with exporters.exporting(settings, "test"), serve() as echoing:
            longest = 0.0
            for _ in range(300):
                begun = time.monotonic()
                await echoing.method("Say")(HELLO, metadata=credentials())
                longest = max(longest, time.monotonic() - begun)
        assert longest < 5, "it waits for the collector, which never answers"


def test_a_line_has_only_declared_keys(captured_logs: Lines) -> None:
    SAMPLE_EVENT.info(kind="a", name="Ann Example")
    (line,) = captured_logs
    assert (line["event"], line["kind"], line["undeclared_keys"]) == ("test_sample_taken", "a", ["name"])
    assert "Ann" not in str(captured_logs)


@pytest.mark.parametrize(
    "text",
    [
        "+49 170 1234567",
        "0170/1234567",
        "(030) 123-45-67",
        "+1 (555) 123-4567",
        "tel-01701234567",
        "x01701234567x",
        "sip:01701234567@host",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "٠١٧٠١٢٣٤٥٦٧",
        "1.2.3.4.5.6.7.8",
    ],
)
def test_what_looks_like_a_number_is_struck_out(text: str) -> None:
    assert not any(character.isdigit() for character in redacted(f"call {text} now"))


@pytest.mark.parametrize(
    "text",
    ["3f2c1d00-1234-4000-8000-123456789012", "2026-01-31T10:00:00.123456Z", "127.0.0.1:5432", "took 12345 ms"],
)
def test_ids_times_and_small_numbers_are_left(text: str) -> None:
    assert redacted(text) == text


def test_lines_of_libraries_lose_their_arguments_and_numbers(captured_logs: Lines) -> None:
    logger = logging.getLogger("library")
    logger.warning("calling %s for Ann", "0170 1234567")
    logger.warning("calling 0170 1234567")
    try:
        raise KeyError("0170 1234567")  # noqa: TRY301 - to be logged
    except KeyError:
        logger.exception("failed")
    assert "1234567" not in str(captured_logs)
    assert [line["message"] for line in captured_logs] == ["calling %s for Ann", "calling [number]", "failed"]
    assert list(captured_logs)[2]["error_class"] == "KeyError"


async def test_a_flood_of_failures_is_logged_in_part_and_counted(
    echoing: Echoing, credentials: Credentials, captured_logs: Lines
) -> None:
    fail = echoing.method("Fail")
    for _ in range(4):
        await asyncio.gather(*(refused(fail(HELLO, metadata=credentials())) for _ in range(50)))
    assert len(list(captured_logs)) < 150


def test_closing_waits_a_moment_and_no_longer() -> None:
    ended, may_end = threading.Event(), threading.Event()

    def close() -> None:
        may_end.wait(60)
        ended.set()

    exporters._within(0.05, close)  # noqa: SLF001 - the bound itself
    assert not ended.is_set()
    may_end.set()

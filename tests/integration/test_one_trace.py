"""One trace through all processes: from a teller's request by the log, the relay and the topic to the facts.

Every process exports by its own settings, as in production; what they send is taken by a collector in the test.
"""

import asyncio
import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict

import system_parts
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast_testing import eventually_blocking
from otlp_receiver import Link, Received, Receiver, receiving
from public_doors import Doors, Teller
from system_parts import WITHIN, Part, Parts

pytestmark = pytest.mark.timeout(600)

PARTITIONS = 2
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
"""Spans are sent after so many milliseconds, where it would be seconds."""


@pytest.fixture
def parts(folder: Path) -> Iterator[Parts]:
    with system_parts.started(folder / "parts") as running:
        yield running


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def exporting(part: Part, prefix: str, collector: Receiver) -> Part:
    """Have a part tell a collector of its spans from its next start on."""
    told = {"TELEMETRY": "otlp", "OTLP_ENDPOINT": collector.address}
    part.environment |= SOON | {f"HOLDFAST_{prefix}_{key}": value for key, value in told.items()}
    return part


def carried(parts: Parts, collector: Receiver, bootstrap: str) -> None:
    """Have every process on the way of a fact export, a relay and a metrics on its topic among them."""
    call_events, topic = parts.services["call-events"], f"call-events-{secrets.token_hex(4)}"
    call_events.kill()
    exporting(call_events, "CALL_EVENTS", collector).start()
    exporting(parts.relay(bootstrap, topic, PARTITIONS=str(PARTITIONS)), "RELAY", collector).start()
    facts = parts.database("facts_of_the_topic")
    feed = f"kafka://{bootstrap}/{topic}?log={parts.addresses.call_events_log}"
    reader = exporting(parts.another("metrics", DATABASE_URL=facts, FEED=feed), "METRICS", collector)
    reader.migrate()
    reader.start()


async def tell(doors: Doors, chance: random.Random, traceparent: str) -> None:
    events = [ParseDict(event, ContactEvent()) for event in Teller(chance).abandoned("sales", wait=3)]
    async with doors.calling() as stub:
        request = pb.RecordContactEventsRequest(events=events)
        answer = await stub.RecordContactEvents(request, metadata=(("traceparent", traceparent),))
    assert all(verdict.HasField("recorded") for verdict in answer.verdicts)


def test_what_a_teller_traces_leads_through_every_process_to_the_facts(
    parts: Parts, collector: Receiver, chance: random.Random, kafka_bootstrap: str
) -> None:
    carried(parts, collector, kafka_bootstrap)
    trace, span = chance.randbytes(16).hex(), chance.randbytes(8).hex()
    asyncio.run(tell(Doors(parts.addresses, parts.issuer()), chance, f"00-{trace}-{span}-01"))

    def of_trace(name: str) -> Received:
        return next(one for one in collector.named(name, "call-events") if one.trace_id == trace)

    def linked(name: str, service: str, to: Received) -> bool:
        return any(Link(trace, to.span_id) in one.links for one in collector.named(name, service))

    def whole() -> bool:
        assert {one.name for one in collector.spans if one.trace_id == trace} == {
            "holdfast.call",
            "holdfast.call_events.record",
            "holdfast.call_events.append",
        }
        record = of_trace("holdfast.call_events.record")
        assert linked("holdfast.call_events.relay.window", "call-events-relay", record)
        assert linked("holdfast.metrics.fold", "metrics", record)
        return True

    eventually_blocking(whole, within=WITHIN)
    call, record = of_trace("holdfast.call"), of_trace("holdfast.call_events.record")
    append = of_trace("holdfast.call_events.append")
    assert [call.parent_id, record.parent_id, append.parent_id] == [span, call.span_id, record.span_id]

"""The relay as a process: everything told stands in the topic, whichever of two relays is killed or drained."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from admin_doors import figures
from call_events.relay import Settings, Told, measure_lag, tell_lag
from event_log.connections import Connections
from event_log.kafka.checkpoints import PostgresCheckpoints
from event_log.kafka.errors import BrokerUnavailable
from event_log.kafka.shares import Share
from event_log.kafka.topic import TopicSettings, ensure_topic
from event_log.kafka.window import Checkpoint, Outgoing, Window
from event_log.memory import MemoryLog
from event_log.model import Cursor
from event_log_testing import fill
from holdfast_testing import eventually
from kafka_testing import TopicReader, a_relayed_log, reading, topic_name
from service_host import exporters, telemetry
from service_host.settings import WrongSettings, load

PARTITIONS = 6
WITHIN = timedelta(seconds=30)


@dataclass
class RelayProcess:
    """A relay that was started: its process, and what it said when it was ready."""

    process: "subprocess.Popen[bytes]"
    ready: dict[str, Any]

    def figures(self) -> Mapping[str, float]:
        """Its metrics without labels."""
        return figures(self.ready["admin"])

    def end(self, how: int = signal.SIGTERM) -> int:
        """End it, and wait until it has."""
        self.process.send_signal(how)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def told(service: Any, bootstrap: str, topic: str, **more: str) -> dict[str, str]:
    """The environment of a relay beside the service."""
    words = {"BOOTSTRAP": bootstrap, "TOPIC": topic, "PARTITIONS": str(PARTITIONS), "ADMIN_ADDRESS": "127.0.0.1:0"}
    shared = {name: value for name, value in service.environment.items() if "CALL_EVENTS" not in name}
    return shared | {f"HOLDFAST_RELAY_{name}": value for name, value in (words | more).items()}


@contextmanager
def relays(environment: dict[str, str]) -> Iterator[Callable[[], RelayProcess]]:
    """Give what starts relays; those that still run are killed at the end."""
    started: list[RelayProcess] = []

    def start() -> RelayProcess:
        command = [sys.executable, "-m", "call_events", "relay"]
        process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        started.append(RelayProcess(process, json.loads(process.stdout.readline())))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


async def whole(reader: TopicReader, events: int) -> None:
    """Wait until a topic holds so many events, in order and without a hole."""

    def there() -> bool:
        reader.read()
        return len(reader.events()) == events

    await eventually(lambda: asyncio.to_thread(there), within=WITHIN)


@pytest.mark.timeout(180)
async def test_every_event_is_relayed_though_relays_sleep_and_die(
    service: Any, another: Any, kafka_bootstrap: str
) -> None:
    topic = topic_name("relayed")
    with relays(told(service, kafka_bootstrap, topic)) as start:
        first = start()
        teller = another()
        await teller.record(*(teller.event(contact_arrived={}) for _ in range(50)))
        second = start()
        with reading(kafka_bootstrap, topic, range(PARTITIONS)) as reader:
            await whole(reader, 50)
            await eventually(lambda: first.figures()["holdfast_call_events_relay_events_total"] == 50)
            await eventually(lambda: first.figures()["holdfast_call_events_relay_behind"] == 0)
            first.process.send_signal(signal.SIGSTOP)
            await teller.record(*(teller.event(contact_arrived={}) for _ in range(20)))
            await whole(reader, 70)
            first.process.send_signal(signal.SIGCONT)
            second.end(signal.SIGKILL)
            await teller.record(*(teller.event(contact_arrived={}) for _ in range(10)))
            await whole(reader, 80)
            assert first.end() == 0
        assert [event.position for event in reader.events()] == list(range(1, 81))


def test_a_topic_that_is_otherwise_ends_the_start_with_one_sentence(service: Any, kafka_bootstrap: str) -> None:
    topic = topic_name("otherwise")
    ensure_topic(kafka_bootstrap, TopicSettings(topic, partitions=2))
    environment = os.environ | told(service, kafka_bootstrap, topic)
    command = [sys.executable, "-m", "call_events", "relay"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    sentence = f"Topic {topic} has partitions 2, not 6 as stated: state what it has, or name another topic."
    assert sentence in ended.stderr.splitlines()


async def test_a_relay_that_cannot_reach_the_topic_says_it_is_not_well() -> None:
    watch = Told()
    assert await watch.well()
    watch.interrupted(BrokerUnavailable("no answer"))
    assert not await watch.well()


def test_what_reaches_the_broker_is_security_and_nothing_else() -> None:
    given = {"bootstrap": "broker:9092", "insecure_dev": True}
    settings = load(Settings, **given, client={"security_protocol": "SASL_SSL", "sasl_plain_password": "secret"})
    assert "secret" not in repr(settings)
    with pytest.raises(WrongSettings, match="acks does not begin with security_, ssl_ or sasl_"):
        load(Settings, **given, client={"acks": "0"})


def test_a_window_is_linked_to_the_requests_that_told_its_events() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    event = Outgoing(1, 0, b"key", b"value", "ContactArrived", "bank", f"00-{trace}-b7ad6b7169203331-01")
    window = Window([event, event._replace(traceparent="")], Cursor("log", 1, 2), 2)
    with exporters.in_memory() as kept:
        with Told().sending(window):
            pass
        (span,) = [span for span in kept.spans.get_finished_spans() if span.name.endswith("relay.window")]
    assert [format(link.context.trace_id, "032x") for link in span.links] == [trace]
    assert span.attributes == {"events": 2}


async def test_a_checkpoint_beyond_the_head_of_a_restored_log_ends_nothing() -> None:
    await tell_lag(MemoryLog(), Checkpoint(Cursor("memory", 1, 100), {0: 100}))


async def test_what_a_topic_lacks_is_told_though_nothing_was_ever_sent(fresh_database: str) -> None:
    async with a_relayed_log(fresh_database) as (log, schema):
        await fill(log, range(1, 4))
        connections, watch = Connections(fresh_database, schema), Told()
        checkpoints = PostgresCheckpoints(connections, "t", Share(1, 1), 2, "test")
        watch.took(await checkpoints.take())
        measuring = asyncio.create_task(measure_lag(log, checkpoints, watch))
        await eventually(lambda: b"holdfast_call_events_relay_behind 3.0" in telemetry.exposition())
        watch.lost()
        await eventually(lambda: b"holdfast_call_events_relay_behind 0.0" in telemetry.exposition())
        measuring.cancel()
        await connections.close()

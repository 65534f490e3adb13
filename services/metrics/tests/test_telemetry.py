"""What metrics tells about itself: every name declared once, folds linked to the requests behind them."""

from dataclasses import replace

import pytest

from event_log.kafka.feed import KafkaFeed
from event_log.kafka.polling import Topic
from event_log.kafka.record import Origin
from holdfast_testing import eventually
from live_facts import a_scene, following
from metrics import telemetry
from metrics.facts import Facts
from service_host import exporters
from telemetry_testing import not_declared, told_elsewhere
from told_contacts import chance_of, contacts, in_time
from topic_testing import a_carrier, a_topic

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
ASKED = ("folded", "parked", "behind", "lag", "duplicate", "holes", "conflicts")


def test_what_operators_ask_for_is_declared_with_a_sentence() -> None:
    assert not_declared(ASKED, "metrics") == []


def test_every_name_that_is_told_is_declared_in_one_place() -> None:
    assert told_elsewhere("metrics") == []


@pytest.mark.parametrize("carried", [False, True])
async def test_a_fold_is_linked_to_the_requests_that_told_its_events(
    fresh_database: str, kafka_bootstrap: str, *, carried: bool
) -> None:
    events = [replace(event, traceparent=TRACEPARENT) for event in in_time(contacts(chance_of(1), 2, 0.0))]
    with exporters.in_memory() as kept:
        async with a_scene(fresh_database) as scene:
            head = await scene.log.head()
            origin = Origin(head.log_id, head.incarnation, 1)
            with a_topic(kafka_bootstrap) as topic, a_carrier(kafka_bootstrap, topic, origin) as carrier:
                feed = KafkaFeed("kafka", scene.log, Topic((kafka_bootstrap,), topic))
                shared = replace(scene, facts=Facts(scene.database, feed)) if carried else scene
                async with following(shared):
                    await scene.tell(events)
                    await carrier.follow(scene.log)
                    await scene.caught_up()
                    await eventually(lambda: _linked(kept))


def _linked(kept: exporters.InMemory) -> bool:
    spans = [span for span in kept.spans.get_finished_spans() if span.name == telemetry.FOLD.declared.name]
    return any(format(link.context.trace_id, "032x") == TRACE for span in spans for link in span.links)

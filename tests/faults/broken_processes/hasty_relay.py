"""call-events' relay, but it moves its checkpoint as soon as a window is handed to the client library."""

import runpy
from collections.abc import Sequence
from typing import Any

from event_log.kafka import producing
from event_log.kafka.window import ToSend


def _handed_over(producer: Any, topic: str, records: Sequence[ToSend], seconds: float) -> None:
    del seconds  # nothing is waited for
    for partition, key, value, headers in records:
        producer.send(topic, value=value, key=key, headers=headers, partition=partition)


producing.sent = _handed_over
runpy.run_module("call_events", run_name="__main__")

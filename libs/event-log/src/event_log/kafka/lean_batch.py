"""A partition's records of a window as one of the library's batches, made with a part of its own work.

The library's `send` looks at every header of every record, makes an object and a lock's turn for each, and writes its
bytes one by one; most of a relay's time went there. Here the records' bytes are made at once and put where its own
would stand. From there on the batch is the library's: sequence, checksum, retries and acknowledgement.
"""

import time
from collections.abc import Sequence
from typing import Any

from kafka.producer.producer_batch import FinalState, ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder
from kafka.structs import TopicPartition

from event_log.kafka.batch_form import record_bytes
from event_log.kafka.window import ToSend

MAGIC = 2


def put(producer: Any, topic: str, partition: int, records: Sequence[ToSend]) -> ProducerBatch:
    """Hand a producer the records of one partition as one batch, sent with its next flush."""
    batch = batch_of(producer.config["batch_size"], TopicPartition(topic, partition), records)
    accumulator = producer._accumulator  # noqa: SLF001  # see above
    with accumulator._tp_lock(batch.topic_partition):  # noqa: SLF001
        accumulator._batches[batch.topic_partition].append(batch)  # noqa: SLF001
        accumulator._incomplete.add(batch)  # noqa: SLF001
    return batch


def trouble_of(batch: ProducerBatch) -> str:
    """Return why a batch is not known to be acknowledged as a whole, empty if it is.

    One that the broker found too large goes on as two, of which the batch itself tells nothing: it is not known.
    """
    if batch.final_state is FinalState.SUCCEEDED:
        return ""
    outcome = batch.produce_future.value if batch.is_done else None
    told = outcome[2] if outcome else None
    return type(told(0)).__name__ if told else "no answer"


def batch_of(size: int, partition: TopicPartition, records: Sequence[ToSend]) -> ProducerBatch:
    """Return a batch of records, that the library may make as large as `size`."""
    told = [record_bytes(number, key, value, headers) for number, (_, key, value, headers) in enumerate(records)]
    builder = MemoryRecordsBuilder(MAGIC, 0, size)
    inner = builder._builder  # noqa: SLF001
    inner._buffer += b"".join(told)  # noqa: SLF001
    inner._first_timestamp = inner._max_timestamp = int(time.time() * 1000)  # noqa: SLF001
    inner._num_records, inner._last_offset = len(told), len(told) - 1  # noqa: SLF001
    builder.skip(len(told))
    batch = ProducerBatch(partition, builder)
    batch.max_record_size = max(map(len, told))
    return batch

"""Which estimates of waits, and places in queues, a caller hears at a node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr_routing.flow import fields, words
from ivr_routing.flow.document import Document, Queue, Spoken
from ivr_routing.flow.expression import Value
from ivr_routing.flow.step import Context, EstimateTold


def waits_heard(
    document: Document, node: Spoken, language: str, values: Mapping[str, Value], context: Context
) -> Iterator[EstimateTold]:
    """Yield what a node tells of waits; words that name something unknown are not heard at all."""
    heard = set(words.named_fields(node.say, language, document.language))
    if not heard <= values.keys():
        return
    for queue in fields.queues(document):
        told = heard.intersection(fields.waiting_fields(queue))
        if told:
            place = context.queue_positions[queue] if fields.waiting_fields(queue)[2] in told else 0
            begins = isinstance(node, Queue) and node.queue == queue
            yield EstimateTold(queue, context.estimated_waits[queue], place, context.next_visit_id if begins else "")

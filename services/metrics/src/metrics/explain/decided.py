"""What routing decided, found again from the events of its own log: folded by the declarations, without any table."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from event_log.model import Event
from event_log.packed import pack
from metrics.explain.reference import Reference
from metrics.fact.batch import COLUMNS, batch_of
from metrics.fact.declaration import Fact
from metrics.fact.payload_kinds import DECIDED
from metrics.fact.routing_fold import fold_decisions

Decided = Mapping[str, Sequence[Event]]
"""Events of routing's log by stream, each stream whole."""


def rows_of(decided: Decided, fact: Fact) -> list[dict[str, Any]]:
    """Return the rows of one fact that some streams of routing's log tell."""
    told = [event for events in decided.values() for event in events if event.type in fact.ids]
    if not told:
        return []
    rows = fold_decisions(batch_of(pack(told, COLUMNS))).get(fact.name)
    return [] if rows is None else rows.to_dicts()


def references(decided: Decided, fact: Fact, field: str, log_id: str) -> dict[str, tuple[Reference, ...]]:
    """Return the events that tell of each entity of a fact, which a field of their payload names."""
    found: defaultdict[str, list[Reference]] = defaultdict(list)
    for events in decided.values():
        for event in events:
            if event.type in fact.ids and (name := _named(event, field)):
                found[name].append(Reference.of(log_id, event))
    return defaultdict(tuple, {name: tuple(told) for name, told in found.items()})


def _named(event: Event, field: str) -> str:
    try:
        body: Any = DECIDED[event.type].FromString(event.payload)
    except DecodeError:  # parked, in facts too
        return ""
    return str(getattr(body, field))
